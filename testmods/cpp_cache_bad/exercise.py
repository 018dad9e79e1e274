"""Does a vector that several append to at once keep everything?"""

import harness

USE = "mod.remember(1); assert mod.count() >= 1"
APPEND = """
CALLS = 200_000
code = f"for n in range({CALLS}): mod.remember(n)"
harness.together(where, code)
counts = {place.run("result = mod.count()") for place in where}
wanted = CALLS if context == "own-gil" and len(counts) == 1 and CALLS in counts else 2 * CALLS
if counts != {wanted}:
    print(f"lost values: {sorted(counts)} instead of {wanted}")
"""


def observe(name, context):
    problem = harness.fate(name, context, APPEND)
    return f"appending at once ended in {problem}" if problem else None


if __name__ == "__main__":
    harness.main(observe)
