"""isolation="private-copy": extension modules that refuse interpreters get an image of their own.

In each worker every extension module that is covered is loaded from a copy of its file, together
with the libraries of its package that it needs, so that no variable of theirs is shared. The C part
makes the copies and loads them; here it is decided which, in which order and under which names.
"""

import os
import sys
from _thread import RLock

from . import _policy, _pool

_MEMFD = "; memory that can be executed is switched off by the system (sysctl vm.memfd_noexec)"
_TLS = ("; each copy takes room for thread-local variables that is fixed when the process starts: "
        "use fewer workers or set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536")
_OTHERWISE = ("use ProcessPoolExecutor for this module, or import it only in the program's own "
              "interpreter")

_FLAGS = os.RTLD_NOW | os.RTLD_LOCAL if hasattr(os, "RTLD_NOW") else 0

# What reaches one interpreter of the process only, whichever calls it.
_UNFIT = {"Py_AddPendingCall": "the program's own interpreter, not the caller's"}

# Warnings about what private copies take care of.
_SETTLED = {"numpy": "NumPy was imported from a Python sub-interpreter"}


def describe(isolation, packages):
    """The packages as plain data for the workers; called when a pool is made.

    RuntimeError: private copies do not work here. TypeError, ValueError: the arguments do not."""
    if isolation is None:
        raise ValueError("private_packages is for isolation='private-copy' only")
    if not hasattr(_pool, "copy_open") or not _policy.is_glibc():
        raise RuntimeError("isolation='private-copy' does not work here: it needs Linux with the "
                           "GNU C library and a build of Python that has the GIL")
    if packages is None:
        return None
    packages = (packages,) if isinstance(packages, str) else tuple(packages)
    for package in packages:
        if not isinstance(package, str):
            raise TypeError("private_packages must be names of packages")
        if not package.isidentifier():
            raise ValueError(f"private_packages: {package!r} is not the name of a top-level package")
        if not _is_found(package):
            import warnings
            # 3: who made the pool
            warnings.warn(f"private_packages: there is no package {package!r} on sys.path; what "
                          "counts is the name that is imported (PIL, not pillow)",
                          RuntimeWarning, stacklevel=3)
    return packages


def _is_found(package):
    """Can it be imported here, as things are? Nothing is imported for that."""
    from importlib.util import find_spec
    try:
        return package in sys.modules or find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def install(settings):
    """Makes this worker's imports use private copies. Called after the policy is installed."""
    import _imp
    copies = _Copies(settings, _imp.create_dynamic, _imp.exec_dynamic,
                     _imp._override_multi_interp_extensions_check)
    _imp.create_dynamic = copies.create
    _imp.exec_dynamic = copies.execute


class _Image:
    """A loaded copy: names[x] is what others have to need instead of x."""

    def __init__(self, handle, number, names):
        self.handle = handle
        self.number = number
        self.names = names
        self.alias = None

    def name_for(self, name):
        """The dynamic linker knows an image by its DT_SONAME and by one name that we choose."""
        if name not in self.names:
            if self.alias is not None:
                raise ImportError(f"a library is needed by the names {name} and {self.alias}")
            self.alias = name
            self.names[name] = _pool.copy_name(self.number, name)
            _pool.copy_alias(self.handle, self.names[name])
        return self.names[name]


class _Copies:
    """The copies of one interpreter."""

    def __init__(self, settings, create, execute, override):
        self._create_others = create
        self._execute = execute
        self._override = override
        self._permits = 0  # imports of copies that are under way
        self._loading = RLock()  # held while libraries are loaded, never while modules are made
        self._packages = settings.get("private_packages")
        self._checked = settings["policy"] == "checked"
        self._images = {}  # real path -> _Image, or None while what it needs is being loaded
        self._covered = set()  # (name, path)
        self._singles = {}  # (name, path) -> (module with one phase, its contents after init)

    # ---- which ----

    def covers(self, name, path):
        """Whether the module is loaded as a private copy."""
        package = name.partition(".")[0]
        if package == __package__:
            return False
        if self._packages is not None:
            return package in self._packages
        if _policy.is_standard(os.path.realpath(path)):
            return False
        return not self._checked or not _policy.accepts(name, path)

    def create(self, spec, file=None):
        """In place of _imp.create_dynamic()."""
        name, path = spec.name, spec.origin
        if not path or not self.covers(name, path):
            return self._create_other(spec, file)
        sys.audit("import", name, path, None, None, None)
        single = self._singles.get((name, path))
        if single is not None:
            return _again(*single)
        try:
            with self._loading:
                image = self._load(os.path.realpath(path), _root(name, path), ())
            init, exported = _find_hook(image.handle, name)
        except ImportError as error:
            raise _refusal(name, path, str(error)) from None
        _record(name, path)
        _silence(name.partition(".")[0])
        self._covered.add((name, path))
        module, phases = self._permitted(-1, _pool.copy_create, init, spec, exported)
        if phases == 1:
            _name_fully(module, name)
            self._singles[name, path] = module, dict(module.__dict__)
        return module

    def execute(self, module):
        """In place of _imp.exec_dynamic()."""
        spec = getattr(module, "__spec__", None)
        covered = spec is not None and (spec.name, spec.origin) in self._covered
        return self._permitted(-1 if covered else 0, self._execute, module)

    def _permitted(self, override, function, *args):
        """Calls the function; -1 keeps the interpreter from refusing what is made by it. Modules
        of an image may make further modules that declare nothing, so that is not known before."""
        permits = override == -1
        self._permits += permits
        self._override(override)
        try:
            return function(*args)
        finally:
            self._permits -= permits
            self._override(-1 if self._permits else 0)

    def _create_other(self, spec, file):
        args = (spec,) if file is None else (spec, file)
        try:
            return self._permitted(0, self._create_others, *args)
        except ImportError as error:
            if self._packages is not None:
                package = spec.name.partition(".")[0]
                _policy.say_more(error, f"{package!r} is not among private_packages; name it there "
                                        "to give it private copies")
            raise

    # ---- loading ----

    def _load(self, path, root, inherited):
        """The image of the file, after those it needs. `inherited`: RPATHs of what needs it."""
        if path in self._images:
            image = self._images[path]
            if image is None:
                raise ImportError(f"{os.path.basename(path)} and a library that it needs need each "
                                  "other")
            return image
        self._images[path] = None
        try:
            image = self._images[path] = self._load_new(path, root, inherited)
        finally:
            if self._images[path] is None:
                del self._images[path]
        return image

    def _load_new(self, path, root, inherited):
        try:
            copy, number, soname, needed, rpath, runpath = _pool.copy_open(path)
        except ImportError as error:
            advice = _MEMFD if "memfd_create" in str(error) else ""
            raise ImportError(f"{path}: {error}{advice}") from None
        for symbol, reach in _UNFIT.items():
            if _pool.copy_imports(copy, symbol):
                raise ImportError(f"{os.path.basename(path)} calls {symbol}(), which reaches {reach}")
        own = _folders(rpath if runpath is None else runpath, os.path.dirname(path))
        if runpath is None:
            inherited = (*own, *inherited)
        renamed = {}
        shared = []
        for name in needed:
            found = _find(name, (*own, *inherited)) or self._find_loaded(name)
            if found and (found in self._images or found.startswith(os.path.join(root, ""))):
                renamed[name] = self._load(found, root, inherited).name_for(name)
            elif found:
                shared.append(found)  # the copy has no folder to find it from
        names = {}
        if soname is not None:
            names[soname] = renamed[soname] = _pool.copy_name(number, soname)
        try:
            for library in shared:
                _pool.copy_share(library, _FLAGS)
            handle = _pool.copy_load(copy, tuple(renamed.items()), _FLAGS)
        except ImportError as error:
            advice = _TLS if "static TLS" in str(error) else ""
            raise ImportError(f"{path}: {error}{advice}") from None
        return _Image(handle, number, names)

    def _find_loaded(self, name):
        """A library that an earlier module of the same package brought into this interpreter."""
        for path, image in self._images.items():
            if image is not None and name in image.names:
                return path
        return None


def _record(name, path):
    """For pool.decisions()."""
    fields = ["private", name, path, "", f"extpool: {name!r} has a private copy in each worker"]
    _pool._decide(repr((name, path)).encode("utf-8", "backslashreplace"),
                  "\x1f".join(fields).encode("utf-8", "backslashreplace"))


# ---- files ----

def _root(name, path):
    """The folder of sys.path that the module was found in: what lies below may be copied."""
    folder = os.path.dirname(os.path.realpath(path))
    parents = name.split(".")[:-1]
    if os.path.basename(path).startswith("__init__."):
        parents = name.split(".")
    for parent in reversed(parents):
        if os.path.basename(folder) != parent:
            break
        folder = os.path.dirname(folder)
    return folder


def _folders(path, here):
    if not path:
        return ()
    return tuple(folder.replace("${ORIGIN}", here).replace("$ORIGIN", here)
                 for folder in path.split(":") if folder)


def _find(name, folders):
    """The real path of a library that is needed, if it is in one of the folders."""
    for folder in (("",) if "/" in name else folders):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return os.path.realpath(path)
    return None


# ---- modules ----

def _find_hook(handle, name):
    """(address, is it an export hook of 3.15?)"""
    last = name.rpartition(".")[2]
    ending = "_" + last
    if not last.isascii():
        ending = "U_" + last.encode("punycode").decode("ascii").replace("-", "_")
    if sys.version_info >= (3, 15):
        try:
            return _pool.copy_find(handle, "PyModExport" + ending), True
        except ImportError:
            pass
    return _pool.copy_find(handle, "PyInit" + ending), False


def _silence(package):
    if package in _SETTLED:
        import warnings
        warnings.filterwarnings("ignore", message=_SETTLED[package], category=UserWarning)


def _name_fully(module, name):
    """An init function with one phase knows only the last part of its module's name."""
    short = module.__name__
    if short == name or short != name.rpartition(".")[2]:
        return
    module.__name__ = name
    for value in module.__dict__.values():
        if type(value).__name__ == "builtin_function_or_method" and value.__module__ == short:
            value.__module__ = name


def _again(module, contents):
    """Importing a module with one phase again gives back what its init function made."""
    module.__dict__.update(contents)
    return module


def _refusal(name, path, reason):
    return ImportError(f"module {name} cannot have a private copy in each interpreter: {reason}. "
                       f"What to do: {_OTHERWISE}.", name=name, path=path)
