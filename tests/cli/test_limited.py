#!/usr/bin/env python3
"""The limited API: free-threaded 3.13 and 3.14 refuse it, 3.15 has abi3t."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import REPOSITORY, CliTest, good_module  # noqa: E402

EXPORTED = """\
#include <Python.h>
static PyObject *
get(PyObject *module, PyObject *ignored)
{
    return PyLong_FromLong(3);
}
static PyMethodDef methods[] = {{"get", get, METH_NOARGS, NULL}, {0}};
PyABIInfo_VAR(abi_info);
static PySlot slots[] = {
    PySlot_STATIC_DATA(Py_mod_name, "eggs"),
    PySlot_STATIC_DATA(Py_mod_abi, &abi_info),
    PySlot_STATIC_DATA(Py_mod_methods, methods),
    PySlot_DATA(Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED),
    PySlot_DATA(Py_mod_gil, %s),
    PySlot_END,
};
PyMODEXPORT_FUNC
PyModExport_eggs(void)
{
    return slots;
}
"""


def headers_at_hand():
    done = subprocess.run([sys.executable, REPOSITORY / "tools/pythons", "list"], text=True,
                          capture_output=True, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {".".join(row[0].split(".")[:2]): row[2] for row in rows
            if len(row) > 2 and row[1] == "gil" and pathlib.Path(row[2]).exists()}


class Limited(CliTest):
    pythons = headers_at_hand()

    def judge(self, version, text, *flags, code=0):
        if version not in self.pythons:
            self.skipTest(f"no Python {version} here")
        self.write("eggs.c", text)
        more = ["--", *flags] if flags else []
        result = self.expect(code, "--python", self.pythons[version], "--format=concise",
                             "eggs.c", *more)
        lines = [line.split(": ", 2) for line in result.out.splitlines()]
        return {line[1]: line[2] for line in lines if line[0] == "eggs"}

    def test_refused_before_3_15(self):
        for version in ("3.13", "3.14"):
            text = "#define Py_LIMITED_API 0x030d0000\n" + good_module()
            verdicts = self.judge(version, text, code=1)
            self.assertRegex(verdicts["free-threaded"], "^not-ready .ABI03 eggs.c:1: not loadable "
                                                        "there: built for "
                                                        "the limited API, which .* refuse")
            self.assertRegex(verdicts["own-gil"], "^ready ")

    def test_refused_whatever_it_is_built_for_later(self):
        text = ("#define Py_LIMITED_API 0x030f0000\n#ifdef Py_GIL_DISABLED\n"
                "#define Py_TARGET_ABI3T 0x030f0000\n#endif\n" + good_module())
        self.assertRegex(self.judge("3.14", text, code=1)["free-threaded"],
                         r"^not-ready .*; abi3t is judged with headers of 3\.15")

    def test_written_for_abi3(self):
        """3.15: abi3t knows no PyModuleDef, whose size depends on that of objects."""
        verdicts = self.judge("3.15", "#define Py_LIMITED_API 0x030d0000\n" + good_module(),
                              code=1)
        self.assertRegex(verdicts["free-threaded"],
                         r"^not-ready .ABI03 .*eggs\.c does not compile for abi3t.*HEAD_INIT")
        self.assertRegex(verdicts["own-gil"], "^ready ")

    def test_written_for_abi3t(self):
        for flags in ((), ("-DPy_LIMITED_API=0x030f0000",), ("-DPy_TARGET_ABI3T=0x030f0000",)):
            verdicts = self.judge("3.15", EXPORTED % "Py_MOD_GIL_NOT_USED", *flags)
            self.assertRegex(verdicts["free-threaded"], "^ready ", flags)

    def test_abi3t_is_judged(self):
        """It is no excuse for what the slots do not say."""
        verdicts = self.judge("3.15", EXPORTED % "Py_MOD_GIL_USED", "-DPy_LIMITED_API=0x030f0000",
                              code=1)
        self.assertRegex(verdicts["free-threaded"], "^runs-with-gil .*INI16")

    def test_placeholder_beside_the_export_hook(self):
        """For build tools that insist on a PyInit_: one that can only fail hides nothing, one that
        makes the module counts."""
        text = EXPORTED % "Py_MOD_GIL_NOT_USED"
        hook = "PyMODINIT_FUNC\nPyInit_eggs(void)\n{\n    %s\n}\n"
        for body in ("return NULL;", "return 0;", "PyErr_BadInternalCall();\n    return NULL;"):
            verdicts = self.judge("3.15", text + hook % body)
            self.assertEqual({word.split()[0] for word in verdicts.values()}, {"ready"}, body)
            self.assertIn("own-gil", verdicts)
        table = "static struct PyModuleDef made = {PyModuleDef_HEAD_INIT, .m_name = \"eggs\"};\n"
        verdicts = self.judge("3.15", text + table + hook % "return PyModule_Create(&made);",
                              code=1)
        self.assertRegex(verdicts["own-gil"], "^not-ready ")


if __name__ == "__main__":
    sys.exit(unittest.main())
