"""Functions of the script that is run: what becomes of its globals in the workers."""

import collections
import contextlib
import sys
import unittest
import warnings

import extpool

CONFIG = None
NUMBER = 0
TABLE = {}
FOUND = []
SEEN = set()
STATS = collections.Counter()
THING = None
UNSET = 1


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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
