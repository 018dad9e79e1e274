"""Functions of the script that is run: what becomes of its globals in the workers."""

import collections
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings
import zipfile

import extpool

CONFIG = None
NUMBER = 0
TABLE = {}
FOUND = []
SEEN = set()
STATS = collections.Counter()
THING = None
LOCK = threading.Lock()


class Box:
    def __init__(self):
        self.count = 0


BOX = Box()


def set_up(key):
    global CONFIG, NUMBER, THING
    CONFIG = {"key": key}
    NUMBER = 5
    THING = object()
    TABLE.update(a=1)
    FOUND.extend([1, 2])


def set_up_oddly():
    globals()["CONFIG"] = "odd"


def set_up_locked(key):
    with LOCK:
        set_up(key)


def read_locked():
    with LOCK:
        return read()


def remember_a_box(key):
    TABLE[key] = Box()
    return sorted(TABLE)


def read():
    return CONFIG, NUMBER, dict(TABLE), list(FOUND), type(THING).__name__


def read_config():
    return CONFIG


def read_by_another():
    return read_config()


def remember(value):
    TABLE[value] = 1
    return len(TABLE)


def look_up():
    return dict(TABLE)


def count_all():
    FOUND.append(1)
    SEEN.add(str(len(SEEN)))
    STATS["n"] += 1
    BOX.count += 1
    return len(FOUND), len(SEEN), STATS["n"], BOX.count


def set_number(value):
    global NUMBER
    NUMBER = value


def read_number():
    return NUMBER


def count_calls():
    count_calls.n = getattr(count_calls, "n", 0) + 1
    return count_calls.n


def read_large():
    return len(LARGE)


def read_large_at(index):
    return int(LARGE[index].split()[1])


LARGE = ()
REGISTRY = {"found": FOUND}


def read_number_too():
    return NUMBER, len(SEEN)


def forget_number():
    global NUMBER
    del NUMBER


def kept_of_tables(limit):
    from extpool import _worker
    _worker._LATEST_MAX = limit
    return sum(len(known[0]) for known in _worker._latest.values())


def is_registered():
    FOUND.append(0)
    return REGISTRY["found"] is FOUND, len(REGISTRY["found"])


@contextlib.contextmanager
def program(**values):
    """The script's globals with other values, as a program changes them."""
    here = globals()
    before = {name: here[name] for name in values}
    here.update(values)
    try:
        yield
    finally:
        here.update(before)


class Globals(unittest.TestCase):
    def ask(self, pool, function, *args):
        return pool.submit(function, *args).result(60)

    def test_what_an_initializer_sets_is_there(self):
        expected = ({"key": 7}, 5, {"a": 1}, [1, 2], "object")
        with extpool.InterpreterPool(1, initializer=set_up, initargs=(7,)) as pool:
            for _ in range(3):
                self.assertEqual(self.ask(pool, read), expected)
            self.assertEqual(self.ask(pool, read_by_another), {"key": 7})
            self.assertEqual(self.ask(pool, lambda: CONFIG["key"]), 7)
        self.assertEqual(read(), (None, 0, {}, [], "NoneType"))

    def test_functions_found_in_the_script_have_the_same_globals(self):
        expected = ({"key": 7}, 5, {"a": 1}, [1, 2], "object")
        with extpool.InterpreterPool(1, initializer=set_up_locked, initargs=(7,)) as pool:
            for function in (read, read_locked, read, read_locked):
                self.assertEqual(self.ask(pool, function), expected)
            self.assertEqual(self.ask(pool, remember_a_box, "b"), ["a", "b"])
            self.assertEqual(self.ask(pool, remember, "c"), 3)
            self.assertEqual(sorted(self.ask(pool, read_locked)[2]), ["a", "b", "c"])
        with extpool.InterpreterPool(1) as pool:
            self.ask(pool, set_up, 8)
            self.assertEqual(self.ask(pool, read_locked)[0], {"key": 8})

    def test_what_a_task_sets_stays_until_the_program_changes_it(self):
        with extpool.InterpreterPool(1) as pool:
            self.assertEqual(self.ask(pool, read_number), 0)
            self.ask(pool, set_number, 3)
            self.assertEqual([self.ask(pool, read_number) for _ in range(2)], [3, 3])
            with program(NUMBER=9):
                self.assertEqual(self.ask(pool, read_number), 9)
            self.assertEqual(self.ask(pool, read_number), 0)

    def test_equal_values_of_other_types_are_changes(self):
        with extpool.InterpreterPool(1) as pool:
            for value in (0, False, 0.0, -0.0, None, ""):
                with program(NUMBER=value):
                    self.assertEqual(repr(self.ask(pool, read_number)), repr(value))

    def test_what_the_program_changed_after_an_initializer_stored_it_arrives(self):
        with extpool.InterpreterPool(1, initializer=set_number, initargs=(5,)) as pool:
            self.assertEqual(self.ask(pool, pow, 2, 3), 8)
            with program(NUMBER=6):
                self.assertEqual(self.ask(pool, read_number), 6)

    def test_globals_set_without_a_statement(self):
        with extpool.InterpreterPool(1, initializer=set_up_oddly) as pool:
            self.assertEqual([self.ask(pool, read_config) for _ in range(2)], ["odd", "odd"])
            with program(CONFIG="new"):
                self.assertEqual(self.ask(pool, read_config), "new")

    def test_changes_in_place_stay(self):
        with extpool.InterpreterPool(1) as pool:
            self.assertEqual([self.ask(pool, remember, i) for i in range(4)], [1, 2, 3, 4])
            self.assertEqual(list(pool.map(remember, range(4, 7))), [5, 6, 7])
            self.assertEqual([self.ask(pool, count_all) for _ in range(3)],
                             [(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3)])
            self.assertEqual([self.ask(pool, count_calls) for _ in range(3)], [1, 2, 3])
        self.assertEqual((TABLE, FOUND, SEEN), ({}, [], set()))

    def test_changes_in_place_by_the_program_arrive(self):
        table = {}
        with program(TABLE=table), extpool.InterpreterPool(1) as pool:
            self.ask(pool, remember, 1)
            for value in (50, 51):
                table["a"] = value
                self.assertEqual(self.ask(pool, look_up), {"a": value})

    def test_a_change_that_another_function_brought_is_taken_back(self):
        with extpool.InterpreterPool(1) as pool:
            for _ in range(3):
                self.assertEqual(self.ask(pool, read_number), 0)
                with program(NUMBER=1):
                    self.assertEqual(self.ask(pool, read_number_too), (1, 0))
                self.assertEqual(self.ask(pool, read_number), 0)
                self.assertEqual(self.ask(pool, read_number_too), (0, 0))

    def test_a_global_that_a_task_deleted_comes_back(self):
        with extpool.InterpreterPool(1) as pool:
            for _ in range(2):
                self.assertEqual(self.ask(pool, read_number), 0)
                self.ask(pool, forget_number)

    def test_globals_that_hold_each_other_do_so_in_the_worker(self):
        with extpool.InterpreterPool(1) as pool:
            self.assertEqual([self.ask(pool, is_registered) for _ in range(3)],
                             [(True, 1), (True, 2), (True, 3)])

    def test_large_tables_change_in_place_on_either_side(self):
        table = [f"entry {i}" for i in range(5000)]
        with program(LARGE=table), extpool.InterpreterPool(1) as pool:
            self.assertEqual([self.ask(pool, read_large) for _ in range(2)], [5000] * 2)
            table.append("entry 7")
            self.assertEqual(self.ask(pool, read_large), 5001)
            table[0] = "entry 8"
            self.assertEqual([self.ask(pool, read_large_at, i) for i in (0, 5000)], [8, 7])

    def test_what_a_worker_keeps_of_large_tables_is_bounded(self):
        with program(LARGE=list(range(1000))), extpool.InterpreterPool(1) as pool:
            kept = [self.ask(pool, kept_of_tables, 20_000)]
            for number in range(6):  # 8 kB each
                namespace = globals()
                exec(f"def length(): return len(LARGE) + {number}", namespace)
                self.assertEqual(self.ask(pool, namespace.pop("length")), 1000 + number)
                kept.append(self.ask(pool, kept_of_tables, 20_000))
        self.assertLess(max(kept), 20_000)
        self.assertGreater(max(kept), 16_000)

    def test_large_globals_are_told_once(self):
        with program(LARGE=[f"entry {i}" for i in range(150_000)]), \
                extpool.InterpreterPool(1) as pool, warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.assertEqual([self.ask(pool, read_large) for _ in range(2)], [150_000] * 2)
            self.assertEqual(list(pool.map(read_large_at, range(2))), [0, 1])
            self.ask(pool, read)
        self.assertEqual([one.category for one in said], [RuntimeWarning] * 2)
        self.assertEqual([one.filename for one in said], [__file__] * 2)
        self.assertRegex(str(said[0].message), r"call of read_large\(\) .* 'LARGE', \d\.\d MB")
        self.assertIn("read_large_at()", str(said[1].message))

    def test_large_globals_of_an_initializer_are_not(self):
        with program(LARGE=bytes(2_000_000)), warnings.catch_warnings(record=True) as said, \
                extpool.InterpreterPool(1, initializer=read_large) as pool:
            warnings.simplefilter("always")
            self.assertEqual(self.ask(pool, pow, 2, 3), 8)
        self.assertEqual(said, [])


PROGRAM = """
import _thread
import extpool
from near import add

LOCK = _thread.allocate_lock()

class Point:
    def __init__(self, x):
        self.x = x

def move(point):
    return Point(add(point.x))

def locked():
    return LOCK is not None

def main():
    with extpool.InterpreterPool(1) as pool:
        for function, argument in ((move, (Point(1),)), (locked, ())):
            try:
                result = pool.submit(function, *argument).result(60)
                print(getattr(result, "x", result))
            except Exception as error:
                print(error)
                print(error.__cause__)
"""


class MainPrograms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "near.py").write_text("def add(x):\n    return x + 1\n")

    def run_it(self, *args, **more):
        done = subprocess.run([sys.executable, *args], cwd=self.folder, capture_output=True,
                              text=True, timeout=120, check=False, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_folder_archive_and_package(self):
        main = self.folder / "__main__.py"
        main.write_text(PROGRAM + '\nif __name__ == "__main__":\n    main()\n')
        shutil.copy(main, self.folder / "alone.py")
        with zipfile.ZipFile(self.folder / "all.zip", "w") as archive:
            archive.write(main, "__main__.py")
            archive.write(self.folder / "near.py", "near.py")
        for arguments in ([main], [self.folder], ["all.zip"], ["-m", "alone"]):
            self.assertEqual(self.run_it(*arguments), "2\nTrue\n", arguments)

    def test_standard_input_says_what_is_missing(self):
        out = self.run_it("-", input=PROGRAM + "\nmain()\n")
        self.assertRegex(out, "needs 'Point' from the main program.*an interactive session")
        self.assertRegex(out, "'LOCK', but")

    def test_a_main_part_without_guard_says_who_needs_it(self):
        (self.folder / "open.py").write_text(PROGRAM + "\nmain()\n")
        out = self.run_it("open.py")
        self.assertIn("while a worker runs it to find 'Point'; what is to run once", out)
        self.assertIn("to find 'locked' (function locked needs the global variable 'LOCK', but", out)
        self.assertIn("open.py", out)
        self.assertNotIn("runpy", out)
        self.assertNotIn("_executor.py", out)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
