"""Prints one line for each thing that can be told of the types in `kinds` from Python."""

import copy
import gc
import importlib
import pickle
import sys
import weakref

import kinds

NAMES = ("Num", "Wide", "Bag", "bagiterator", "Blob", "Caller", "Closed")


def probe(name, function):
    try:
        result = function()
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(f"{name} => {result}")


def make(name):
    kind = getattr(kinds, name)
    return kind([1]) if name == "Bag" else kind(3)


def probe_kind(name):
    kind = getattr(kinds, name)
    flags = kind.__flags__
    tell = {
        "names": lambda: (kind.__name__, kind.__qualname__, kind.__module__, repr(kind)),
        "doc": lambda: kind.__doc__,
        "signature": lambda: kind.__text_signature__,
        "sizes": lambda: (kind.__basicsize__, kind.__itemsize__),
        "offsets": lambda: (kind.__dictoffset__, kind.__weakrefoffset__),
        "mro": lambda: [base.__name__ for base in kind.__mro__],
        "metaclass": lambda: type(kind).__name__,
        "dict": lambda: sorted(kind.__dict__),
        "can be a base": lambda: bool(flags & (1 << 10)),
        "collected": lambda: bool(flags & (1 << 14)),
        "abstract": lambda: bool(flags & (1 << 20)),
        "heap": lambda: bool(flags & (1 << 9)),
        "new in dict": lambda: "__new__" in kind.__dict__,
        "set attribute": lambda: setattr(kind, "extra", 1),
        "delete attribute": lambda: delattr(kind, "__doc__"),
        "new": lambda: type(kind()).__name__,
        "object.__new__": lambda: type(object.__new__(kind)).__name__,
        "subclass": lambda: type("Sub", (kind,), {})().__class__.__mro__[1].__name__,
        "pickle 0": lambda: pickle.dumps(make(name), 0)[:20],
        "pickle 2": lambda: pickle.dumps(make(name), 2)[:20],
        "copy": lambda: type(copy.copy(make(name))).__name__,
        "hash": lambda: isinstance(hash(make(name)), int),
        "weak reference": lambda: weakref.ref(make(name))().__class__,
        "instance attribute": lambda: setattr(make(name), "other", 1),
        "vars": lambda: vars(make(name)),
    }
    for what, function in tell.items():
        probe(f"{name}: {what}", function)


class PyNum(kinds.Num):
    def __init__(self, *args):
        self.extra = args


def bag_works():
    bag = kinds.Bag([1, 2])
    bag.extra = 7
    bag.append(3)
    return len(bag), bag[0], bag[-1], list(bag), bag.__dict__, bag.__sizeof__() > 0


def bag_cycle():
    bag = kinds.Bag()
    bag.append(bag)
    watch = weakref.ref(bag)
    del bag
    gc.collect()
    return watch()


def class_cycle():
    class Q(kinds.Bag):
        pass
    bag = Q()
    bag.append(bag)
    bag.me = Q
    watch = weakref.ref(Q)
    del bag, Q
    gc.collect()
    return watch()


def deep_nesting():
    bag = None
    for _ in range(100000):
        bag = kinds.Bag([bag])
    del bag
    return "survived"


def references(kind, function):
    gc.collect()
    before = sys.getrefcount(kind)
    for _ in range(1000):
        function()
    gc.collect()
    return abs(sys.getrefcount(kind) - before) <= 2


def failing_type():
    try:
        kinds.Num(1).fail()
    except kinds.Error as error:
        return type(error) is kinds.Error


def probe_behaviour():
    three, four = kinds.Num(3), kinds.Num(4)
    tell = {
        "add": lambda: repr(three + four),
        "equal": lambda: (three == kinds.Num(3), three < four, three >= four, three == 3),
        "value": lambda: (three.value, three.double, hash(three)),
        "set value": lambda: setattr(three, "value", 4),
        "set double": lambda: setattr(three, "double", 4),
        "add int": lambda: three + 1,
        "int add": lambda: 1 + three,
        "exact": lambda: (three.exact(), kinds.Wide(1).exact(), PyNum(1).exact()),
        "wide add": lambda: repr(kinds.Wide(1) + three),
        "wide": lambda: (repr(kinds.Wide(8)), kinds.Wide(8).double),
        "subclass": lambda: (repr(PyNum(5) + three), PyNum(5).extra),
        "own instance": lambda: (kinds.Num.ANSWER, kinds.Wide(1).ANSWER),
        "fail": three.fail,
        "fail type": failing_type,
        "wrong self": lambda: kinds.Num.exact(1),
        "wrong arguments": lambda: three.exact(1),
        "bag": bag_works,
        "bag cycle": bag_cycle,
        "class cycle": class_cycle,
        "deep nesting": deep_nesting,
        "bag index": lambda: kinds.Bag()[0],
        "bag key": lambda: kinds.Bag()["a"],
        "iterator": lambda: type(iter(kinds.Bag()))(),
        "iterator name": lambda: repr(iter(kinds.Bag([1])))[:18],
        "buffer": lambda: bytes(memoryview(kinds.Blob(5))),
        "read only": lambda: memoryview(kinds.Blob(5)).readonly,
        "call": lambda: (kinds.Caller()(1, 2), kinds.Caller()()),
        "call with name": lambda: kinds.Caller()(1, x=2),
        "constructor": lambda: kinds.Caller.__new__(kinds.Caller)(),
        "closed": lambda: type(kinds.closed()).__name__,
        "closed repr": lambda: repr(kinds.closed())[:20],
        "sorted": lambda: kinds.sorted([kinds.Num(3), kinds.Num(1), kinds.Num(2)]),
        "sorted with": lambda: kinds.sorted_with([kinds.Num(3), kinds.Num(1), kinds.Num(2)]),
        "sorted wrong": lambda: kinds.sorted([1]),
        "is num": lambda: (kinds.is_num(three), kinds.is_num(1), kinds.is_num(PyNum(1))),
        "counts": lambda: kinds.counts()[1] > 0,
        "assign class": lambda: setattr(kinds.Num(1), "__class__", kinds.Wide),
        "assign subclass": lambda: setattr(kinds.Num(1), "__class__", PyNum),
        "layout conflict": lambda: type("M", (kinds.Num, kinds.Bag), {}),
        "dynamic subclass": lambda: kinds.is_num(type("D", (kinds.Num,), {})(2)),
        "module": lambda: (kinds.__name__, kinds.__doc__, bool(kinds.__file__)),
        "module dir": lambda: sorted(set(dir(kinds)) - {"__cached__"}),
        "references Num": lambda: references(kinds.Num, lambda: three + four),
        "references Wide": lambda: references(kinds.Wide, lambda: kinds.Wide(1)),
        "references Bag": lambda: references(kinds.Bag, lambda: list(kinds.Bag([1]))),
        "references iterator": lambda: references(kinds.bagiterator, lambda: list(kinds.Bag([1]))),
        "references Blob": lambda: references(kinds.Blob, lambda: kinds.Blob(9)),
        "references Caller": lambda: references(kinds.Caller, lambda: kinds.Caller()()),
        "references Closed": lambda: references(kinds.Closed, kinds.closed),
        "references subclass": lambda: references(PyNum, lambda: PyNum(1) + PyNum(2)),
        "reload": lambda: importlib.reload(kinds) is kinds,
        # Last, since asking puts them into the dict.
        "annotations": lambda: [len(getattr(kind, "__annotations__"))
                                for kind in (kinds.Num, kinds.Bag, kinds.Closed)],
    }
    for what, function in tell.items():
        probe(what, function)


for each in NAMES:
    probe_kind(each)
probe_behaviour()
