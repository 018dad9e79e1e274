"""Do threads that use one object lose counts?"""

import harness

ROUNDS, BYTES = 100, 10_000
USE = "c = mod.Counter(); c.hit(b'abc'); assert c.hits() == 3"
COUNT = f"""
text = bytes({BYTES})
for _ in range({ROUNDS}):
    mod.counter.hit(text)
"""


def observe(name, context):
    where = harness.places(name, context)
    where[0].run("mod.counter = mod.Counter()")
    harness.together(where, COUNT)
    wanted = ROUNDS * BYTES * len(where)
    lost = wanted - where[0].run("result = mod.counter.hits()")
    return f"{lost} of {wanted} counts were lost" if lost else None


if __name__ == "__main__":
    harness.main(observe)
