"""Does the process live on after the function returned early?"""

import harness

USE = "assert mod.last([1, 2]) == 2"
# The list is locked for good: taking its lock again goes through the dead frame.
CRASH = """
values = []
for _ in range(1000):
    where[0].space['values'] = values
    where[0].run("mod.last(values); values.append(1); values.clear(); sorted([3, 1, 2])")
"""


def observe(name, context):
    crash = harness.fate(name, context, CRASH)
    return f"a process that took the early return died of {crash}" if crash else None


if __name__ == "__main__":
    harness.main(observe)
