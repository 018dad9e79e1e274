"""offload(): functions that find the InterpreterPool of whatever process they are called in."""

import functools
import os
import sys
import threading

from . import _functions, _pool


class _Process:
    """The one pool of this process, made when first needed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.options = {}
        self.pool = None

    def submit(self, fn, args, kwargs):
        with self.lock:  # a pool that another thread replaces must have taken the call before
            if self.pool is None:
                from ._executor import InterpreterPool
                self.pool = InterpreterPool(**{"thread_name_prefix": "extpool-offload",
                                               **self.options})
            return self.pool.submit(fn, *args, **kwargs)

    def replace(self, options=None):
        """Takes the pool away, for the next call to make one, and returns it."""
        with self.lock:
            if options is not None:
                if options == self.options:
                    return None
                self.options = options
            pool, self.pool = self.pool, None
        return pool

    def after_fork(self):
        self.lock = threading.Lock()  # whoever held it is not in the child


_process = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.after_fork)


class Offloaded:
    """What offload() returns: called like the function, pickled like the function."""

    def __init__(self, fn):
        functools.update_wrapper(self, fn)
        if not hasattr(self, "__name__"):
            self.__name__ = self.__qualname__ = type(fn).__name__

    def __call__(self, *args, **kwargs):
        if _pool.in_worker():
            return self.__wrapped__(*args, **kwargs)
        return self.submit(*args, **kwargs).result()

    def submit(self, *args, **kwargs):
        """The Future of a call, for code that does not want to wait for the result itself.

        Raises: RuntimeError in a worker of a pool, where calls do not leave the worker."""
        if _pool.in_worker():
            raise RuntimeError("offloaded functions can only be called by a pool's worker, "
                               "not submitted")
        return _process.submit(self.__wrapped__, args, kwargs)

    def __reduce__(self):
        module, name = self.__module__, self.__qualname__
        if module != "__main__" and module in sys.modules:
            try:
                if _functions._find(module, name) is self:
                    return name  # a decorated function: the other side has it decorated, too
            except AttributeError:
                pass
        return Offloaded, (self.__wrapped__,)

    def __repr__(self):
        return f"<extpool.offload of {self.__wrapped__!r}>"


def offload(fn):
    """Makes calls of fn run in the InterpreterPool of the process that calls it.

    For engines that bring work to processes on many machines (Dask, Ray, Celery, MPI, a plain
    ProcessPoolExecutor): give them offload(fn) instead of fn, or decorate fn with it. Where the
    call arrives, the process makes its pool (see configure_offload), sends the call there and
    waits for the result, so that as many calls run in parallel as threads of that process make.
    In a worker of a pool it calls fn directly.

    Returns: a callable that pickles by reference if fn does, and with cloudpickle otherwise.
    Raises: TypeError if fn is not callable; when called, what fn raises.
    Threads: any. Fork: the child makes a pool of its own. Since: 0.1.
    """
    if not callable(fn):
        raise TypeError(f"{fn!r} is not callable")
    return Offloaded(fn)


def configure_offload(**options):
    """Says how the pool of this process is made: keyword arguments of InterpreterPool.

    With options that differ from those before, calls that follow use a new pool; the old one
    ends when its calls are done. Threads: any. Since: 0.1.
    """
    old = _process.replace(options)
    if old is not None:
        old.shutdown(wait=False)


def close_offload(wait=True):
    """Ends the pool of this process, if there is one; calls that have begun are done before,
    and waited for with wait. The next call makes a new pool. Threads: any. Since: 0.1."""
    old = _process.replace()
    if old is not None:
        old.shutdown(wait=wait)
