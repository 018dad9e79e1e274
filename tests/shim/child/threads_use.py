"""Mutex, once and foreign threads of the shim, one section per promise."""

import sys
import threading
import time

import interps
import threads_probe as probe

OWN_GIL = "own" in sys.argv
PATIENCE = 120  # seconds; for a loaded machine, nothing is measured by it


def in_threads(count, function, *arguments):
    problems = []

    def body():
        try:
            function(*arguments)
        except BaseException as error:
            problems.append(repr(error))
    threads = [threading.Thread(target=body) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread hangs"
    return problems


def mutex_counts():
    before = probe.counter()
    assert not in_threads(4, probe.count, 20000)
    assert probe.counter() - before == 80000, probe.counter() - before


def mutex_counts_across_interpreters():
    before = probe.counter()
    made = [interps.create(OWN_GIL) for _ in range(2)]
    threads = [threading.Thread(target=interps.execute, args=(
        each, "import threads_probe as p\np.count(50000)")) for each in made]
    for thread in threads:
        thread.start()
    probe.count(50000)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    for each in made:
        interps.destroy(each)
    assert probe.counter() - before == 150000, probe.counter() - before


def mutex_never_blocks_the_gil():
    """The holder runs Python code and sleeps; with the GIL held by a waiter this would hang."""
    def slow():
        for _ in range(3):
            time.sleep(0.005)
            sum(range(1000))
    assert not in_threads(6, lambda: [probe.locked_call(slow) for _ in range(5)])


def sections():
    assert probe.sections([1, 2, 3]) == 6
    assert not in_threads(4, probe.section_count, 20000)
    assert probe.section_count(1) == 80001


def once_in_the_process():
    probe.set_failures(2)
    for _ in range(2):
        try:
            probe.process_once(lambda: None)
        except ValueError:
            continue
        raise AssertionError("the failure did not come through")

    def again():
        try:
            probe.process_once(lambda: None)
        except RuntimeError as error:
            raise KeyError(str(error))
    try:
        probe.process_once(again)
    except KeyError as error:
        assert "called for itself" in str(error)
    else:
        raise AssertionError("no error for a function that calls for itself")
    runs = []

    def slow():
        runs.append(1)
        time.sleep(0.05)
    assert not in_threads(6, probe.process_once, slow)
    assert runs == [1], runs
    other = interps.create(False)
    interps.execute(other, "import threads_probe as p\n"
                           "assert p.process_once(lambda: 1 / 0) == 1")
    interps.destroy(other)


def once_in_each_interpreter():
    code = """
import threads_probe as p
runs = []
for attempt in range(2):
    try:
        p.interp_once(lambda: 1 / 0)
    except ZeroDivisionError:
        pass
for _ in range(3):
    p.interp_once(lambda: runs.append(1))
assert runs == [1], runs
"""
    exec(code, {})
    for _ in range(3):
        other = interps.create(OWN_GIL)
        interps.execute(other, code)
        interps.destroy(other)


def foreign_thread_here():
    seen = []
    probe.set_callback(lambda: seen.append(threading.get_ident()))
    assert probe.visit(50) == (50, 0, 0)
    assert len(seen) == 50 and threading.get_ident() not in seen
    assert probe.visit_here() == (1, 0, 0, 1)
    assert seen[-1] == threading.get_ident()


def foreign_thread_elsewhere():
    """A subinterpreter's callback must run in that interpreter, not in the main one."""
    probe.set_callback(lambda: 1 / 0)
    other = interps.create(OWN_GIL)
    interps.execute(other, """
import threads_probe as p
seen = []
p.set_callback(lambda: seen.append(1))
assert p.visit(50) == (50, 0, 0)
assert p.visit_here() == (1, 0, 0, 1)
assert len(seen) == 51, len(seen)
""")
    interps.destroy(other)
    probe.set_callback(None)


def end_with_visitor(interpreter):
    """Before 3.12 _xxsubinterpreters itself refuses while a visitor has a thread state there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            interps.destroy(interpreter)
            return
        except RuntimeError as error:
            assert sys.version_info < (3, 12) and "more than one thread" in str(error), error
            time.sleep(0.0003)
    raise AssertionError("the interpreter was never without its visitor")


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


def visitor_of_an_interpreter_that_ends():
    """The visitor goes on while its interpreter ends, and is refused from then on."""
    for _ in range(5):
        other = interps.create(OWN_GIL)
        interps.execute(other, """
import threads_probe as p, time
p.set_callback(lambda: [time.sleep(0.001), sum(range(100))])
p.start_lasting(1)
""")
        wait_for(lambda: probe.lasting()[0] > 2, "no visit")
        end_with_visitor(other)
        # Another one may stand at the same address: the visitor must not get into that.
        stranger = interps.create(OWN_GIL)
        interps.execute(stranger, "import threads_probe as p\np.set_callback(lambda: 1 / 0)")
        seen, before, _ = probe.lasting()
        wait_for(lambda: probe.lasting()[1] > before + 20, "no visit is refused")
        visits, refused, failed = probe.join_lasting()
        interps.destroy(stranger)
        assert visits == seen, (visits, seen, refused)
        assert failed == 0, failed


def from_one_interpreter_into_another():
    other = interps.create(OWN_GIL)
    interps.execute(other, """
import threads_probe as p
seen = []
p.set_callback(lambda: seen.append(1))
p.start_lasting(-1)
""")
    probe.set_callback(lambda: 1 / 0)
    assert probe.visit_other() == (1, 0, 0, 1)
    interps.execute(other, "assert seen == [1]")
    interps.destroy(other)
    assert probe.visit_other() == (0, 1, 0, 1)
    probe.join_lasting()
    probe.set_callback(None)


def module_is_freed():
    before = probe.freed()
    other = interps.create(OWN_GIL)
    interps.execute(other, "import threads_probe")
    interps.destroy(other)
    assert probe.freed() == before + 1, (before, probe.freed())


for check in (mutex_counts, mutex_counts_across_interpreters, mutex_never_blocks_the_gil, sections,
              once_in_the_process, once_in_each_interpreter, foreign_thread_here,
              foreign_thread_elsewhere, visitor_of_an_interpreter_that_ends,
              from_one_interpreter_into_another, module_is_freed):
    try:
        check()
    except BaseException:
        print("in", check.__name__, file=sys.stderr)
        raise
# The main interpreter ends with a visitor under way.
probe.set_callback(lambda: time.sleep(0.001))
probe.start_lasting(0)
wait_for(lambda: probe.lasting()[0] > 0, "no visit")
print("all held")
