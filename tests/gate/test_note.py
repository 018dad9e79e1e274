"""The note in the binary: what it survives, how it is read, what contradicts it."""

import json
import os
import random
import re
import shutil
import struct
import sys
import unittest
import zipfile

from support import (BUILD_OWN, EXTCHECK, FIXED_SLOTS, INCLUDE, GateTest, need, need_program,
                     pure_packages, source)
from extcheck_build import record

BOTH = ("--supports-own-gil", "--supports-free-threaded")
# Something that drops a reference, which tells for which build it was compiled.
DROPS = ("    result = PyLong_FromLong(4242);\n    Py_XDECREF(result);\n"
         "    result = PyLong_FromLong(42);")


def dropping(slots=None):
    text = source("ready", **({"slots": slots} if slots is not None else {}))
    return text.replace("    result = PyLong_FromLong(42);", DROPS)


class NoteTest(GateTest):
    def read(self, *files):
        """The JSON report on binaries (and sources) of the folder."""
        done = self.run_program(EXTCHECK, "--isolated", "--format", "json", *files)
        self.assertIn(done.code, (0, 1, 2), done)
        return json.loads(done.out)

    def rules(self, *files):
        return sorted({f["rule"] for f in self.read(*files)["findings"]
                       if f["rule"].startswith("ELF")})

    def made(self, python, text=None, flags=(), gate=BOTH, **how):
        self.write("spam.c", text or dropping())
        self.gate(0, python, *gate)
        return self.compile(python, *flags, **how)

    def assert_sound(self, path):
        (one,) = self.read(path)["binaries"]
        self.assertEqual(one["status"], "ok", one)
        self.assertEqual(one["note"]["module"], "spam")
        self.assertEqual(self.rules(path), [])


class Survival(NoteTest):
    def test_linkers_and_flags(self):
        (python,) = need("3.13")
        cases = [("gcc", []), ("gcc", ["-flto", "-O2"]), ("gcc", ["-s"]),
                 ("gcc", ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]),
                 ("gcc", ["-flto", "-fdata-sections", "-Wl,--gc-sections", "-s", "-O3",
                          "-fvisibility=hidden"]),
                 ("clang-14", []), ("clang-14", ["-fdata-sections", "-Wl,--gc-sections", "-s"]),
                 ("clang-14", ["-flto", "-fuse-ld=lld", "-Wl,--gc-sections"]),
                 ("clang-14", ["-fuse-ld=lld", "-Wl,--pack-dyn-relocs=relr"]),
                 ("clang-14", ["-fuse-ld=lld", "-Wl,--icf=all,--gc-sections", "-s"])]
        for linker in ("bfd", "gold", "lld"):
            cases.append(("gcc", [f"-fuse-ld={linker}", "-fdata-sections", "-Wl,--gc-sections",
                                  "-s"]))
        for compiler, flags in cases:
            with self.subTest(compiler=compiler, flags=flags):
                need_program(compiler)
                linker = next((f[9:] for f in flags if f.startswith("-fuse-ld=")), "bfd")
                need_program(f"ld.{linker}")
                path = self.made(python, flags=flags, cc=compiler)
                self.assert_sound(path)
                if "relr" not in str(flags):  # what lld 14 makes of it glibc does not load
                    self.assertEqual(self.imported(python), (True, True))
                headers = self.expect(0, "readelf", "-lW", path).out
                self.assertRegex(headers, r"\d+ .*\.note\.extcheck")
                self.assertIn("NOTE", self.expect(0, "readelf", "-SW", path).out)

    def test_tools_that_change_binaries(self):
        (python,) = need("3.13t")
        path = self.made(python)
        kept = path.read_bytes()
        for command in (["strip", "-s"], ["strip", "--strip-unneeded", "-R", ".comment"],
                        ["patchelf", "--set-rpath", "$ORIGIN/" + "lib" * 200],
                        ["patchelf", "--add-needed", "libm.so.6"],
                        ["objcopy", "--strip-debug", "--remove-section=.comment"]):
            with self.subTest(command=command):
                need_program(command[0])
                path.write_bytes(kept)
                self.expect(0, *command, path)
                self.assert_sound(path)

    def test_without_section_headers(self):
        (python,) = need("3.13")
        path = self.made(python)
        data = bytearray(path.read_bytes())
        data[0x28:0x30] = bytes(8)   # e_shoff
        data[0x3c:0x40] = bytes(4)   # e_shnum, e_shstrndx
        path.write_bytes(data)
        (one,) = self.read(path)["binaries"]
        self.assertEqual(one["status"], "ok")

    def test_auditwheel_repair(self):
        (python,) = need("3.13")
        need_program("patchelf")
        packages = pure_packages("auditwheel==6.4.2", "pyelftools", "packaging", "wheel")
        self.write("inner.c", "int inner(void) { return 42; }\n")
        self.expect(0, "gcc", "-shared", "-fPIC", "-Wl,-soname,libinner.so.1", "inner.c", "-o",
                    "libinner.so.1")
        text = dropping().replace("static PyObject *\n", "extern int inner(void);\n\nstatic "
                                  "PyObject *\n", 1).replace("(42)", "(inner())")
        path = self.made(python, text, link=["libinner.so.1"], gate=())
        wheel = self.folder / "spam-1.0-cp313-cp313-linux_x86_64.whl"
        info = "spam-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.write(path, path.name)
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: spam\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                             "Root-Is-Purelib: false\nTag: cp313-cp313-linux_x86_64\n")
            archive.writestr(f"{info}/RECORD", f"{path.name},,\n{info}/METADATA,,\n"
                                               f"{info}/WHEEL,,\n{info}/RECORD,,\n")
        done = self.run_program(sys.executable, "-m", "auditwheel", "repair", "--plat",
                                "manylinux_2_36_x86_64", "--strip", "-w", "repaired", wheel,
                                PYTHONPATH=packages, LD_LIBRARY_PATH=self.folder)
        self.assertEqual(done.code, 0, done)
        (repaired,) = (self.folder / "repaired").glob("*.whl")
        with zipfile.ZipFile(repaired) as archive:
            names = archive.namelist()
            archive.extractall(self.folder / "unpacked")
        self.assertTrue([n for n in names if "libinner" in n], names)
        (module,) = (self.folder / "unpacked").glob("spam*.so")
        self.assertNotEqual(module.read_bytes(), path.read_bytes())
        self.assert_sound(module)

    def test_several_modules_in_one_binary(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready", name="spam"))
        self.write("eggs.c", source("ready", name="eggs"))
        self.gate(0, python, *BOTH)
        self.expect(0, EXTCHECK, "gate", "--isolated", "--python", python.path, "--module", "eggs",
                    "--output-dir", "out", "eggs.c", "--", f"-I{INCLUDE}")
        objects = []
        for name, header in (("spam.c", "spam"), ("eggs.c", "eggs"),
                             ("out/extcheck_note_spam.c", "spam"),
                             ("out/extcheck_note_eggs.c", "eggs")):
            out = self.folder / (os.path.basename(name) + ".o")
            self.expect(0, "gcc", "-c", "-fPIC", "-fdata-sections", *python.flags, f"-I{INCLUDE}",
                        "-include", f"out/extcheck_gate_{header}.h", name, "-o", out)
            objects.append(out)
        self.expect(0, "gcc", "-shared", "-Wl,--gc-sections", *objects, "-o", "both.so")
        found = self.read("both.so")["binaries"]
        claims = {one["note"]["module"]: one["note"]["claims"]["own-gil"] for one in found}
        self.assertEqual(claims, {"spam": True, "eggs": False})
        self.assertEqual(self.rules("both.so"), [])


class Reading(NoteTest):
    def test_the_full_report(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        self.gate(0, python, *BOTH, **{BUILD_OWN: 1})
        path = self.compile(python)
        done = self.expect(1, EXTCHECK, "--isolated", path.name)
        for text in ("module spam, built for Python with the GIL", "own-gil        not-ready GLB07",
                     f"UNSAFE         built with {BUILD_OWN}",
                     "may declare    no own-GIL support", "sources        1 file"):
            self.assertIn(text, done.out)
        line = self.expect(1, EXTCHECK, "--isolated", "--format", "concise", path.name).out
        self.assertRegex(line, rf"^{re.escape(path.name)}: spam, own-gil not-ready, .*UNSAFE")

    def test_no_note(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready", slots=FIXED_SLOTS))
        self.expect(0, "gcc", "-shared", "-fPIC", *python.flags, "spam.c", "-o", "spam.so")
        self.assertIn("no note of extcheck", self.expect(0, EXTCHECK, "spam.so").out)
        self.assertEqual(self.read("spam.so")["binaries"],
                         [{"file": "spam.so", "status": "none", "note": None}])

    def test_facts_make_a_round_trip(self):
        (python,) = need("3.13")
        path = self.made(python, dropping(FIXED_SLOTS), gate=())
        facts = self.expect(0, EXTCHECK, "--isolated", "--dump-facts", path.name).out
        self.write("spam.facts", facts)
        again = json.loads(self.run_program(EXTCHECK, "--isolated", "--format", "json", "--facts",
                                            "spam.facts").out)
        first = self.read(path.name)
        self.assertEqual(again["binaries"], first["binaries"])
        self.assertEqual(again["findings"], first["findings"])

    def test_the_standard_library_declares_what_interpreters_do(self):
        (python,) = need("3.14")
        script = """
import glob, json, os, sysconfig, _interpreters
folder = sysconfig.get_path("platstdlib") + "/lib-dynload"
print(json.dumps([(path, _interpreters.exec(made := _interpreters.create("isolated"),
      "import " + os.path.basename(path).split(".")[0]) is None) for path in
      sorted(glob.glob(folder + "/*.so"))]))
"""
        found = json.loads(self.expect(0, python.path, "-c", script).out)
        self.assertGreater(len(found), 20)
        content = {"module": None, "claims": {"own-gil": True, "gil-not-used": True}, "format": 1,
                   "flavour": "gil", "verdicts": {}, "sources": [], "override": []}
        checked = 0
        for path, accepted in found:
            name = os.path.basename(path).split(".")[0]
            text = record.payload({**content, "module": name}).encode()
            note = struct.pack("<III", 9, len(text), 0x50794558) + b"extcheck".ljust(12, b"\0")
            (self.folder / "note").write_bytes(note + text + bytes(-len(text) % 4))
            copy = self.folder / f"{name}.so"
            self.expect(0, "objcopy", "--add-section", ".note.extcheck=note", path, copy)
            facts = self.expect(0, EXTCHECK, "--isolated", "--dump-facts", copy).out
            own = re.search(r"\town=([a-z-]+)", facts).group(1)
            if own != "unresolved":
                checked += 1
                self.assertEqual(own == "per-interpreter", accepted, name)
        self.assertGreater(checked, len(found) * 0.9)


class Contradictions(NoteTest):
    def severities(self, path, *more):
        return {(f["rule"], f["severity"]) for f in self.read(path, *more)["findings"]
                if f["rule"].startswith("ELF")}

    def test_tables_that_declare_more_than_the_note(self):
        for name, expected in (("3.13", {("ELF24", "blocker")}),
                               ("3.13t", {("ELF24", "blocker"), ("ELF25", "blocker")}),
                               ("3.14", {("ELF24", "blocker")}), ("3.15", {("ELF24", "blocker")})):
            with self.subTest(python=name):
                (python,) = need(name)
                self.write("spam.c", dropping())
                self.gate(0, python)
                self.write("spam.c", dropping(FIXED_SLOTS))
                path = self.compile(python)
                self.assertEqual(self.severities(path), expected)
                self.expect(1, EXTCHECK, "--isolated", path)
                self.expect(0, "strip", "-s", path)
                self.assertEqual(self.severities(path), expected)

    def test_tables_that_declare_less(self):
        (python,) = need("3.13t")
        self.write("spam.c", dropping())
        self.gate(0, python, *BOTH)
        self.write("spam.c", dropping(slots="").replace("extshim_gate.h", "Python.h"))
        path = self.compile(python)
        self.assertEqual(self.severities(path), {("ELF24", "advice"), ("ELF25", "advice")})

    def test_a_damaged_note(self):
        (python,) = need("3.13")
        path = self.made(python)
        data = path.read_bytes()
        at = data.index(b'"verdict":"ready"')
        path.write_bytes(data[:at] + data[at:].replace(b"ready", b"READY", 1))
        self.assertEqual(self.rules(path), ["ELF23"])
        self.assertEqual(self.read(path)["binaries"][0]["status"], "damaged")

    def test_a_note_of_a_format_to_come(self):
        (python,) = need("3.13")
        path = self.made(python)
        data = path.read_bytes()
        start = data.index(record.START.encode())
        (size,) = struct.unpack_from("<I", data, start - 12 - 8)
        payload = data[start:start + size]
        content = {k: v for k, v in json.loads(payload).items() if k != "checksum"}
        sealed = record.payload({**content, "format": 9}).encode()
        self.assertEqual(len(sealed), size)
        path.write_bytes(data.replace(payload, sealed))
        self.assertEqual(self.read(path)["binaries"][0]["status"], "foreign")
        self.assertEqual(self.rules(path), [])

    def test_sources_that_are_not_those_of_the_note(self):
        (python,) = need("3.13")
        self.write("src/spam.h", "#define SPAM 1\n")
        self.write("src/spam.c", dropping().replace(".h\"\n", ".h\"\n#include \"spam.h\"\n", 1))
        self.gate(0, python, *BOTH, files=["src/spam.c"])
        path = self.compile(python, files=["src/spam.c"])
        self.assertEqual(self.rules(path, "src/spam.c"), [])
        self.write("src/spam.h", "#define SPAM 2\n")
        self.assertEqual(self.rules(path, "src/spam.c"), ["ELF26"])
        self.assertEqual(self.rules(path), [])
        found = self.read(path, "src/spam.c")["findings"]
        self.assertIn("src/spam.h", [f["message"] for f in found if f["rule"] == "ELF26"][0])
        shutil.copytree(self.folder / "src", self.folder / "elsewhere/src")
        self.assertEqual(self.rules(path, "elsewhere/src/spam.c"), ["ELF26"])
        self.write("other.c", "int other;\n")
        self.assertEqual(self.rules(path, "other.c"), [])

    def test_the_note_of_the_other_build(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", dropping())
        self.gate(0, gil)
        self.expect(0, "gcc", "-c", "-fPIC", *gil.flags, f"-I{INCLUDE}",
                    "out/extcheck_note_spam.c", "-o", "note.o")
        self.expect(0, "gcc", "-shared", "-fPIC", *threaded.flags, f"-I{INCLUDE}",
                    "-DEXTSHIM_GATE_FLAVOUR=1", "spam.c", "note.o", "-o", "spam.so")
        self.assertEqual(self.rules("spam.so"), ["ELF27"])


class Broken(NoteTest):
    """Damaged files cost themselves and nothing else."""

    def test_what_is_no_module(self):
        self.write("empty.so", "")
        self.write("text.so", "not a binary\n")
        (self.folder / "magic.so").write_bytes(b"\x7fELF")
        done = self.expect(2, EXTCHECK, "--isolated", "empty.so", "text.so", "magic.so", "none.so")
        for name in ("empty.so", "text.so", "magic.so"):
            self.assertIn(f"{name} (is no ELF file)", done.err)
        self.assertIn("none.so (no such file)", done.err)
        for name in ("spam.sol", "spam.so.c.txt", "spam.source"):
            self.write(name, "text\n")
            self.assertIn("is no C or C++ source", self.expect(2, EXTCHECK, name).err)
        shutil.copy(self.folder / "text.so", self.folder / "libspam.so.1")
        self.assertIn("is no ELF file", self.expect(2, EXTCHECK, "libspam.so.1").err)
        self.write("spam.c", "int x;\n")
        self.expect(0, "gcc", "-c", "spam.c", "-o", "object.so")
        self.assertIn("no shared object", self.expect(2, EXTCHECK, "object.so").err)

    def test_cut_off(self):
        """No loader takes such a file; that it has no note would be no answer."""
        (python,) = need("3.13")
        data = self.made(python).read_bytes()
        last = data.index(record.START.encode())
        for size in (80, 300, 1000, last, last + 100):
            (self.folder / "cut.so").write_bytes(data[:size])
            self.assertIn("cut off", self.expect(2, EXTCHECK, "--isolated", "cut.so").err)

    def mutants(self, data, random_source):
        """Truncations, flipped bytes in the headers and tables, and odd sizes in the note."""
        for cut in random_source.sample(range(1, len(data)), 120):
            yield data[:cut]
        start = data.index(record.START.encode())
        tables = struct.unpack_from("<Q", data, 0x28)[0]
        areas = [(0, 64), (64, 700), (start - 40, 60), (start, 400), (tables, len(data) - tables),
                 (0, len(data))]
        values = [0, 0xff, 0x7f, 0x80, 1]
        for n in range(480):
            changed = bytearray(data)
            at, size = areas[n % len(areas)]
            for _ in range(random_source.choice([1, 1, 2, 8, 64])):
                place = at + random_source.randrange(size)
                if random_source.random() < 0.5:
                    changed[place] = random_source.choice(values)
                else:
                    changed[place] = random_source.randrange(256)
            yield bytes(changed)

    def test_mutants(self):
        (python,) = need("3.13")
        data = self.made(python).read_bytes()
        random_source = random.Random(5)
        folder = self.folder / "mutants"
        folder.mkdir()
        names = []
        for n, mutant in enumerate(self.mutants(data, random_source)):
            name = folder / f"m{n}.so"
            name.write_bytes(mutant)
            names.append(name)
        for i in range(0, len(names), 60):
            part = names[i:i + 60]
            done = self.run_program(EXTCHECK, "--isolated", "--format", "json", *part)
            self.assertIn(done.code, (0, 1, 2), f"{part}: {done.err[-2000:]}")
            report = json.loads(done.out)
            self.assertEqual(report["files"]["total"], len(part))
            told = {b["file"] for b in report["binaries"]} | {f["file"] for f in report["failed"]}
            self.assertEqual(len(told), len(part))


if __name__ == "__main__":
    unittest.main()
