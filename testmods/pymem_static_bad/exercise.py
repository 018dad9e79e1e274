"""Does the process survive when one interpreter frees what another one allocated?"""

import harness

USE = "mod.keep(b'abc'); assert mod.kept() == b'abc'"
CRASH = """
second = harness.places(name, context, 1)[0]
where[0].run("mod.keep(b'first')")
second.run("mod.keep(b'second')")
"""


def observe(name, context):
    crash = harness.fate(name, context, CRASH)
    return f"freeing another interpreter's memory ended in {crash}" if crash else None


if __name__ == "__main__":
    harness.main(observe)
