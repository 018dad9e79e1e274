"""tools/pythons: what it prints, what it refuses, and that its downloads only download."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

__all__ = ["Caches", "Ensure", "List", "PrivateApt", "Source"]

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "pythons"
sys.path.insert(0, str(ROOT / "tools" / "lib"))

import caches  # noqa: E402
import pythons_apt  # noqa: E402
import pythons_find  # noqa: E402
from pythons_run import DownloadError  # noqa: E402

FAKE_PYTHON = """#!/bin/sh
echo '{{"implementation": "{implementation}", "version": "3.{minor}.{micro}",
 "info": [3, {minor}, {micro}], "free_threaded": {free_threaded}, "sanitized": false,
 "headers": {headers}, "include": ["{include}"]}}'
"""


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


class Sandbox(unittest.TestCase):
    """A home, a cache and a PATH of its own for every test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.bin = self.home / "bin"
        self.bin.mkdir()

    def fake_python(self, name, minor, micro, free_threaded=False, headers=True,
                    implementation="cpython"):
        write_program(self.bin / name, FAKE_PYTHON.format(
            minor=minor, micro=micro, implementation=implementation,
            include=self.home / "include dir",
            free_threaded=str(free_threaded).lower(), headers=str(headers).lower()))

    def fake_program(self, name, body="exit 0"):
        write_program(self.bin / name, f"#!/bin/sh\n{body}\n")

    def run_tool(self, *arguments):
        environment = {"HOME": str(self.home), "PATH": str(self.bin), "LC_ALL": "C"}
        return subprocess.run([sys.executable, TOOL, *arguments], env=environment,
                              capture_output=True, text=True, check=False, timeout=120)

    def own_lines(self, done):
        return [line.split("\t") for line in done.stdout.splitlines()
                if f"\t{self.bin}/" in line]


class Caches(Sandbox):
    def test_only_what_tests_built_long_ago_is_forgotten(self):
        now = time.time()
        ages = {"testmods/a": 15, "testmods/b": 13, "port/built-x.so": 15, "port/bitarray-1": 99,
                "pythons/3.13": 99, "shim/c": 2, "gate-tools/bytecode/tmp/t": 2,
                "gate-tools/meson-1": 99}
        for name, days in ages.items():
            (self.home / name).mkdir(parents=True)
            os.utime(self.home / name, (now - days * 86400,) * 2)
        self.assertEqual(caches.forget(self.home, now), 3)
        self.assertEqual({name for name in ages if not (self.home / name).exists()},
                         {"testmods/a", "port/built-x.so", "gate-tools/bytecode/tmp/t"})



class List(Sandbox):
    def test_format_of_what_is_really_here(self):
        done = subprocess.run([TOOL, "list", "--all"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        self.assertTrue(done.stdout, "not even one interpreter with headers was found")
        for line in done.stdout.splitlines():
            version, build, path, flags = line.split("\t")
            self.assertRegex(version, r"^3\.(9|1[0-5])\.\d+\w*$")
            self.assertIn(build, ("gil", "free-threaded"))
            self.assertTrue(os.access(path, os.X_OK), path)
            self.assertTrue(any((pathlib.Path(flag[2:]) / "Python.h").is_file()
                                for flag in flags.split(" ")), line)

    def test_second_run_is_fast(self):
        subprocess.run([TOOL, "list"], capture_output=True, check=True)
        started = time.monotonic()
        subprocess.run([TOOL, "list"], capture_output=True, check=True)
        self.assertLess(time.monotonic() - started, 1.0)

    def test_fields_and_quoting(self):
        self.fake_python("python3.14t", 14, 2, free_threaded=True)
        lines = self.own_lines(self.run_tool("list"))
        self.assertEqual(lines, [["3.14.2", "free-threaded", f"{self.bin}/python3.14t",
                                  f"-I'{self.home}/include dir'"]])

    def test_what_is_no_use_is_left_out(self):
        self.fake_python("python3.14", 14, 1, headers=False)
        self.fake_python("python3.10", 10, 1, implementation="pypy")
        self.fake_python("python3.8", 8, 1)
        self.fake_program("python3.12", "exit 1")
        self.fake_program("python3.15", "echo not json")
        self.fake_python("python3.13-config", 13, 9)
        self.assertEqual(self.own_lines(self.run_tool("list", "--all")), [])

    def test_order_of_search(self):
        self.fake_python("python3.13", 13, 7)
        cached = self.home / ".cache" / "extcheck" / "pythons" / "3.13"
        write_program(cached / "bin" / "python3.13", (self.bin / "python3.13").read_text()
                      .replace("3.13.7", "3.13.9"))
        (cached / ".complete").touch()
        self.assertEqual([line[0] for line in self.own_lines(self.run_tool("list"))], ["3.13.7"])
        everything = self.run_tool("list", "--all").stdout
        self.assertIn(f"{cached}/bin/python3.13", everything)

    def test_interrupted_build_is_not_used(self):
        cached = self.home / ".cache" / "extcheck" / "pythons" / "3.13"
        self.fake_python("python3.13", 13, 7)
        write_program(cached / "bin" / "python3.13", (self.bin / "python3.13").read_text())
        (self.bin / "python3.13").unlink()
        self.assertNotIn(str(cached), self.run_tool("list", "--all").stdout)

    def test_compile_target_only_gives_way(self):
        self.fake_python("python3.13", 13, 0)
        self.assertEqual([line[0] for line in self.own_lines(self.run_tool("list"))], ["3.13.0"])
        self.assertEqual(self.own_lines(self.run_tool("list", "--run")), [])
        write_program(self.home / ".pyenv" / "versions" / "3.13.6" / "bin" / "python3.13",
                      (self.bin / "python3.13").read_text().replace("13, 0", "13, 6")
                      .replace("3.13.0", "3.13.6"))
        listed = self.run_tool("list").stdout
        self.assertIn("3.13.6\tgil", listed)
        self.assertNotIn("3.13.0", listed)

    def test_replaced_interpreter_is_asked_again(self):
        self.fake_python("python3.13", 13, 6)
        self.assertEqual(self.own_lines(self.run_tool("list"))[0][0], "3.13.6")
        self.fake_python("python3.13", 13, 11)
        self.assertEqual(self.own_lines(self.run_tool("list"))[0][0], "3.13.11")

    def test_damaged_memory_of_answers_is_ignored(self):
        self.fake_python("python3.13", 13, 6)
        store = self.home / ".cache" / "extcheck" / "pythons" / "probe.json"
        store.parent.mkdir(parents=True)
        for content in ("{", "[]", '{"x": 1}'):
            store.write_text(content, encoding="utf-8")
            self.assertEqual(self.own_lines(self.run_tool("list"))[0][0], "3.13.6")


class Ensure(Sandbox):
    """3.13t-tsan stands for any missing one: no machine has it outside the cache."""

    def tools_for_building(self):
        for name in ("dpkg-source", "gcc", "make"):
            self.fake_program(name)

    def test_present_one_is_printed_and_nothing_is_done(self):
        self.fake_python("python3.13", 13, 6)
        done = self.run_tool("ensure", "3.13", "3.13")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([line[0] for line in self.own_lines(done)], ["3.13.6"])

    def test_too_old_one_does_not_serve(self):
        self.fake_python("python3.13t", 13, 3, free_threaded=True)
        done = self.run_tool("ensure", "3.13t")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertIn("3.13t:", done.stderr)

    def test_missing_without_apt_is_named(self):
        self.fake_python("python3.13", 13, 6)
        self.tools_for_building()
        done = self.run_tool("ensure", "3.13", "3.13t-tsan")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(self.own_lines(done)), 1)
        self.assertRegex(done.stderr, r"3\.13t-tsan: .*apt-get")

    def test_failed_download_has_its_own_code(self):
        if not pythons_apt.KEYRING.exists():
            self.skipTest(f"{pythons_apt.KEYRING} is not here")
        self.tools_for_building()
        self.fake_program("apt-get", 'case "$*" in indextargets*) echo http://mirror.invalid/x ;;\n'
                          '*) echo "E: Failed to fetch the lists"; exit 100 ;; esac')
        done = self.run_tool("ensure", "3.13t-tsan")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"3\.13t-tsan: download failed: E: Failed to fetch")

    def test_unprovidable_version_is_named(self):
        done = self.run_tool("ensure", "3.15t")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"3\.15t: is not here")

    def test_bad_names_are_bad_usage(self):
        for name in ("3.8", "3.16", "four", "3.13x", "../3.13"):
            with self.subTest(name=name):
                self.assertEqual(self.run_tool("ensure", name).returncode, 2)
        self.assertEqual(self.run_tool("ensure").returncode, 2)
        self.assertEqual(self.run_tool().returncode, 2)


class Source(Sandbox):
    def test_unknown_version_is_bad_usage(self):
        done = self.run_tool("source", "3.14")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("3.13", done.stderr)

    def test_tree_that_is_there_is_configured_and_built(self):
        tree = pythons_find.cache_root() / "source" / "3.13"
        if not (tree / ".complete").exists():
            self.skipTest("tools/pythons source 3.13 has not run on this machine")
        done = subprocess.run([TOOL, "source", "3.13"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, f"{tree}\n")
        for name in ("pyconfig.h", "Makefile", "Modules/_queuemodule.c",
                     "Modules/clinic/_queuemodule.c.h",
                     "Tools/c-analyzer/cpython/globals-to-fix.tsv"):
            self.assertTrue((tree / name).is_file(), name)


class PrivateApt(Sandbox):
    """The configuration that says "nothing is installed" reaches downloads only."""

    def setUp(self):
        super().setUp()
        self.fake_program("apt-get", f'echo "${{APT_CONFIG:-none}} $*" >> {self.home}/calls')
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{self.bin}{os.pathsep}{path}"
        self.addCleanup(os.environ.__setitem__, "PATH", path)

    def calls(self):
        return (self.home / "calls").read_text(encoding="utf-8").splitlines()

    def test_only_downloads(self):
        log = self.home / "log"
        before = dict(os.environ)
        pythons_apt.private_apt(self.home, "test", log, "update")
        pythons_apt.private_apt(self.home, "test", log, "install", "python3.14")
        pythons_apt.private_apt(self.home, "test", log, "source", "python3.13")
        self.assertEqual(dict(os.environ), before)
        update, *fetches = self.calls()
        self.assertRegex(update, r" update$")
        self.assertEqual(len(fetches), 2)
        for call in fetches:
            self.assertTrue(call.startswith(f"{self.home}/apt.conf "), call)
            self.assertIn(" --download-only ", call)

    def test_refuses_everything_else(self):
        for verb in ("remove", "upgrade", "dist-upgrade", "autoremove", "clean"):
            with self.assertRaises(ValueError):
                pythons_apt.private_apt(self.home, "test", self.home / "log", verb)
        self.assertFalse((self.home / "calls").exists())

    def test_failure_carries_apts_own_words(self):
        self.fake_program("apt-get", 'echo "E: no such thing"; exit 100')
        with self.assertRaisesRegex(DownloadError, "E: no such thing"):
            pythons_apt.private_apt(self.home, "test", self.home / "log", "update")

    def test_failure_names_the_address(self):
        self.fake_program("apt-get", 'echo "E: Failed to fetch file:/gone  No such file"; '
                                     'echo "E: Some index files failed to download."; exit 100')
        with self.assertRaisesRegex(DownloadError, "file:/gone  No such file"):
            pythons_apt.private_apt(self.home, "test", self.home / "log2", "update")

    def test_configuration_names_private_folders_only(self):
        text = pythons_apt.CONFIGURATION.format(root=self.home)
        for key in ("Dir::State::status", "Dir::State::Lists", "Dir::Cache",
                    "Dir::Etc::sourcelist"):
            self.assertRegex(text, re.escape(key) + f' "{re.escape(str(self.home))}/')

    @unittest.skipUnless(shutil.which("bash"), "bash is missing")
    def test_plain_installs_drop_a_configuration_of_the_caller(self):
        script = ". tools/lib/common.sh; AS_ROOT=(); apt_get install -y nothing-at-all"
        subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, capture_output=True,
                       env=dict(os.environ, **{"APT_CONFIG": "/nonexistent"}))
        self.assertEqual(self.calls(), ["none install -y nothing-at-all"])
