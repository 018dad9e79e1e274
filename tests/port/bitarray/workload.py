"""What the port of bitarray must do right in every interpreter, and what is timed."""

import collections.abc
import pickle
import weakref

import bitarray.util as util
from bitarray import bitarray, decodetree, frozenbitarray

from expect import check, check_raises

CODE = {"a": bitarray("0"), "b": bitarray("10"), "c": bitarray("11")}
TREE = decodetree(CODE)
WIRE = bitarray()
WIRE.encode(CODE, "abacab" * 50)
BITS = bitarray("1011" * 250)
OTHER = bitarray("1100" * 250)
SMALL = [bitarray("1010") for _ in range(50)]


class Derived(bitarray):
    pass


def exercise_bits():
    check(repr(bitarray("101")), "bitarray('101')")
    check(BITS & OTHER, bitarray("1000" * 250))
    check(bitarray("1") * 3 + bitarray("0"), bitarray("1110"))
    check(pickle.loads(pickle.dumps(BITS)), BITS)
    check(list(BITS.search(bitarray("0111")))[:2], [1, 5])
    check(list(bitarray("10")), [1, 0])
    check(hash(frozenbitarray("101")), hash(frozenbitarray("101")))
    check(isinstance(BITS, collections.abc.MutableSequence), True)
    derived = Derived("0101")
    check(type(derived[1:]), Derived)
    check(weakref.ref(derived)() is derived, True)
    check(bytes(memoryview(bitarray("0" * 8 + "1" * 8))), b"\x00\xff")
    grown = bitarray()
    grown.extend(i % 3 == 0 for i in range(100))
    check(grown.count(), 34)
    check_raises(IndexError, lambda: BITS[5000])
    check_raises(TypeError, lambda: BITS & 3)


def exercise_codes():
    check("".join(WIRE.decode(TREE)), "abacab" * 50)
    check("".join(WIRE.decode(CODE)), "abacab" * 50)
    check(TREE.todict(), CODE)
    check(util.ba2hex(bitarray("11110000")), "f0")
    check(util.hex2ba("f0"), bitarray("11110000"))
    check(util.ba2int(bitarray("1010")), 10)
    check(util.count_and(BITS, OTHER), 250)
    check(util.vl_decode(iter(util.vl_encode(BITS))), BITS)
    check(util.sc_decode(iter(util.sc_encode(BITS))), BITS)
    text, count, symbol = util.canonical_huffman({"a": 5, "b": 2, "c": 1})
    message = bitarray()
    message.encode(text, "abc")
    check(list(util.canonical_decode(message, count, symbol)), ["a", "b", "c"])
    check_raises(TypeError, lambda: util.count_and(BITS, "no"))


def exercise(rounds=10):
    for _ in range(rounds):
        exercise_bits()
        exercise_codes()


def make_and_drop():
    for _ in range(50):
        bitarray("1010")


def compare():
    for bits in SMALL:
        bits == SMALL[0]


CASES = [
    ("make", make_and_drop),
    ("compare", compare),
    ("and", lambda: BITS & OTHER),
    ("slice", lambda: BITS[3:900:2]),
    ("iterate", lambda: sum(BITS)),
    ("search", lambda: list(BITS.search(bitarray("0111")))),
    ("decode with a tree", lambda: list(WIRE.decode(TREE))),
    ("count_and", lambda: util.count_and(BITS, OTHER)),
    ("ba2hex", lambda: util.ba2hex(BITS)),
    ("pickle", lambda: pickle.loads(pickle.dumps(BITS))),
]
