#!/usr/bin/env python3
"""The last part of ./quickstart: bundled modules are built with the shim, by way of the gate, and
run in the pool; one that is wrong on purpose is refused by the gate, then by the pool.

  tools/lib/chain.py --extcheck PROGRAM --python PATH [--output DIR] [--small]

What is up to date is not built again. Exit code: 0 when all of that happened, else 1.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "pool"))
import build as pool_build  # noqa: E402

GOOD = ("shim_table_good", "shim_cache_good")
BAD = "shim_cache_bad"
SHIM_HEADERS = "-Ishim/include"


def shown(path):
    """The path as a reader of the output types it."""
    path = str(path)
    return os.path.relpath(path, ROOT) if path.startswith(f"{ROOT}{os.sep}") else path


def run(command, env=None, only=None, **options):
    """Prints the command and runs it; only: the part that is shown of it. Returns its exit code."""
    words = [f"{name}={value}" for name, value in (env or {}).items()]
    print("$ " + shlex.join([*words, *map(shown, only or command)]), flush=True)
    done = subprocess.run([str(word) for word in command], check=False, cwd=ROOT,
                          env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                          stderr=subprocess.STDOUT, **options)
    return done.returncode


class Chain:
    def __init__(self, options):
        self.options = options
        self.facts = pool_build.probe(options.python)
        self.headers = [flag.removeprefix("-isystem")
                        for flag in pool_build.include_flags(options.python, self.facts)]
        self.gate_folder = options.output / "gate"
        self.modules = options.output / "modules"
        for folder in (self.gate_folder, self.modules):
            folder.mkdir(parents=True, exist_ok=True)

    def source(self, name):
        return pathlib.Path("testmods", name, f"{name}.c")

    def binary(self, name):
        return self.modules / (name + self.facts["suffix"])

    def gate(self, name):
        """Whether the module may declare that it supports interpreters with their own GIL."""
        command = [self.options.extcheck, "gate", "--module", name, "--output-dir",
                   self.gate_folder, "--python", self.options.python, "--soabi",
                   self.facts["suffix"], "--supports-own-gil", "--supports-free-threaded",
                   self.source(name), "--", SHIM_HEADERS]
        return run(command, only=["extcheck", "gate", "--module", name, "--supports-own-gil",
                                  self.source(name)]) == 0

    def compile(self, name, *more):
        """With what the gate wrote in front of the source, and with what belongs to it."""
        sources = [self.source(name), *more]
        written = list(self.gate_folder.glob(f"*_{name}.*"))
        headers = [*(ROOT / "shim/include").rglob("*.h"), *written]
        target = self.binary(name)
        if not pool_build.newer(target, [*sources, *headers]):
            front = [word for path in written if path.suffix == ".h"
                     for word in ("-include", str(path))]
            subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-pthread",
                            "-fvisibility=hidden", SHIM_HEADERS,
                            *("-isystem" + folder for folder in self.headers), *front,
                            *map(str, sources), "-o", str(target)], check=True)
        print(f"built {shown(target)}\n", flush=True)

    def build_good(self):
        for name in GOOD:
            if not self.gate(name):
                sys.exit(f"chain.py: the gate refused {name}")
            self.compile(name, self.gate_folder / f"extcheck_note_{name}.c",
                         *sorted((ROOT / "shim/src").glob("*.c")))

    def build_bad(self):
        if self.gate(BAD):
            sys.exit(f"chain.py: the gate let {BAD} pass")
        print("\nA build that ignores the gate, and a verdict on it:\n", flush=True)
        self.compile(BAD)
        verdicts, report = self.options.output / "verdicts.json", self.options.output / "bad.txt"
        command = ["--write-verdict", verdicts, self.binary(BAD), self.source(BAD)]
        with open(report, "w", encoding="utf-8") as file:
            code = run([self.options.extcheck, "--python", self.options.python, *command, "--",
                        SHIM_HEADERS], only=["extcheck", *command],
                       stdout=file)
        if code != 1:
            sys.exit(f"chain.py: extcheck ended with {code} instead of 1; see {shown(report)}")
        print(f"findings: {shown(report)}")
        return verdicts

    def use(self, verdicts):
        """Runs the example in the pool; Python's byte code is cached, as with an installed one."""
        print("\n== the checked modules in a pool; the other one is refused\n", flush=True)
        pool = self.options.output / "pool"
        pool_build.build(self.options.python, pool)
        env = {"PYTHONPATH": os.pathsep.join([shown(pool), shown(self.modules)])}
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(self.options.output / "pycache")
        script = ROOT / "pool/examples/checked_modules.py"
        python = pathlib.Path(self.options.python).name
        for words in (["--small"] if self.options.small else [], [BAD],
                      [BAD, "--verdicts", verdicts]):
            if code := run([self.options.python, script, *words], env,
                           only=[python, script, *words]):
                sys.exit(f"chain.py: the example ended with {code}")
            print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extcheck", required=True, type=pathlib.Path)
    parser.add_argument("--python", required=True, help="interpreter: 3.13 or newer")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/quickstart/chain")
    parser.add_argument("--small", action="store_true", help="little work for the pool")
    options = parser.parse_args()
    options.extcheck, options.output = options.extcheck.resolve(), options.output.resolve()
    os.chdir(ROOT)
    chain = Chain(options)
    print("\n== modules built with the shim, by way of the gate\n", flush=True)
    try:
        chain.build_good()
        chain.use(chain.build_bad())
    except subprocess.CalledProcessError as error:
        sys.exit(f"chain.py: {shlex.join(map(str, error.cmd))} failed")


if __name__ == "__main__":
    main()
