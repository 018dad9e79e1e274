"""Uses the examples in the main interpreter and in others; each has a state of its own."""

import sys

import interps

CODE = """
import threading
import shapes, ticker, words
assert words.last() is None and words.total() == 0
assert [words.add(word) for word in ("Spam", "eggs", "SPAM")] == [1, 1, 2]
assert words.last() == "spam" and words.total() == 3
for wrong in ("two words", 5):
    try:
        words.add(wrong)
    except words.WordError as error:
        assert "is not one word" in str(error)
    else:
        raise AssertionError(wrong)
one = shapes.Point(1, 2) + shapes.Origin(3, y=4)
assert (one.x, one.y) == (4, 6) and type(one) is shapes.Point
path = shapes.Path()
path.append(one)
assert len(path) == 1
try:
    path.append(5)
except TypeError as error:
    assert "points" in str(error)
class Mine(shapes.Path):
    pass
mine = Mine()
mine.me = mine
heard = []
assert ticker.run(5, lambda text: heard.append((text, threading.get_ident()))) == 5
assert [text for text, _ in heard] == ["tick 0", "tick 1", "tick 2", "tick 0", "tick 1"]
assert all(ident != threading.get_ident() for _, ident in heard)
"""
exec(CODE, {})
own_gil = sys.version_info >= (3, 12) and "own" in sys.argv
for _ in range(3):
    other = interps.create(own_gil)
    interps.execute(other, CODE)
    interps.destroy(other)
import ticker  # noqa: E402
import words  # noqa: E402

assert words.total() == 3 and ticker.ticks() == 20
print("used")
