"""What the joblib backend does in workers; imports neither joblib nor anything else there."""

import sys


def with_preparation(options):
    """The pool's options with a worker's preparation before the user's initializer."""
    options = {name: value for name, value in options.items() if name}
    initializer = options.pop("initializer", None)
    initargs = tuple(options.pop("initargs", ()))
    return {**options, "initializer": prepare, "initargs": (initializer, initargs)}


def prepare(initializer, initargs):
    """Has joblib, where a task's module imports it, find no multiprocessing: process pools cannot
    be made in a worker, and joblib's own does not even import there. Loops are sequential then."""
    sys.modules.setdefault("_multiprocessing", None)
    if initializer is not None:
        initializer(*initargs)


def pack(items):
    """(function or None, calls): a function that all calls have in common travels once."""
    function = items[0][0]
    if all(item[0] is function for item in items):
        return function, [(args, kwargs) if kwargs else (args,) for _, args, kwargs in items]
    return None, [tuple(item) for item in items]


def run_batch(function, calls):
    """The results of the calls that pack() packed."""
    if function is None:
        return [fn(*args, **kwargs) for fn, args, kwargs in calls]
    return [function(*call[0]) if len(call) == 1 else function(*call[0], **call[1])
            for call in calls]
