"""Is a string put together while others are being put together still whole?"""

import harness

USE = "assert mod.spell(7) == '7' * 4096"
SPELL = """
result = 0
for _ in range(20_000):
    result += len(set(mod.spell({digit}))) != 1
"""


def observe(name, context):
    where = harness.places(name, context)
    for digit, place in enumerate(where, 1):
        place.run(f"digit = {digit}")
    torn = sum(harness.together(where, SPELL.replace("{digit}", "digit")))
    return f"{torn} torn strings" if torn else None


if __name__ == "__main__":
    harness.main(observe)
