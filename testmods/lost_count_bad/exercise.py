"""Do spaces that are counted at the same time all get counted?"""

import harness

ROUNDS, CALLS, SPACES = 5, 500, 20_000
USE = "before = mod.total(); mod.spaces(b' a '); assert mod.total() >= before + 2"
COUNT = f"""
text = b" " * {SPACES}
for _ in range({CALLS}):
    mod.spaces(text)
"""


def observe(name, context):
    where = harness.places(name, context)
    for round_number in range(1, ROUNDS + 1):
        harness.together(where, COUNT)
        wanted = round_number * CALLS * SPACES * len(where)
        lost = wanted - where[0].run("result = mod.total()")
        if lost:
            return f"{lost} of {wanted} counts were lost"
    return None


if __name__ == "__main__":
    harness.main(observe)
