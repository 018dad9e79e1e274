"""Calls: arguments, functions of every kind, results, exceptions, callbacks, map."""

import asyncio
import concurrent.futures
import functools
import gc
import math
import operator
import sys
import threading
import time
import unittest
import weakref

import extpool
import functions_for_tests as f


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = extpool.InterpreterPool(2)

    @classmethod
    def tearDownClass(cls):
        cls.pool.terminate_workers()

    def call(self, *args, **kwargs):
        return self.pool.submit(*args, **kwargs).result(30)

    def test_it_is_an_executor_with_futures(self):
        self.assertIsInstance(self.pool, concurrent.futures.Executor)
        future = self.pool.submit(pow, 2, 10)
        self.assertIsInstance(future, concurrent.futures.Future)
        self.assertEqual(future.result(), 1024)
        self.assertIsNone(future.exception())
        self.assertTrue(future.done())
        self.assertFalse(future.running() or future.cancelled() or future.cancel())
        self.assertIn("finished returned int", repr(future))

    def test_it_runs_elsewhere(self):
        f.STATE["value"] = "home"
        self.assertNotEqual(self.call(f.in_which_interpreter), threading.get_ident())
        self.assertNotEqual(self.call(f.recall), "home")
        self.assertTrue(self.call(extpool.in_worker))
        self.assertFalse(extpool.in_worker())

    def test_arguments(self):
        self.assertEqual(self.call(dict, a=1, b=[2]), {"a": 1, "b": [2]})
        self.assertEqual(self.call(max, *range(40)), 39)
        self.assertEqual(self.call("{0}{1}{x}".format, 1, 2, x=3), "123")
        self.assertEqual(self.call(f.kind_and_value, 2**80), ("int", 2**80))
        shared = [1]
        self.assertTrue(self.call(operator.is_, shared, shared))

    def test_kinds_of_functions(self):
        k = 5
        self.assertEqual(self.call(lambda x, y=2, *, z=3: (x, y, z), 1), (1, 2, 3))
        self.assertEqual(self.call(lambda: k), 5)
        self.assertEqual(self.call(functools.partial(pow, 2), 5), 32)
        self.assertEqual(self.call(str.upper, "abc"), "ABC")
        self.assertEqual(self.call([3, 1].index, 1), 1)
        self.assertEqual(self.call(f.OwnError.with_traceback.__class__.__name__.lower), "method_descriptor")
        self.assertEqual(self.call(complex, 1, 2), 1 + 2j)

        def factorial(n):
            return 1 if n < 2 else n * factorial(n - 1)
        self.assertEqual(self.call(factorial, 6), 720)

    def test_closures_see_their_values_at_the_time_of_the_call(self):
        value = 1

        def read():
            return value
        self.assertEqual(self.call(read), 1)
        value = 2
        self.assertEqual(self.call(read), 2)

    def test_what_cannot_be_sent_fails_the_future(self):
        lock = threading.Lock()
        for future in (self.pool.submit(f.identity, lock), self.pool.submit(lambda: lock),
                       self.pool.submit(f.unsendable)):
            self.assertIsInstance(future.exception(30), extpool.NotShareableError)
        self.assertIsInstance(self.pool.submit(7).exception(30), TypeError)
        self.assertEqual(self.call(pow, 2, 3), 8)

    def test_the_variable_that_cannot_be_sent_is_named(self):
        lock = threading.Lock()
        what = "an object of type _thread.lock cannot be sent to another interpreter: "

        def outer():
            return inner()

        def inner(*, key=None):
            return lock, key

        def with_default(*, key=lock):
            return key

        names = {"lock": lock, "fine": 1, "__name__": "__main__"}
        exec("def helper(): return lock\ndef start(): return fine, helper()", names)
        enclosing = f"needs the variable of an enclosing function 'lock', but {what}"
        for function, text in (
                (inner, f"inner {enclosing}"), (functools.partial(inner, 1), f"inner {enclosing}"),
                (outer, f"outer needs the variable of an enclosing function 'inner', but function "
                        f"{inner.__qualname__} {enclosing}"),
                (with_default, f"needs the default value of parameter 'key', but {what}"),
                (names["start"], f"function helper needs the global variable 'lock', but {what}")):
            for error in (self.pool.submit(function).exception(30),
                          self.pool.submit(f.identity, [function]).exception(30)):
                self.assertIsInstance(error, extpool.NotShareableError)
                self.assertIn(text, str(error))
        error = self.pool.submit(functools.partial(f.identity, lock)).exception(30)
        self.assertIn("an object of type functools.partial cannot be sent", str(error))
        for odd in (("c", b"", "x", "x", None, None, (), lock), (*"cccccccc"[1:], lock),
                    ("p", 1, lock), ("p", lock, 1), ([], lock)):
            error = self.pool.submit(f.identity, odd).exception(30)
            self.assertIsInstance(error, extpool.NotShareableError)
            self.assertIn("an object of type ", str(error))
            self.assertNotIn("function", str(error))

    def test_exceptions_keep_their_type(self):
        for kind, args in ((ValueError, ("x",)), (KeyError, ("k",)), (OSError, (2, "no", "file")),
                           (UnicodeDecodeError, ("utf8", b"x", 0, 1, "bad")), (Exception, ()),
                           (StopIteration, (5,)), (f.OwnError, (7, "seven"))):
            with self.subTest(kind=kind.__name__):
                error = self.pool.submit(f.fail, kind, *args).exception(30)
                self.assertIs(type(error), type(kind(*args)))
                if kind is not f.OwnError:
                    self.assertEqual(error.args, kind(*args).args)
                self.assertIn("in fail", str(error.__cause__))
                self.assertIn("raise kind(*args)", str(error.__cause__))
        self.assertEqual(self.pool.submit(f.fail, f.OwnError, 7, "x").exception(30).code, 7)

    def test_exception_chains_and_notes(self):
        error = self.pool.submit(f.fail_chained).exception(30)
        text = str(error.__cause__)
        self.assertIn("KeyError: 'missing'", text)
        self.assertIn("direct cause", text)
        self.assertLess(text.index("KeyError"), text.index("ValueError: outer"))
        error = self.pool.submit(f.fail_with_note).exception(30)
        self.assertEqual(error.__notes__, ["look here"])
        self.assertIn("look here", str(error.__cause__))
        group = self.pool.submit(f.fail, ExceptionGroup, "many", [ValueError(1)]).exception(30)
        self.assertIsInstance(group.exceptions[0], ValueError)

    def test_exceptions_that_cannot_travel(self):
        error = self.pool.submit(f.fail_two).exception(30)
        self.assertIsInstance(error, extpool.RemoteError)
        self.assertIn("TwoArguments: one", str(error))
        error = self.pool.submit(f.fail_group).exception(30)
        self.assertIsInstance(error, extpool.RemoteError)
        self.assertEqual(str(error), "ExceptionGroup: several (2 sub-exceptions)")
        self.assertRegex(str(error.__cause__), r"(?s)TwoArguments: one.* ValueError: 5")
        error = self.pool.submit(f.fail, ValueError, threading.Lock()).exception(30)
        self.assertIsInstance(error, extpool.NotShareableError)
        error = self.pool.submit(f.identity, f.BadOnArrival()).exception(30)
        self.assertRegex(str(error), "bad on arrival")

    def test_exit_and_recursion(self):
        self.assertEqual(self.pool.submit(f.exit_task).exception(30).code, 3)
        self.assertIsInstance(self.pool.submit(f.recurse).exception(60), RecursionError)
        self.assertEqual(self.call(pow, 3, 3), 27)

    def test_callbacks(self):
        seen = []
        event = threading.Event()
        future = self.pool.submit(time.sleep, 0.05)
        future.add_done_callback(seen.append)
        with self.assertLogs("concurrent.futures", "ERROR"):
            future.add_done_callback(lambda _: 1 / 0)
            future.add_done_callback(lambda _: event.set())
            self.assertTrue(event.wait(30))
        self.assertEqual(seen, [future])
        future.add_done_callback(seen.append)
        self.assertEqual(seen, [future, future])

    @unittest.skipIf(sys.version_info < (3, 14, 8), "it may be refused there")
    def test_callbacks_run_in_a_thread_that_cpython_knows(self):
        """Its thread state is its own, not that of whoever made it start."""
        known = []
        done = threading.Event()
        future = self.pool.submit(time.sleep, 0.05)
        future.add_done_callback(
            lambda _: known.append(threading.get_ident() in sys._current_frames()))
        future.add_done_callback(lambda _: done.set())
        self.assertTrue(done.wait(60))
        self.assertEqual(known, [True])

    def test_cancel(self):
        release = extpool.Channel()
        with extpool.InterpreterPool(1) as pool:
            first = pool.submit(f.receive_forever, release)
            second = pool.submit(pow, 2, 2)
            third = pool.submit(pow, 2, 2)
            told = []
            third.add_done_callback(told.append)
            while not first.running():
                time.sleep(0.01)
            self.assertFalse(first.cancel())
            self.assertTrue(second.cancel() and second.cancelled() and second.done())
            self.assertTrue(third.cancel())
            self.assertEqual(told, [third])
            self.assertRaises(concurrent.futures.CancelledError, second.result)
            done, _ = concurrent.futures.wait([second, third], 10)
            self.assertEqual(done, {second, third})
            release.send("go")
            self.assertEqual(first.result(30), "go")

    def test_timeout(self):
        channel = extpool.Channel()
        future = self.pool.submit(f.receive_forever, channel)
        self.assertRaises(TimeoutError, future.result, 0.05)
        self.assertRaises(TimeoutError, future.result, timeout=0)
        channel.send("end")
        self.assertEqual(future.result(30), "end")
        self.assertRaises(TypeError, future.result, 1, 2)
        self.assertRaises(TypeError, future.result, "soon")

    def test_map(self):
        for size in (1, 2, 7, 1000, "auto"):
            for buffersize in (None, 3, 100):
                with self.subTest(size=size, buffersize=buffersize):
                    self.assertEqual(
                        list(self.pool.map(pow, range(50), range(50), chunksize=size,
                                           buffersize=buffersize)),
                        [n**n for n in range(50)])
                    self.assertEqual(list(self.pool.map(abs, iter([-1, 2, -3]), chunksize=size,
                                                        buffersize=buffersize)), [1, 2, 3])
        self.assertEqual(list(self.pool.map(str, [])), [])
        self.assertEqual(list(self.pool.map(f.identity, [(1, 2)], chunksize=2)), [(1, 2)])
        results = self.pool.map(math.sqrt, [4, -1, 9])
        self.assertEqual(next(results), 2.0)
        self.assertRaises(ValueError, next, results)
        self.assertRaises(ValueError, self.pool.map, abs, [1], chunksize=0)
        for size in ("big", 2.5, None):
            with self.assertRaisesRegex(TypeError, 'an integer or "auto"'):
                self.pool.map(abs, [1], chunksize=size)
        with self.assertRaises(TimeoutError):
            list(self.pool.map(time.sleep, [1.0], timeout=0.05))

    def test_asyncio(self):
        async def main():
            loop = asyncio.get_running_loop()
            results = await asyncio.gather(*[loop.run_in_executor(self.pool, pow, 2, n)
                                             for n in range(300)])
            with self.assertRaises(ZeroDivisionError):
                await loop.run_in_executor(self.pool, divmod, 1, 0)
            return results, await self.pool.run(pow, 3, 4)
        results, task = asyncio.run(main())
        self.assertEqual(results, [2**n for n in range(300)])
        self.assertEqual(task, 81)

    def test_as_completed_from_two_pools(self):
        with extpool.InterpreterPool(1) as other:
            futures = [pool.submit(pow, 2, n) for n in range(50) for pool in (self.pool, other)]
            results = [future.result() for future in concurrent.futures.as_completed(futures, 30)]
        self.assertEqual(sorted(results), sorted([2**n for n in range(50)] * 2))

    def test_many_threads_submit(self):
        totals = []

        def work():
            totals.append(sum(future.result(60) for future in
                              [self.pool.submit(operator.add, n, n) for n in range(500)]))
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(totals, [500 * 499] * 4)

    def test_futures_are_collected(self):
        future = self.pool.submit(f.identity, [1])
        future.result()
        future.add_done_callback(lambda _, keep=future: None)
        reference = weakref.ref(future)
        del future
        gc.collect()
        self.assertIsNone(reference())

    def test_run_and_running(self):
        release = extpool.Channel()
        task = self.pool.run(f.receive_forever, release)
        while not task.running():
            time.sleep(0.01)
        joined = task.join(0.05)
        running = [entry for entry in self.pool.running() if "receive_forever" in entry[1]]
        release.send(5)
        self.assertTrue(task.join(30) and task.done())
        self.assertEqual((joined, task.result(), len(running)), (False, 5, 1))
        worker, _, seconds = running[0]
        self.assertGreater(seconds, 0.04)
        self.assertGreater(worker, 0)
        self.assertFalse([entry for entry in self.pool.running() if "receive_" in entry[1]])


class Lifetime(unittest.TestCase):
    def test_initializer(self):
        with extpool.InterpreterPool(2, initializer=f.set_up, initargs=("ready",)) as pool:
            self.assertEqual({pool.submit(f.initialized).result(30) for _ in range(20)}, {"ready"})

    def test_broken_initializer(self):
        with self.assertLogs("concurrent.futures", "CRITICAL") as logged:
            pool = extpool.InterpreterPool(1, initializer=f.fail, initargs=(ValueError, "no"))
            future = pool.submit(pow, 1, 1)
            error = future.exception(30)
        frame = r'functions_for_tests.py", line \d+, in fail\n(.*\n)+ValueError: no'
        self.assertRegex(logged.output[0], frame)
        self.assertRegex(str(error.__cause__), frame)
        self.assertNotIn("Traceback", str(error))
        self.assertIsInstance(error, extpool.BrokenInterpreterPool)
        self.assertIn("ValueError: no", str(error))
        self.assertRaises(extpool.BrokenInterpreterPool, pool.submit, pow, 1, 1)
        pool.shutdown()

    def test_shutdown(self):
        pool = extpool.InterpreterPool(2)
        futures = [pool.submit(time.sleep, 0.02) for _ in range(6)]
        pool.shutdown()
        self.assertTrue(all(future.done() for future in futures))
        self.assertRaises(RuntimeError, pool.submit, pow, 1, 1)
        pool.shutdown()
        pool = extpool.InterpreterPool(1)
        futures = [pool.submit(time.sleep, 0.05) for _ in range(20)]
        pool.shutdown(wait=False, cancel_futures=True)
        self.assertGreater(sum(future.cancelled() for future in futures), 15)
        concurrent.futures.wait(futures, 30)

    def test_dropped_pool_finishes_its_work(self):
        pool = extpool.InterpreterPool(1)
        futures = [pool.submit(pow, 2, n) for n in range(5)]
        del pool
        gc.collect()
        self.assertEqual([future.result(30) for future in futures], [1, 2, 4, 8, 16])

    def test_workers_on_demand(self):
        with extpool.InterpreterPool(8) as pool:
            for _ in range(5):
                pool.submit(pow, 1, 1).result(30)
            self.assertEqual(len(pool._threads), 1)

    def test_bad_arguments(self):
        for arguments in ({"max_workers": 0}, {"policy": "none"}, {"isolation": "x"}):
            self.assertRaises(ValueError, extpool.InterpreterPool, **arguments)
        self.assertRaises(TypeError, extpool.InterpreterPool, initializer="pass")

    def test_threads_inside_a_worker(self):
        with extpool.InterpreterPool(1) as pool:
            self.assertEqual(pool.submit(f.use_threads).result(120), 6)
            self.assertEqual(pool.submit(f.leave_executor).result(30), 4)

    def test_pool_inside_a_worker(self):
        def nested():
            import extpool
            with extpool.InterpreterPool(1) as pool:
                return pool.submit(pow, 2, 5).result(30)
        with extpool.InterpreterPool(1) as pool:
            self.assertEqual(pool.submit(nested).result(60), 32)


if __name__ == "__main__":
    unittest.main()
