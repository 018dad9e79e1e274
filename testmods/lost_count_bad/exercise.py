"""Do spaces that are counted at the same time all get counted?"""

import harness

ROUNDS, SPACES = 200, 20_000
USE = "before = mod.total(); mod.spaces(b' a '); assert mod.total() >= before + 2"
COUNT = f"""
text = b" " * {SPACES}
for _ in range({ROUNDS}):
    mod.spaces(text)
"""


def observe(name, context):
    where = harness.places(name, context)
    harness.together(where, COUNT)
    wanted = ROUNDS * SPACES * len(where)
    lost = wanted - where[0].run("result = mod.total()")
    return f"{lost} of {wanted} counts were lost" if lost else None


if __name__ == "__main__":
    harness.main(observe)
