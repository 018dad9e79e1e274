"""Workers start with the C module only; whatever needs the Python part first gets it, once."""

import os
import shutil
import tempfile
import unittest

import extpool
from extpool import _pool

LOADED = "[name in __import__('sys').modules for name in ('extpool._worker', 'extpool._policy')]"
THREADS = """
import _imp, _thread, threading, time
done = []
def begin(i):
    _thread.start_new_thread(done.append, (i,))
threads = [threading.Thread(target=begin, args=(i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
while len(done) < 8:
    time.sleep(0.001)
assert _imp.create_dynamic.__name__ == "_create_checked", _imp.create_dynamic
inside = _thread.start_new_thread.__closure__
assert any(cell.cell_contents.__class__ is len.__class__ for cell in inside), "wrapped twice"
"""


class Start(unittest.TestCase):
    def setUp(self):
        self.pool = extpool.InterpreterPool(1)
        self.addCleanup(self.pool.shutdown)

    def evaluate(self, text, **names):
        return self.pool.submit(eval, text, names).result(60)

    def execute(self, text):
        return self.pool.submit(exec, text, {}).result(60)

    def test_plain_tasks_do_without(self):
        self.assertEqual(self.evaluate("2 + 2"), 4)
        self.assertRaises(ZeroDivisionError, self.evaluate, "1 / 0")
        self.assertEqual(self.evaluate(LOADED), [False, False])

    def test_the_module_looks_as_if_imported(self):
        own = self.evaluate("[(m.__name__, m.__file__, m.__package__, m.__spec__.name,"
                            " m.__spec__.origin, type(m.__loader__).__name__, m.in_worker())"
                            " for m in [__import__('sys').modules['extpool._pool']]][0]")
        self.assertEqual(own, (_pool.__name__, _pool.__file__, _pool.__package__,
                               _pool.__spec__.name, _pool.__spec__.origin,
                               type(_pool.__loader__).__name__, True))

    def test_code_loads_it(self):
        self.assertEqual(self.pool.submit(lambda: 7).result(60), 7)
        self.assertEqual(self.evaluate(LOADED), [True, True])
        self.execute("import extpool; assert extpool._pool is extpool._worker._pool")

    def test_special_exceptions_load_it(self):
        with self.assertRaises(ExceptionGroup) as caught:
            self.execute("raise ExceptionGroup('several', [ValueError(1)])")
        self.assertIn("ValueError: 1", str(caught.exception.__cause__))
        self.assertEqual(self.evaluate(LOADED), [True, True])

    def test_low_level_threads_load_it_once(self):
        self.execute(THREADS)
        self.assertEqual(self.evaluate(LOADED), [True, True])

    def test_extension_modules_load_it(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, os.path.basename(_pool.__file__))
            shutil.copyfile(_pool.__file__, copy)
            self.evaluate("__import__('sys').path.insert(0, folder)", folder=folder)
            self.assertEqual(self.evaluate(LOADED), [False, False])
            for _ in range(2):
                with self.assertRaisesRegex(ImportError, "^extpool: '_pool' was not checked: .* has no note"):
                    self.evaluate("__import__('_pool')")
        self.assertEqual([decision.outcome for decision in self.pool.decisions()], ["refused"])

    def test_it_is_found_whatever_became_of_the_path(self):
        self.execute("import os, sys\n"
                     "sys.path[:] = [folder for folder in sys.path\n"
                     "               if not os.path.exists(os.path.join(folder, 'extpool'))]")
        self.assertEqual(self.pool.submit(lambda: 7).result(60), 7)

    def test_what_failed_is_done_again(self):
        self.execute("import sys; sys.modules['extpool._policy'] = None")
        for task in lambda: self.pool.submit(lambda: 7), lambda: self.pool.submit(
                eval, "__import__('_imp').create_dynamic(None)", {}):
            self.assertIn("extpool._policy halted", str(task().exception(60)))
        self.execute("import sys; del sys.modules['extpool._policy']")
        self.assertEqual(self.pool.submit(lambda: 7).result(60), 7)
        self.assertEqual(self.evaluate("__import__('_imp').create_dynamic.__name__"),
                         "_create_checked")


if __name__ == "__main__":
    unittest.main()
