"""Interpreters one after another, at the same addresses: each must find a state of its own."""

import importlib
import sys

import interps
import kinds
import kinds_use

USED = """
import kinds, kinds_use
deallocs, compared = kinds.counts()
assert (deallocs, compared) == (0, 0), (deallocs, compared)
assert kinds.Num.ANSWER.value == 42
kinds_use.use(3)
kinds_use.hide_late()
"""
kinds_use.use(3)
before = kinds.counts()
for own_gil in ([False] if "shared" in sys.argv else [True, False]):
    for _ in range(30):
        interpreter = interps.create(own_gil)
        interps.execute(interpreter, USED)
        interps.destroy(interpreter)
assert kinds.counts() == before, "other interpreters counted here"

# Two at once: neither sees what the other does.
one, two = interps.create(False), interps.create(False)
interps.execute(one, "import kinds, kinds_use; kinds_use.use(5); used = kinds.counts()")
interps.execute(two, "import kinds; assert kinds.counts() == (0, 0), kinds.counts()")
interps.execute(one, "assert kinds.counts() == used")
interps.destroy(one)
interps.execute(two, "import kinds_use; kinds_use.use(2)")
interps.destroy(two)

# Imported again: a new module object, the same types and the same state.
kind = kinds.Num
del sys.modules["kinds"]
again = importlib.import_module("kinds")
assert again is not kinds and again.Num is kind, again.Num
assert again.counts()[0] >= before[0]
assert again.sorted([again.Num(2), again.Num(1)])[0].value == 1
assert again.Error is not kinds.Error, "the init function did not run again"
del sys.modules["kinds_use"]
importlib.import_module("kinds_use").use(3)
print("reused")
