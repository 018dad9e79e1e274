"""Does the process survive when one interpreter frees what another one allocated?"""

import harness

USE = "mod.keep('abc'); assert mod.kept()"
CRASH = """
second = harness.places(name, context, 1)[0]
where[0].run("mod.keep('first')")
second.run("mod.keep('second')")
"""


def observe(name, context):
    crash = harness.fate(name, context, CRASH)
    return f"freeing another interpreter's memory ended in {crash}" if crash else None


if __name__ == "__main__":
    harness.main(observe)
