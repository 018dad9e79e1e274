#!/usr/bin/env python3
"""Findings that an earlier run kept. A run that had to look for itself writes facts, so removing
those tells whether it was answered by the findings."""

import os
import shutil
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import CliTest, bad_module, good_module  # noqa: E402

FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")
API = "# table: borrowed_refs\nname\tborrows_from\n"


class RunCache(CliTest):
    def setUp(self):
        super().setUp()
        self.facts = self.folder / "kept/facts"
        self.runs = self.folder / "kept/runs"
        self.write("bad.c", '#include "own.h"\n' + bad_module(
            declaration="static PyObject *cache; static int used;").replace(
                "    Py_INCREF(cache);", "    used++; /* extcheck: ignore[GLB11] a test */\n"
                "    Py_INCREF(cache);"))
        self.write("own.h", "extern int own;\n")
        self.write("good.c", good_module())
        self.files = ["bad.c", "good.c"]

    def ask(self, *arguments):
        return self.run_cli("--cache-dir", "kept", *arguments, *self.files)

    def is_recalled(self, *arguments):
        """Runs again; was nothing parsed? The answer is that of a run without a cache."""
        shutil.rmtree(self.facts, ignore_errors=True)
        again = self.ask(*arguments)
        plain = self.run_cli("--no-cache", *arguments, *self.files)
        self.assertEqual((again.code, again.out, again.err), (plain.code, plain.out, plain.err))
        return not self.facts.exists()

    def test_every_format(self):
        self.assertFalse(self.is_recalled())
        for name in FORMATS:
            self.assertTrue(self.is_recalled("--format", name, "--show-suppressed"), name)
        self.assertTrue(self.is_recalled("--statistics", "--fail-on", "blocker"))
        self.assertEqual(len(list(self.runs.iterdir())), 1)

    def test_other_options_ask_again(self):
        self.ask()
        for options in (["--min-python", "3.12"], ["--ignore", "GLB01"], ["--target", "own-gil"],
                        ["--confidence", "low"], ["--trusted", "x*"], ["--root", "."],
                        ["--select", "GLB"]):
            self.assertFalse(self.is_recalled(*options), options)
            self.assertTrue(self.is_recalled(*options), options)
        self.files = ["good.c"]
        self.assertFalse(self.is_recalled())

    def test_flags_ask_again(self):
        self.ask()
        self.files += ["--", "-DOTHER=1"]
        self.assertFalse(self.is_recalled())
        self.assertTrue(self.is_recalled())

    def test_changed_source(self):
        self.ask()
        self.write("good.c", bad_module("eggs"))
        self.assertFalse(self.is_recalled())
        self.assertTrue(self.is_recalled())

    def test_changed_header(self):
        self.ask()
        self.write("own.h", "extern int owm;\n")  # as many bytes
        self.assertFalse(self.is_recalled())

    def test_header_that_hides_another(self):
        self.ask()
        self.write("stdlib.h", "#include_next <stdlib.h>\n")
        self.assertFalse(self.is_recalled())

    def test_touched_file_is_read_again(self):
        (self.folder / "kept").mkdir()  # by the first run it would make the folder young
        for name in ("bad.c", "own.h", "good.c", "."):  # none young: those are read in every run
            os.utime(self.folder / name, (1, 1))
        self.ask()
        entry = next(self.runs.iterdir())
        before = entry.read_bytes()
        os.utime(self.folder / "own.h", (2, 2))
        self.assertTrue(self.is_recalled())
        self.assertNotEqual(entry.read_bytes(), before, "the new time stamp is not kept")
        kept = entry.read_bytes()
        self.assertTrue(self.is_recalled())
        self.assertEqual(entry.read_bytes(), kept)

    def test_same_size_and_old_time_stamp(self):
        """A tool that restores time stamps changes the inode or the stamp's nanoseconds."""
        self.ask()
        time.sleep(0.01)
        changed = (self.folder / "own.h").read_text().replace("own", "oxn")
        (self.folder / "new.h").write_text(changed)
        os.utime(self.folder / "new.h", (1, 1))
        os.replace(self.folder / "new.h", self.folder / "own.h")
        self.assertFalse(self.is_recalled())

    def test_api_table(self):
        self.write("own.tsv", API)
        self.ask("--api", "own.tsv")
        self.assertTrue(self.is_recalled("--api", "own.tsv"))
        self.write("own.tsv", API + "own_get\tlist\n")
        self.assertFalse(self.is_recalled("--api", "own.tsv"))

    def test_damaged_entry(self):
        self.ask()
        entry = next(self.runs.iterdir())
        whole = entry.read_bytes()
        for cut in (0, 16, 17, len(whole) - 1):
            entry.write_bytes(whole[:cut])
            self.assertFalse(self.is_recalled(), cut)
        for at in range(0, len(whole), len(whole) // 5):
            entry.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1:])
            self.assertFalse(self.is_recalled(), at)
        self.assertTrue(self.is_recalled())

    def test_failed_file_is_tried_again(self):
        self.files.append("missing.c")
        self.ask()
        self.assertFalse(self.runs.exists())
        self.assertFalse(self.is_recalled())

    def test_baseline(self):
        self.run_cli("--no-cache", "--write-baseline", "known", *self.files)
        self.ask("--baseline", "known")
        shutil.rmtree(self.facts)
        self.ask("--baseline", "known")
        self.assertTrue(self.facts.exists())

    def test_dumped_facts_are_no_findings(self):
        self.ask()
        self.assertIn("unit\t", self.ask("--dump-facts").out)

    def test_number_of_entries_is_bounded(self):
        self.ask()
        for number in range(60):
            (self.runs / f"{number:032}").write_text("old")
            os.utime(self.runs / f"{number:032}", (number, number))
        self.ask("--min-python", "3.12")
        self.assertLess(len(list(self.runs.iterdir())), 60)
        self.assertTrue(self.is_recalled())


if __name__ == "__main__":
    unittest.main()
