"""offload() in Celery workers, prefork and threads, with a folder as the broker."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HOLDER = tempfile.TemporaryDirectory(prefix="extpool-celery-")
FOLDER = pathlib.Path(HOLDER.name)
for part in ("queue", "control", "results"):
    (FOLDER / part).mkdir()
os.environ["EXTPOOL_CELERY_FOLDER"] = str(FOLDER)

import work_for_celery as work  # noqa: E402

LIMIT = 60  # seconds


def heavy(n):
    return sum(i * i % 7 for i in range(20000 + n))


class Celery(unittest.TestCase):
    def run_with(self, kind):
        with open(FOLDER / f"{kind}.log", "wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "work_for_celery", "worker", "--pool", kind,
                 "--concurrency", "2", "--without-gossip", "--without-mingle"],
                cwd=pathlib.Path(__file__).parent, stdout=log, stderr=log)
        try:
            tasks = [work.one.delay(n) for n in range(10)]
            self.assertEqual([task.get(timeout=LIMIT) for task in tasks],
                             [[heavy(n), True] for n in range(10)])
            self.assertEqual(work.many.delay([1, 2, 3]).get(timeout=LIMIT),
                             [heavy(n) for n in (1, 2, 3)])
            with self.assertRaises(ValueError):
                work.fail.delay().get(timeout=LIMIT)
        finally:
            worker.terminate()
            code = worker.wait(LIMIT)
        self.assertEqual(code, 0, (FOLDER / f"{kind}.log").read_text()[-3000:])

    def test_prefork(self):
        self.run_with("prefork")

    def test_threads(self):
        self.run_with("threads")


if __name__ == "__main__":
    unittest.main()
