"""One line of `python -m extpool run`, on the worker's side: JSON in, a call, JSON out.

Both happen in the worker, so that they are done in parallel and any result that JSON can say
comes back, whatever its type.
"""

import json
import sys

_functions = {}  # "module:name" -> what it is in this interpreter


class LineError(Exception):
    """The line is not what the command was told it is, or the result has no JSON form."""


def _find(text):
    module, _, name = text.partition(":")
    __import__(module)
    found = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    sys.stdout = sys.stderr  # results only on standard output
    _functions[text] = found
    return found


def _load(line):
    try:
        return json.loads(line.decode("utf-8-sig").strip())
    except ValueError as error:
        raise LineError(f"not a JSON value in UTF-8: {error}") from None
    except RecursionError:
        raise LineError("a JSON value that is too deeply nested") from None


def dump(value):
    """The JSON text of a value, in one line of ASCII; LineError when it has none."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise LineError(f"the result is no JSON value: {error}") from None


def call(text, star, line):
    """Calls the function named text with the value of the line, or with star its items as
    arguments; returns the result as JSON text."""
    value = _load(line)
    function = _functions.get(text) or _find(text)
    if not star:
        return dump(function(value))
    if isinstance(value, list):
        return dump(function(*value))
    if isinstance(value, dict):
        return dump(function(**value))
    raise LineError("with --star a line is a list or an object")


def describe(error):
    """An exception in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, LineError):
        return text
    name = type(error).__qualname__
    return f"{name}: {text}" if text else name
