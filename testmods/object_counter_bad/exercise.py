"""Do threads that use one object lose counts?"""

import harness

ROUNDS, CALLS, BYTES = 5, 500, 20_000
# Long enough a call that threads overlap on a busy machine, too.
USE = """
shared = mod.__dict__.setdefault("shared", mod.Counter())
shared.hit(bytes(5_000))
assert shared.hits()
"""
COUNT = f"""
text = bytes({BYTES})
for _ in range({CALLS}):
    mod.counter.hit(text)
"""


def observe(name, context):
    where = harness.places(name, context)
    where[0].run("mod.counter = mod.Counter()")
    for round_number in range(1, ROUNDS + 1):
        harness.together(where, COUNT)
        wanted = round_number * CALLS * BYTES * len(where)
        lost = wanted - where[0].run("result = mod.counter.hits()")
        if lost:
            return f"{lost} of {wanted} counts were lost"
    return None


if __name__ == "__main__":
    harness.main(observe)
