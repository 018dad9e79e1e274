"""What the shim's tests share: interpreters, a build with a cache, child processes, a tally."""

import argparse
import concurrent.futures
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHIM = ROOT / "shim"
MODULES = HERE / "modules"
CHILD = HERE / "child"
sys.path.insert(0, str(HERE.parent / "testmods"))
sys.dont_write_bytecode = True

import build as testmods_build  # noqa: E402

SKIPPED = 77
WARNINGS = testmods_build.WARNINGS + ["-Werror"]
PROCESSES = 2


class Failure(Exception):
    """A check that did not hold; its text is the reason."""


class Skip(Exception):
    """A check that cannot be made here; its text is the reason."""


def pythons(oldest=(3, 9), crashy=True):
    """Interpreters here. crashy=False: without those that crash by themselves with own GILs."""
    found, problems = testmods_build.interpreters()
    for problem in problems:
        print(f"skipped  {problem}")
    return [python for python in found
            if python.minor >= oldest and (crashy or python.runs)]


@functools.lru_cache(None)
def cached_python(spec, name):
    """An interpreter of the cache that is no part of the usual list, or Skip."""
    path = testmods_build.cache_root() / "pythons" / spec / "bin" / name
    if not path.exists():
        raise Skip(f"run 'tools/pythons ensure {spec}' first")
    return testmods_build.Python(str(path))


def shim_sources(folder=SHIM):
    return sorted((folder / "src").glob("*.c"))


def content_key(*parts, folders=(SHIM / "include", SHIM / "src", MODULES)):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(part).encode())
        digest.update(b"\0")
    for folder in folders:
        for path in sorted(folder.rglob("*.[ch]*")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def scratch_root():
    return testmods_build.cache_root() / "shim"


def compile_files(command, sources, folder, target=None, mode=("-shared", "-fPIC", "-o")):
    """Compiles into the folder, and links where there is a target. A warning is a failure."""
    mode = ["-c", "-fPIC"] if target is None else [*mode, target]
    done = subprocess.run([*command, *mode, *map(str, sources)], cwd=folder,
                          capture_output=True, text=True, timeout=600)
    if done.returncode != 0 or done.stderr.strip():
        raise Failure(f"{target or 'shim'}: {done.stderr.strip()[:2000]}")


def filled_once(folder, fill):
    """The folder; `fill` makes what is in it where nobody has yet, in another one meanwhile."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    try:
        fill(scratch)
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def shim_objects(python, command, shim_folder):
    """The library's object files, once for all modules."""
    sources = shim_sources(shim_folder)
    key = content_key(python.path, python.label, testmods_build.header_stamp(python), *command,
                      folders=(shim_folder / "include", shim_folder / "src"))
    folder = filled_once(scratch_root() / f"shim-{python.label}-{key}",
                         lambda scratch: compile_files(command, sources, scratch))
    return sorted(folder.glob("*.o"))


def is_for_modules(flag):
    """The library looks neither at the gate's claims nor at what a test module leaves out."""
    return flag.startswith(("-DEXTSHIM_CLAIM_", "-DREFUSED_", "-Wno-unused"))


def build(python, name, sources, flags=(), compiler="gcc", shim=True, suffix=None, own_shim=None):
    """Folder with the built extension `name`. own_shim: another copy of the folder shim/."""
    shim_folder = own_shim or SHIM
    base = [compiler, "-g", "-pthread", "-O1", *WARNINGS]
    if compiler in ("gcc", "clang-14"):
        base += ["-std=c11", "-D_DEFAULT_SOURCE"]
    command = [*base, *python.include_flags(), f"-I{shim_folder / 'include'}", *flags]
    files = [MODULES / source if isinstance(source, str) else source for source in sources]
    if shim:
        files += shim_objects(python, [part for part in command if not is_for_modules(part)],
                              shim_folder)
    key = content_key(python.path, python.label, testmods_build.header_stamp(python), name,
                      *command, *files, *(path.read_bytes() for path in files))
    return filled_once(scratch_root() / f"{name}-{python.label}-{key}",
                       lambda scratch: compile_files(command, files, scratch,
                                                     name + (suffix or python.suffix)))


def run(command, folder=None, env=None, timeout=300, code=0):
    """Output of a child that has to end with `code`; its path begins with `folder`."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(part) for part in (folder if isinstance(folder, (list, tuple)) else [folder])
         if part] + [str(CHILD)])
    environment.update(env or {})
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              env=environment, timeout=timeout, errors="replace")
    except subprocess.TimeoutExpired as error:
        raise Failure(f"no end after {timeout} s: {(error.stdout or b'')[-500:]!r}") from None
    if done.returncode != code:
        raise Failure(f"exit code {done.returncode}, expected {code}:\n"
                      f"{done.stdout[-1500:]}{done.stderr[-3000:]}")
    return done.stdout


def run_child(python, script, folder, *arguments, env=None, timeout=300):
    return run([python.path, CHILD / script, *arguments], folder, env, timeout)


def gil_env(python):
    """Free-threaded builds run without the GIL although no gate has claimed that it works."""
    return {"PYTHON_GIL": "0"} if python.build == "free-threaded" else {}


class Tally:
    """Runs named checks, two at a time, and says how they went."""

    def __init__(self, description):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--long", action="store_true", help="full rounds")
        parser.add_argument("--only", default="", help="checks whose name contains this")
        self.options = parser.parse_args()
        self.checks = []

    def add(self, name, function, *arguments):
        if self.options.only in name:
            self.checks.append((name, function, arguments))

    def attempt(self, check):
        name, function, arguments = check
        try:
            return "passed", name, function(*arguments) or ""
        except Skip as reason:
            return "skipped", name, str(reason)
        except (Failure, subprocess.TimeoutExpired) as reason:
            return "failed", name, str(reason)

    def finish(self):
        counts = {"passed": 0, "failed": 0, "skipped": 0}
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            for status, name, text in pool.map(self.attempt, self.checks):
                counts[status] += 1
                print(f"{status:8} {name:34} {text}".rstrip(), flush=True)
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
        if counts["failed"]:
            return 1
        return 0 if counts["passed"] else SKIPPED
