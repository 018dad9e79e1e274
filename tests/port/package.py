"""One ported package: its description, its archive, its plain and its ported tree, its builds."""

import configparser
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import edits

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHIM = ROOT / "shim"
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "testmods")]

import build as testmods_build  # noqa: E402  (finds the interpreters)
import corpus  # noqa: E402  (bench/corpus.py: fetches archives through pip's own client)

OPTIMISE = ["-O3", "-DNDEBUG", "-fwrapv", "-fPIC", "-shared", "-w"]
CLAIM = "-DEXTSHIM_CLAIM_OWN_GIL=1"
TOOLS_LOCK = threading.Lock()
LIMIT = 1.05  # time of the ported build, as a multiple of the plain one's


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
        self.limit = float(about.get("limit", LIMIT))
        self.built = {}  # (label of the interpreter, plain or ported): what was built, by content
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
        """The modules in place in the tree, the ported ones together with the shim's sources."""
        keys = []
        for module, (sources, flags) in self.modules.items():
            target = tree / self.root / (module.replace(".", "/") + python.suffix)
            files = [tree / source for source in sources] + (shim_sources() if ported else [])
            flags = [*python.flags, *self.flags(flags, tree, ported)]
            keys.append(build_key(tree, python, files, flags))
            kept = cache_dir() / f"built-{keys[-1]}.so"
            if not kept.exists():
                scratch = kept.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
                done = subprocess.run(["gcc", *OPTIMISE, *flags, *map(str, files), "-o", scratch],
                                      capture_output=True, text=True, timeout=600)
                if done.returncode != 0:
                    raise PortError(f"{module} does not compile for {python.label}:\n{done.stderr}")
                scratch.rename(kept)
            shutil.copyfile(kept, target)
        self.built[python.label, "ported" if ported else "plain"] = "-".join(keys)

    @staticmethod
    def flags(flags, tree, ported):
        found = [flag.replace("{dir}", str(tree)) for flag in flags]
        return found + ([f"-I{SHIM / 'include'}", CLAIM] if ported else [])

    def import_path(self, tree):
        return tree / self.root


def shim_sources():
    return sorted((SHIM / "src").glob("*.c"))


def build_key(tree, python, files, flags):
    """Of all that goes into a module: files and headers of the tree and the shim, and the flags."""
    digest = hashlib.sha256()
    headers = [*tree.rglob("*.h"), *(SHIM / "include").rglob("*.h")]
    for path in [*files, *sorted(headers), HERE / "package.py"]:
        digest.update(path.read_bytes())
    words = [python.label, python.suffix, testmods_build.header_stamp(python), compiler(),
             *OPTIMISE, *(flag.replace(str(tree), "TREE") for flag in flags)]
    digest.update("\0".join(words).encode())
    return digest.hexdigest()[:24]


@functools.lru_cache
def compiler():
    return subprocess.run(["gcc", "--version"], capture_output=True, text=True, timeout=60).stdout


def tools(needs):
    """A folder with pytest and what the package's tests import, pure Python for every interpreter."""
    wanted = ["pytest", *needs]
    folder = cache_dir() / ("tools-" + hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12])
    with TOOLS_LOCK:  # several interpreters are tested at a time
        if not folder.is_dir():
            install_tools(wanted, folder)
    return folder


def install_tools(wanted, folder):
    scratch = folder.with_suffix(f".{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--target", str(scratch), "--python-version", "3.14", "--only-binary=:all:", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise Unavailable(f"{' '.join(wanted)}: download failed: {done.stderr.strip()[-300:]}")
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(scratch, ignore_errors=True)  # the port of another package was faster
