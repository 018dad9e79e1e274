"""Does the process survive a call that makes an object while detached?"""

import harness

USE = "assert mod.sum(b'abc' * 1000) == 294_000"
CRASH = """
for _ in range(1000):
    where[0].run("kept = [mod.sum(b'abc' * 1000) for _ in range(100)]")
"""


def observe(name, context):
    crash = harness.death(name, context, CRASH)
    return f"a process that made an int while detached died of {crash}" if crash else None


if __name__ == "__main__":
    harness.main(observe)
