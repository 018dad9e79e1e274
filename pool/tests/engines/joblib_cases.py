"""The joblib backend under joblib itself: what it gives is what loky and threading give."""

import math
import os
import sys
import threading
import time
import unittest

import grid_search
import joblib
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

import extpool
import extpool.joblib

extpool.joblib.register()


def work(x, k=1):
    return (x * x % 7) * k, str(x)


def fail_at(x, wrong):
    if x == wrong:
        raise KeyError(x, "told")
    return x


def in_worker(_):
    return extpool.in_worker(), sys.getrecursionlimit()


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    def moved(self, by):
        return Point(self.x + by)


class Joblib(unittest.TestCase):
    def same(self, tasks, **settings):
        """Compared with what joblib's own backends make of the same tasks."""
        expected = [fn(*args, **kwargs) for fn, args, kwargs in tasks]
        for backend in ("threading", "loky"):
            self.assertEqual(Parallel(n_jobs=2, backend=backend)(tasks), expected)
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            self.assertEqual(Parallel(**settings)(tasks), expected)

    def test_results_in_order(self):
        self.same([delayed(work)(i, k=i % 3) if i % 2 else delayed(work)(i) for i in range(500)])
        self.same([delayed(math.sqrt)(i) for i in range(500)], batch_size=50)
        self.same([delayed(fn)(2) for fn in (math.sqrt, math.exp, abs, str)], batch_size=3)
        self.same([delayed(math.sqrt)(i) for i in range(20)], batch_size=1, pre_dispatch="all")
        self.same([])

    def test_objects_methods_lambdas(self):
        self.same([delayed(Point(i).moved)(3) for i in range(9)])
        shift = 5
        self.same([delayed(lambda x: x + shift)(i) for i in range(9)])

    def test_it_is_the_pool(self):
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            self.assertEqual({inside for inside, _ in Parallel()(
                delayed(in_worker)(i) for i in range(8))}, {True})
            self.assertEqual(Parallel(n_jobs=1)([delayed(in_worker)(1)])[0][0], False)

    def test_generators(self):
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            tasks = [delayed(math.sqrt)(i) for i in range(50)]
            expected = [math.sqrt(i) for i in range(50)]
            self.assertEqual(list(Parallel(return_as="generator")(tasks)), expected)
            self.assertEqual(sorted(Parallel(return_as="generator_unordered")(tasks)), expected)

    def test_exceptions(self):
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            for _ in range(2):  # also right after one that failed
                with self.assertRaises(KeyError) as caught:
                    Parallel()(delayed(fail_at)(i, 7) for i in range(100))
                self.assertEqual(caught.exception.args, (7, "told"))
                self.assertIn("fail_at", str(caught.exception.__cause__))
            self.assertEqual(Parallel()(delayed(abs)(-i) for i in range(9)), list(range(9)))
            with Parallel() as block:
                with self.assertRaises(KeyError):
                    block(delayed(fail_at)(i, 3) for i in range(100))
                # joblib 1.6 itself first runs batches left over from the loop that failed, with its
                # own backends, too.
                results = block(delayed(abs)(-i) for i in range(9))
                self.assertEqual(results[-9:], list(range(9)))

    def test_what_cannot_travel(self):
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            with self.assertRaises(extpool.NotShareableError):
                Parallel()(delayed(str)(threading.Lock()) for _ in range(4))

    def test_timeout(self):
        def spin():
            while True:
                time.sleep(0.01)

        with joblib.parallel_config(backend="extpool", n_jobs=2):
            with self.assertRaises(joblib.parallel.TimeoutError):
                Parallel(timeout=0.2)(delayed(spin)() for _ in range(2))
            self.assertEqual(Parallel()(delayed(abs)(-i) for i in range(9)), list(range(9)))

    def test_effective_n_jobs(self):
        with joblib.parallel_config(backend="extpool"):
            self.assertEqual(joblib.effective_n_jobs(3), 3)
            self.assertEqual(joblib.effective_n_jobs(-1), joblib.cpu_count())
            self.assertEqual(joblib.effective_n_jobs(-10 ** 6), 1)
            self.assertEqual(joblib.effective_n_jobs(None), 1)
            with self.assertRaises(ValueError):
                joblib.effective_n_jobs(0)
            self.assertIsInstance(get_active_backend()[0], extpool.joblib.InterpreterPoolBackend)
        with joblib.parallel_backend("extpool", n_jobs=5):
            self.assertEqual(joblib.effective_n_jobs(None), 5)

    def test_nested(self):
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            found = Parallel()(delayed(grid_search.nested)(n) for n in range(5))
        self.assertEqual(found, [[i * i for i in range(n)] for n in range(5)])

    def test_inner_threads(self):
        name = "OMP_NUM_THREADS"
        before = os.environ.get(name)
        with joblib.parallel_config(backend="extpool", n_jobs=2, inner_max_num_threads=1):
            self.assertEqual(Parallel()(delayed(os.getenv)(name) for _ in range(4)), ["1"] * 4)
        self.assertEqual(os.environ.get(name), before)
        with joblib.parallel_config(backend="extpool", n_jobs=2):
            self.assertEqual(set(Parallel()(delayed(os.getenv)(name) for _ in range(4))), {before})

    def test_pool_options(self):
        with joblib.parallel_config(backend="extpool", n_jobs=2, policy="declared",
                                    initializer=sys.setrecursionlimit, initargs=(5000,)):
            self.assertEqual(set(Parallel()(delayed(in_worker)(i) for i in range(8))),
                             {(True, 5000)})
        with joblib.parallel_config(backend="extpool", n_jobs=2, policy="whatever"):
            with self.assertRaises(ValueError):
                Parallel()(delayed(abs)(-i) for i in range(9))

    def test_workers_are_kept(self):
        def first():
            seen = hasattr(sys, "seen_before")
            sys.seen_before = True
            return seen

        with joblib.parallel_config(backend="extpool", n_jobs=2, initializer=None):
            Parallel(batch_size=1)(delayed(first)() for _ in range(50))
            self.assertIn(True, Parallel(batch_size=1)(delayed(first)() for _ in range(2)))

    def test_library(self):
        expected = grid_search.search(n_jobs=1)
        for backend in ("extpool", "loky"):
            with joblib.parallel_config(backend=backend, n_jobs=2):
                found = grid_search.search()
            self.assertEqual(found.scores_, expected.scores_)
            self.assertEqual(found.best_, expected.best_)


if __name__ == "__main__":
    unittest.main()
