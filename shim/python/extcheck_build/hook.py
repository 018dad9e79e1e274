"""setuptools: every extension goes through the gate before it is compiled. In setup.py:

    from extcheck_build.hook import build_ext
    setup(..., cmdclass={"build_ext": build_ext})

and in pyproject.toml:

    [tool.extcheck-build]
    verdict = "extcheck-verdict.json"
    supports-own-gil = true                     # for all extensions, or:
    modules = {"spam._speedups" = {supports-free-threaded = true}}
"""

import os
import shutil
import sys
import sysconfig

from setuptools.command.build_ext import build_ext as _build_ext
from setuptools.errors import SetupError

from . import include_dir
from .gate import GateError, run, say, say_stale, stale_verdict
from .record import paths

C_ENDINGS = (".c", ".cc", ".cpp", ".cxx")
KEPT_FLAGS = ("-D", "-U", "-I", "-std", "-isystem", "-iquote", "-idirafter", "-include")


def _read_toml(path):
    try:
        import tomllib
    except ImportError:  # before 3.11; setuptools brings a reader along
        try:
            import tomli as tomllib
        except ImportError:
            try:
                from setuptools._vendor import tomli as tomllib
            except ImportError:
                from setuptools.extern import tomli as tomllib
    with open(path, "rb") as file:
        return tomllib.load(file)


def settings(module, folder="."):
    """[tool.extcheck-build] as it holds for one module."""
    path = os.path.join(folder, "pyproject.toml")
    table = {}
    if os.path.exists(path):
        table = dict(_read_toml(path).get("tool", {}).get("extcheck-build", {}))
    modules = table.pop("modules", {})
    table.update(modules.get(module, {}))
    unknown = set(table) - {"verdict", "supports-own-gil", "supports-free-threaded"}
    if unknown:
        raise SetupError(f"[tool.extcheck-build]: unknown key {sorted(unknown)[0]!r}")
    return table


def _wishes(ext):
    return {**settings(ext.name), **getattr(ext, "extcheck", {})}


def _sources(ext):
    """What is judged; a build in the same run has added its note."""
    return [source for source in ext.sources if source.endswith(C_ENDINGS)
            and not os.path.basename(source).startswith("extcheck_note_")]


class build_ext(_build_ext):  # noqa: N801 (setuptools calls it so)
    """Runs the gate; its answer becomes macros, and its note one more source."""

    def get_source_files(self):
        # egg_info asks in every build, where run() looks at the verdict file itself.
        if "sdist" in getattr(self.distribution, "commands", ()):
            self.extcheck_say_stale()
        return super().get_source_files()

    def extcheck_say_stale(self):
        """What sdist packs is what users build: once for each module."""
        said = self.__dict__.setdefault("extcheck_said", set())
        for ext in self.extensions or []:
            if ext.name in said:
                continue
            said.add(ext.name)
            why = stale_verdict(ext.name, _sources(ext), verdict=_wishes(ext).get("verdict"))
            if why:
                say_stale(ext.name, why)

    def build_extension(self, ext):
        self.extcheck_gate(ext)
        super().build_extension(ext)

    def _flags(self, ext):
        flags = [f"-I{folder}" for folder in [*ext.include_dirs, *self.include_dirs]]
        for name, value in ext.define_macros:
            flags.append(f"-D{name}" if value is None else f"-D{name}={value}")
        flags += [f"-U{name}" for name in ext.undef_macros]
        before = None
        for flag in ext.extra_compile_args or []:
            # An option and its value may be two words.
            if flag.startswith(KEPT_FLAGS) or before in KEPT_FLAGS:
                flags.append(flag)
            before = flag
        return flags

    def extcheck_gate(self, ext):
        wishes = _wishes(ext)
        folder = os.path.join(self.build_temp, "extcheck")
        soabi = sysconfig.get_config_var("SOABI") or sysconfig.get_config_var("EXT_SUFFIX")
        if ext.py_limited_api:
            soabi = "abi3"
        ext.include_dirs = [*ext.include_dirs, include_dir()]
        try:
            claims = run(ext.name, _sources(ext), folder, soabi,
                         supports_own_gil=bool(wishes.get("supports-own-gil")),
                         supports_free_threaded=bool(wishes.get("supports-free-threaded")),
                         verdict=wishes.get("verdict"), python=sys.executable,
                         flags=self._flags(ext))
        except GateError as error:
            # Projects that can do without their extension catch errors of the compiler; this is none.
            say(f"error: {error}")
            raise SetupError(str(error)) from error
        free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
        ext.define_macros = [*ext.define_macros, ("EXTSHIM_GATE_FLAVOUR", str(int(free_threaded))),
                             ("EXTSHIM_CLAIM_OWN_GIL", str(int(claims["own-gil"]))),
                             ("EXTSHIM_CLAIM_GIL_NOT_USED", str(int(claims["gil-not-used"])))]
        ext.sources = [*ext.sources, self._note(ext, folder)]

    def _note(self, ext, folder):
        """The note's source; as C++ where flags for C++ would not suit a C file."""
        note = str(paths(ext.name, folder)[1])
        if ext.language == "c++" or not any(s.endswith(".c") for s in ext.sources):
            cpp = note[:-2] + ".cpp"
            shutil.copyfile(note, cpp)
            return cpp
        return note
