"""The worker's side: preparing its interpreter and making functions from their descriptions.

Imported by most workers, so it imports nothing that is not loaded anyway."""

import sys

from . import _pool
from ._errors import NotShareableError

_settings = {"changes": 0}  # in _seen; the rest is what the pool was made with
_codes = {}  # marshalled code -> code object
_CODES_MAX = 500
_LATEST_MAX = 1 << 26  # bytes
_beginning = set()  # low-level threads asked for that do not run yet
_seen = {}  # global of __main__ -> trace of the program's value, when that came last
_latest = {}  # marshalled code -> (its globals as they came last, their names, changes by then)


def prepare(settings):
    """Called once, before anything of a task needs it. Settings are plain data from the pool."""
    import _imp
    _settings.update(settings)
    _watch_low_level_threads()
    if settings["policy"] != "declared":
        from . import _policy
        _policy.install(settings)
    else:
        _imp.create_dynamic = _pool._original(_imp.create_dynamic)
        if not settings["isolation"]:
            from . import _policy
            _policy.install_hint(settings)
    if settings["isolation"]:
        from . import _private_copy
        _private_copy.install(settings)
    _pool.connect(build=build, dump=_dump, load=_load, dump_error=_dump_error, failed=_failed,
                  checkpoint=_checkpoint, receive_async=_receive_async)
    _pool._connected()


def wind_up():
    """Ends what tasks left running, as the end of the interpreter would, but where it can wait."""
    import _thread
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    if _beginning or _thread._count():
        raise RuntimeError("a thread without an object to join is still running")
    _pool._threads_end()


def _watch_low_level_threads():
    """_thread._count() sees a thread only while it runs; what comes before and after counts too."""
    import _thread
    _pool._watch_threads()
    original = _pool._original(_thread.start_new_thread)

    def start_new_thread(function, args, kwargs=None, /):
        token = object()

        def run(*args, **kwargs):
            try:
                _pool._thread_begins()
            finally:
                _beginning.discard(token)
            return function(*args, **kwargs)

        _beginning.add(token)
        try:
            return original(run, args, kwargs or {})
        except BaseException:
            _beginning.discard(token)
            raise

    _thread.start_new_thread = _thread.start_new = start_new_thread


# ---- functions ----

def build(spec):
    """The function of a description made by _functions.describe()."""
    kind = spec[0]
    if kind == "n":
        return _find(sys.modules.get(spec[1]) or __import__("importlib").import_module(spec[1]),
                     spec[2])
    if kind == "m":
        return _find(_main_with(*spec[1:]), spec[1])
    if kind == "p":
        return spec[1]
    return _build_code(spec)


def _find(place, qualname):
    for name in qualname.split("."):
        place = getattr(place, name)
    return place


def _build_code(spec):
    from types import FunctionType
    _, data, name, qualname, defaults, kwdefaults, cells, scope = spec
    code = _codes.get(data)
    if code is None:
        import marshal
        if len(_codes) >= _CODES_MAX:
            _codes.clear()
        code = _codes[data] = marshal.loads(data)
    if isinstance(scope, str):
        from importlib import import_module
        namespace = import_module(scope).__dict__
    else:
        namespace = sys.modules["__main__"].__dict__
        if isinstance(scope, bytes):
            _define_packed(namespace, data, scope)
        else:
            _define(namespace, scope or {})
    closure = _cells(cells)
    function = FunctionType(code, namespace, name, None, closure)
    for cell, captured in zip(closure, cells):
        if captured[0] == "self":
            cell.cell_contents = function
    function.__qualname__ = qualname
    if defaults is not None:
        function.__defaults__ = tuple(map(_restore, defaults))
    if kwdefaults is not None:
        function.__kwdefaults__ = {key: _restore(value) for key, value in kwdefaults.items()}
    return function


def _cells(cells):
    from types import CellType
    return tuple(CellType() if captured[0] in ("empty", "self") else CellType(_restore(captured))
                 for captured in cells)


def _define_packed(namespace, data, packed):
    """_define() of packed globals; nothing is to do when they are the same as before and no other
    function brought other values meanwhile."""
    known = _latest.get(data)
    if known and known[2] == _settings["changes"] and known[0] == packed and \
            namespace.keys() >= known[1]:
        return
    scope = _pool._unpack(packed)
    _define(namespace, scope)
    size = len(packed) + sum(len(known[0]) for known in _latest.values())
    if len(_latest) >= _CODES_MAX or size > _LATEST_MAX:
        _latest.clear()
    _latest[data] = packed, frozenset(scope), _settings["changes"]


def _load_pickle(data):
    from _pickle import loads
    try:
        return loads(data)
    except Exception as error:
        return _load((data, (), error))  # what the main program defines is not here yet


def _define(namespace, scope):
    """Globals of the main script. What a task changed here stays, until the script changes it."""
    for name, captured in scope.items():
        if captured[0] == "pickled":
            captured = ("value", _load_pickle(captured[1]))
        trace = _trace(captured)
        if name in namespace:
            if name not in _seen:  # a task made it by other means than a statement
                _note(name, trace)
                continue
            if trace is not None and _seen[name] == trace:
                continue
        namespace[name] = _restore(captured)
        _note(name, trace)


def _note(name, trace):
    _seen[name] = trace
    _settings["changes"] += 1


def _dumps():
    """Workers import _pickle only when there is something to pickle."""
    if "dumps" not in _settings:
        from _pickle import dumps
        _settings["dumps"] = dumps
    return _settings["dumps"]


def _trace(captured):
    """Something that compares equal only for the same value, also after the value was changed in
    place; None where there is nothing like that."""
    kind, value = captured
    if kind in ("module", "main") or value is None or type(value) in (bool, int, str):
        return captured, type(value)
    if kind == "function" and value[0] != "p" and not any(value[4:7]):
        return captured
    try:
        return _dumps()(captured, 5)
    except Exception:
        pass
    from . import _pickling
    try:
        return _pickling.dump(captured)
    except NotShareableError:
        return None


def _restore(captured):
    kind, value = captured
    if kind == "module":
        from importlib import import_module
        return import_module(value)
    if kind == "main":
        return _find(_main_with(value), value)
    if kind == "function":
        return build(value)
    return value


# ---- the main script ----

def _main_with(qualname, why=None):
    """__main__, after running the script without its main part when the name is not there yet.

    why: for messages, what makes that necessary if it is not the name alone."""
    main = sys.modules["__main__"]
    name = qualname.split(".")[0]
    if not hasattr(main, name):
        load_main(qualname, why)
    if not hasattr(main, name):
        raise AttributeError(f"a worker that ran the main program found no {name!r} there: define "
                             "it outside of functions and of if __name__ == \"__main__\":")
    return main


def forbid_pools_in_main():
    """As multiprocessing does: a script that makes a pool when it is run for its definitions would
    run its main part in every worker."""
    wanted = _settings.get("running main")
    if wanted:
        raise RuntimeError(f"the main program makes a pool while a worker runs it to find {wanted}; "
                           "what is to run once belongs under if __name__ == \"__main__\":")


def load_main(name, why=None):
    """Runs the program's main script once, as multiprocessing does: __name__ is __mp_main__."""
    if "__mp_main__" in sys.modules:
        return
    wanted = f"{name!r} ({why})" if why else repr(name)
    kind, name = _settings["main"]
    if kind == "none":
        raise AttributeError(f"the task needs {wanted} from the main program, which is no script "
                             "that a worker could run (an interactive session, a notebook, -c or "
                             "standard input); put that definition into a module")
    _settings["running main"] = wanted
    try:
        _run_main(*_find_main(kind, name))
    finally:
        _settings["running main"] = None


def _find_main(kind, name):
    """(code, variables of the module) of the main program, which is not looked for as __main__."""
    if kind == "path" and name.endswith((".py", ".pyw")):
        import io
        with io.open_code(name) as file:
            code = compile(file.read(), name, "exec", dont_inherit=True)
        return code, {"__file__": name, "__package__": ""}
    if kind == "module":
        from importlib.util import find_spec
        spec = find_spec(name)
    else:  # a folder or an archive
        from importlib.machinery import PathFinder
        name = "__main__"
        spec = PathFinder.find_spec(name, [_settings["main"][1]])
    code = spec.loader.get_code(name) if spec else None
    if code is None:
        raise ImportError(f"a worker cannot find the main program: {_settings['main'][1]}")
    return code, {"__file__": spec.origin, "__package__": spec.parent, "__spec__": spec,
                  "__loader__": spec.loader}


def _run_main(code, variables):
    """Runs the code as __main__'s, where functions that were sent by code have their globals. What
    is there already stays: it is the program's, or a task changed it."""
    main = sys.modules["__main__"]
    namespace = main.__dict__
    before = dict(namespace)
    sys.modules["__mp_main__"] = main
    for name in filter(_is_own, before):
        del namespace[name]
    namespace.update(variables, __name__="__mp_main__")
    try:
        exec(code, namespace)
    except BaseException:
        del sys.modules["__mp_main__"]  # the next task is told the same
        for name in namespace.keys() - before.keys():
            del namespace[name]
        namespace.update(before)
        raise
    made = dict(namespace)
    namespace.update(before | variables)
    for name, value in made.items():
        if _is_own(name):
            _move_home(value)
        if _is_own(name) and name not in before:
            plain = type(value).__module__ in ("builtins", "collections", "__main__")
            _note(name, _trace(("value", value)) if plain and not callable(value) else None)


def _is_own(name):
    return not (name.startswith("__") and name.endswith("__"))


def _move_home(value):
    """The program knows its classes as __main__'s; so do messages and what is pickled here."""
    try:
        if isinstance(value, type) and value.__module__ == "__mp_main__":
            value.__module__ = "__main__"
    except Exception:
        pass  # a metaclass that objects


# ---- hooks that are rarely called ----

def _load(parts):
    if parts[0] == "o":
        from . import _pickling
        return _pickling.load(parts)
    data, buffers, error = parts
    if "__mp_main__" in sys.modules or not isinstance(error, (AttributeError, ImportError)):
        raise error
    load_main(getattr(error, "name", None) or str(error))
    import pickle
    return pickle.loads(data, buffers=buffers)


def _dump(value):
    from . import _pickling
    return _pickling.dump(value)


def _dump_error(error):
    """(module, name, message, text) of an exception that is more than these and its frames."""
    import traceback
    kind = type(error)
    try:
        message = str(error)
    except Exception:
        message = "<str() of the exception failed>"
    text = "".join(traceback.format_exception(error)).replace("__mp_main__.", "")
    return kind.__module__, kind.__qualname__, message, text


def _failed(parts):
    from . import _remote
    return _remote.failed(parts)


def _receive_async(parts):
    from . import _aio
    return _aio.receive(*parts)


def _checkpoint(_):
    return None
