"""Python started and ended five times in one process, with the same extensions loaded."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from shimtest import CHILD, MODULES, WARNINGS, Failure, Skip, Tally, build, pythons, run

PROBE = """
import json, sys, sysconfig
get = sysconfig.get_config_var
print(json.dumps([get("LIBDIR"), get("LDLIBRARY"), get("LIBPL"), sys.base_prefix,
                  " ".join(filter(None, [get("LIBS"), get("SYSLIBS")])), get("LDVERSION")]))
"""


def patched(path, what):
    done = subprocess.run(["patchelf", what, path], capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def link_flags(python):
    """How a program is linked with this interpreter's library, or Skip."""
    text = subprocess.run([python.path, "-I", "-c", PROBE], capture_output=True, text=True,
                          timeout=60, check=True).stdout
    libdir, library, libpl, prefix, system, version = json.loads(text)
    for folder in (libdir, libpl):
        path = pathlib.Path(folder) / library
        if path.exists():
            extra = [f"-Wl,-rpath,{folder}"] if library.endswith(".so") else []
            # All of an archive: extension modules need what the program itself does not.
            whole = ["-Wl,--whole-archive", str(path), "-Wl,--no-whole-archive"]
            return [*(whole if library.endswith(".a") else [str(path)]), *extra, "-rdynamic",
                    *system.split(), "-ldl", "-lm", "-lutil"]
    # An unpacked package: its own libc and loader, which patchelf wrote into the interpreter.
    if shutil.which("patchelf") is None:
        raise Skip("no patchelf to ask for the interpreter's loader")
    found = sorted(pathlib.Path(prefix).rglob(f"libpython{version}.so.1.0"))
    loader = patched(python.path, "--print-interpreter")
    rpath = patched(python.path, "--print-rpath")
    if not found or not loader:
        raise Skip("this interpreter has no library to link with")
    return [str(found[0]), "-Wl,--allow-shlib-undefined", f"-Wl,--dynamic-linker={loader}",
            "-Wl,--disable-new-dtags", f"-Wl,-rpath,{rpath}:{found[0].parent}"]


def embeds(python):
    claims = ["-DEXTSHIM_CLAIM_OWN_GIL=1"]
    folders = [build(python, name, [f"{name}.c"], claims) for name in ("kinds", "threads_probe")]
    with tempfile.TemporaryDirectory() as scratch:
        program = pathlib.Path(scratch) / "embed"
        done = subprocess.run(
            ["gcc", "-std=c11", "-O1", "-g", *WARNINGS, *python.include_flags(),
             str(MODULES / "embed.c"), "-o", str(program), "-pthread", *link_flags(python)],
            capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(done.stderr[-1500:])
        home = subprocess.run([python.path, "-I", "-c", "import sys; print(sys.base_prefix)"],
                              capture_output=True, text=True, timeout=60).stdout.strip()
        return run([program, repr([*map(str, folders), str(CHILD)])], None,
                   {"PYTHONHOME": home}).strip()


def main():
    tally = Tally(__doc__)
    for python in pythons():
        tally.add(f"embedded {python.label}", embeds, python)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
