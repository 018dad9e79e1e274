"""Finds the interpreters of the pool's tests and builds extpool for them, once per test run."""

import functools
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest.mock

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("EXTPOOL_BUILD") or ROOT / "build" / "pool")
WANTED = ("3.13", "3.13t", "3.14", "3.15")

sys.path.insert(0, str(HERE.parent))
import build as pool_build  # noqa: E402


@functools.cache
def interpreters():
    """{"3.14": path, "3.13t": path, ...} of those the pool runs on; missing ones raise."""
    listed = subprocess.run([sys.executable, ROOT / "tools" / "pythons", "list", "--run"],
                            check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listed.splitlines():
        version, kind, path, _ = line.split("\t")
        name = ".".join(version.split(".")[:2]) + ("t" if kind == "free-threaded" else "")
        found.setdefault(name, path)
    missing = [name for name in WANTED if name not in found]
    if missing:
        raise RuntimeError(f"missing {', '.join(missing)}: run tools/pythons ensure "
                           + " ".join(missing))
    return {name: found[name] for name in WANTED}


@functools.cache
def no_yield():
    """The library of no_yield.c, built."""
    source, target = HERE / "no_yield.c", BUILD / "no_yield.so"
    if not pool_build.newer(target, [source]):
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{folder}/it", source], check=True)
            os.replace(f"{folder}/it", target)
    return str(target)


@functools.cache
def built(name, python):
    """The folder to put on PYTHONPATH for that interpreter."""
    folder = BUILD / name
    with unittest.mock.patch.dict(os.environ, {"LD_PRELOAD": no_yield()} if name == "3.13t" else {}):
        pool_build.build(python, folder)
    return folder


def environment(folder, **more):
    """For children: byte code of the standard library cached, ours beside the build."""
    env = {key: value for key, value in os.environ.items()
           if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME")}
    env["PYTHONPATH"] = f"{folder}{os.pathsep}{HERE}"
    env["PYTHONPYCACHEPREFIX"] = str(BUILD / "pycache")
    if folder == BUILD / "3.13t":
        env["LD_PRELOAD"] = no_yield()
    env.update(more)
    return env
