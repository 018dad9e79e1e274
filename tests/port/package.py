"""One ported package: its description, its archive, its plain and its ported tree, its builds."""

import configparser
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import edits

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHIM = ROOT / "shim"
sys.path.insert(0, str(ROOT / "bench"))

import corpus  # noqa: E402  (bench/corpus.py: fetches archives through pip's own client)

OPTIMISE = ["-O3", "-DNDEBUG", "-fwrapv", "-fPIC", "-shared", "-w"]
CLAIM = "-DEXTSHIM_CLAIM_OWN_GIL=1"


class PortError(Exception):
    """Something that is ours to mend: the run fails."""


class Unavailable(Exception):
    """A download failed: the run is skipped."""


class Index(corpus.Index):
    def knows(self, package):
        """False also where nothing can be reached: pip's finder answers with an empty list then."""
        return bool(self._finder.find_all_candidates(package))


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "extcheck" / "port"


def names():
    return sorted(path.parent.name for path in HERE.glob("*/package.ini"))


class Package:
    def __init__(self, name):
        parser = configparser.ConfigParser()
        self.folder = HERE / name
        if not parser.read(self.folder / "package.ini", encoding="utf-8"):
            raise PortError(f"{name}: no {self.folder / 'package.ini'}; known: {', '.join(names())}")
        about = parser["package"]
        self.name, self.version, self.sha256 = about["name"], about["version"], about["sha256"]
        self.root, self.tests = about["root"], about["tests"]
        self.pytest, self.needs = about["pytest"].split(), about["needs"].split()
        self.modules = {section: (parser[section]["sources"].split(),
                                  parser[section]["flags"].split())
                        for section in parser.sections() if section != "package"}

    def fetch(self):
        """The unpacked archive, checked against its pinned hash and kept between runs."""
        target = cache_dir() / f"{self.name}-{self.version}"
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        index = None
        try:
            index = Index()
            name, content = index.archive(self.name, self.version)
        except Exception as error:  # pip's client raises its own kinds
            if isinstance(error, corpus.BenchError) and index is not None and index.knows(self.name):
                raise PortError(f"{error}: pin another one in {self.folder / 'package.ini'}") from None
            raise Unavailable(f"{self.name} {self.version}: download failed: "
                              f"{type(error).__name__}: {error}") from None
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise PortError(f"{self.name}: {name} has sha256 {found}, pinned is {self.sha256}")
        corpus.unpack(name, content, target)
        return target

    def trees(self, work):
        """(plain, ported, counts of edits): two copies of the archive, one with our edits."""
        archive = self.fetch()
        plain, ported = work / "plain", work / "ported"
        for tree in (plain, ported):
            shutil.copytree(archive, tree)
        try:
            counts = edits.apply(edits.read(self.folder / "edits.txt"), ported)
        except edits.EditError as error:
            raise PortError(f"{self.folder / 'edits.txt'}: {error}") from None
        return plain, ported, counts

    def build(self, tree, python, ported):
        """Compiles the modules in place, the ported ones together with the shim's sources."""
        for module, (sources, flags) in self.modules.items():
            stem = module.replace(".", "/")
            target = tree / self.root / (stem + python.suffix)
            command = ["gcc", *OPTIMISE, *python.flags, *self.flags(flags, tree, ported),
                       *(str(tree / source) for source in sources), "-o", str(target)]
            if ported:
                command += [str(source) for source in shim_sources()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            if done.returncode != 0:
                raise PortError(f"{module} does not compile for {python.label}:\n{done.stderr}")

    @staticmethod
    def flags(flags, tree, ported):
        found = [flag.replace("{dir}", str(tree)) for flag in flags]
        return found + ([f"-I{SHIM / 'include'}", CLAIM] if ported else [])

    def import_path(self, tree):
        return tree / self.root


def shim_sources():
    return sorted((SHIM / "src").glob("*.c"))


def tools(needs):
    """A folder with pytest and what the package's tests import, pure Python for every interpreter."""
    wanted = ["pytest", *needs]
    folder = cache_dir() / ("tools-" + hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12])
    if folder.is_dir():
        return folder
    scratch = folder.with_suffix(f".{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--target", str(scratch), "--python-version", "3.14", "--only-binary=:all:", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise Unavailable(f"{' '.join(wanted)}: download failed: {done.stderr.strip()[-300:]}")
    scratch.rename(folder)
    return folder
