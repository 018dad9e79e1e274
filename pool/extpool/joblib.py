"""joblib: Parallel loops in an InterpreterPool.

    import joblib
    import extpool.joblib

    extpool.joblib.register()
    with joblib.parallel_config(backend="extpool", n_jobs=4):
        roots = joblib.Parallel()(joblib.delayed(math.sqrt)(i) for i in range(1000))

parallel_config(backend="extpool", policy=...) passes on what InterpreterPool understands. Workers
are kept for the next loop. They need the modules of the functions, not joblib; where those import
joblib, loops inside a task run one after the other.
"""

import os
import threading

from joblib import cpu_count
from joblib.parallel import (AutoBatchingMixin, FallbackToBackend, ParallelBackendBase,
                             SequentialBackend, register_parallel_backend)

from . import _joblib_worker, _pool
from ._executor import InterpreterPool

_EXIT_TIMEOUT = 5.0  # seconds; at the end of the program nobody waits for a loop any more


def register(name="extpool", make_default=False):
    """Makes the backend known to joblib under that name. Since: 0.1; joblib 1.5 or newer."""
    register_parallel_backend(name, InterpreterPoolBackend, make_default=make_default)


class _Kept:
    """The pool of the last loop, for the next one that wants the same."""

    def __init__(self):
        self._lock = threading.Lock()
        self._key = self._pool = None

    def get(self, workers, options):
        """A pool made with these options, the one kept if it was made with the same."""
        key = workers, sorted(options.items(), key=lambda option: option[0])
        with self._lock:
            old = None
            if self._pool is None or self._key != key:
                old, self._key = self._pool, key
                self._pool = InterpreterPool(workers, "extpool-joblib", exit_timeout=_EXIT_TIMEOUT,
                                             **_joblib_worker.with_preparation(options))
            pool = self._pool
        if old is not None:
            old.shutdown(wait=False)  # another thread may be in a loop
        return pool

    def drop(self, pool):
        """Not to be used again: a task in it does not end."""
        with self._lock:
            if self._pool is pool:
                self._key = self._pool = None
        pool.shutdown(wait=False)


_kept = _Kept()


class InterpreterPoolBackend(AutoBatchingMixin, ParallelBackendBase):
    """joblib's interface to InterpreterPool; see register()."""

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True
    supports_sharedmem = False
    uses_threads = False

    def __init__(self, nesting_level=None, inner_max_num_threads=None, **options):
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        self._options = options
        self._pool = None
        self._futures = set()
        self._environment = None

    def effective_n_jobs(self, n_jobs):
        """How many interpreters n_jobs means here; 1 inside a worker."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None or _pool.in_worker():
            return 1
        return n_jobs if n_jobs > 0 else max(cpu_count() + 1 + n_jobs, 1)

    def configure(self, n_jobs=1, parallel=None, prefer=None, require=None, **ignored):
        """Called before a loop, or a block of loops; returns the number of workers."""
        n_jobs = self.effective_n_jobs(n_jobs)
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        options = self._options
        if self.inner_max_num_threads is not None:
            self._set_environment(str(self.inner_max_num_threads))
            options = {**options, "": self.inner_max_num_threads}  # these workers only
        self._pool = _kept.get(n_jobs, options)
        return n_jobs

    def _set_environment(self, threads):
        """Libraries that workers load until terminate() see it, as does the whole process."""
        if self._environment is None:
            self._environment = {name: os.environ.get(name) for name in self.MAX_NUM_THREADS_VARS}
        os.environ.update(dict.fromkeys(self._environment, threads))

    def submit(self, func, callback=None):
        """func is joblib's batch of calls; joblib itself stays out of the worker."""
        items = getattr(func, "items", None)
        if items is None:
            future = self._pool.submit(func)
        else:
            future = self._pool.submit(_joblib_worker.run_batch, *_joblib_worker.pack(items))
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    apply_async = submit

    def retrieve_result_callback(self, out):
        """The results of a batch, or what one of its calls raised."""
        return out.result()

    def get_nested_backend(self):
        """Loops inside a task are plain loops: the processors have work already."""
        return SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None

    def terminate(self):
        """Called after a loop, or a block of loops. The workers stay."""
        self._pool = None
        self.reset_batch_stats()
        if self._environment is not None:
            for name, value in self._environment.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            self._environment = None

    def abort_everything(self, ensure_ready=True):
        """Called when a loop has failed: cancels what waits, interrupts what runs. A pool with a
        task that may not end is not used again."""
        pool, running = self._pool, False
        for future in list(self._futures):
            if not future.cancel() and not future.done():
                future.interrupt()
                running = True
        if pool is not None and running:
            _kept.drop(pool)
        self._pool = None
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)
