"""Pickling of what the plain pickler refuses: our own types, functions without a name to import,
and whatever holds one of those."""

import io
import os
import pickle
import sys
from types import FunctionType, ModuleType

from . import _functions, _pool
from ._errors import NotShareableError


class _Pickler(pickle.Pickler):
    def __init__(self, file, extras):
        super().__init__(file, protocol=5)
        self._extras = extras
        self.specs = []  # of functions that travel by code, for the message when one cannot

    def persistent_id(self, value):
        if isinstance(value, (memoryview, _pool.Shared, _pool.Channel)):
            self._extras.append(value)
            return len(self._extras) - 1
        return None

    def reducer_override(self, value):
        if isinstance(value, FunctionType):
            spec = _functions.describe(value)[0]
            if spec[0] != "n":
                self.specs.append(spec)
                return _build, (spec,)
        elif isinstance(value, ModuleType):
            return __import__("importlib").import_module, (value.__name__,)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, extras):
        super().__init__(file)
        self._extras = extras

    def persistent_load(self, number):
        return self._extras[number]

    def find_class(self, module, name):
        if module == "__main__" and _pool.in_worker():
            from . import _worker
            return _worker._find(_worker._main_with(name), name)
        return super().find_class(module, name)


def _build(spec):
    from . import _worker
    return _worker.build(spec)


def dump(value):
    """("o", pickle, things that the message carries itself), or NotShareableError."""
    file = io.BytesIO()
    extras = []
    pickler = _Pickler(file, extras)
    try:
        pickler.dump(value)
    except Exception as error:
        again = _dump_by_name(value, pickler.specs)
        if again:
            return again
        text = _blame(value, pickler.specs) or \
            f"{_name(value)} cannot be sent to another interpreter: {error}"
        raise NotShareableError(text) from error
    return "o", file.getvalue(), tuple(extras)


def _dump_by_name(value, specs):
    """dump() again when functions of the main program use what cannot be sent: a worker finds them
    by name, once it has run that program as multiprocessing does. None where that is no help."""
    if main_program()[0] not in ("module", "path"):
        return None
    own = _is_code(value)
    found = [_functions.name_in_main(spec, why) for spec in ([value] if own else specs)
             if (why := _functions.blame(spec, dump))]
    if not found or None in found:
        return None
    return dump(("m", *found[0]) if own else value)


def _is_code(value):
    """Is it the description of a function that travels by code?"""
    return type(value) is tuple and len(value) == 8 and value[0] == "c"


def _blame(value, specs):
    """The variable that keeps a function from being sent, in words, or None."""
    if type(value) is tuple and value and type(value[0]) is str:
        if value[0] == "p" and len(value) == 2:  # the description of a callable object
            return _why_not(value[1])
        if _is_code(value):
            specs = [*specs, value]
    for spec in reversed(specs):
        why = _functions.blame(spec, dump)
        if why:
            return why
    return None


def _why_not(value):
    try:
        dump(value)
    except NotShareableError as error:
        return str(error)
    return None


def load(parts):
    """The counterpart of dump()."""
    return _Unpickler(io.BytesIO(parts[1]), parts[2]).load()


def _name(value):
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return f"an object of type {module}{kind.__qualname__}"


def main_program():
    """How a worker can run the definitions of the main program: (kind, name)."""
    if _pool.in_worker():
        return "none", ""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    path = getattr(main, "__file__", None)
    if spec is not None and spec.name == "__main__" and path:
        return "path", os.path.abspath(os.path.dirname(path))  # a folder or an archive
    if spec is not None and spec.name:
        return "module", spec.name
    return ("path", path) if path and path.endswith((".py", ".pyw")) else ("none", "")
