#!/usr/bin/env python3
"""Settings files, and which Python headers a run chooses, with invented interpreters."""

import json
import os
import pathlib
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import EXTCHECK, CliTest, bad_module, good_module  # noqa: E402


class SettingsFile(CliTest):
    def setUp(self):
        super().setUp()
        self.write("src/bad.c", bad_module())
        self.write("src/good.c", good_module())

    def pyproject(self, text):
        self.write("pyproject.toml", f"[project]\nname = 'x'\n\n[tool.extcheck]\n{text}\n")

    def test_found_upwards_from_the_first_file(self):
        self.pyproject("fail-on = 'blocker'\ntarget = ['shared-gil']")
        self.expect(0, "src/bad.c")
        self.expect(0, self.folder / "src/bad.c", cwd="/")
        self.expect(1, "--isolated", "src/bad.c")

    def test_extcheck_toml(self):
        for text in ("exit-zero = true\n", "[tool.extcheck]\nexit-zero = true\n"):
            self.write("src/extcheck.toml", text)
            self.expect(0, "src/bad.c")

    def test_what_cannot_be_read_is_named(self):
        os.mkfifo(self.folder / "extcheck.toml")
        result = self.run_cli("src/good.c")
        self.assertIn("extcheck.toml is not read: it is no regular file", result.err)
        self.assertNotIn("not read", self.run_cli("--isolated", "src/good.c").err)

    def test_nearest_wins(self):
        self.pyproject("exit-zero = true")
        self.write("src/extcheck.toml", "exit-zero = false\n")
        self.expect(1, "src/bad.c")
        # A file without a table for us is not in the way.
        self.write("src/extcheck.toml", "")
        self.expect(1, "src/bad.c")
        (self.folder / "src/extcheck.toml").unlink()
        self.write("src/pyproject.toml", "[project]\nname = 'extcheck'\n")
        self.expect(0, "src/bad.c")

    def test_search_ends_at_the_repository(self):
        self.pyproject("exit-zero = true")
        (self.folder / "src/.git").mkdir()
        self.expect(1, "src/bad.c")

    def test_command_line_wins(self):
        self.pyproject("format = 'json'\nselect = ['TLS']")
        json.loads(self.expect(0, "src/bad.c").out)
        self.assertIn("src/bad.c:3:18", self.expect(1, "--format=full", "--select=GLB",
                                                    "src/bad.c").out)

    def test_per_file_ignores(self):
        self.write("src/vendor/other.c", bad_module("other"))
        both = ["src/bad.c", "src/vendor/other.c"]

        def found(*options, cwd=None, files=both):
            result = self.run_cli("--format=concise", *options, *files, cwd=cwd)
            self.assertEqual(result.code, 1, result)
            return {line.split(":")[0] for line in result.out.splitlines() if "[GLB07]" in line}

        self.assertEqual(found(), set(both))
        for pattern in ("src/vendor/*", "src/v*", "other.c", "oth*"):
            self.pyproject(f"[tool.extcheck.per-file-ignores]\n'{pattern}' = ['GLB', 'TLS01']")
            self.assertEqual(found(), {"src/bad.c"}, pattern)
            self.assertEqual(found(cwd=self.folder / "src", files=["bad.c", "vendor/other.c"]),
                             {"bad.c"}, pattern)
        self.pyproject("[tool.extcheck.per-file-ignores]\n'vendor/*' = ['GLB']\n'b.c' = 'GLB'")
        self.assertEqual(found(), set(both))
        self.pyproject("per-file-ignores = ['src/vendor/*:GLB07']")
        self.assertEqual(found(), {"src/bad.c"})
        self.assertEqual(found("--per-file-ignores", "src/b*:INI,GLB07"), {"src/vendor/other.c"})
        self.assertEqual(found("--per-file-ignores", "b*:global-container"),
                         {"src/vendor/other.c"})

    def test_per_file_ignores_hides_like_ignore(self):
        """What is hidden still counts against a declaration, and its comments are no idle ones."""
        options = ["--per-file-ignores", "*.c:GLB07"]
        result = self.expect(1, *options, "--format=concise", "src/bad.c")
        self.assertIn("[INI13]", result.out)
        self.assertEqual(result.out, self.run_cli("--ignore", "GLB07", "--format=concise",
                                                  "src/bad.c").out)
        self.write("src/noted.c", bad_module(
            declaration="static PyObject *cache; /* extcheck: ignore[GLB07] known */"))
        self.assertNotIn("META01", self.run_cli(*options, "--fail-on=advice", "src/noted.c").out)

    def test_wrong_per_file_ignores(self):
        for value, message in (("'src/*'", "PATTERN:RULE"), ("':GLB'", "PATTERN:RULE"),
                               ("'src/*:XYZ99'", "no rule or family is called 'XYZ99'")):
            self.pyproject(f"per-file-ignores = [{value}]")
            self.assertIn(message, self.expect(2, "src/bad.c").err)
        self.pyproject("[tool.extcheck.per-file-ignores]\n'*' = [{a = 1}]")
        self.assertEqual(self.run_cli("src/bad.c").code, 2)

    def test_lists_and_words(self):
        for value in ("'GLB, INI'", "['GLB', 'INI']", "['GLB,INI']"):
            self.pyproject(f"ignore = {value}")
            self.expect(0, "src/bad.c")
        self.pyproject("ignore = []")
        self.expect(1, "src/bad.c")

    def test_paths_are_relative_to_the_file(self):
        self.expect(0, "--write-baseline", "known.tsv", "src/bad.c")
        self.pyproject("baseline = 'known.tsv'\nroot = '.'")
        self.expect(0, "src/bad.c")
        self.expect(0, "bad.c", cwd=self.folder / "src")

    def test_interpreter_of_the_settings(self):
        include = headers(self.folder / "prefix", 14)
        program = self.write("prefix/bin/python3", f"#!/bin/sh\necho 'version: 3.14'\n"
                             f"echo 'include: {include}'\necho end\n")
        program.chmod(0o755)
        for value in ("'prefix/bin/python3'", "['./prefix']"):
            self.pyproject(f"python = {value}")
            self.assertIn(f"Python 3.14 -I{include} ",
                          self.expect(0, "--print-config", "src/bad.c").out)

    def test_mistakes(self):
        cases = {
            "formt = 'json'": "unknown key 'formt'; did you mean 'format'?",
            "help = true": "unknown key 'help'",
            "dump-facts = true": "unknown key 'dump-facts'",
            "format = 'yaml'": "'format': there is no format 'yaml'",
            "format = ['json', 'full']": "'format' takes one value, not a list",
            "jobs = 'many'": "'jobs': 'many' is not a number",
            "jobs = 2.5": "'jobs': a value of type float",
            "quiet = 'yes'": "'quiet': 'yes' is neither true nor false",
            "target = ['own-gill']": "did you mean 'own-gil'?",
            "select = ['NOPE']": "no rule or family is called 'NOPE'",
            "root = ''": "not empty",
            "trusted = [['a']]": "'trusted': a value of type list",
            "baseline = \"a\\nb\"": "must not contain a line break",
            "[tool.extcheck.nested]\nkey = 1": "unknown key 'nested.key'",
            "jobs = ": "pyproject.toml:",
            "baseline-prune = true": "unknown key 'baseline-prune'",
        }
        for text, message in cases.items():
            with self.subTest(text):
                self.pyproject(text)
                result = self.expect(2, "src/good.c")
                self.assertIn(message, result.err)
                self.assertNotIn("Traceback", result.err)
                if "NOPE" not in text:
                    self.assertIn(str(self.folder / "pyproject.toml"), result.err)

    def test_a_mistake_shows_though_overruled(self):
        self.pyproject("format = 'yaml'")
        self.assertIn("there is no format", self.expect(2, "--format=json", "src/good.c").err)

    def test_print_config(self):
        self.pyproject("jobs = 3\nignore = ['TLS01']")
        result = self.expect(0, "--print-config", "--min-python", "3.11", "src/good.c")
        self.assertIn(f"# settings file: {self.folder}/pyproject.toml\n", result.out)
        self.assertIn("jobs = 3  # settings file\n", result.out)
        self.assertIn('ignore = ["TLS01"]  # settings file\n', result.out)
        self.assertIn('min-python = "3.11"  # command line\n', result.out)
        self.assertIn("timeout = 60  # default\n", result.out)
        self.assertRegex(result.out, r"# headers: Python 3\.\d+ -I/.* for own-gil, shared-gil")
        # What it prints can be read back.
        self.write("extcheck.toml", result.out)
        (self.folder / "pyproject.toml").unlink()
        again = self.expect(0, "--print-config", "src/good.c")
        self.assertIn("jobs = 3  # settings file\n", again.out)

    def test_explain_and_rules_read_settings(self):
        self.pyproject("rules = 'absent'")
        self.expect(2, "rules")
        self.expect(0, "--isolated", "rules")


def headers(folder, minor, suffix=""):
    """A folder that looks like the headers of a Python."""
    name = f"python3.{minor}{suffix}"
    include = folder / "include" / name
    include.mkdir(parents=True)
    (include / "Python.h").write_text("#include <patchlevel.h>\n")
    (include / "patchlevel.h").write_text(
        f"#define PY_MAJOR_VERSION        3\n#define PY_MINOR_VERSION        {minor}\n")
    (include / "pyconfig.h").write_text("#define Py_GIL_DISABLED 1\n" if suffix else "\n")
    return include


class Invented(CliTest):
    """A machine with nothing but what a test puts on it (and /usr, which every machine has)."""

    def setUp(self):
        super().setUp()
        self.home = self.folder / "home"
        self.bin = self.folder / "prefix" / "bin"
        self.home.mkdir()
        self.bin.mkdir(parents=True)
        self.env = {"PATH": str(self.bin), "HOME": str(self.home),
                    "XDG_CACHE_HOME": str(self.home / "cache"), "XDG_DATA_HOME": "",
                    "PYENV_ROOT": "", "UV_PYTHON_INSTALL_DIR": ""}
        real = [p for root in ("/usr", "/usr/local", "/opt/python/*")
                for p in pathlib.Path("/").glob(f"{root[1:]}/include/python3.*")
                if int(p.name.split(".")[1].rstrip("t")) >= 12]
        if real:
            self.skipTest(f"this machine has {real[0]}, which is always looked at")

    def interpreter(self, minor, where=None, log=None, suffix=""):
        """A program that answers as Python 3.minor; its headers lie beside it."""
        folder = where or self.bin.parent
        include = headers(folder, minor, suffix)
        program = folder / "bin" / "python3"
        program.parent.mkdir(exist_ok=True)
        note = f"echo asked >> {log}\n" if log else ""
        program.write_text(f"#!/bin/sh\n{note}echo 'version: 3.{minor}'\n"
                           f"echo 'include: {include}'\necho end\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    def config(self, *arguments, code=0):
        return self.expect(code, "--print-config", *arguments, env=self.env)

    def test_new_enough(self):
        self.interpreter(13)
        self.assertIn("# headers: Python 3.13 ", self.config().out)

    def test_only_old_ones(self):
        self.interpreter(11)
        result = self.config()
        self.assertIn("# headers: Python 3.11 ", result.out)
        for target in ("own-gil", "free-threaded"):
            self.assertIn(f"# {target}: needs 3.13+ headers, for example: apt install "
                          "python3.13-dev", result.out)
        self.assertNotIn("# shared-gil:", result.out)

    def test_what_a_target_needs(self):
        self.interpreter(12)
        self.assertNotIn("needs", self.config("-t", "own-gil,reload,shared-gil").out)
        self.assertIn("# free-threaded: needs 3.13+", self.config().out)

    def test_old_ones_do_for_shared_gil(self):
        self.interpreter(9)
        headers(self.home / ".pyenv/versions/3.14.0", 14)
        self.assertIn("# headers: Python 3.9 ", self.config("-t", "shared-gil,port").out)

    def test_newest_gil_build_of_a_manager(self):
        self.interpreter(11)
        headers(self.home / ".pyenv/versions/3.13.1", 13)
        headers(self.home / ".local/share/uv/python/cpython-3.14.1-linux", 14)
        headers(self.home / ".pyenv/versions/3.15.0t", 15, "t")
        headers(self.home / ".pyenv/versions/3.16.0", 16)
        result = self.config()
        self.assertRegex(result.out, r"# headers: Python 3\.14 .*uv/python/.* for own-gil, shared")

    def test_free_threaded_headers_when_there_is_nothing_else(self):
        self.interpreter(11)
        headers(self.home / ".pyenv/versions/3.14.0t", 14, "t")
        self.assertIn("# headers: Python 3.14 ", self.config().out)

    def test_cache(self):
        self.interpreter(11)
        folder = self.home / "cache/extcheck/pythons/3.14"
        headers(folder / "usr", 14)
        self.assertIn("# headers: Python 3.11 ", self.config().out)  # half unpacked
        (folder / ".complete").touch()
        self.assertIn("# headers: Python 3.14 ", self.config().out)

    def test_beside_a_program_on_path(self):
        self.interpreter(11)
        other = self.folder / "other"
        headers(other, 13)
        (other / "bin").mkdir()
        (other / "bin/python3.13").touch()
        (self.bin / "python3.13").symlink_to(other / "bin/python3.13")
        self.assertIn("# headers: Python 3.13 ", self.config().out)

    def test_several_by_name(self):
        old = self.interpreter(11)
        new = self.interpreter(14, self.folder / "new")
        result = self.config("--python", old, "--python", new)
        self.assertRegex(result.out, r"Python 3\.11 .* for shared-gil\n")
        self.assertRegex(result.out, r"Python 3\.14 .* for own-gil, shared-gil, free-threaded\n")

    def test_by_folder(self):
        self.interpreter(11)
        self.interpreter(14, self.folder / "new")
        self.assertIn("Python 3.14 ", self.config("--python", "./new").out)

    def test_by_version(self):
        self.interpreter(11)
        self.interpreter(14, self.home / ".pyenv/versions/3.14.0")
        for name in ("3.14", "3.14.0", "3.14.9", "python3.14"):
            self.assertIn("# headers: Python 3.14 ", self.config("--python", name).out, name)

    def test_version_that_is_not_there(self):
        self.interpreter(11)
        headers(self.home / ".pyenv/versions/3.14.0", 14)
        headers(self.home / ".pyenv/versions/3.13.1t", 13, "t")
        error = self.config("--python", "3.14t", code=2).err
        self.assertRegex(error, r"--python 3\.14t: there is no such interpreter.* at hand are "
                                r"3\.11, 3\.13t, 3\.14\b")
        self.assertIn("--python 3.14)", error)
        error = self.config("--python", "3.13", code=2).err
        self.assertIn("at hand are 3.11, 3.13t, 3.14\n", error)
        self.assertIn("there is no program 'nothing'", self.config("--python", "nothing",
                                                                   code=2).err)

    def test_no_headers(self):
        program = self.interpreter(13)
        for path in (self.bin.parent / "include/python3.13").iterdir():
            path.unlink()
        result = self.config("--python", program, code=2)
        self.assertIn("apt install python3.13-dev", result.err)
        if not list(pathlib.Path("/usr/include").glob("python3.*")):
            self.assertIn("apt install python3-dev", self.config(code=2).err)

    def test_not_a_python(self):
        for text, message in (("exit 3", "cannot be asked"), ("echo hello", "is no Python 3.9"),
                              ("echo oh dear >&2; exit 1", "oh dear"), ("kill -9 $$", "cannot be")):
            program = self.bin / "python3"
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)
            self.write("a.c", good_module())
            self.assertIn(message, self.expect(2, "a.c", env=self.env).err)

    def test_version_manager_without_a_selected_version(self):
        shims = self.folder / "manager" / "shims"
        shims.mkdir(parents=True)
        for name in ("python3", "python3.13"):
            (shims / name).write_text("#!/bin/sh\necho none selected >&2\nexit 127\n")
            (shims / name).chmod(0o755)
        self.env["PATH"] = f"{shims}:{self.bin}"
        self.assertIn("none selected", self.config(code=2).err)
        self.interpreter(13)
        self.assertIn("# headers: Python 3.13 ", self.config().out)
        os.rename(self.bin / "python3", self.bin / "python3.13")
        self.assertIn("# headers: Python 3.13 ", self.config("--python", "3.13").out)

    def test_second_run_starts_no_python(self):
        log = self.folder / "log"
        self.interpreter(13, log=log)
        first = self.config().out
        self.assertEqual(self.config().out, first)
        self.assertEqual(log.read_text(), "asked\n")
        self.config("--no-cache")
        self.assertEqual(log.read_text(), "asked\nasked\n")
        # A settings file that changes is read anew.
        self.write("extcheck.toml", "jobs = 2\n")
        self.config()
        self.assertEqual(log.read_text(), "asked\n" * 3)

    def test_version_manager_that_changes_its_mind(self):
        log = self.folder / "log"
        self.interpreter(13, log=log)
        self.config()
        self.write(".python-version", "3.12\n")
        self.config()
        self.assertEqual(log.read_text(), "asked\nasked\n")


class OnlyOldHeaders(CliTest):
    """The machine's own 3.11 and nothing else, for real."""

    def setUp(self):
        super().setUp()
        home = self.folder / "home"
        home.mkdir()
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_CACHE_HOME": str(home),
                    "XDG_DATA_HOME": "", "PYENV_ROOT": "", "UV_PYTHON_INSTALL_DIR": ""}
        self.write("bad.c", bad_module())
        self.write("good.c", good_module())
        config = subprocess.run([EXTCHECK, "--print-config"], cwd=self.folder, text=True,
                                env={**os.environ, **self.env}, capture_output=True, check=False)
        if "# own-gil: needs" not in config.stdout:
            self.skipTest("this machine's /usr has headers of 3.12 or newer, or none")

    def test_unknown_and_never_not_ready(self):
        for name in ("good.c", "bad.c"):
            result = self.expect(2, name, env=self.env)
            for target in ("own-gil", "free-threaded"):
                self.assertRegex(result.out, rf"{target} +unknown .*needs 3\.13\+ headers, for "
                                             "example: apt install python3.13-dev")
                self.assertIn(f"target {target} was not judged", result.err)
            self.assertNotIn("INI", result.out)
            self.assertNotIn("not-ready", result.out)

    def test_what_was_seen_is_said(self):
        result = self.expect(2, "--format=json", "bad.c", env=self.env)
        data = json.loads(result.out)
        self.assertTrue(data["findings"])
        for finding in data["findings"]:
            self.assertEqual(finding["severities"].get("free-threaded", "none"), "none")

    def test_targets_that_old_headers_serve(self):
        self.expect(0, "-t", "shared-gil", "good.c", env=self.env)
        self.expect(1, "-t", "shared-gil", "bad.c", env=self.env)


if __name__ == "__main__":
    unittest.main()
