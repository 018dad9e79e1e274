"""What the tests of the front-end share: running the program, reading its facts."""

import collections
import os
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
EXTCHECK = os.path.abspath(os.environ.get("EXTCHECK") or REPOSITORY / "build/dev/extcheck")
if not os.path.exists(EXTCHECK):
    sys.exit(f"there is no {EXTCHECK}: build it, or set EXTCHECK")
UNESCAPED = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


class Fact(collections.namedtuple("Fact", "file, kind, line, fields")):
    def __str__(self):
        return " ".join([f"{self.line}", self.kind] + [f"{k}={v}" for k, v in self.fields.items()])


def clean_environment(more=None):
    environment = {k: v for k, v in os.environ.items() if k != "EXTCHECK_LIBCLANG"}
    environment.update(more or {})
    return environment


def run(arguments, cwd=REPOSITORY, timeout=120, **more):
    return subprocess.run([EXTCHECK, *map(str, arguments)], cwd=cwd, env=clean_environment(more),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=timeout, check=False)


def dump_facts(files, options=(), cwd=REPOSITORY, **more):
    """The facts as text. `-- FLAGS` may end the options; --python 3.14 unless they say another."""
    options = list(options)
    at = options.index("--") if "--" in options else len(options)
    if "--python" not in options:
        options[at:at] = ["--python", "3.14"]
        at += 2
    done = run(["--isolated", "--dump-facts", "--no-cache", *options[:at], *files, *options[at:]],
               cwd, **more)
    if done.returncode != 0:
        raise AssertionError(f"{files}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def read_facts(text):
    facts, path = [], ""
    for line in text.splitlines():
        if line.startswith("@ "):
            path = line[2:]
        elif line:
            kind, place, *fields = line.split("\t")
            values = dict(field.split("=", 1) for field in fields)
            facts.append(Fact(path, kind, int(place.split(":")[0]),
                              {k: re.sub(r"\\(.)", lambda m: UNESCAPED.get(m[1], m[1]), v)
                               for k, v in values.items()}))
    return facts


def find_libclang(version):
    """Path of that libclang, or None."""
    folder = pathlib.Path(f"/usr/lib/llvm-{version}/lib")
    for name in sorted(folder.glob("libclang-*.so.*")) + sorted(folder.glob("libclang.so*")):
        return str(name)
    return None
