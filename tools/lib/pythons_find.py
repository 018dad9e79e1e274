"""Finding interpreters: PATH, the usual managers' folders, then the cache of tools/pythons."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shlex
import subprocess
import zlib

OLDEST, NEWEST = 9, 15
NAME = re.compile(r"^python3(?:\.(\d+)(t?))?$")
PROBE_SECONDS = 20

# Run by the candidate itself: what it says about itself is the only thing that is believed.
PROBE = """
import json, os, platform, sys, sysconfig
paths = sysconfig.get_paths()
dirs = []
for key in ("include", "platinclude"):
    if paths[key] not in dirs:
        dirs.append(paths[key])
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": platform.python_version(),
    "info": list(sys.version_info[:3]),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "sanitized": "sanitize" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
    "headers": any(os.path.exists(os.path.join(d, "Python.h")) for d in dirs),
    "include": dirs,
}))
"""


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """One interpreter that can at least be compiled against."""

    version: str
    info: tuple
    free_threaded: bool
    sanitized: bool
    path: str
    include: tuple

    @property
    def minor(self):
        return self.info[1]

    @property
    def spec(self):
        """The name it answers to: 3.14, 3.13t, 3.13t-tsan."""
        name = f"3.{self.minor}" + ("t" if self.free_threaded else "")
        return name + ("-tsan" if self.sanitized else "")

    @property
    def runnable(self):
        """3.12 below 3.12.2 and 3.13 below 3.13.5 crash by themselves when two own-GIL
        interpreters import at once, so they can be compiled against but never run tests."""
        if self.minor == 12:
            return self.info[2] >= 2
        if self.minor == 13:
            return self.info[2] >= 5
        return True

    def line(self):
        build = "free-threaded" if self.free_threaded else "gil"
        flags = " ".join("-I" + shlex.quote(directory) for directory in self.include)
        return "\t".join((self.version, build, self.path, flags))


def cache_root():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "extcheck" / "pythons"


def _path_folders():
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        # pyenv and asdf put one shell script per name here; it answers for whichever version is
        # selected at the moment, so the real folders below are searched instead.
        if entry and pathlib.Path(entry).name != "shims":
            yield pathlib.Path(entry)


def _manager_folders():
    home = pathlib.Path(os.path.expanduser("~"))
    data = pathlib.Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    parents = [
        pathlib.Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        pathlib.Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"),
        data / "mise" / "installs" / "python",
        home / ".asdf" / "installs" / "python",
        pathlib.Path("/opt/python"),
    ]
    for parent in parents:
        if parent.is_dir():
            yield from sorted((child / "bin" for child in parent.iterdir()), reverse=True)
    yield pathlib.Path("/usr/local/bin")
    yield pathlib.Path("/usr/bin")


def _cache_folders():
    root = cache_root()
    if not root.is_dir():
        return
    for child in sorted(root.iterdir()):
        # A folder without the mark is a build or an unpacking that was interrupted.
        if (child / ".complete").exists():
            yield child / "bin"
            yield child / "usr" / "bin"


def candidates():
    """Paths worth asking, in the order of search, each real file once."""
    seen = set()
    for source in (_path_folders, _manager_folders, _cache_folders):
        for folder in source():
            try:
                names = sorted(os.listdir(folder), reverse=True)
            except OSError:
                continue
            for name in names:
                match = NAME.match(name)
                if not match or (match[1] and not OLDEST <= int(match[1]) <= NEWEST):
                    continue
                path = folder / name
                real = os.path.realpath(path)
                if real not in seen and os.access(path, os.X_OK) and os.path.isfile(real):
                    seen.add(real)
                    yield str(path)


def _ask(path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    try:
        done = subprocess.run([path, "-I", "-c", PROBE], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PROBE_SECONDS,
                              env=environment, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _stamp(path):
    """Changes when the interpreter is replaced, its headers are installed or removed, or the
    questions change."""
    state = os.stat(path)
    stamp = [zlib.crc32(PROBE.encode()), os.path.realpath(path), state.st_mtime_ns, state.st_size]
    prefix = pathlib.Path(os.path.realpath(path)).parent.parent
    for folder in sorted((prefix / "include").glob("python3.*")):
        stamp.append(f"{folder}:{folder.stat().st_mtime_ns}")
    return stamp


def _load_answers(store):
    try:
        answers = json.loads(store.read_text(encoding="utf-8"))
        return answers if isinstance(answers, dict) else {}
    except (OSError, ValueError):
        return {}


def _save_answers(store, answers):
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        part = store.with_name(f"{store.name}.{os.getpid()}")
        part.write_text(json.dumps(answers, indent=1), encoding="utf-8")
        os.replace(part, store)
    except OSError:
        pass  # only an optimisation; the next run asks again


def find_all():
    """Every CPython 3.9-3.15 with headers, in the order of search."""
    store = cache_root() / "probe.json"
    known = _load_answers(store)
    fresh, unknown = {}, []
    paths = list(candidates())
    for path in paths:
        stamp = _stamp(path)
        entry = known.get(path)
        if isinstance(entry, dict) and entry.get("stamp") == stamp:
            fresh[path] = entry
        else:
            unknown.append((path, stamp))
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as workers:
        answers = list(workers.map(lambda item: _ask(item[0]), unknown))
    for (path, stamp), answer in zip(unknown, answers):
        fresh[path] = {"stamp": stamp, "answer": answer}
    if fresh != known:
        _save_answers(store, fresh)

    found = []
    for path in paths:
        answer = fresh[path]["answer"]
        if not answer or answer["implementation"] != "cpython" or not answer["headers"]:
            continue
        major, minor, micro = answer["info"]
        if major != 3 or not OLDEST <= minor <= NEWEST:
            continue
        found.append(Interpreter(answer["version"], (major, minor, micro),
                                 answer["free_threaded"], answer["sanitized"], path,
                                 tuple(answer["include"])))
    return found


def first_per_spec(found):
    """The first hit per version and build; one that can only be compiled against stands in
    only where no other is there."""
    chosen = {}
    for item in found:
        held = chosen.get(item.spec)
        if held is None or (item.runnable and not held.runnable):
            chosen[item.spec] = item
    return sorted(chosen.values(), key=lambda item: (item.info, item.free_threaded))
