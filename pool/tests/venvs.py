"""Virtual environments with packages from the index, kept in the cache between runs."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "extcheck" / "pool-venvs"


def _run(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False,
                          timeout=600)


# What pip says when the index cannot be reached or does not have it; all else is an error of ours.
_NO_DOWNLOAD = re.compile("No matching distribution|Connection|connection|timed out|Max retries|"
                          "HTTP error|resolve host|SSLError")


def _download(command, packages, wheels):
    done = _run(*command, "download", "--disable-pip-version-check", "--dest", wheels, *packages)
    if done.returncode == 0:
        return
    if _NO_DOWNLOAD.search(done.stderr):
        raise unittest.SkipTest(f"download of {', '.join(packages)} failed: "
                                + done.stderr.strip()[-300:])
    raise RuntimeError(f"pip does not work: {done.stderr}")


def pip_of(inside):
    """The command of a pip that runs in the interpreter: Debian 12's own is too old for new ones,
    but gets one that is not, which runs as it is."""
    wheels = _cache() / "pip"
    if not list(wheels.glob("pip-*.whl")):
        _download([sys.executable, "-m", "pip"], ["--no-deps", "pip==25.2"], wheels)
    (wheel,) = wheels.glob("pip-*.whl")
    return [inside, wheel / "pip"]


def provide(python, *packages):
    """The interpreter of an environment that has these packages (name==version) and what they
    need. Raises SkipTest only when they cannot be downloaded."""
    key = hashlib.sha256(repr((os.path.realpath(python), packages)).encode()).hexdigest()[:16]
    place = _cache() / key
    if (place / "complete").exists():
        return place / "bin" / "python"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)  # a run that was ended while it made this
    with tempfile.TemporaryDirectory(prefix="extpool-wheels-") as wheels:
        subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
        inside = place / "bin" / "python"
        pip = pip_of(inside)
        _download(pip, packages, wheels)
        done = _run(*pip, "install", "--no-index", "--find-links", wheels, *packages)
        if done.returncode:
            raise RuntimeError(f"{', '.join(packages)} cannot be installed: {done.stderr}")
    (place / "complete").touch()
    return inside
