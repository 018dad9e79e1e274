"""Run Python functions in parallel interpreters that each have a lock of their own.

    from extpool import InterpreterPool

    with InterpreterPool() as pool:
        print(pool.submit(pow, 2, 100).result())

InterpreterPool is a concurrent.futures.Executor; Shared, Channel and select go beyond that.
Everything is imported when it is first used: workers import this package too.
"""

__version__ = "0.1.0"

_HOMES = {
    "InterpreterPool": "_executor",
    "BrokenInterpreterPool": "_executor",
    "Future": "_executor",
    "Task": "_task",
    "Channel": "_pool",
    "Shared": "_pool",
    "select": "_pool",
    "offload": "_offload",
    "configure_offload": "_offload",
    "close_offload": "_offload",
    "in_worker": "_pool",
    "NotShareableError": "_errors",
    "TaskInterrupted": "_errors",
    "WorkerTerminated": "_errors",
    "ChannelClosed": "_errors",
    "ChannelPoisoned": "_errors",
    "RemoteError": "_errors",
    "RemoteTraceback": "_errors",
}

__all__ = list(_HOMES)


def __getattr__(name):
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'extpool' has no attribute {name!r}")
    from importlib import import_module
    if not in_worker_known():
        import_module("extpool._hooks")
    value = getattr(import_module("extpool." + home), name)
    globals()[name] = value
    return value


def in_worker_known():
    """Whether this interpreter is a worker; those get their hooks from the pool."""
    from . import _pool
    return _pool.in_worker()


def __dir__():
    return sorted([*globals(), *_HOMES])
