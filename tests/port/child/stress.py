"""Runs a workload in interpreters with their own GIL: stress.py FOLDER THREADS INTERPRETERS.

Each thread makes interpreters one after the other, runs exercise() of FOLDER/workload.py in it and
ends it, while the other threads do the same. Prints how many passed; exit code 0 when all did.
"""

import sys
import threading

import _interpreters

CODE = """
import sys
sys.path.insert(0, {folder!r})
import workload
workload.exercise()
"""


def run_one(code, problems):
    ident = _interpreters.create("isolated")
    try:
        error = _interpreters.run_string(ident, code)
    finally:
        _interpreters.destroy(ident)
    if error is not None:
        problems.append(str(getattr(error, "formatted", error)))
        return 0
    return 1


def main():
    folder, threads, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    code = CODE.format(folder=folder)
    problems = []
    passed = []
    barrier = threading.Barrier(threads)

    def body(share):
        barrier.wait()
        for _ in range(share):
            passed.append(run_one(code, problems))

    workers = [threading.Thread(target=body, args=((count + i) // threads,))
               for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for problem in sorted(set(problems)):
        print(problem)
    print(f"{sum(passed)} of {count} interpreters passed")
    return 0 if sum(passed) == count else 1


if __name__ == "__main__":
    sys.exit(main())
