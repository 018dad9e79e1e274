"""Functions on their way: by name where the worker can import them, by code where it cannot."""

import _pickle
import marshal
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

from . import _pool
from ._errors import NotShareableError

_codes = {}  # code object -> (marshalled code, names of globals it uses: are they looked up?)
_CODES_MAX = 500
_by_name = {}  # code object of the main program that uses what cannot be sent -> (name there, why)
_naming = {}  # instructions that name a global variable -> (shift of the argument, a look-up?)
_warned = set()  # marshalled code of functions that much travels with, once it was said
_STORED_MAX = 1 << 16  # bytes of a value that is sent only for the worker to know it
_apart = set()  # marshalled code of functions whose globals cannot be packed


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
    if function.__code__ in _by_name:
        name, why = _by_name[function.__code__]
        return ("m", name, why), name, True
    data, names = _code(function.__code__)
    module = function.__module__
    simple = not function.__closure__
    if (isinstance(module, str) and _importable(module)
            and sys.modules[module].__dict__ is function.__globals__):
        scope = module
    else:
        scope = _pack(data, _capture_globals(function, names))
        simple = simple and not scope
    return _spec(function, data, scope), function.__qualname__, simple


def _pack(data, captured):
    """The globals as bytes: the worker compares them with those before, and is done. Where they
    hold large bytes or what cannot be sent, they stay what they are."""
    if not captured or data in _apart:
        return captured
    try:
        packed = _pool._pack(captured)
    except Exception:
        packed = None
    if packed is None:
        if len(_apart) >= _CODES_MAX:
            _apart.clear()
        _apart.add(data)
    return packed or captured


def _unpack(spec):
    """What _pack() packed, in the interpreter that did; {} where there is nothing."""
    if not isinstance(spec[7], bytes):
        return spec[7] if isinstance(spec[7], dict) else {}
    try:
        return _pool._unpack(spec[7])
    except Exception:
        return {}


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
        known = _codes[code] = (marshal.dumps(code), _global_names(code))
    return known


def _global_names(code):
    """{name: is it looked up, or only stored?}. Not all of co_names: attributes are there too."""
    if not _naming:
        from opcode import EXTENDED_ARG, opmap
        shifted = 1 if sys.version_info >= (3, 11) else 0
        kinds = {"LOAD_GLOBAL": (shifted, True), "LOAD_NAME": (0, True),
                 "LOAD_FROM_DICT_OR_GLOBALS": (0, True), "STORE_GLOBAL": (0, False),
                 "DELETE_GLOBAL": (0, False)}
        found = {opmap[name]: kind for name, kind in kinds.items() if name in opmap}
        _naming.update(found | {EXTENDED_ARG: None})
    names = {}
    high = 0
    words = code.co_code
    for at in range(0, len(words), 2):
        if words[at] in _naming:
            argument = high << 8 | words[at + 1]
            if _naming[words[at]] is None:
                high = argument
                continue
            shift, read = _naming[words[at]]
            name = code.co_names[argument >> shift]
            names[name] = read or names.get(name, False)
        high = 0
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for name, read in _global_names(constant).items():
                names[name] = read or names.get(name, False)
    return names


def warn_heavy(spec):
    """Says once for a function that more than a megabyte goes with each of its calls, and what."""
    if spec[0] != "c" or spec[1] in _warned:
        return
    if len(_warned) >= _CODES_MAX:
        _warned.clear()
    _warned.add(spec[1])
    sizes = {name: _size(captured[1]) for name, captured in _unpack(spec).items()
             if captured[0] == "value"}
    if sum(sizes.values()) < 1 << 20:
        return
    import os
    import warnings
    name = max(sizes, key=sizes.get)
    warnings.warn(
        f"every call of {spec[3]}() sends the global variable {name!r}, {sizes[name] / 1e6:.1f} MB, "
        "to a worker, as it is at the time of the call. What all workers need belongs into a "
        "module that they import, or into an initializer; memory that they share into a Shared",
        RuntimeWarning, stacklevel=2,
        skip_file_prefixes=(os.path.join(os.path.dirname(__file__), ""),))


def _size(value):
    try:
        return len(_pickle.dumps(value, 5))
    except Exception:
        return len(value) if hasattr(value, "__len__") else 0


def name_in_main(spec, why):
    """(name, why): how a worker finds the function once it has run the main program, or None."""
    name = spec[3]
    function = _find("__main__", name)
    if type(function) is not FunctionType or _codes.get(function.__code__, (None,))[0] is not spec[1]:
        return None
    if len(_by_name) >= _CODES_MAX:
        _by_name.clear()
    return _by_name.setdefault(function.__code__, (name, why))


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
    """The globals the function uses, and those that functions among them use.

    What is only stored goes along where that is cheap: a worker that knows the program's value
    can tell later that the program has not changed it, and keeps its own."""
    captured = {}
    stored = {}
    waiting = [(function.__globals__, names)]
    while waiting:
        namespace, wanted = waiting.pop()
        for name, read in wanted.items():
            if name in captured or name not in namespace or name.startswith("__"):
                continue
            value = namespace[name]
            if not read:
                stored[name] = value
            elif isinstance(value, FunctionType) and value.__globals__ is namespace:
                data, used = _code(value.__code__)
                captured[name] = ("function", _spec(value, data, None))
                waiting.append((namespace, used))
            else:
                captured[name] = _capture(value)
    for name, value in stored.items():
        if name not in captured and (known := _capture_stored(value)):
            captured[name] = known
    return captured


def _capture_stored(value):
    """The value with a word on how to make it again, if it can be sent without the main program,
    in few bytes."""
    if value is None or type(value) in (bool, int, float):
        return ("value", value)
    if isinstance(value, (FunctionType, ModuleType, type)):
        return None
    if hasattr(value, "__len__") and type(value).__module__ == "builtins" and \
            len(value) > _STORED_MAX:
        return None
    try:
        data = _pickle.dumps(value, 5)
    except Exception:
        return None
    return ("pickled", data) if len(data) <= _STORED_MAX and b"__main__" not in data else None


def blame(spec, dump):
    """Why a description cannot be sent: a text that names the variable, or None.

    dump: raises NotShareableError for what cannot be sent alone."""
    # A tuple of the user's may look like a description; only ours holds the very bytes.
    code = next((code for code, (data, _) in list(_codes.items()) if data is spec[1]), None)
    if code is None:
        return None
    name, defaults, kwdefaults, cells, scope = spec[3:8]
    places = [("the default value of a parameter", None, one) for one in defaults or ()]
    places += [("the default value of parameter", key, one)
               for key, one in (kwdefaults or {}).items()]
    places += [("the variable of an enclosing function", key, one)
               for key, one in zip(code.co_freevars, cells)]
    scope = scope if isinstance(scope, dict) else {}
    places += [("the global variable", key, one) for key, one in scope.items()]
    for kind, variable, captured in places:
        why = _blame_captured(captured, dump)
        if why:
            user = _user(variable, spec, scope) if captured is scope.get(variable) else name
            what = kind if variable is None else f"{kind} {variable!r}"
            return f"function {user} needs {what}, but {why}"
    return None


def _blame_captured(captured, dump):
    if captured[0] == "function":
        return blame(captured[1], dump)
    if captured[0] == "value":
        try:
            dump(captured[1])
        except NotShareableError as error:
            return str(error)
    return None


def _user(variable, spec, scope):
    """Which of the functions that travel together uses the global variable."""
    specs = [spec, *(one[1] for one in scope.values() if one[0] == "function")]
    known = {id(data): names for data, names in list(_codes.values())}
    return next((one[3] for one in specs
                 if one[0] == "c" and variable in known.get(id(one[1]), ())), spec[3])


def _capture(value):
    """A value with a word on how to make it again."""
    if isinstance(value, ModuleType):
        return ("module", value.__name__)
    if isinstance(value, type) and value.__module__ == "__main__":
        return ("main", value.__qualname__)
    if isinstance(value, FunctionType):
        return ("function", describe(value)[0])
    return ("value", value)
