"""Do calls made at the same time all get counted?"""

import harness

CALLS = 200_000
USE = "before = mod.hits(); mod.hit(); assert mod.hits() > before"
COUNT = f"""
hit = mod.hit
for _ in range({CALLS}):
    hit()
"""


def observe(name, context):
    where = harness.places(name, context)
    harness.together(where, COUNT)
    lost = CALLS * len(where) - where[0].run("result = mod.hits()")
    return f"{lost} of {CALLS * len(where)} counts were lost" if lost else None


if __name__ == "__main__":
    harness.main(observe)
