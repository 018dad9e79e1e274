"""Real cross builds: modules for AArch64 from this machine, gated by CMake and make, and their notes
and tables read back. Skipped where there is no aarch64-linux-gnu-gcc (Debian: the package
gcc-aarch64-linux-gnu). The headers are this machine's: their sizes are those of any 64-bit Linux."""

import shutil
import sys
import unittest

from support import EXTCHECK, FIXED_SLOTS, INCLUDE, SHIM, GateTest, need, need_program, source
from test_builds import CMAKE, SUPPORTS

COMPILER = "aarch64-linux-gnu-gcc"
SOABI = {"3.13": "cpython-313-aarch64-linux-gnu", "3.13t": "cpython-313t-aarch64-linux-gnu"}
EM_AARCH64 = 183
TOOLCHAIN = """\
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER %s)
"""


class Cross(GateTest):
    def setUp(self):
        super().setUp()
        self.compiler = need_program(COMPILER)

    def check_machine(self, module):
        self.assertEqual(int.from_bytes(module.read_bytes()[18:20], "little"), EM_AARCH64)

    def configure(self, name, build):
        (python,) = need(name)
        need_program("cmake")
        self.write("toolchain.cmake", TOOLCHAIN % self.compiler)
        self.write("CMakeLists.txt", CMAKE % {"language": "C", "file": "spam.c",
                                              "supports": SUPPORTS})
        shutil.rmtree(self.folder / build, ignore_errors=True)
        return self.run_program(
            "cmake", "-S", ".", "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_TOOLCHAIN_FILE={self.folder / 'toolchain.cmake'}",
            f"-DPython_EXECUTABLE={python.path}", f"-DPython_INCLUDE_DIR={python.flags[0][2:]}",
            f"-Dextcheck_DIR={SHIM / 'cmake'}", f"-Dextcheck_EXECUTABLE={EXTCHECK}",
            f"-DEXTCHECK_SOABI={SOABI[name]}")

    def test_cmake(self):
        for name, flavour in (("3.13", "gil"), ("3.13t", "free-threaded")):
            with self.subTest(python=name):
                self.write("spam.c", source("ready"))
                done = self.configure(name, "build")
                self.assertEqual(done.code, 0, done)
                self.expect(0, "cmake", "--build", "build")
                (module,) = (self.folder / "build").glob("spam*.so")
                self.check_machine(module)
                said = self.expect(0, EXTCHECK, "--isolated", module).out
                for text in ("spam", flavour, SOABI[name], "ready"):
                    self.assertIn(text, said)

    def test_cmake_refuses(self):
        self.write("spam.c", source("detached"))
        done = self.configure("3.13t", "build")
        if done.code == 0:
            done = self.run_program("cmake", "--build", "build")
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("not-ready for free-threaded", done.text)
        self.assertEqual(list((self.folder / "build").glob("spam*.so")), [])

    def build(self, name, *gate, slots=None):
        """With plain commands, as a makefile has them."""
        (python,) = need(name)
        self.write("spam.c", source("ready", **({"slots": slots} if slots else {})))
        self.expect(0, EXTCHECK, "gate", "--isolated", "--python", python.path, "--soabi",
                    SOABI[name], "--module", "spam", "--output-dir", "out", *gate, "spam.c", "--",
                    f"-I{INCLUDE}")
        module = self.compile(python, cc=self.compiler, target=f"spam.{SOABI[name]}.so",
                              link=("-Wl,--gc-sections", "-s"))
        self.check_machine(module)
        return module

    def test_other_sources_than_those_of_the_note(self):
        module = self.build("3.13", "--supports-own-gil")
        given = (EXTCHECK, "--isolated", module, "spam.c", "--", f"-I{INCLUDE}")
        self.assertNotIn("ELF26", self.run_program(*given).text)
        self.write("spam.c", source("ready") + "\n/* changed */\n")
        self.assertIn("ELF26", self.expect(1, *given).out)

    def test_tables_that_declare_more_than_the_note(self):
        """The slots are found through the relocations of the other machine."""
        self.build("3.13", "--supports-own-gil", slots=FIXED_SLOTS)
        note = self.folder / "out/extcheck_note_spam.c"
        text = note.read_text()
        self.write("spam.c", source("ready"))
        (python,) = need("3.13")
        self.expect(0, EXTCHECK, "gate", "--isolated", "--python", python.path, "--soabi",
                    SOABI["3.13"], "--module", "spam", "--output-dir", "out", "spam.c", "--",
                    f"-I{INCLUDE}")
        self.assertNotEqual(note.read_text(), text)
        self.write("spam.c", source("ready", slots=FIXED_SLOTS))
        module = self.compile(python, cc=self.compiler, target="spam.so")
        self.assertIn("ELF24", self.run_program(EXTCHECK, "--isolated", module).text)


if __name__ == "__main__":
    sys.exit(unittest.main())
