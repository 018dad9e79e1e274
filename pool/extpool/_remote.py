"""What became of a task, told as exceptions."""

import os

from . import _errors

# enum task_outcome, and the ends of channels
_INTERRUPTED, _GIVEN_UP, _BROKEN, _CLOSED, _POISONED = 2, 3, 4, -1, -2


def failed(parts):
    """The exception of a task that has no result, or of a channel that has ended."""
    outcome, text = parts
    if outcome == _INTERRUPTED:
        return _errors.TaskInterrupted("the task was interrupted")
    if outcome == _GIVEN_UP:
        return _errors.WorkerTerminated(text)
    if outcome == _BROKEN:
        from ._executor import BrokenInterpreterPool
        reason, traceback = split_broken(text)
        error = BrokenInterpreterPool(f"a worker could not start: {reason}")
        if traceback:
            error.__cause__ = _errors.RemoteTraceback("\n" + traceback.rstrip("\n"))
        return error
    if outcome == _POISONED:
        return _errors.ChannelPoisoned(text)
    return _errors.ChannelClosed("the channel is closed")


def split_broken(text):
    """(reason, traceback or "") of what a worker says that could not start (worker_begin.h)."""
    reason, _, traceback = text.partition("\x1f")
    return reason, traceback


_RELATIONS = {
    1: "\nThe above exception was the direct cause of the following exception:\n\n",
    2: "\nDuring handling of the above exception, another exception occurred:\n\n",
}


def _link_text(module, name, message, frames):
    import traceback
    lines = []
    own = os.path.join(os.path.dirname(__file__), "")
    frames = [frame for frame in frames or ()
              if not frame[0].startswith(own) and frame[0] != "<frozen runpy>"] or frames
    if frames:
        summary = traceback.StackSummary.from_list(
            [(file, line, function, None) for file, line, function in frames])
        lines = ["Traceback (most recent call last):\n", *summary.format()]
    return "".join(lines) + _headline(module, name, message) + "\n"


def _headline(module, name, message):
    kind = name if module in ("builtins", "__main__", "__mp_main__") else f"{module}.{name}"
    return f"{kind}: {message}" if message else kind


def chain_text(chain):
    """The text of a traceback from what a worker sent of it, oldest exception first."""
    if chain is None:
        return ""
    if isinstance(chain, str):
        return chain
    if isinstance(chain, tuple):
        return chain[-1]  # made there, as it has more than such a chain would tell
    parts = []
    for relation, *link in reversed(chain):
        parts.append(_link_text(*link))
        parts.append(_RELATIONS.get(relation, ""))
    return "".join(parts)


def load_error(parts):
    """The exception object of a failed task."""
    chain, body = parts
    error = None
    if isinstance(body, BaseException):
        error = body
    elif isinstance(body, tuple):
        import builtins
        name, args = body
        error = getattr(builtins, name)(*args)
    if error is None:
        if isinstance(chain, list):
            error = _errors.RemoteError(_headline(*chain[0][1:4]))
        elif isinstance(chain, tuple):
            error = _errors.RemoteError(_headline(*chain[:3]))
        else:
            error = _errors.RemoteError(chain or "the exception could not be sent")
    text = chain_text(chain)
    if text:
        error.__cause__ = _errors.RemoteTraceback("\n" + text.rstrip("\n"))
    return error
