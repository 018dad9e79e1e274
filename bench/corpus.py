#!/usr/bin/env python3
"""Fetches the pinned packages of corpus.tsv and writes a compile database for each.

Nothing of a package is run: the archive is found and downloaded through pip's own client (with
the index, certificates and proxies pip is configured for), checked against its pinned hash and
unpacked. `pip download` would run setup scripts to learn the metadata."""

import argparse
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from benchlib import (BenchError, choose_headers, corpus_dir, note, package_dir, package_units,
                      packages, read_corpus, run_main, write_database)


class Index:
    """pip's finder and session, as `pip index versions` sets them up."""

    def __init__(self):
        try:
            from pip._internal.commands import create_command
        except ImportError:
            raise BenchError("pip is missing for this Python (Debian: python3-pip)") from None
        self._command = create_command("index")
        options, _ = self._command.parse_args(["versions", "any", "--no-binary", ":all:"])
        self._scope = self._command.main_context()
        self._scope.__enter__()
        self._session = self._command._build_session(options)
        self._finder = self._command._build_package_finder(
            options=options, session=self._session, ignore_requires_python=True)

    def archive(self, package, version):
        """(file name, content) of the source archive of exactly that version."""
        candidates = self._finder.find_all_candidates(package)
        for candidate in candidates:
            if not candidate.link.is_wheel and str(candidate.version) == version:
                link = candidate.link
                answer = self._session.get(link.url_without_fragment,
                                           headers={"Accept-Encoding": "identity"})
                answer.raise_for_status()
                return link.filename, answer.content
        if not candidates:
            self._look(package)
        raise BenchError(f"{package} {version}: the index has no source archive of that version")

    def _look(self, package):
        """Raises where no page of the index can be had; pip's finder finds nothing then, without
        a word."""
        for url in self._finder.search_scope.get_index_urls_locations(package):
            try:
                self._session.get(url).raise_for_status()
            except Exception as error:  # pip's client raises its own kinds
                raise BenchError(f"{url} could not be read: {error}") from None


def safe_members(archive, where):
    """Members that stay below `where`; links and devices are of no use for reading sources."""
    top = os.path.realpath(where)
    for member in archive.getmembers():
        target = os.path.realpath(os.path.join(top, member.name))
        if target != top and not target.startswith(top + os.sep):
            raise BenchError(f"the archive has a path outside its folder: {member.name}")
        if member.isfile() or member.isdir():
            yield member


def unpack(name, content, target):
    """Unpacks beside the target and renames, so that a broken run leaves no half package."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        path = Path(scratch) / name
        path.write_bytes(content)
        inner = Path(scratch) / "unpacked"
        inner.mkdir()
        with tarfile.open(path) as archive:
            archive.extractall(inner, members=safe_members(archive, inner))
        tops = list(inner.iterdir())
        if len(tops) != 1:
            raise BenchError(f"{name}: expected one top folder, found {len(tops)}")
        shutil.move(str(tops[0]), str(target))


def fetch(module, get_index):
    target = package_dir(module)
    if target.is_dir():
        return
    note(f"fetching {module.package} {module.version}")
    name, content = get_index().archive(module.package, module.version)
    found = hashlib.sha256(content).hexdigest()
    if found != module.sha256:
        raise BenchError(f"{module.package}: {name} has sha256 {found}, pinned is {module.sha256}")
    unpack(name, content, target)


def fetch_all(selected):
    """Fetches every package; a failure is said by name and does not stop the others."""
    index = []

    def get_index():
        if not index:
            index.append(Index())
        return index[0]

    failed = []
    for name, modules in selected.items():
        try:
            fetch(modules[0], get_index)
        except Exception as error:  # pip's client raises its own kinds; each only costs one package
            note(f"error: {name}: {error}")
            failed.append(name)
    return failed


def database_dir(package):
    """Beside the package, not in it: plain extcheck in the package's folder must not find it."""
    return corpus_dir() / "databases" / package


def describe(name, modules, flags):
    units = package_units([m for m in modules if m.name != "-"], flags)
    if units:
        write_database(database_dir(name), units)
    files = {unit.file for unit in units}
    print(f"{name}\t{modules[0].version}\t{package_dir(modules[0])}\t{len(files)} sources"
          f"\t{database_dir(name) if units else 'headers only'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("package", nargs="*", help="only these (default: all)")
    parser.add_argument("--python", help="whose headers the databases name (default: 3.13)")
    parser.add_argument("--offline", action="store_true", help="only list what is already there")
    options = parser.parse_args()
    table = packages(read_corpus())
    unknown = [name for name in options.package if name not in table]
    if unknown:
        raise BenchError(f"not in corpus.tsv: {', '.join(unknown)}")
    # The header-only ones are needed by the flags of others, so they always come along.
    selected = {name: modules for name, modules in table.items()
                if not options.package or name in options.package or modules[0].name == "-"}
    corpus_dir().mkdir(parents=True, exist_ok=True)
    failed = [] if options.offline else fetch_all(selected)
    flags = choose_headers(options.python)
    for name, modules in selected.items():
        if package_dir(modules[0]).is_dir():
            describe(name, modules, flags)
        elif name not in failed:
            failed.append(name)
    if failed:
        note(f"not available: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
