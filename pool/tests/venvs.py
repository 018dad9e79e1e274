"""Virtual environments with packages from the index, kept in the cache between runs."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "extcheck" / "pool-venvs"


def _pip(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
                          capture_output=True, text=True, check=False, timeout=600, **more)


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
        done = _pip("--python", str(inside), "download", "--dest", wheels, *packages)
        if done.returncode:
            raise unittest.SkipTest(f"download of {', '.join(packages)} failed: "
                                    + done.stderr.strip()[-300:])
        done = _pip("--python", str(inside), "install", "--no-index", "--find-links", wheels,
                    *packages)
        if done.returncode:
            raise RuntimeError(f"{', '.join(packages)} cannot be installed: {done.stderr}")
    (place / "complete").touch()
    return inside
