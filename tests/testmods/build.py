"""Finds interpreters and builds one test module for one of them, with a cache."""

import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from modinfo import ROOT, SHIM

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion"]
BUILD = ["-shared", "-fPIC", "-O1", "-g", "-pthread"]
# Interpreter faults that are not ours: these crash in own-GIL interpreters by themselves.
COMPILE_ONLY = {(3, 12, 1)} | {(3, 13, patch) for patch in range(5)}
PROBE = """
import json, sys, sysconfig
print(json.dumps({"version": sys.version_info[:3], "include": sysconfig.get_path("include"),
                  "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
                  "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED"))}))
"""


def cache_root():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "extcheck"


class Python:
    """An interpreter that can be run, with what is needed to build for it."""

    def __init__(self, path, flags=None):
        probe = subprocess.run([path, "-I", "-c", PROBE], capture_output=True, text=True,
                               timeout=60, check=True)
        facts = json.loads(probe.stdout)
        self.path = str(path)
        self.version = tuple(facts["version"])
        self.minor = self.version[:2]
        self.build = "free-threaded" if facts["free_threaded"] else "gil"
        self.suffix = facts["suffix"]
        self.flags = flags or ["-I" + facts["include"]]
        self.runs = self.version not in COMPILE_ONLY
        self.label = ".".join(map(str, self.version))
        if self.build == "free-threaded":
            self.label += "t"

    def include_flags(self):
        """As system headers: the warnings asked for are about the modules, not about Python.h."""
        return [part for flag in self.flags
                for part in (["-isystem", flag[2:]] if flag.startswith("-I") else [flag])]

    def has_headers(self):
        return any(os.path.exists(os.path.join(flag[2:], "Python.h"))
                   for flag in self.flags if flag.startswith("-I"))


def list_paths():
    """(path, flags or None) from tools/pythons; without it, from the usual folders."""
    tool = ROOT / "tools" / "pythons"
    if os.access(tool, os.X_OK):
        listed = subprocess.run([str(tool), "list"], capture_output=True, text=True, timeout=300)
        rows = [line.split("\t") for line in listed.stdout.splitlines() if line.strip()]
        found = [(row[2], row[3].split()) for row in rows if len(row) >= 4]
        if listed.returncode == 0 and found:
            return found
    folders = sorted(pathlib.Path(os.path.expanduser("~/.pyenv/versions")).glob("*"))
    folders += sorted((cache_root() / "pythons").glob("*"))
    paths = [folder / "bin" / "python3" for folder in folders]
    return [(str(path), None) for path in paths if path.exists()]


def interpreters(explicit=()):
    """Interpreters of 3.9 and newer, oldest first, one for each version and build."""
    found = {}
    problems = []
    for path, flags in [(path, None) for path in explicit] or list_paths():
        try:
            python = Python(path, flags)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            problems.append(f"{path}: {error}")
            continue
        if python.minor < (3, 9):
            continue
        if not python.has_headers():
            problems.append(f"{path}: no Python.h for it")
            continue
        if explicit:
            python.runs = True
        found.setdefault((python.version, python.build), python)
    return [found[key] for key in sorted(found)], problems


class Compiler:
    """A pair of C and C++ compilers; version text is part of the cache key."""

    extra = []

    def __init__(self, cc="gcc", cxx="g++"):
        self.cc, self.cxx = cc, cxx
        self.identity = ""
        for program in (cc, cxx):
            if not shutil.which(program):
                raise SystemExit(f"testmods: {program} is not installed")
            self.identity += subprocess.run([program, "--version"], capture_output=True,
                                            text=True, timeout=60).stdout.splitlines()[0]

    def command(self, module, python, target, objects=()):
        if module.source.suffix == ".cpp":
            front = [self.cxx, "-std=c++17"]
        else:
            front = [self.cc, "-std=c11", "-D_DEFAULT_SOURCE"]
        return (front + BUILD + self.extra + WARNINGS + python.include_flags() + module.flags()
                + ["-o", str(target), str(module.source), *map(str, objects)])

    def shim_command(self, python, sources):
        flags = [flag for flag in BUILD if flag != "-shared"] + self.extra + WARNINGS
        return [self.cc, "-std=c11", "-D_DEFAULT_SOURCE", *flags, *python.include_flags(),
                "-I" + str(SHIM / "include"), "-c", *map(str, sources)]


@functools.lru_cache(maxsize=None)
def shim_text():
    """The shim's headers and sources: a module that uses it is built anew when they change."""
    files = sorted([*SHIM.glob("include/**/*.h"), *SHIM.glob("src/*.[ch]")])
    return "\0".join(file.read_text(encoding="utf-8") for file in files)


def header_stamp(python):
    """Changes when other headers appear at the same path."""
    stamps = []
    for flag in python.flags:
        path = os.path.join(flag[2:], "patchlevel.h")
        if os.path.exists(path):
            stamps.append(str(os.stat(path).st_mtime_ns))
    return " ".join(stamps)


def build(module, python, compiler):
    """Folder that holds the built module, or (None, reason). A warning is a failure too."""
    objects = []
    if module.uses_shim:
        shim, reason = build_shim(python, compiler)
        if shim is None:
            return None, reason
        objects = sorted(shim.glob("*.o"))
    key = [module.text, header_stamp(python), *compiler.command(module, python, "OUT", objects)]
    return build_cached(module.name, python, compiler, key,
                        lambda scratch: compiler.command(
                            module, python, scratch / (module.name + python.suffix), objects))


def build_shim(python, compiler):
    """Folder with the objects of the shim, which all its modules share, or (None, reason)."""
    sources = sorted((SHIM / "src").glob("*.c"))
    command = compiler.shim_command(python, sources)
    return build_cached("extshim", python, compiler, [shim_text(), header_stamp(python), *command],
                        lambda scratch: command)


def build_cached(name, python, compiler, key, command_in):
    """Folder in which the command was run, or an earlier one for the same key."""
    text = "\0".join([compiler.identity, python.path, python.label, *key])
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    folder = cache_root() / "testmods" / f"{name}-{python.label}-{digest}"
    if folder.is_dir():
        return folder, ""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    try:
        done = subprocess.run(command_in(scratch), capture_output=True, text=True, timeout=300,
                              cwd=scratch)
        if done.returncode != 0 or done.stderr.strip():
            return None, done.stderr.strip() or f"{compiler.cc} exited {done.returncode}"
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
        return folder, ""
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
