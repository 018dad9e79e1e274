"""Build gate for CPython extensions, for builds that start from Python.

It runs `extcheck gate` where the checker is installed. Elsewhere (a user's `pip install` from
source) it accepts the verdict file of the source distribution, as long as every source is what the
checker saw. Pure Python, no dependencies. The guide is docs/gate.md of extcheck.
"""

import pathlib

from .gate import GateError, GateRefused, run

__all__ = ["GateError", "GateRefused", "run", "include_dir", "cmake_dir"]
__version__ = "0.1.0"


def include_dir():
    """Folder of extshim_gate.h and extshim_note.h."""
    return str(pathlib.Path(__file__).resolve().parent / "include")


def cmake_dir():
    """Folder of extcheckConfig.cmake, for CMAKE_PREFIX_PATH or extcheck_DIR."""
    return str(pathlib.Path(__file__).resolve().parent / "cmake")
