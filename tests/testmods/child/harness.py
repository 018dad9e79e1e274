"""Runs in the interpreter under test: places where a copy of the module lives, and verdicts.

An exercise calls main(observe). Exit code 0 means the harm was observed, 1 that it was not, 2 that
the exercise itself failed; a death by signal is none of these.
"""

import ast
import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
import traceback

WRAPPER = """
import os as _os
_out = {{}}
try:
    exec({code!r}, globals())
    _out["value"] = globals().get("result")
except BaseException as _error:
    _out["error"] = type(_error).__name__ + ": " + str(_error)
_os.write({fd}, repr(_out).encode())
"""


class Failed(Exception):
    """Code in another interpreter raised; the text is 'TypeName: message'."""


def interpreters_module():
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise RuntimeError("this Python has no module to make interpreters with")


class Interpreter:
    """A subinterpreter; kind is own-gil or shared-gil."""

    # 3.12 ends an interpreter with the last reference to its id, before main() has reported.
    alive = []

    def __init__(self, kind):
        self.api = interpreters_module()
        if self.api.__name__ == "_interpreters":
            self.id = self.api.create("isolated" if kind == "own-gil" else "legacy")
        else:
            self.id = self.api.create(isolated=kind == "own-gil")
        self.alive.append(self.id)

    def run(self, code):
        """Runs code there and returns what it left in `result` (a plain literal)."""
        reader, writer = os.pipe()
        try:
            problem = self.api.run_string(self.id, WRAPPER.format(code=code, fd=writer))
        finally:
            os.close(writer)
            with os.fdopen(reader, "rb") as stream:
                answer = stream.read()
        if problem is not None or not answer:
            raise RuntimeError(f"the interpreter did not answer: {problem}")
        out = ast.literal_eval(answer.decode())
        if "error" in out:
            raise Failed(out["error"])
        return out["value"]

    def close(self):
        self.alive.remove(self.id)
        self.api.destroy(self.id)


class Copy:
    """A module object in the main interpreter; a second one is a reload."""

    def __init__(self, name):
        self.name = name
        sys.modules.pop(name, None)
        self.space = {"mod": importlib.import_module(name)}

    def run(self, code):
        self.space.pop("result", None)
        exec(code, self.space)
        return self.space.get("result")

    def close(self):
        """Drops the module object for good, which runs its m_free."""
        if sys.modules.get(self.name) is self.space.get("mod"):
            sys.modules.pop(self.name, None)
        self.space.clear()
        gc.collect()


class Shared:
    """One thread's view of a module that all threads share."""

    def __init__(self, module):
        self.space = {"mod": module}

    run = Copy.run

    def close(self):
        self.space.clear()


def places(name, context, count=2):
    """`count` places with `mod` bound, of the kind that the context names."""
    if context in ("own-gil", "shared-gil"):
        made = [Interpreter(context) for _ in range(count)]
        for place in made:
            place.run(f"import {name} as mod")
        return made
    if context == "reload":
        return [Copy(name) for _ in range(count)]
    module = importlib.import_module(name)
    if context == "free-threaded":
        require_no_gil()
        return [Shared(module) for _ in range(count)]
    return [Shared(module)]


def require_no_gil():
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        raise RuntimeError("the GIL is on: set PYTHON_GIL=0 on a free-threaded build")


def together(where, code):
    """Runs code in all places at once, one thread each; returns the results."""
    barrier = threading.Barrier(len(where))
    results = [None] * len(where)
    errors = []

    def body(index):
        barrier.wait()
        try:
            results[index] = where[index].run(code)
        except BaseException as error:  # handed to the caller's thread below
            errors.append(error)

    threads = [threading.Thread(target=body, args=(index,)) for index in range(len(where))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def fate(name, context, code):
    """What became of `code` in a process of its own, with `where` bound to two places: the name of
    the signal that killed it, else what it printed, else None."""
    script = (f"import harness\nname, context = {name!r}, {context!r}\n"
              f"where = harness.places(name, context)\n{code}\n")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          timeout=50)
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return done.stdout.strip() or None


def main(observe):
    """Calls observe(name, context) -> text of the harm or None, and exits accordingly."""
    name = os.environ.get("TESTMOD_NAME")
    if not name or len(sys.argv) != 2:
        sys.exit("usage: TESTMOD_NAME=<module> python exercise.py <context>")
    try:
        harm = observe(name, sys.argv[1])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(2)
    if harm:
        # What was broken may well crash the way out; the observation is made.
        print("harm:", harm, flush=True)
        os._exit(0)
    print("no harm", flush=True)
    sys.exit(1)
