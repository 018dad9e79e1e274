"""One interpreter's share of the stress: uses everything in `kinds` for a while."""
import gc

import kinds


class PyNum(kinds.Num):
    def __init__(self, *args):
        self.extra = [self]


class PyBag(kinds.Bag):
    pass


def round_trip(number):
    three, wide = kinds.Num(3), kinds.Wide(4)
    total = three + wide
    assert total.value == 7 and repr(total) == "Num(7)"
    derived = PyNum(5)
    assert (derived + three).value == 8
    bag = kinds.Bag([three, wide, derived])
    bag.me = bag
    bag.append(bag)
    assert len(list(bag)) == 4
    other = PyBag(range(20))
    other.me = other
    ordered = kinds.sorted([kinds.Num(i * 7919 % 50) for i in range(50)])
    assert [num.value for num in ordered] == list(range(50))
    before = kinds.counts()[1]
    ordered = kinds.sorted_with([kinds.Num(i * 7919 % 50) for i in range(50)])
    assert [num.value for num in ordered] == list(range(50)) and kinds.counts()[1] > before + 49
    assert kinds.Caller()(1, 2) == 202
    assert bytes(memoryview(kinds.Blob(7))) == bytes(7)
    try:
        three.fail()
    except kinds.Error:
        pass
    else:
        raise AssertionError("no error")
    dynamic = type("Dynamic", (kinds.Num,), {})
    assert kinds.is_num(dynamic(2)) and (dynamic(1) + three).value == 4
    assert type(kinds.closed()).__name__ == "Closed"
    assert kinds.Num.ANSWER.value == 42


def use(rounds):
    for number in range(rounds):
        round_trip(number)
    gc.collect()


def hide_late():
    """Leaves instances where they die after the module and after the shim's block."""
    import warnings
    warnings.filters.append(kinds.Bag([PyNum(1), kinds.Wide(2)]))
