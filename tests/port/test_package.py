"""What a missing or changed archive means for a port; nothing is fetched."""

import concurrent.futures
import os
import pathlib
import subprocess
import tempfile
import time
import unittest
from unittest import mock

import package


class FakeIndex:
    """An index with some versions of every package, each with the same few bytes."""

    def __init__(self, versions):
        self.versions = versions

    def knows(self, name):
        return bool(self.versions)

    def archive(self, name, version):
        if version not in self.versions:
            raise package.corpus.BenchError(f"{name} {version}: the index has no source archive")
        return f"{name}-{version}.tar.gz", b"not what was pinned"


class Fetch(unittest.TestCase):
    def fetch(self, index):
        """The exception that fetching ends with, in an empty cache."""
        with tempfile.TemporaryDirectory() as cache, \
                mock.patch.dict(os.environ, XDG_CACHE_HOME=cache), \
                mock.patch.object(package, "Index", index):
            with self.assertRaises((package.PortError, package.Unavailable)) as caught:
                package.Package("msgspec").fetch()
        return caught.exception

    def test_version_is_gone(self):
        error = self.fetch(lambda: FakeIndex(["0.0.1"]))
        self.assertIsInstance(error, package.PortError)
        self.assertIn("package.ini", str(error))

    def test_nothing_can_be_reached(self):
        self.assertIsInstance(self.fetch(lambda: FakeIndex([])), package.Unavailable)

    def test_no_client(self):
        def broken():
            raise OSError("no network")
        self.assertIsInstance(self.fetch(broken), package.Unavailable)

    def test_archive_has_changed(self):
        pinned = package.Package("msgspec").version
        error = self.fetch(lambda: FakeIndex([pinned]))
        self.assertIsInstance(error, package.PortError)
        self.assertIn("sha256", str(error))


class Tools(unittest.TestCase):
    def test_several_interpreters_ask_at_once(self):
        asked = []

        def pip(command, **_):
            asked.append(command)
            folder = pathlib.Path(command[command.index("--target") + 1])
            folder.mkdir()
            (folder / "pytest.py").touch()
            time.sleep(0.05)
            return subprocess.CompletedProcess(command, 0)

        with tempfile.TemporaryDirectory() as cache, \
                mock.patch.dict(os.environ, XDG_CACHE_HOME=cache), \
                mock.patch.object(subprocess, "run", pip):
            package.cache_dir().mkdir(parents=True)
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                folders = set(pool.map(package.tools, [["attrs"]] * 3))
            (folder,) = folders
            self.assertTrue((folder / "pytest.py").exists())
        self.assertEqual(len(asked), 1)

    def test_another_process_was_faster(self):
        def pip(command, **_):
            folder = pathlib.Path(command[command.index("--target") + 1])
            for made in (folder, folder.with_suffix("")):
                made.mkdir()
                (made / "pytest.py").touch()
            return subprocess.CompletedProcess(command, 0)

        with tempfile.TemporaryDirectory() as cache, \
                mock.patch.dict(os.environ, XDG_CACHE_HOME=cache), \
                mock.patch.object(subprocess, "run", pip):
            package.cache_dir().mkdir(parents=True)
            folder = package.tools([])
            self.assertEqual(list(folder.parent.iterdir()), [folder])


if __name__ == "__main__":
    unittest.main()
