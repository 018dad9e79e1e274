#!/usr/bin/env python3
"""Builds extpool for one interpreter: the C part into DIR/extpool, the Python part beside it.

  pool/build.py --python PATH --output DIR [--cc CC] [--cflags FLAGS] [--werror]

Afterwards `PYTHONPATH=DIR PATH -c 'import extpool'` works. Nothing is rebuilt that is up to date.
"""

import argparse
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion"]
PROBE = """
import json, sys, sysconfig
print(json.dumps({"include": sorted({sysconfig.get_path("include"),
                                     sysconfig.get_path("platinclude")}),
                  "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
                  "free": bool(sysconfig.get_config_var("Py_GIL_DISABLED"))}))
"""


def probe(python):
    out = subprocess.run([python, "-I", "-c", PROBE], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def include_flags(python, facts):
    """The include folders; relocated interpreters do not know theirs, tools/pythons does."""
    folders = [folder for folder in facts["include"]
               if (pathlib.Path(folder) / "Python.h").exists()]
    if folders:
        return ["-isystem" + folder for folder in folders]
    tool = HERE.parent / "tools" / "pythons"
    if tool.exists():
        listed = subprocess.run([sys.executable, tool, "list", "--all"], check=True,
                                capture_output=True, text=True).stdout
        for line in listed.splitlines():
            _, _, path, flags = line.split("\t")
            if os.path.realpath(path) == os.path.realpath(python):
                return [flag.replace("-I", "-isystem", 1) for flag in flags.split()]
    sys.exit(f"build.py: no Python.h for {python} in {', '.join(facts['include'])}; install its "
             "development package")


def newer(target, sources):
    if not target.exists():
        return False
    stamp = target.stat().st_mtime
    return all(source.stat().st_mtime <= stamp for source in sources)


def build(python, output, cc="cc", cflags=(), werror=False):
    """Builds into output; returns the path of the extension module."""
    facts = probe(python)
    package = pathlib.Path(output) / "extpool"
    package.mkdir(parents=True, exist_ok=True)
    for source in (HERE / "extpool").glob("*.py"):
        if not newer(package / source.name, [source]):
            shutil.copyfile(source, package / source.name)
    target = package / ("_pool" + facts["suffix"])
    sources = sorted((HERE / "src").glob("*.c"))
    headers = sorted((HERE / "src").glob("*.h"))
    command = [cc, "-std=gnu11", "-O2", "-g", "-fPIC", "-shared", "-fvisibility=hidden",
               "-pthread", *WARNINGS]
    if werror:
        command.append("-Werror")
    if facts["free"]:
        command.append("-DPy_GIL_DISABLED=1")
    command += [*cflags, *include_flags(python, facts), *map(str, sources), "-o", str(target)]
    record = package / ".build-command"
    same = record.exists() and record.read_text(encoding="utf-8") == shlex.join(command)
    if not (same and newer(target, [*sources, *headers])):
        subprocess.run(command, check=True)
        record.write_text(shlex.join(command), encoding="utf-8")
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="interpreter to build for")
    parser.add_argument("--output", required=True, help="folder that gets extpool/")
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    parser.add_argument("--cflags", default=os.environ.get("CFLAGS", ""))
    parser.add_argument("--werror", action="store_true")
    options = parser.parse_args()
    try:
        print(build(options.python, options.output, options.cc, shlex.split(options.cflags),
                    options.werror))
    except subprocess.CalledProcessError as error:
        sys.exit(f"build.py: {shlex.join(map(str, error.cmd))} failed")


if __name__ == "__main__":
    main()
