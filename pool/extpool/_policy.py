"""Which extension modules a worker may import: those that extcheck judged; docs/pool.md, Policy.

Every extension module is made by _imp.create_dynamic(), whichever finder found it and whichever
loader was asked, so that is where a worker asks first. Imported by workers before anything of the
user's; what only a decision needs is imported when there is one to make."""

import _imp
import os
import sys

from . import _pool

SWITCH = "UNSAFE_EXTPOOL_LOAD"
_REFUSAL = "does not support loading in subinterpreters"  # what CPython says
_IMPORTLIB = ("importlib", "_frozen_importlib")
PASSED, WARNED, REFUSED, UNSAFE = "passed", "warned", "refused", "unsafe"

create_dynamic = _pool._original(_imp.create_dynamic)  # CPython's own

_settings = {}


def describe(verdicts):
    """What install() needs, as plain data. Called where the pool is made, which also is where the
    switch is read. OSError or ValueError: a verdict file that cannot be used."""
    rows = ()
    if verdicts is not None:
        from . import _verdicts
        rows = _verdicts.read(verdicts)
    if "standard" not in _settings:
        _settings["standard"] = _standard_folders()
    return {"standard": _settings["standard"], "rows": rows,
            "unsafe": os.environ.get(SWITCH) == "1",
            "free_threaded": "free-threading" in sys.version}


def _standard_folders():
    library = os.path.dirname(os.__file__)
    folders = [library, os.path.join(library, "lib-dynload"),
               os.path.join(sys.base_exec_prefix, sys.platlibdir, os.path.basename(library),
                            "lib-dynload")]
    if os.name == "nt":
        folders.append(os.path.join(sys.base_exec_prefix, "DLLs"))
    return tuple(dict.fromkeys(os.path.realpath(folder) + os.sep for folder in folders))


def install(settings):
    """Called once in a worker. ImportError: the interpreter began with a module that would have
    been refused (a .pth file or sitecustomize imports it)."""
    _settings.update(settings["checked"])
    _settings["own"] = os.path.realpath(_pool.__spec__.origin)
    _settings["hint"] = _hint(settings)
    _imp.create_dynamic = _create_checked
    endings = tuple(_imp.extension_suffixes())
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(path, str) and path.endswith(endings):
            check(name, path)


def install_hint(settings):
    """What a worker needs that takes CPython's word: advice where CPython refuses."""
    _settings["hint"] = _hint(settings)
    if _settings["hint"]:
        _imp.create_dynamic = _create_declared


def _hint(settings):
    """What to do about modules that refuse interpreters; "" where that does not work, or is on."""
    if settings["isolation"] or not hasattr(_pool, "copy_open") or not is_glibc():
        return ""
    return ("InterpreterPool(isolation=\"private-copy\") loads modules that refuse interpreters, "
            "a copy for each worker")


def is_glibc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") is not None
    except (AttributeError, ValueError, OSError):
        return False


def _create_checked(spec, file=None, /):
    check(spec.name, spec.origin)
    return _create_declared(spec, file)


def _create_declared(spec, file=None, /):
    try:
        return create_dynamic(spec, file)
    except ImportError as error:
        if _settings["hint"] and _REFUSAL in str(error):
            say_more(error, _settings["hint"])
        raise


def say_more(error, advice):
    """Into the message, not a note of the exception: packages put the message into errors of their
    own (NumPy does), or show nothing else of it."""
    error.msg = f"{error}; extpool: {advice}"
    error.args = (error.msg, *error.args[1:])


def check(name, path):
    """Returns when a worker may load the extension module `name` from `path`; else ImportError."""
    if not isinstance(path, str) or not isinstance(name, str):
        raise ImportError(f"extpool: {name!r} has no file that could be checked")
    real = os.path.realpath(path)
    if is_standard(real) or real == _settings["own"]:
        return
    key = _key(name, real)
    decision = _pool._decision(key)
    if decision is None:
        decision = _judged(name, path, real)
        if _settings["unsafe"] and decision[0] == REFUSED:
            decision = [UNSAFE, *decision[1:]]
        if _pool._decide(key, "\x1f".join(decision).encode("utf-8")):
            _say(decision)
    else:
        decision = unpack(decision)
    if decision[0] == REFUSED:
        watched = _Watched(_importer(), decision)  # noqa: F841  (goes when the exception does)
        raise ImportError(decision[-1], name=name, path=path)


class _Watched:
    """Goes with the traceback of a refusal. If the module whose import statement it was is there
    then, that one caught the exception and goes on without, often in slower Python code."""

    def __init__(self, importer, decision):
        self.importer, self.decision = importer, decision

    def __del__(self):
        importer = self.importer
        if not importer or not sys.modules:  # the latter when the interpreter ends
            return
        name = importer.get("__name__")
        if getattr(sys.modules.get(name), "__dict__", None) is importer:
            _pool._tell(f"extpool: {name!r} goes on without {self.decision[1]!r} in workers. "
                        f"{self.decision[-1]}")


def _importer():
    """Variables of the module that is being imported and imports in turn; else None."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if frame.f_globals is not globals() and not str(name).startswith(_IMPORTLIB):
            at_top = frame.f_code.co_name == "<module>" and name not in ("__main__", "__mp_main__")
            return frame.f_globals if at_top else None
        frame = frame.f_back
    return None


def accepts(name, path):
    """Would check() let the module pass without the switch? Nothing is recorded or said."""
    real = os.path.realpath(path)
    if is_standard(real) or real == _settings["own"]:
        return True
    known = _pool._decision(_key(name, real))
    try:
        decision = unpack(known) if known else _judged(name, path, real)
    except ImportError:
        return False
    return decision[0] in (PASSED, WARNED)


def _key(name, real):
    """What a decision is about: that file as it is now, under that name."""
    try:
        status = os.stat(real)
        kept = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns,
                status.st_ctime_ns)
    except OSError as error:
        kept = error.errno
    return repr((name, real, kept)).encode("utf-8", "backslashreplace")


def is_standard(real):
    """Does the interpreter itself bring that file? Packages inside of its folders are not its."""
    for folder in _settings.get("standard") or _standard_folders():
        if real.startswith(folder):
            inside = real[len(folder):].split(os.sep)
            return "site-packages" not in inside and "dist-packages" not in inside
    return False


def unpack(decision):
    """[outcome, module, path, verdict, text] of a decision's bytes."""
    return decision.decode("utf-8").split("\x1f")


def _judged(name, path, real):
    """[outcome, module, path, verdict, text], fit to be printed and joined. ImportError when it
    could not be found out this time (no memory, too many open files): that is not remembered."""
    from . import _judge
    try:
        outcome, verdict, text = _judge.judge(_settings, name, path, real)
    except Exception as error:
        text = f"extpool: {name!r} was not checked: {type(error).__name__}: {error}"
        raise ImportError(_judge.plain(text), name=name, path=path) from error
    return [outcome, *map(_judge.plain, (name, path, verdict, "extpool: " + text))]


def _say(decision):
    outcome, text = decision[0], decision[-1]
    if outcome == WARNED:
        _pool._tell(text)
    elif outcome == UNSAFE and sys.stderr is not None:
        # Before it is loaded: afterwards there may be nobody left to say it.
        try:
            print(f"{SWITCH}=1 asks CPython to load this all the same: {text}", file=sys.stderr,
                  flush=True)
        except (OSError, ValueError):
            pass  # it is closed
