"""offload() and the plugin in a real cluster: a scheduler and two worker processes on loopback."""

import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import time
import unittest

import cloudpickle
import dask
import work_for_engines
from dask.distributed import Client

import extpool
from extpool.distributed import InterpreterPoolPlugin

LIMIT = 90  # seconds


def heavy(n):
    return sum(i * i % 7 for i in range(20000 + n))


def where(_):
    return extpool.in_worker(), os.getpid()


def fail(x):
    raise KeyError(x, "told")


class Cluster:
    """Processes as `dask scheduler` and `dask worker` start them."""

    def __init__(self, folder, workers=2):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "scheduler.json"
        self.processes = []
        self.start("scheduler", "--port", "0")
        for number in range(workers):
            self.start("worker", "--no-nanny", "--nthreads", "2", "--name", f"worker-{number}",
                       "--local-directory", self.folder)
        self.client = Client(scheduler_file=str(self.file), timeout=LIMIT)
        self.client.wait_for_workers(workers, timeout=LIMIT)

    def start(self, kind, *options):
        path = [str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        with open(self.folder / f"{kind}-{len(self.processes)}.log", "wb") as log:
            self.processes.append(subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file",
                 self.file, "--host", "127.0.0.1", "--no-dashboard", *options],
                stderr=log, env={**os.environ, "PYTHONPATH": os.pathsep.join(path)}))

    def end(self):
        self.client.close()
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def logs(self):
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


class Dask(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="extpool-dask-")
        self.addCleanup(holder.cleanup)
        self.cluster = Cluster(holder.name)
        self.addCleanup(self.cluster.end)
        self.client = self.cluster.client

    def gather(self, futures):
        return [future.result(timeout=LIMIT) for future in futures]

    def test_offload_and_plugin(self):
        client = self.client
        plain = [heavy(n) for n in range(20)]
        here = extpool.offload(heavy)
        client.register_plugin(InterpreterPoolPlugin())
        self.assertEqual(self.gather(client.map(here, range(20))), plain)

        def inside(**settings):
            return set(self.gather(client.map(where, range(30), pure=False, **settings)))

        with dask.annotate(executor="interpreters"):
            self.assertEqual({found for found, _ in inside()}, {True})
            self.assertEqual(self.gather(client.map(heavy, range(20), pure=False)), plain)
            parts = [dask.delayed(heavy)(n) for n in range(5)]
            total = dask.delayed(sum)(parts)
        self.assertEqual(client.compute(total, optimize_graph=False).result(), sum(plain[:5]))
        self.assertEqual({found for found, _ in inside()}, {False})
        decorated = client.map(work_for_engines.decorated, range(4), pure=False)
        self.assertEqual(self.gather(decorated), [(n, True) for n in range(4)])
        with self.assertRaises(KeyError) as caught:
            client.submit(extpool.offload(fail), 3).result()
        self.assertEqual(caught.exception.args, (3, "told"))
        client.register_plugin(InterpreterPoolPlugin(default=True))
        self.assertEqual({found for found, _ in inside()}, {True})
        client.unregister_worker_plugin("extpool")
        self.assertEqual({found for found, _ in inside()}, {False})
        worker = self.cluster.processes[-1]
        worker.terminate()
        self.assertEqual(worker.wait(LIMIT), 0, self.cluster.logs()[-3000:])

    def test_worker_killed(self):
        client = self.client
        client.register_plugin(InterpreterPoolPlugin())
        with dask.annotate(executor="interpreters"):
            futures = client.map(heavy, range(400))
        end = time.monotonic() + LIMIT
        while sum(future.done() for future in futures) < 20 and time.monotonic() < end:
            time.sleep(0.01)
        self.cluster.processes[-1].kill()
        unfinished = sum(not future.done() for future in futures)
        self.assertEqual(self.gather(futures), [heavy(n) for n in range(400)])
        self.assertGreater(unfinished, 0)
        self.assertEqual(len(client.scheduler_info()["workers"]), 1)


class Offload(unittest.TestCase):
    """What offload() is by itself."""

    def tearDown(self):
        extpool.close_offload()

    def test_pickles(self):
        for offloaded in (extpool.offload(abs), work_for_engines.decorated):
            for way in (pickle, cloudpickle):
                again = way.loads(way.dumps(offloaded))
                self.assertEqual(again(-3), offloaded(-3))
        self.assertIs(pickle.loads(pickle.dumps(work_for_engines.decorated)),
                      work_for_engines.decorated)
        three = 3
        again = pickle.loads(cloudpickle.dumps(extpool.offload(lambda x: x + three)))
        self.assertEqual(again(4), 7)

    def test_pool_of_the_process(self):
        extpool.configure_offload(max_workers=1, policy="declared")
        self.assertEqual(extpool.offload(where)(0), (True, os.getpid()))
        future = extpool.offload(heavy).submit(5)
        self.assertEqual(future.result(), heavy(5))
        extpool.close_offload()
        self.assertEqual(extpool.offload(where)(0)[0], True)
        with self.assertRaises(TypeError):
            extpool.offload(3)
        with self.assertRaises(KeyError):
            extpool.offload(fail)(1)

    def test_nested_and_forked(self):
        self.assertEqual(extpool.offload(work_for_engines.calls_decorated)(4), (4, True))
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if extpool.offload(where)(0) == (True, os.getpid()) else 1)
            finally:
                os._exit(2)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


if __name__ == "__main__":
    unittest.main()
