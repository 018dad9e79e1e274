"""Does importing the module switch the GIL on?"""

import sys

import harness

USE = "assert mod.answer() == 42"


def observe(name, context):
    if sys._is_gil_enabled():
        raise RuntimeError("the GIL is on before the import")
    harness.places(name, context)[0].run(USE)
    return "the import switched the GIL on" if sys._is_gil_enabled() else None


if __name__ == "__main__":
    harness.main(observe)
