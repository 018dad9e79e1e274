#!/usr/bin/env python3
"""Findings that are known: suppression comments and the baseline."""

import json
import os
import stat
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import CliTest, bad_module, good_module  # noqa: E402

DECLARATION = "static PyObject *cache;"


class Suppression(CliTest):
    def setUp(self):
        super().setUp()
        self.write("bad.c", bad_module())
        plain = self.run_cli("--format=concise", "bad.c")
        self.all = self.rules_in(plain)
        # What else is found (a declaration that this contradicts) goes with its evidence.
        plain.out = "".join(line for line in plain.out.splitlines(True)
                            if line.startswith("bad.c:3:"))
        self.rules = self.rules_in(plain)
        self.ids = ",".join(self.rules)

    def check(self, declaration, code=0, *arguments):
        self.write("bad.c", bad_module(declaration=declaration))
        return self.expect(code, "--format=concise", *arguments, "bad.c")

    def test_there_is_something_to_suppress(self):
        self.assertTrue(self.rules)

    def test_every_scope(self):
        for text in (f"{DECLARATION} /* extcheck: ignore[{self.ids}] one interpreter only */",
                     f"{DECLARATION} // extcheck: ignore[{self.ids}] one interpreter only",
                     f"/* extcheck: ignore[{self.ids}] one interpreter only */\n{DECLARATION}",
                     f"/* extcheck: ignore-next-line[{self.ids}] only one */\n{DECLARATION}",
                     f"/* extcheck: ignore-file[{self.ids}] only one */\n\n\n{DECLARATION}"):
            with self.subTest(text):
                result = self.check(text)
                self.assertEqual(self.rules_in(result), [])
                self.assertIn(f"({len(self.rules)} suppressed", result.err)

    def test_function_scope(self):
        body = ("static PyObject *cache; /* extcheck: ignore-function[GLB01] not in one */")
        result = self.check(body, 1)
        self.assertIn("META01", self.rules_in(result))

    def test_by_name(self):
        names = [line.split()[1] for line in self.expect(0, "rules").out.splitlines()
                 if line.split()[0] in self.rules]
        result = self.check(f"{DECLARATION} /* extcheck: ignore[{', '.join(names)}] why */")
        self.assertEqual(self.rules_in(result), [])

    def test_other_line_suppresses_nothing(self):
        result = self.check(f"/* extcheck: ignore-next-line[{self.ids}] wrong */\nint x;\n"
                            + DECLARATION, 1)
        found = self.rules_in(result)
        self.assertEqual(found.count("META01"), len(self.rules))
        self.assertLessEqual(set(self.rules), set(found))
        self.assertIn("unused suppression", result.err)

    def test_unknown_id(self):
        rule = self.rules[0]
        result = self.check(f"{DECLARATION} /* extcheck: ignore[{rule}x] mistyped */", 1)
        self.assertIn(f"'{rule}x' suppresses nothing here: there is no such rule; did you "
                          f"mean '{rule}'?", result.out)

    def test_unused_is_said_once(self):
        self.write("seen.h", "/* extcheck: ignore-function[GLB01,GLB01] twice */\n"
                   "#ifdef LONG\nstatic int seen(void)\n{\n    return 1;\n}\n#else\n"
                   "static int seen(void) { return 2; }\n#endif\n")
        self.write("one.c", '#define LONG\n#include <Python.h>\n#include "seen.h"\n'
                   "int one(void) { return seen(); }\n")
        self.write("two.c", '#include <Python.h>\n#include "seen.h"\n'
                   "int two(void) { return seen(); }\n")
        result = self.run_cli("--format=concise", "--select=META01,GLB01", "one.c", "two.c")
        self.assertEqual(self.rules_in(result), ["META01"])
        self.assertIn(" 1 unused suppression\n", result.err)

    def test_without_ids(self):
        result = self.check(f"{DECLARATION} /* extcheck: ignore all of it */", 1)
        self.assertIn("names no rule", result.out)

    def test_without_reason(self):
        result = self.check(f"{DECLARATION} /* extcheck: ignore[{self.ids}] */")
        self.assertEqual(self.rules_in(result), ["META02"])

    def test_unknown_words(self):
        self.assertIn("META03",
                      self.rules_in(self.check(f"{DECLARATION} /* extcheck: ingore[GLB01] x */", 1)))
        result = self.check(f"{DECLARATION} /* extcheck: ignore-block[GLB01] x */", 1)
        self.assertIn("'ignore-block' is none of", result.out)

    def test_unused_is_not_judged_for_rules_that_do_not_run(self):
        text = f"/* extcheck: ignore-next-line[TLS01] elsewhere */\n{DECLARATION}"
        self.assertIn("META01", self.rules_in(self.check(text, 1)))
        self.assertNotIn("META01", self.rules_in(self.check(text, 1, "--ignore", "TLS01")))
        self.assertNotIn("META01", self.rules_in(self.check(text, 1, "--ignore", "META")))

    def test_unused_does_not_fail_a_run(self):
        self.write("good.c", "/* extcheck: ignore-file[GLB01] once */\n" + good_module())
        result = self.expect(0, "--format=concise", "good.c")
        self.assertEqual(self.rules_in(result), ["META01"])
        self.expect(1, "--fail-on=advice", "good.c")

    def test_show_suppressed(self):
        text = f"{DECLARATION} /* extcheck: ignore[{self.ids}] one interpreter only */"
        self.assertEqual(self.rules_in(self.check(text)), [])
        self.assertIn("bad.c:3:18", self.check(text, 0, "--show-suppressed").out)

    def test_machine_formats_mark_them(self):
        self.write("bad.c", bad_module(
            declaration=f"{DECLARATION} /* extcheck: ignore[{self.ids}] only one */"))
        data = json.loads(self.expect(0, "--format=json", "bad.c").out)
        self.assertTrue(data["findings"])
        self.assertEqual({f["suppression"]["reason"] for f in data["findings"]}, {"only one"})
        data = json.loads(self.expect(0, "--format=sarif", "bad.c").out)
        for result in data["runs"][0]["results"]:
            self.assertEqual(result["suppressions"][0]["kind"], "inSource")
            self.assertEqual(result["suppressions"][0]["justification"], "only one")

    def test_text_that_only_mentions_the_syntax(self):
        result = self.check(f'{DECLARATION} /* see extcheck: ignore[{self.ids}] in the manual */', 1)
        self.assertEqual(self.rules_in(result), self.all)


class Baseline(CliTest):
    def setUp(self):
        super().setUp()
        self.write("src/bad.c", bad_module())
        self.write("src/worse.c", bad_module("worse"))
        self.files = ["src/bad.c", "src/worse.c"]

    def rows(self, name="known.tsv"):
        lines = (self.folder / name).read_text().splitlines()
        self.assertEqual(lines[0], "# extcheck baseline 1")
        self.assertEqual(lines[1], "rule\tfile\tsymbol\ttext\tcount")
        return [line.split("\t") for line in lines[2:]]

    def make(self):
        result = self.expect(0, "--write-baseline", "known.tsv", *self.files)
        self.assertRegex(result.err, r"wrote \d+ findings to known.tsv")
        return self.rows()

    def test_life_cycle(self):
        rows = self.make()
        self.assertTrue(rows)
        self.assertEqual(rows, sorted(rows, key=lambda r: (r[1], r[0], r[2], r[3])))
        self.assertIn(["src/bad.c", "cache", "static PyObject *cache;", "1"],
                      [row[1:] for row in rows])
        result = self.expect(0, "--baseline", "known.tsv", *self.files)
        self.assertIn("in baseline)", result.err)
        self.assertNotIn("stale", result.err)
        self.assertNotIn("src/bad.c:3", result.out.split("module ")[0])

    def test_lines_may_move(self):
        self.make()
        self.write("src/bad.c", "\n\n/* a comment */\n" + bad_module(
            declaration="static   PyObject\t*cache;"))
        result = self.expect(0, "--baseline", "known.tsv", *self.files)
        self.assertNotIn("stale", result.err)

    def test_new_findings_count(self):
        self.make()
        self.write("src/bad.c", bad_module().replace("cache", "other"))
        result = self.expect(1, "--baseline", "known.tsv", "--format=concise", *self.files)
        self.assertIn("'other'", result.out)
        self.assertNotIn("'cache'", result.out)

    def test_a_finding_without_a_row_counts(self):
        rows = self.make()
        lost = next(row for row in rows if row[1] == "src/worse.c" and row[0].startswith("GLB"))
        path = self.folder / "known.tsv"
        path.write_text(path.read_text().replace("\t".join(lost) + "\n", ""))
        result = self.expect(1, "--baseline", "known.tsv", "--format=concise", *self.files)
        self.assertEqual(self.rules_in(result), [lost[0]])
        self.assertIn("src/worse.c:3:", result.out)

    def test_the_count_is_a_limit(self):
        """Rows do not tell the lines of two functions apart, so they count them."""
        def lazy(names):
            helpers = "".join(
                f"static PyObject *{name}(void)\n{{\n    static PyObject *held;\n"
                "    if (!held) {\n        held = PyDict_New();\n    }\n    return held;\n}\n"
                for name in names)
            calls = "".join(f"    {name}();\n" for name in names)
            return bad_module(declaration="static PyObject *cache;\n" + helpers).replace(
                "    if (cache == NULL)", calls + "    if (cache == NULL)")

        self.write("src/bad.c", lazy(["one", "two"]))
        rows = self.make()
        self.assertIn("2", [row[4] for row in rows if row[2] == "held"])
        self.expect(0, "--baseline", "known.tsv", *self.files)
        self.write("src/bad.c", lazy(["one", "two", "three"]))
        result = self.expect(1, "--baseline", "known.tsv", "--format=concise", *self.files)
        lines = [line for line in result.out.splitlines() if line.endswith("]")]
        self.assertEqual(len(set(line.split(":")[1] for line in lines)), 1)
        self.write("src/bad.c", lazy(["one"]))
        self.assertIn("1 of 2 gone", self.expect(0, "--baseline", "known.tsv", *self.files).err)

    def test_stale_rows(self):
        rows = self.make()
        self.write("src/bad.c", good_module("spam"))
        result = self.expect(0, "--baseline", "known.tsv", *self.files)
        gone = [row for row in rows if row[1] == "src/bad.c"]
        self.assertEqual(result.err.count("stale row in known.tsv"), len(gone))
        self.assertIn("stale baseline row", result.err)
        self.assertEqual(self.rows(), rows)

    def test_prune(self):
        rows = self.make()
        self.write("src/bad.c", good_module("spam"))
        self.expect(0, "--baseline", "known.tsv", "--baseline-prune", *self.files)
        self.assertEqual(self.rows(), [row for row in rows if row[1] != "src/bad.c"])
        self.assertNotIn("stale", self.expect(0, "--baseline", "known.tsv", *self.files).err)

    def test_part_of_the_files_leaves_other_rows_alone(self):
        rows = self.make()
        result = self.expect(0, "--baseline", "known.tsv", "--baseline-prune", "src/bad.c")
        self.assertNotIn("stale", result.err)
        self.assertEqual(self.rows(), rows)

    def test_other_rules_leave_rows_alone(self):
        rows = self.make()
        self.expect(0, "--baseline", "known.tsv", "--baseline-prune", "--select", "TLS",
                    *self.files)
        self.assertEqual(self.rows(), rows)

    def test_rows_of_deleted_files_are_stale(self):
        self.make()
        (self.folder / "src/worse.c").unlink()
        self.assertIn("src/worse.c", self.expect(0, "--baseline", "known.tsv", "src/bad.c").err)

    def test_relative_to_the_root(self):
        self.expect(0, "--root", "src", "--write-baseline", "known.tsv", *self.files)
        self.assertEqual({row[1] for row in self.rows()}, {"bad.c", "worse.c"})
        self.expect(0, "--root", ".", "--baseline", "../known.tsv", "bad.c",
                    cwd=self.folder / "src")

    def test_suppressed_findings_are_not_written(self):
        rows = self.make()
        ids = ",".join({row[0] for row in rows})
        self.write("src/bad.c", bad_module(
            declaration=f"static PyObject *cache; /* extcheck: ignore[{ids}] only one */"))
        self.assertEqual({row[1] for row in self.make()}, {"src/worse.c"})

    def test_failures_are_not_hidden(self):
        result = self.expect(2, "--write-baseline", "known.tsv", "src/bad.c", "absent.c")
        self.assertIn("absent.c: no such file", result.err)
        self.expect(2, "--baseline", "known.tsv", "src/bad.c", "absent.c")

    def test_bad_files(self):
        self.assertIn("--write-baseline", self.expect(2, "--baseline", "none", *self.files).err)
        for text, message in ((b"", ":1: not a baseline"), (b"hello\n", ":1: not a baseline"),
                              (b"# extcheck baseline 2\n", ":1: not a baseline"),
                              (b"# extcheck baseline 1\nGLB01\ta.c\n", ":2: fewer than 5"),
                              (b"# extcheck baseline 1\na\tb\tc\td\tx\n", ":2: the last cell"),
                              (b"# extcheck baseline 1\na\tb\tc\td\t1\te\n", ":2: more than 5"),
                              (os.urandom(5000), ":1: not a baseline")):
            self.write("odd.tsv", text)
            self.assertIn(message, self.expect(2, "--baseline", "odd.tsv", *self.files).err)
        self.assertIn("cannot be written",
                      self.expect(2, "--write-baseline", "no/such/x", *self.files).err)

    def test_links_stay_links(self):
        self.make()
        (self.folder / "link.tsv").symlink_to("known.tsv")
        (self.folder / "known.tsv").write_text("# extcheck baseline 1\n")
        self.expect(0, "--write-baseline", "link.tsv", *self.files)
        self.assertTrue((self.folder / "link.tsv").is_symlink())
        self.assertGreater(len((self.folder / "known.tsv").read_text().splitlines()), 2)
        with open(self.folder / "known.tsv", "a", encoding="utf-8") as out:
            out.write("GLB01\tsrc/gone.c\tx\tx\t1\n")
        self.expect(0, "--baseline", "link.tsv", "--baseline-prune", *self.files)
        self.assertTrue((self.folder / "link.tsv").is_symlink())
        self.assertNotIn("gone.c", (self.folder / "known.tsv").read_text())
        (self.folder / "dangling.tsv").symlink_to("new.tsv")
        self.expect(0, "--write-baseline", "dangling.tsv", *self.files)
        self.assertTrue((self.folder / "dangling.tsv").is_symlink())
        self.assertTrue((self.folder / "new.tsv").is_file())

    def test_what_is_no_file_is_written_to(self):
        os.mkfifo(self.folder / "pipe")
        read = []
        reader = threading.Thread(
            target=lambda: read.append((self.folder / "pipe").read_text()), daemon=True)
        reader.start()
        self.expect(0, "--write-baseline", "pipe", *self.files)
        reader.join(30)
        self.assertTrue((self.folder / "pipe").is_fifo())
        self.assertIn("src/bad.c", read[0])
        if os.geteuid() == 0:
            try:
                os.mknod(self.folder / "full", 0o666 | stat.S_IFCHR, os.makedev(1, 7))
                (self.folder / "full").write_text("")
            except OSError:
                self.skipTest("devices cannot be made here")
            self.assertIn("cannot be written",
                          self.expect(2, "--write-baseline", "full", *self.files).err)
            self.assertTrue((self.folder / "full").is_char_device())

    def test_mode_of_the_baseline_stays(self):
        self.make()
        (self.folder / "known.tsv").chmod(0o640)
        self.make()
        self.assertEqual((self.folder / "known.tsv").stat().st_mode & 0o777, 0o640)

    def test_prune_and_write_exclude_each_other(self):
        self.expect(2, "--baseline", "a", "--baseline-prune", "--write-baseline", "b", *self.files)


if __name__ == "__main__":
    unittest.main()
