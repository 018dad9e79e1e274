"""What the port of immutables must do right in every interpreter, and what is timed."""

import collections.abc
import pickle

# The package falls back to Python where the extension cannot be imported.
from immutables._map import Map

from expect import check, check_raises

PLAIN = {f"key {i}": i for i in range(300)}
BIG = Map(PLAIN)
SMALL = [Map(a=i) for i in range(50)]


class Collides:
    """Keys of the same hash go to nodes of their own kind."""

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return self.name == other.name


def exercise_maps():
    check(len(Map()), 0)
    check(list(Map()), [])
    check(dict(BIG), PLAIN)
    check(BIG, Map(PLAIN))
    check(hash(Map(a=1)), hash(Map({"a": 1})))
    check(BIG.set("more", 1).delete("more"), BIG)
    check(sorted(BIG.values()), list(range(300)))
    check(set(BIG.items()), set(PLAIN.items()))
    check("key 5" in BIG.keys(), True)
    check(pickle.loads(pickle.dumps(BIG)), BIG)
    check(isinstance(BIG, collections.abc.Mapping), True)
    check(repr(Map(a=1)), "immutables.Map({'a': 1})")
    check(BIG.get("nobody", 3), 3)
    check(Map[str, int].__origin__, Map)
    check_raises(KeyError, lambda: BIG["nobody"])
    check_raises(TypeError, lambda: BIG.set([], 1))


def exercise_mutations():
    with BIG.mutate() as changed:
        for i in range(0, 300, 2):
            del changed[f"key {i}"]
        changed["one"] = changed.pop("key 1")
        done = changed.finish()
    check(len(done), 150)
    check(done["one"], 1)
    check(len(BIG), 300)
    check_raises(ValueError, lambda: changed.set("late", 1))
    colliding = Map()
    for i in range(9):
        colliding = colliding.set(Collides(i), i)
    for i in range(0, 9, 2):
        colliding = colliding.delete(Collides(i))
    check(sorted(colliding.values()), [1, 3, 5, 7])
    emptied = Map(a=1).delete("a")
    check(emptied, Map())
    check(emptied.update(b=2)["b"], 2)


def exercise(rounds=10):
    for _ in range(rounds):
        exercise_maps()
        exercise_mutations()


def make_and_drop():
    for _ in range(50):
        Map(a=1)


def compare():
    for each in SMALL:
        each == SMALL[0]


def look_up():
    for key in PLAIN:
        BIG[key]


def mutate():
    with BIG.mutate() as changed:
        for i in range(50):
            changed[f"key {i}"] = None
        changed.finish()


CASES = [
    ("make", make_and_drop),
    ("make a large one", lambda: Map(PLAIN)),
    ("compare", compare),
    ("look up", look_up),
    ("set", lambda: BIG.set("key 7", 1)),
    ("delete", lambda: BIG.delete("key 7")),
    ("mutate", mutate),
    ("iterate", lambda: sum(1 for _ in BIG)),
    ("items", lambda: dict(BIG.items())),
    ("pickle", lambda: pickle.loads(pickle.dumps(BIG))),
]
