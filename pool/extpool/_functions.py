"""Functions on their way: by name where the worker can import them, by code where it cannot."""

import marshal
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

from ._errors import NotShareableError

_codes = {}  # code object -> (marshalled code, names of globals it uses)
_CODES_MAX = 500


def _find(module, qualname):
    found = sys.modules.get(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


def _importable(module):
    """Can another interpreter import the module by its name and get the same?"""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return module != "__main__" and module != "__mp_main__" and spec is not None


def describe(function):
    """What to send of a function: (description, name for messages, does that stay true?)."""
    kind = type(function)
    if kind is FunctionType or kind is BuiltinFunctionType or isinstance(function, type):
        module = function.__module__
        name = function.__qualname__
        if module is None and kind is BuiltinFunctionType:
            module = getattr(function.__self__, "__name__", None)
        if isinstance(module, str) and _importable(module) and _find(module, name) is function:
            return ("n", module, name), f"{module}.{name}", True
        if kind is FunctionType:
            return _describe_code(function)
        if isinstance(function, type):
            return _describe_class(function, module, name)
    if not callable(function):
        raise TypeError(f"{function!r} is not callable")
    return ("p", function), getattr(function, "__qualname__", None) or repr(kind), False


def _describe_class(cls, module, name):
    if module == "__main__" and _find(module, name) is cls:
        return ("m", name), name, True
    raise NotShareableError(f"class {name} cannot be found by its name in module {module}, so "
                            "workers cannot have it")


def _describe_code(function):
    data, names = _code(function.__code__)
    module = function.__module__
    simple = not function.__closure__
    if (isinstance(module, str) and _importable(module)
            and sys.modules[module].__dict__ is function.__globals__):
        scope = module
    else:
        scope = _capture_globals(function, names)
        simple = simple and not scope
    return _spec(function, data, scope), function.__qualname__, simple


def _spec(function, data, scope):
    kwdefaults = function.__kwdefaults__
    return ("c", data, function.__name__, function.__qualname__,
            function.__defaults__ and tuple(map(_capture, function.__defaults__)),
            kwdefaults and {name: _capture(value) for name, value in kwdefaults.items()},
            _capture_cells(function), scope)


def _code(code):
    known = _codes.get(code)
    if known is None:
        if len(_codes) >= _CODES_MAX:
            _codes.clear()
        known = _codes[code] = (marshal.dumps(code), frozenset(_global_names(code)))
    return known


def _global_names(code):
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _global_names(constant)
    return names


def _capture_cells(function):
    cells = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            value = cell.cell_contents
        except ValueError:
            cells.append(("empty",))
            continue
        cells.append(("self",) if value is function else _capture(value))
    return tuple(cells)


def _capture_globals(function, names):
    """The globals the function uses, and those that functions among them use."""
    captured = {}
    waiting = [(function.__globals__, names)]
    while waiting:
        namespace, wanted = waiting.pop()
        for name in wanted:
            if name in captured or name not in namespace or name.startswith("__"):
                continue
            value = namespace[name]
            if isinstance(value, FunctionType) and value.__globals__ is namespace:
                data, used = _code(value.__code__)
                captured[name] = ("function", _spec(value, data, None))
                waiting.append((namespace, used))
            else:
                captured[name] = _capture(value)
    return captured


def _capture(value):
    """A value with a word on how to make it again."""
    if isinstance(value, ModuleType):
        return ("module", value.__name__)
    if isinstance(value, type) and value.__module__ == "__main__":
        return ("main", value.__qualname__)
    if isinstance(value, FunctionType):
        return ("function", describe(value)[0])
    return ("value", value)
