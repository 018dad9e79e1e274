"""Runs CPython's own tests of executors with extpool's pool in place of InterpreterPoolExecutor.

Started by test_cpython_suite.py in the interpreter under test: cpython_child.py BUILD [TEST ...].
Prints one line per test: result, a tab, the test's name. What is put in place of the original: the executor
class; the exception types (ours derive from the same bases); in scripts that tests start, the
import; and an event made of a channel, since CPython skips the tests that need one."""

import os
import sys
import unittest

BUILD, ONLY = sys.argv[1], sys.argv[2:]
sys.path.insert(0, BUILD)

import extpool  # noqa: E402
from concurrent import futures  # noqa: E402


class InterpreterPoolExecutor(extpool.InterpreterPool):
    """Only the name, which tests look for in thread names and scripts."""

    def __init__(self, max_workers=None, thread_name_prefix="", *args, **kwargs):
        super().__init__(max_workers, thread_name_prefix or "InterpreterPoolExecutor-x", *args,
                         **kwargs)


futures.InterpreterPoolExecutor = InterpreterPoolExecutor

from test.support import script_helper  # noqa: E402
from test.test_concurrent_futures import util  # noqa: E402
from cpython_event import ChannelEvent  # noqa: E402

PREFIX = (f"import sys; sys.path.insert(0, {BUILD!r}); from extpool import InterpreterPool as "
          "InterpreterPoolExecutor")
ORIGINAL_IMPORTS = ("from concurrent.futures import InterpreterPoolExecutor\n",
                    "from concurrent.futures import *\n")
original_assert_python_ok = script_helper.assert_python_ok


def with_our_import(text):
    for line in ORIGINAL_IMPORTS:
        text = text.replace(line, PREFIX + "\n")
    return text


def assert_python_ok(*args, **env):
    changed = []
    for arg in args:
        if os.path.isfile(arg) and arg.endswith(".py"):
            with open(arg, encoding="utf-8") as file:
                text = with_our_import(file.read())
            with open(arg, "w", encoding="utf-8") as file:
                file.write(text)
        changed.append(with_our_import(arg))
    return original_assert_python_ok(*changed, **env)


script_helper.assert_python_ok = assert_python_ok
util.InterpreterPoolMixin.create_event = lambda self: ChannelEvent()

from test.test_concurrent_futures import (  # noqa: E402
    test_as_completed, test_init, test_interpreter_pool, test_shutdown, test_thread_pool, test_wait)

test_interpreter_pool.BrokenInterpreterPool = extpool.BrokenInterpreterPool
test_shutdown.assert_python_ok = assert_python_ok

# Mixins that CPython itself runs with other executors only.
MORE = {
    "InterpreterPoolWaitTest": (test_wait.WaitTests, test_wait),
    "InterpreterPoolExecutorShutdownTest": (test_shutdown.ExecutorShutdownTest, test_shutdown),
}


def named(tests):
    """Those that were asked for."""
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from named(test)
        elif not ONLY or name_of(test) in ONLY:
            yield test


def name_of(test):
    return ".".join(test.id().split(".")[-2:])


def suite():
    loader = unittest.TestLoader()
    found = unittest.TestSuite()
    for module in (test_as_completed, test_init, test_interpreter_pool, test_wait):
        for name, case in sorted(vars(module).items()):
            if (isinstance(case, type) and issubclass(case, unittest.TestCase)
                    and issubclass(case, util.InterpreterPoolMixin)):
                found.addTests(loader.loadTestsFromTestCase(case))
    for name, (mixin, module) in MORE.items():
        case = type(name, (mixin, util.InterpreterPoolMixin, util.BaseTestCase),
                    {"__module__": module.__name__})
        found.addTests(loader.loadTestsFromTestCase(case))
    return unittest.TestSuite(named(found))


class Lines(unittest.TextTestResult):
    def tell(self, result, test):
        print(f"{result}\t{name_of(test)}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell("ok", test)

    def addError(self, test, err):
        super().addError(test, err)
        self.tell("failed", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell("failed", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell("skipped", test)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.tell("ok", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.tell("failed", test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.tell("failed", test)


if __name__ == "__main__":
    done = unittest.TextTestRunner(stream=sys.stderr, resultclass=Lines).run(suite())
    print(f"ran\t{done.testsRun}", flush=True)
