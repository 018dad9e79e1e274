"""Dask: tasks that arrive at a worker process run in an InterpreterPool of that process.

    from dask.distributed import Client
    from extpool.distributed import InterpreterPoolPlugin

    client = Client("scheduler:8786")
    client.register_plugin(InterpreterPoolPlugin())
    with dask.annotate(executor="interpreters"):    # these tasks; or
        results = client.map(function, items)
    results = client.map(extpool.offload(function), items)

Needs `distributed` in the program and in the workers, extpool in both, and nothing but the
modules of the functions in the interpreters.
"""

import sys
import threading
from concurrent.futures import Executor, ThreadPoolExecutor

from distributed import WorkerPlugin

from . import _offload


class InterpreterPoolPlugin(WorkerPlugin):
    """Gives each Dask worker process an InterpreterPool.

    max_workers: interpreters in each process; by default one for each of its threads.
    executor: the name by which dask.annotate(executor=...) sends tasks there.
    default: True sends all tasks there that say nothing else. Tasks that call Dask itself
        (get_worker, worker_client) or import what interpreters refuse then fail.
    options: other keyword arguments of InterpreterPool, such as policy or initializer.

    The pool is made with the first task and ends with the worker. It is that of offload():
    worker processes that run several Dask workers have one pool. Dask's statistical profiler is
    turned off in the process: sys._current_frames(), which it lives on, corrupts the memory of
    interpreters with a GIL of their own (3.13 crashes soon) and tells nothing but the caller then.
    Since: 0.1; distributed 2024.12 or newer.
    """

    name = "extpool"

    def __init__(self, max_workers=None, *, executor="interpreters", default=False, **options):
        self.max_workers = max_workers
        self.executor = executor
        self.default = default
        self.options = options

    def setup(self, worker):
        """Called by Dask in each worker process."""
        _stop_profiling(worker)
        count = self.max_workers or worker.state.nthreads
        _offload.configure_offload(max_workers=count, **self.options)
        executor = worker.executors[self.executor] = TaskExecutor(worker.state.nthreads)
        if self.default:
            self._replaced = worker.executors["default"]
            worker.executors["default"] = executor

    def teardown(self, worker):
        """Called by Dask when the worker closes, or the plugin is unregistered."""
        executor = worker.executors.pop(self.executor, None)
        if self.default and worker.executors.get("default") is executor:
            worker.executors["default"] = self._replaced
        if executor is not None:
            executor.shutdown(wait=False)
        _offload.close_offload(wait=False)


class TaskExecutor(Executor):
    """What a Dask worker takes for the place where tasks run. Threads of the process prepare a
    task, with its inputs, and wait for it; only its function runs in the pool.

    It is no ThreadPoolExecutor, nor named so, because Dask takes those for a place where tasks
    find the worker's state.
    """

    def __init__(self, threads):
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="extpool-dask")

    def submit(self, fn, /, *args, **kwargs):
        """Dask submits (its own function, the task, inputs...)."""
        if args and _is_task(args[0]):
            args = (_redirect(args[0]), *args[1:])
        return self._threads.submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more tasks."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def _stop_profiling(worker):
    """CPython makes frame objects of other interpreters' frames with the caller's allocator."""
    callback = worker.periodic_callbacks.get("profile")
    if callback is not None:
        callback.stop()
    sys._current_frames = _own_frame


def _own_frame():
    return {threading.get_ident(): sys._getframe(1)}


def _is_task(thing):
    """A call, not one of the nodes that only arrange data. Their classes have no public name."""
    kind = type(thing)
    return kind.__name__ == "Task" and kind.__module__.startswith("dask.") \
        and callable(getattr(thing, "func", None))


def _redirect(task):
    copy = task.copy()
    if not isinstance(copy.func, _offload.Offloaded):
        copy.func = _offload.offload(copy.func)
    return copy
