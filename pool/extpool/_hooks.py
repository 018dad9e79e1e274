"""Connects the C part with the Python part in an interpreter that makes pools."""

import atexit
import os
import sys
import threading
from concurrent.futures import _base

from . import _aio, _functions, _pickling, _pool, _remote, _worker


def _publish(future):
    """The end of a future that somebody watches: those who wait are told, then callbacks run."""
    condition = future._condition
    with condition:
        callbacks, waiters, tell = future._publish()
        for waiter in waiters:
            getattr(waiter, tell)(future)
        condition.notify_all()
    for callback in callbacks:
        try:
            callback(future)
        except Exception as error:
            _callback_failed((future, error))


def _callback_failed(parts):
    future, error = parts
    _base.LOGGER.error("exception calling callback for %r", future, exc_info=error)


def _log_broken(text):
    reason, traceback = _remote.split_broken(text)
    if traceback:
        _base.LOGGER.critical("Exception in initializer:\n%s", traceback.rstrip("\n"))
    else:
        _base.LOGGER.critical("a worker could not start: %s", reason)


def _tell(text):
    from . import _verdicts
    _verdicts.tell(text)


def _at_exit():
    """Queued work is done before the interpreter goes. What cannot be stopped ends the process."""
    stuck = _pool._exit()
    if not stuck:
        return
    names = ", ".join(f"{name} ({seconds:.0f} s)" if seconds else name for _, name, seconds in stuck)
    print(f"extpool: these tasks do not end, the process ends without them: {names}",
          file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    os._exit(1)


def _preload():
    """Before 3.14, importing these first in two interpreters at once may crash; here first helps."""
    if sys.version_info >= (3, 14):
        return
    for name in ("_datetime", "_decimal", "_asyncio", "_ssl", "_ctypes", "_elementtree", "pyexpat",
                 "_zoneinfo"):
        try:
            __import__(name)
        except ImportError:
            pass


def _install():
    if _pool.in_worker():
        from . import _connect  # noqa: F401  (what it connects is replaced below)
    _pool.connect(
        _base.Future, publish=_publish, callback_failed=_callback_failed,
        describe=_functions.describe, heavy=_functions.warn_heavy, build=_worker.build,
        dump=_pickling.dump, load=_load, dump_error=_worker._dump_error,
        load_error=_remote.load_error, failed=_remote.failed,
        cancelled=lambda _: _base.CancelledError(), condition=lambda _: threading.Condition(),
        checkpoint=_worker._checkpoint, log_broken=_log_broken, tell=_tell,
        receive_async=lambda parts: _aio.receive(*parts))
    # What workers made of the main script's definitions is found here under its real name.
    sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork") and not _pool.in_worker():
        sys.addaudithook(_pool._audit)
        os.register_at_fork(before=_pool._before_fork,
                            after_in_parent=_pool._after_fork_parent,
                            after_in_child=_pool._after_fork_child)
    _preload()


def _load(parts):
    return _pickling.load(parts)


_install()
