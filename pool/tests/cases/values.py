"""What goes through the codec comes out equal: types, sharing, cycles, big and odd values."""

import array
import collections
import contextlib
import datetime
import decimal
import gc
import math
import random
import sys
import unittest

import extpool
import functions_for_tests as f
from extpool import _pool
import extpool._hooks  # noqa: F401

PLAIN = [
    None, True, False, 0, 1, -1, 127, 128, -128, -129, 2**31 - 1, 2**31, -2**31 - 1, 2**63 - 1,
    -2**63, 2**63, 2**64, -2**64 - 7, 10**300, 0.0, -0.0, 1.5, math.inf, -math.inf, 1e-310,
    3 + 4j, "", "a", "hello", "é", "ÿ" * 300, "€uro", "\U0001f600 smile", "\ud800",
    "x" * 100000, b"", b"a\0b", b"y" * 40000, b"z" * 3_000_000, bytearray(b"abc"), bytearray(),
    (), (1,), (1, "two", 3.0, None), [], [1, 2, 3], list(range(100)), [1.5] * 20,
    list(range(7)) + ["x", 2**70], [2**64] * 10, {}, {"a": 1}, {1: {2: {3: []}}},
    {(1, 2): frozenset([3, (4, 5)])}, set(), {1, 2, "x"}, frozenset(), frozenset({b"q"}),
    [[[[[]]]]], {"k": list(range(10000))}, {i: str(i) for i in range(3000)},
]
PICKLED = [
    datetime.datetime(2024, 2, 29), decimal.Decimal("1.25"), collections.OrderedDict(a=1),
    range(5), slice(1, 2, 3), Ellipsis, NotImplemented, array.array("d", [1.0, 2.5]),
    collections.deque([1, 2]), len, f.identity, datetime.date, collections.Counter("abca"),
]


def nested(rng, depth):
    kind = rng.randrange(9 if depth else 6)
    if kind < 6:
        return rng.choice(PLAIN[:44])
    items = [nested(rng, depth - 1) for _ in range(rng.randrange(6))]
    if kind == 6:
        return items
    if kind == 7:
        return tuple(items)
    return {str(i): item for i, item in enumerate(items)}


class Values(unittest.TestCase):
    def same(self, value):
        back = _pool.roundtrip(value)
        self.assertIs(type(back), type(value))
        if value == value:
            self.assertEqual(back, value)
        return back

    def test_plain(self):
        for value in PLAIN:
            with self.subTest(value=repr(value)[:60]):
                self.same(value)
        self.assertEqual(math.copysign(1, _pool.roundtrip(-0.0)), -1)
        self.assertTrue(math.isnan(_pool.roundtrip(math.nan)))
        self.assertIs(type(_pool.roundtrip([True])[0]), bool)

    def test_pickled(self):
        for value in PICKLED:
            with self.subTest(value=repr(value)[:60]):
                self.same(value)

    def test_strings_are_well_formed(self):
        """An equal string that hashes differently would break dicts."""
        for text in ("abc", "é" * 5, "€" * 5, "\U0001f600" * 5, "\ud800"):
            back = _pool.roundtrip([text, text])[1]
            self.assertEqual(hash(back), hash(text))
            self.assertEqual(back.isascii(), text.isascii())
            self.assertEqual({text: 1}[back], 1)

    def test_subclasses_keep_their_type(self):
        class_made_here = type("Sub", (dict,), {})
        self.assertRaises(extpool.NotShareableError, _pool.roundtrip, class_made_here(a=1))
        back = self.same(collections.defaultdict(list, a=[1]))
        self.assertEqual(back["b"], [])

    def test_sharing_inside_a_value(self):
        inner = [1]
        back = self.same([inner, inner, (inner,), {"k": inner}])
        back[0].append(2)
        self.assertEqual(back[1], [1, 2])
        self.assertIs(back[2][0], back[0])
        self.assertIs(back[3]["k"], back[0])

    def test_cycles(self):
        ring = []
        ring.append(ring)
        back = _pool.roundtrip(ring)
        self.assertIs(back[0], back)
        table = {}
        table["self"] = (table, [table])
        back = _pool.roundtrip(table)
        self.assertIs(back["self"][0], back)
        self.assertIs(back["self"][1][0], back)
        through_tuple = ([],)
        through_tuple[0].append(through_tuple)
        back = _pool.roundtrip(through_tuple)
        self.assertIs(back[0][0], back)
        through_tuple[0].clear()
        table.clear()
        ring.clear()

    def test_tuples_of_tuples_do_not_explode(self):
        value = (1,)
        for _ in range(60):
            value = (value, value)
        back = _pool.roundtrip(value)
        for _ in range(60):
            self.assertIs(back[0], back[1])
            back = back[0]

    def test_deep_nesting(self):
        value = []
        for _ in range(400):
            value = [value]
        back = _pool.roundtrip(value)
        for _ in range(400):
            back = back[0]
        self.assertEqual(back, [])
        for _ in range(100000):
            value = [value]
        self.assertRaises((extpool.NotShareableError, RecursionError), _pool.roundtrip, value)
        while value:
            value = value[0]

    def test_random_values(self):
        rng = random.Random(7)
        for _ in range(400):
            self.same([nested(rng, 4) for _ in range(rng.randrange(5))])

    def test_dicts_of_numbers(self):
        """Written without tags when all keys and all values are of one type; types stay exact."""
        ints = [5, -1, 2**62, -2**63, 0, 300, 7, 8, 9]
        floats = [-0.0, 1.5, math.inf, 2.0, 1e300, -3.5, 7.0, 8.0, 9.0]
        dicts = [dict(zip(keys, values)) for keys in (ints, floats) for values in (ints, floats)]
        for odd in (None, True, 2**63, 1.0, "x"):
            dicts += [{**dicts[0], 9: odd}, {**dicts[0], odd: 9}, {5: odd, **dicts[0]}]
        dicts += [dict.fromkeys(range(20), 0.5), {i: -i for i in range(50, 0, -1)}]
        for value in dicts:
            self.assertEqual(repr(self.same(value)), repr(value))
        back = self.same([dicts[0], dicts[0], [], {"k": dicts[0]}])
        self.assertIs(back[0], back[1])
        self.assertIs(back[0], back[3]["k"])

    def test_repeated_strings_in_many_slots(self):
        words = [f"word{i}" for i in range(2000)]
        self.same([{word: i} for i, word in enumerate(words)] + [{word: 1} for word in words])
        self.same([rng for rng in words * 3])

    def test_mixed_codec_and_pickle(self):
        shared = ["x"]
        back = self.same([shared, datetime.date(2020, 1, 1), shared])
        self.assertIs(back[0], back[2])

    def test_refusals(self):
        import threading
        for value in (threading.Lock(), [1, threading.Lock()], f.Unpicklable(),
                      (x for x in ()), sys.stdout):
            with self.subTest(value=type(value).__name__):
                with self.assertRaises(extpool.NotShareableError) as caught:
                    _pool.roundtrip(value)
                self.assertIn(type(value).__name__, str(caught.exception))
        with self.assertRaisesRegex(RuntimeError, "bad on arrival"):
            _pool.roundtrip(f.BadOnArrival())

    def test_functions_inside_values(self):
        k = 10
        add = _pool.roundtrip([lambda x: x + k])[0]
        self.assertEqual(add(1), 11)

    def test_views_and_shared_inside_pickled_values(self):
        holder = collections.deque([memoryview(b"abc"), extpool.Shared(b"def")])
        back = _pool.roundtrip(holder)
        self.assertEqual(bytes(back[0]), b"abc")
        self.assertEqual(bytes(back[1].view()), b"def")

    def test_nothing_leaks(self):
        values = [*PLAIN[:50], *PICKLED, [["a" * 50, ["b"]] * 5, memoryview(b"x" * 50000)],
                  collections.deque([memoryview(b"abc")]), lambda x: x]

        def blocks():
            # The interpreter's table of looked up attributes keeps the names that unpickling made.
            sys._clear_internal_caches()
            gc.collect()
            return sys.getallocatedblocks()

        for _ in range(3):
            before = blocks()
            for _ in range(30):
                for value in values:
                    _pool.roundtrip(value)
                for value in (x for x in ()), f.BadOnArrival():
                    with contextlib.suppress(extpool.NotShareableError, RuntimeError):
                        _pool.roundtrip([1, [2, value]])
            grown = blocks() - before
        self.assertLess(grown, 15)  # less than one object for each time


if __name__ == "__main__":
    unittest.main()
