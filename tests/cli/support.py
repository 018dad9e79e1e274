"""What the tests of the command line share: sources, a temporary folder, running the program."""

import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
EXTCHECK = os.path.abspath(os.environ.get("EXTCHECK") or REPOSITORY / "build/dev/extcheck")
if not os.path.exists(EXTCHECK):
    sys.exit(f"there is no {EXTCHECK}: build it, or set EXTCHECK")

MODULE = """\
#include <Python.h>

%(globals)s
static PyObject *
get(PyObject *module, PyObject *ignored)
{
%(body)s
}

static PyMethodDef methods[] = {
    {"get", get, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef moduledef = {
    PyModuleDef_HEAD_INIT,
    .m_name = "%(name)s",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_%(name)s(void)
{
    return PyModuleDef_Init(&moduledef);
}
"""

CACHE_BODY = """\
    if (cache == NULL) {
        cache = PyDict_New();
        if (cache == NULL) {
            return NULL;
        }
    }
    Py_INCREF(cache);
    return cache;"""


def bad_module(name="spam", declaration="static PyObject *cache;"):
    """A module that keeps a dict in a static variable, filled when it is first used."""
    return MODULE % {"name": name, "globals": declaration + "\n", "body": CACHE_BODY}


def good_module(name="eggs"):
    return MODULE % {"name": name, "globals": "", "body": "    return PyDict_New();"}


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class CliTest(unittest.TestCase):
    """Each test has a folder of its own, which is the working directory of the program."""

    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="extcheck-cli-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name).resolve()
        # Keeps the search for settings inside.
        (self.folder / ".git").mkdir()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def run_cli(self, *arguments, env=None, cwd=None, stdin=b"", timeout=120):
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("NO_COLOR", "FORCE_COLOR", "EXTCHECK_LIBCLANG")}
        environment.update(env or {})
        done = subprocess.run([EXTCHECK, *map(str, arguments)], cwd=cwd or self.folder,
                              env=environment, input=stdin, capture_output=True, timeout=timeout,
                              check=False)
        result = Result(done)
        # A sanitizer or a signal would show here; no test expects either.
        self.assertIn(result.code, (0, 1, 2), result)
        return result

    def expect(self, code, *arguments, **more):
        result = self.run_cli(*arguments, **more)
        self.assertEqual(result.code, code, f"{arguments}: {result}")
        return result

    def rules_in(self, result):
        """Ids of the findings that `--format concise` printed."""
        found = []
        for line in result.out.splitlines():
            if line.endswith("]") and ": " in line and "[" in line:
                found.append(line[line.rindex("[") + 1:-1].split()[0])
        return found
