"""What the tests of the gate share: small modules, interpreters, tools, running programs."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHIM = ROOT / "shim"
INCLUDE = SHIM / "include"
PACKAGE = SHIM / "python"
EXTCHECK = os.path.abspath(os.environ.get("EXTCHECK") or ROOT / "build/dev/extcheck")
if not os.path.exists(EXTCHECK):
    sys.exit(f"there is no {EXTCHECK}: build it, or set EXTCHECK")
sys.path.insert(0, str(PACKAGE))
sys.dont_write_bytecode = True

# What is downloaded and what Python compiles, kept between runs.
TOOLS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "extcheck", "gate-tools")

BUILD_FT = "UNSAFE_EXTCHECK_BUILD_FREE_THREADED"
BUILD_OWN = "UNSAFE_EXTCHECK_BUILD_OWN_GIL"
DECLARE_FT = "UNSAFE_EXTCHECK_DECLARE_GIL_NOT_USED"
DECLARE_OWN = "UNSAFE_EXTCHECK_DECLARE_OWN_GIL"

SOURCE = """\
%(include)s
%(globals)s
static PyObject *
answer(PyObject *module, PyObject *ignored)
{
    PyObject *result;
    (void)module;
    (void)ignored;
%(body)s
    return result;
}

static PyMethodDef methods[] = {
    {"answer", answer, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {%(slots)s {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "%(name)s", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit_%(name)s(void)
{
    return PyModuleDef_Init(&definition);
}
"""
GATE_SLOTS = "EXTSHIM_GATE_SLOTS"
FIXED_SLOTS = """
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
"""
FINE = "    result = PyLong_FromLong(42);"
# A container that interpreters would share: not-ready for own-gil, a hazard for free-threaded.
SHARES = FINE + "\n    if (cache == NULL) {\n        cache = PyDict_New();\n    }"
# A call without a thread state: not-ready for everything.
DETACHED = "    Py_BEGIN_ALLOW_THREADS\n" + FINE + "\n    Py_END_ALLOW_THREADS"
KINDS = {"ready": ("", FINE), "shares": ("static PyObject *cache;\n", SHARES),
         "detached": ("", DETACHED)}


def source(kind="ready", name="spam", slots=GATE_SLOTS):
    """A module that is `ready`, `shares` or `detached`."""
    declared, body = KINDS[kind]
    include = '#include "extshim_gate.h"' if slots == GATE_SLOTS else "#include <Python.h>"
    return SOURCE % {"include": include, "globals": declared, "body": body, "slots": slots,
                     "name": name}


class Python:
    def __init__(self, version, build, path, flags):
        self.version, self.build, self.path = version, build, path
        self.flags = flags.split()
        self.free_threaded = build == "free-threaded"
        self.minor = tuple(int(part) for part in version.split(".")[:2])
        self.suffix = subprocess.run(
            [path, "-c", "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))"],
            capture_output=True, text=True, timeout=60, check=True).stdout.strip()
        self.soabi = self.suffix.split(".")[1]

    def __str__(self):
        return self.version + ("t" if self.free_threaded else "")


def _interpreters():
    listed = subprocess.run([str(ROOT / "tools/pythons"), "list"], capture_output=True, text=True,
                            timeout=300, check=False).stdout
    found = {}
    for line in listed.splitlines():
        cells = line.split("\t")
        if len(cells) >= 4:
            key = ".".join(cells[0].split(".")[:2]) + ("t" if cells[1] != "gil" else "")
            found.setdefault(key, Python(*cells[:4]))
    return found


PYTHONS = _interpreters()


def need(*names):
    """Skips the test where an interpreter is missing, and says which."""
    missing = [name for name in names if name not in PYTHONS]
    if missing:
        raise unittest.SkipTest(f"no Python {', '.join(missing)} (tools/pythons)")
    return [PYTHONS[name] for name in names]


def need_program(name):
    path = shutil.which(name)
    if not path:
        raise unittest.SkipTest(f"{name} is not installed")
    return path


def pure_packages(*names):
    """A folder with pure Python packages from the machine's package index, kept in the cache."""
    key = hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]
    folder = TOOLS / f"{names[0].split('=')[0]}-{key}"
    if folder.is_dir():
        return folder
    scratch = pathlib.Path(str(folder) + f".{os.getpid()}")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", scratch,
                           "--disable-pip-version-check", "--only-binary=:all:",
                           "--python-version", "3.9", "--implementation", "py", *names],
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise unittest.SkipTest(f"could not download {' '.join(names)}: "
                                f"{(done.stderr.strip().splitlines() or ['?'])[-1]}")
    try:
        scratch.rename(folder)
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


class Done:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")
        self.text = self.out + self.err

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class GateTest(unittest.TestCase):
    """Each test has a folder of its own; switches of the caller's environment do not count."""

    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="extcheck-gate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name).resolve()
        (self.folder / ".git").mkdir()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("UNSAFE_EXTCHECK", "PYTHON", "EXTCHECK", "CMAKE", "DESTDIR"))}
        # Not beside the sources; the same modules are imported by hundreds of processes.
        env["PYTHONPYCACHEPREFIX"] = str(TOOLS / "bytecode")
        env.update({k: str(v) for k, v in more.items()})
        return env

    def run_program(self, *command, cwd=None, timeout=300, **env):
        return Done(subprocess.run([str(word) for word in command], cwd=cwd or self.folder,
                                   env=self.environment(**env), stdin=subprocess.DEVNULL,
                                   capture_output=True, timeout=timeout, check=False))

    def expect(self, code, *command, **more):
        done = self.run_program(*command, **more)
        self.assertEqual(done.code, code, f"{command}: {done}")
        return done

    def gate(self, code, python, *arguments, files=("spam.c",), flags=(), **env):
        """`extcheck gate` for module spam."""
        return self.expect(code, EXTCHECK, "gate", "--isolated", "--python", python.path, "--soabi",
                           python.soabi, "--module", "spam", "--output-dir", "out", *arguments,
                           *files, "--", f"-I{INCLUDE}", *flags, **env)

    def record(self, folder="out", module="spam"):
        text = (self.folder / folder / f"extcheck_record_{module}.json").read_text()
        return json.loads(text)

    def compile(self, python, *flags, files=("spam.c",), cc="gcc", link=(), folder="out",
                target=None):
        """Builds spam with the files of the gate; returns the path of the module."""
        target = self.folder / (target or f"spam{python.suffix}")
        note = f"{folder}/extcheck_note_spam.c"
        command = [cc, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", *flags,
                   *[f.replace("-I", "-isystem") for f in python.flags], f"-I{INCLUDE}",
                   "-include", f"{folder}/extcheck_gate_spam.h", "-o", target, *files, note, *link]
        done = self.expect(0, *command)
        self.assertEqual(done.err, "", done)
        return target

    def imported(self, python, folder=None, module="spam"):
        """What importing the module does: (own-GIL interpreter takes it, GIL is still on)."""
        script = f"""
import sys
sys.path.insert(0, {str(folder or self.folder)!r})
import {module}
assert {module}.__name__ == {module!r}
gil = sys._is_gil_enabled() if hasattr(sys, "_is_gil_enabled") else True
own = None
if sys.version_info >= (3, 13):
    import _interpreters
    made = _interpreters.create("isolated")
    failed = _interpreters.exec(made, "import sys; sys.path.insert(0, {str(folder or self.folder)!r}); import {module}")
    own = failed is None
    _interpreters.destroy(made)
print(own, gil)
"""
        done = self.expect(0, python.path, "-c", script)
        return tuple({"True": True, "False": False, "None": None}[w] for w in done.out.split())
