"""Imports a module the ways a program can, and uses it once each time: importer.py NAME MODE USE.

Prints 'ok', or 'failed: TypeName: message' when the import or the use raised.
"""

import sys
import threading

import harness

MODES = {"main": ("main", 1), "twice": ("reload", 2), "own-gil": ("own-gil", 1),
         "shared-gil": ("shared-gil", 1), "free-threaded": ("free-threaded", 4)}


def attempt(name, mode, use):
    context, count = MODES[mode]
    where = []
    if mode == "free-threaded":
        where = harness.places(name, context, count)
        harness.together(where, use)
    else:
        for _ in range(count):
            where += harness.places(name, context, 1)
            where[-1].run(use)
    for place in where:
        place.close()


def main():
    name, mode, use = sys.argv[1:]
    # A thread that has run Python code before is what real programs import from, too.
    threading.Thread(target=lambda: None).start()
    try:
        attempt(name, mode, use)
    except harness.Failed as error:
        print("failed:", error)
    except Exception as error:
        print(f"failed: {type(error).__name__}: {error}")
    else:
        print("ok")


main()
