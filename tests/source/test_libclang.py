#!/usr/bin/env python3
"""The same facts under libclang 14 and 19; where the parser's own headers are found; what is said
when library or headers are missing."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import EXTCHECK, REPOSITORY, clean_environment, dump_facts, find_libclang, run

HERE = pathlib.Path(__file__).resolve().parent
OLD, NEW = find_libclang(14), find_libclang(19)
EXPORT_HOOK = "export_hook.c"  # needs headers of 3.15
# Facts that still differ, by a word of theirs; each is a defect to be mended. Empty is the goal.
KNOWN_TO_DIFFER = ()


def differing(files, options, cwd):
    old, new = (set(dump_facts(files, ["--libclang", path, *options], cwd=cwd).splitlines())
                for path in (OLD, NEW))
    if len(old) < 10:
        raise AssertionError(f"only {len(old)} facts of {files}")
    return sorted(old - new), sorted(new - old)


@unittest.skipUnless(OLD and NEW, "libclang 14 or 19 is not here")
class SameFacts(unittest.TestCase):
    maxDiff = None

    def compare(self, files, options, cwd):
        old, new = differing(files, options, cwd)
        unknown = [[line for line in lines if not any(word in line for word in KNOWN_TO_DIFFER)]
                   for lines in (old, new)]
        self.assertEqual(unknown[0], unknown[1])
        return old + new

    def test_test_modules(self):
        files = sorted(REPOSITORY.glob("testmods/*/*.c")) + sorted(REPOSITORY.glob("testmods/*/*.cpp"))
        self.assertGreater(len(files), 20)
        self.compare(files, [], REPOSITORY)

    def test_cases(self):
        folder = HERE / "cases"
        files = sorted(path.name for path in folder.iterdir()
                       if path.suffix in (".c", ".cpp") and path.name != EXPORT_HOOK)
        seen = self.compare(files, ["--", "-Iinclude"], folder)
        seen += self.compare([EXPORT_HOOK], ["--python", "3.15"], folder)
        stale = [word for word in KNOWN_TO_DIFFER if not any(word in line for line in seen)
                 and not word.startswith("record=")]
        self.assertEqual(stale, [], "these are the same by now: take them out of KNOWN_TO_DIFFER")


class BuiltinHeaders(unittest.TestCase):
    """Debian's libclang package holds the library, another one holds stddef.h."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.library = OLD or NEW
        if not self.library:
            self.skipTest("no libclang in the usual folders of Debian")

    def test_library_far_from_its_headers(self):
        copy = self.folder / "libclang.so"
        shutil.copyfile(os.path.realpath(self.library), copy)
        text = dump_facts(["variables.c"], ["--libclang", str(copy)], cwd=HERE / "cases")
        self.assertIn("status=ok", text)
        self.assertIn("name=cache", text)

    def hidden(self, folders, arguments):
        """Runs extcheck where these folders are empty, in a mount namespace of its own."""
        script = "".join(f'mount -t tmpfs none "{folder}" && ' for folder in folders)
        command = ["unshare", "--mount", "sh", "-c", script + 'exec "$0" "$@"', EXTCHECK]
        return subprocess.run(command + [str(word) for word in arguments], cwd=HERE / "cases",
                              env=clean_environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)

    def namespace_or_skip(self):
        probe = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none",
                                str(self.folder)], capture_output=True, check=False)
        if probe.returncode != 0:
            self.skipTest("no mount namespaces here")

    def resource_folders(self):
        found = [*pathlib.Path("/usr/lib").glob("llvm-*/lib/clang"), pathlib.Path("/usr/lib/clang")]
        return [path for path in found if path.is_dir()]

    def test_without_clangs_headers_those_of_gcc_serve(self):
        self.namespace_or_skip()
        done = self.hidden(self.resource_folders(),
                           ["--isolated", "--no-cache", "--dump-facts", "--python", "3.14",
                            "variables.c"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("status=ok", done.stdout)

    def test_without_any_the_package_is_named(self):
        self.namespace_or_skip()
        folders = self.resource_folders() + [pathlib.Path("/usr/lib/gcc")]
        done = self.hidden(folders, ["--isolated", "--no-cache", "--python", "3.14", "variables.c"])
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stderr, r"libclang-common-\d\d-dev")

    def test_no_library(self):
        missing = self.folder / "libclang.so"
        for arguments, more in ((["--libclang", missing], {}), ([], {"EXTCHECK_LIBCLANG": str(missing)})):
            done = run(["--isolated", "--no-cache", "--python", "3.14", *arguments, "variables.c"],
                       cwd=HERE / "cases", **more)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(str(missing), done.stderr)


if __name__ == "__main__":
    if not (OLD and NEW):
        print("skipped: the comparison needs libclang 14 and 19; "
              "apt-get install libclang1-14 libclang1-19", file=sys.stderr)
    unittest.main()
