"""Does a vector that several append to at once keep everything?"""

import harness

USE = "mod.remember(1); assert mod.count() >= 1"
APPEND = """
CALLS, ROUNDS = 100_000, 10
for round_number in range(1, ROUNDS + 1):
    harness.together(where, f"for n in range({CALLS}): mod.remember(n)")
    counts = {place.run("result = mod.count()") for place in where}
    each = round_number * CALLS
    # One vector for all, or one for each; anything else means that values were lost.
    if counts not in ({len(where) * each}, {each}):
        print("lost values:", counts, "in rounds of", CALLS)
        break
"""


def observe(name, context):
    problem = harness.fate(name, context, APPEND)
    return f"appending at once ended in {problem}" if problem else None


if __name__ == "__main__":
    harness.main(observe)
