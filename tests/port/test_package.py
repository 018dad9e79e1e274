"""What a missing or changed archive means for a port; nothing is fetched."""

import os
import tempfile
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


if __name__ == "__main__":
    unittest.main()
