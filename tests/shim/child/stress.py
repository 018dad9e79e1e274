"""Threads that create, use and end interpreters at the same time: stress.py THREADS ROUNDS USES."""

import sys
import threading

import interps

THREADS, ROUNDS, USES = map(int, sys.argv[1:4])
CODE = f"""
import kinds_use
kinds_use.use({USES})
kinds_use.hide_late()
"""
errors = []
finished = []


def work():
    for _ in range(ROUNDS):
        try:
            interpreter = interps.create(own_gil=True)
            try:
                interps.execute(interpreter, CODE)
            finally:
                interps.destroy(interpreter)
            finished.append(1)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")


threads = [threading.Thread(target=work) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{len(finished)} of {THREADS * ROUNDS} interpreters", *errors[:2])
sys.exit(0 if len(finished) == THREADS * ROUNDS and not errors else 1)
