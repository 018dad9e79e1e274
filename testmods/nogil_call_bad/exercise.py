"""Does the process survive a call that makes an object while detached?"""

import harness

# The import alone does no harm; the call is left to CRASH.
USE = "assert callable(mod.sum)"
CRASH = """
for _ in range(1000):
    where[0].run("kept = [mod.sum(b'abc' * 1000) for _ in range(100)]")
assert where[0].run("result = kept[-1]") == 294_000
"""


def observe(name, context):
    crash = harness.fate(name, context, CRASH)
    return f"a process that made an int while detached died of {crash}" if crash else None


if __name__ == "__main__":
    harness.main(observe)
