"""InterpreterPool: the concurrent.futures.Executor."""

import collections
import itertools
import operator
import os
import time
import weakref
from concurrent.futures import _base

from . import _hooks, _pickling, _pool  # noqa: F401  (_hooks connects _pool)

Future = _pool.Future

_AUTO_CHUNKS = 8  # per worker: enough to even out, few enough to be cheap
_AUTO_MAX = 10000
_count = itertools.count(1).__next__


class BrokenInterpreterPool(_base.BrokenExecutor):
    """A worker's initializer failed, or its interpreter could not be made."""


class InterpreterPool(_pool.Pool, _base.Executor):
    """Runs functions in interpreters that each have a lock of their own, one thread each.

    max_workers: most interpreters at a time, by default as many as there are processors.
    thread_name_prefix: names the threads, as far as the system lets them be named.
    initializer, initargs: called in each worker before its first task; if it fails, the pool is
        broken and every call raises BrokenInterpreterPool.
    policy: "checked" lets workers import extension modules outside the standard library only if
        extcheck judged them; others raise ImportError. "declared" takes CPython's word.
    verdicts: for "checked", a file that `extcheck --write-verdict` wrote about built modules, or a
        list of such files; modules with a note need none.
    isolation: "private-copy" gives extension modules that refuse interpreters, or that the policy
        would refuse, an image of their own in every worker; docs/private-copies.md says what that
        does not isolate. RuntimeError where it does not work.
    private_packages: the top-level packages that get private copies; None: all that need it.
    exit_timeout: seconds that the end of the program waits for queued work; None waits for all of
        it, as other executors do. Afterwards tasks are interrupted, then the process ends.

    Functions and classes of importable modules are sent by name; functions of the main program,
    lambdas and closures by their code and the values they use. Arguments and results are copied;
    Shared and memoryview objects are not.

    Threads: every method may be called by any thread of the interpreter that made the pool.
    Since: 0.1; Python 3.13 (3.13.5), 3.14, 3.15, 3.13t; experimental on 3.12. PEP 684, 734.
    """

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=(), *,
                 policy="checked", verdicts=None, isolation=None, private_packages=None,
                 exit_timeout=None):
        if _pool.in_worker():
            from . import _worker
            _worker.forbid_pools_in_main()
        if max_workers is None:
            max_workers = _processors()
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if policy not in ("checked", "declared"):
            raise ValueError("policy must be 'checked' or 'declared'")
        if verdicts is not None and policy != "checked":
            raise ValueError("verdicts are read with policy='checked' only")
        if isolation not in (None, "private-copy"):
            raise ValueError("isolation must be None or 'private-copy'")
        if isolation or private_packages is not None:
            from . import _private_copy
            private_packages = _private_copy.describe(isolation, private_packages)
        self._max_workers = max_workers
        self._thread_name_prefix = thread_name_prefix or f"InterpreterPool-{_count()}"
        setup = {"policy": policy, "isolation": isolation,
                 "private_packages": private_packages, "main": _pickling.main_program()}
        if policy == "checked":
            from . import _policy
            setup["checked"] = _policy.describe(verdicts)
        self._open(max_workers, self._thread_name_prefix,
                   -1.0 if exit_timeout is None else float(exit_timeout), setup, initializer,
                   tuple(initargs))

    def map(self, fn, *iterables, timeout=None, chunksize=1, buffersize=None):
        """Like map(fn, *iterables), the calls done by the workers.

        timeout: seconds from now within which every result must be there.
        chunksize: items that travel together, or "auto". If one call fails, the results of its
            chunk are lost with it.
        buffersize: most items that are on their way at a time; None submits all at once.

        Returns: an iterator of results in the order of the items; TimeoutError, or the exception
        of the call, when it gets there.
        """
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if chunksize != "auto" and not hasattr(chunksize, "__index__"):
            raise TypeError(f"chunksize must be an integer or \"auto\", not {chunksize!r}")
        if chunksize != "auto" and chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        deadline = None if timeout is None else time.monotonic() + timeout
        starred = len(iterables) != 1
        items = zip(*iterables) if starred else iter(iterables[0])
        if chunksize == "auto":
            chunksize = self._auto_chunk(iterables, buffersize)
        if chunksize == 1:
            futures = self._submit_items(fn, items, starred)
        else:
            futures = self._submit_chunks(fn, items, starred, chunksize)
        limit = None if buffersize is None else max(1, buffersize // chunksize)
        first = collections.deque(itertools.islice(futures, limit))
        return _results(first, None if limit is None else futures, deadline, chunksize > 1)

    def _auto_chunk(self, iterables, buffersize):
        """From the shortest length known, so that every worker gets several chunks."""
        lengths = [operator.length_hint(iterable, 0) for iterable in iterables]
        length = min(filter(None, lengths), default=0)
        if not length:
            return 1 if buffersize else 64
        size = max(1, min(_AUTO_MAX, length // (self._max_workers * _AUTO_CHUNKS)))
        return size if buffersize is None else min(size, buffersize)

    def _submit_items(self, fn, items, starred):
        pool = weakref.ref(self)
        for item in items:
            executor = pool()
            if executor is None:
                return
            future = executor.submit(fn, *item) if starred else executor.submit(fn, item)
            del executor, item
            yield future

    def _submit_chunks(self, fn, items, starred, chunksize):
        pool = weakref.ref(self)
        while chunk := list(itertools.islice(items, chunksize)):
            executor = pool()
            if executor is None:
                return
            future = executor._submit_chunk(fn, chunk, starred)
            del executor
            yield future

    def run(self, fn, /, *args, **kwargs):
        """Has fn(*args, **kwargs) called by a worker and returns a Task to join and interrupt."""
        from ._task import Task
        name = getattr(fn, "__qualname__", None) or repr(fn)
        return Task(self.submit(fn, *args, **kwargs), name)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more calls. With wait, returns when all work is done and all workers are gone;
        Ctrl-C ends the wait. With cancel_futures, what has not begun is cancelled."""
        self._shutdown(-1.0 if wait else 0.0, 1 if cancel_futures else 0)

    def terminate_workers(self, timeout=5.0):
        """Ends the pool now: cancels what has not begun and interrupts what runs.

        A task that is not done after timeout seconds, because it is blocked in C code, fails with
        WorkerTerminated, which names it; its thread and interpreter are given up. They end when
        the C code returns; while it does not, the process ends without cleaning up.

        Returns: the number of workers given up.
        """
        self._shutdown(0.0, 2)
        deadline = time.monotonic() + timeout
        pause = 0.1
        while True:
            self._interrupt_all()
            left = deadline - time.monotonic()
            if self._shutdown(max(1e-6, min(left, pause)), 2):
                return 0
            if left <= 0:
                return self._give_up()
            pause = min(1.0, pause * 2)  # a task may deal with one interruption and go on

    kill_workers = terminate_workers

    def decisions(self):
        """What was decided about extension modules that workers imported, in that order.

        Returns: a list of Decision(module, path, outcome, verdict, text); outcome is "passed",
        "warned", "refused", "unsafe" or "private". With policy="declared" there are only private
        copies; the standard library's modules and the pool's own are not among them.
        Since: 0.1.
        """
        from . import _verdicts
        return _verdicts.decisions(self._decisions())

    @property
    def _threads(self):
        return frozenset(range(self._worker_count))

    def __repr__(self):
        return (f"<{type(self).__name__} {self._thread_name_prefix} workers="
                f"{self._worker_count}/{self._max_workers} queued={self._queued}>")


def _processors():
    count = getattr(os, "process_cpu_count", os.cpu_count)()
    return count or 1


def _result_or_cancel(future, timeout=None):
    try:
        try:
            return future.result(timeout)
        finally:
            future.cancel()
    finally:
        del future  # the exception refers to this frame


def _results(waiting, more, deadline, chunked):
    """Yields results in order; submits more as results are taken, when that was asked for."""
    try:
        while waiting:
            if more is not None and (future := next(more, None)) is not None:
                waiting.append(future)
                del future
            left = None if deadline is None else deadline - time.monotonic()
            if chunked:
                results = _result_or_cancel(waiting.popleft(), left)
                results.reverse()
                while results:
                    yield results.pop()
            else:
                yield _result_or_cancel(waiting.popleft(), left)
    finally:
        for future in waiting:
            future.cancel()
