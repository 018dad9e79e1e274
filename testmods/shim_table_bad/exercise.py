"""Is every value right when two start to use the table at the same moment?"""

import harness

USE = "assert mod.square(300) == 90_000"
LOOK = """
mod.square(2)
result = sum(mod.square(n) != n * n for n in range(0, 262_144, 7))
"""


def observe(name, context):
    where = harness.places(name, context)
    for place in where:
        place.run("pass")
    wrong = max(harness.together(where, LOOK))
    return f"{wrong} wrong squares stay in the table" if wrong else None


if __name__ == "__main__":
    harness.main(observe)
