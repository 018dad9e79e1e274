"""The first use of a binary by several interpreters at once and several threads of each, in the first
round by anybody in this process: first_import.py PATH INTERPRETERS THREADS ROUNDS own|shared.

Threads of one interpreter share its import lock, so they execute module objects of their own: each
runs the init function, and ExtShim_Begin() in it, at the same moment.
"""

import os
import sys
import threading

import interps

PATH = sys.argv[1]
INTERPRETERS, THREADS, ROUNDS = map(int, sys.argv[2:5])
OWN_GIL = sys.argv[5] == "own"
CODE = """
import importlib.machinery, importlib.util, threading, time
loader = importlib.machinery.ExtensionFileLoader("kinds", {path!r})
found, wrong, ready = [], [], []

def load():
    try:
        spec = importlib.util.spec_from_file_location("kinds", {path!r}, loader=loader)
        module = importlib.util.module_from_spec(spec)
        ready.append(1)
        while len(ready) < {threads} and not wrong:
            time.sleep(0)
        loader.exec_module(module)
        found.append(module)
    except BaseException as error:
        wrong.append(repr(error))

threads = [threading.Thread(target=load) for _ in range({threads})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong, wrong
assert len(found) == {threads}
assert len({{module.Num for module in found}}) == 1, "two types for one template"
first = found[0]
total = sum(module.Num(1).value + (module.Num(1) + module.Wide(1)).value for module in found)
assert total == 3 * {threads}, total
ordered = first.sorted([first.Num(number) for number in (3, 1, 2)])
assert [number.value for number in ordered] == [1, 2, 3]
assert all(module.counts() == first.counts() for module in found), "two states"
with open({said}, "w", closefd=False) as stream:
    stream.write(str(id(first.Num)) + "\\n")
"""


def first_use():
    reader, writer = os.pipe()
    code = CODE.format(path=PATH, threads=THREADS, said=writer)
    made = [interps.create(OWN_GIL) for _ in range(INTERPRETERS)]
    wrong = []

    def run(interpreter):
        try:
            interps.execute(interpreter, code)
        except Exception as error:
            wrong.append(error)
    threads = [threading.Thread(target=run, args=(each,)) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in wrong:
        raise error
    os.close(writer)
    with open(reader, encoding="ascii") as stream:
        types = stream.read().split()
    assert len(types) == INTERPRETERS, types
    assert len(set(types)) == INTERPRETERS, "interpreters share a type"
    for each in made:
        interps.destroy(each)


for _ in range(ROUNDS):
    first_use()
print(f"{ROUNDS} times {INTERPRETERS} interpreters with {THREADS} threads")
