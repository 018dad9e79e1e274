#!/usr/bin/env python3
"""Packages from PyPI, as they are, in four own-GIL interpreters: isolation="private-copy" at work.

  bench/pool/private_copies.py [--python 3.14] [--seconds 5] [--packages numpy,lxml] [--least 15]

Wheels come from PyPI once, into ${XDG_CACHE_HOME:-~/.cache}/extcheck/wheels. Prints a Markdown
table. Exit code: 0 when at least --least of the listed packages pass, 1 when fewer do, 2 for bad
usage, 3 when a wheel cannot be had."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "pool" / "tests"))
import pooltest  # noqa: E402

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
WHEELS = CACHE / "extcheck" / "wheels"
LISTED = {  # what to download: the name of its use in private_uses.py
    "numpy==2.5.5": "numpy", "lxml==6.1.3": "lxml", "orjson==3.13.0": "orjson",
    "regex==2026.11.15": "regex", "kiwisolver==1.5.1": "kiwisolver",
    "simplejson==4.3.0": "simplejson", "bitarray==3.12.3": "bitarray", "msgpack==1.2.4": "msgpack",
    "bcrypt==5.0.0": "bcrypt", "psutil==7.2.2": "psutil", "pyyaml==6.0.3": "pyyaml",
    "gmpy2==2.3.2": "gmpy2", "zstandard==0.25.0": "zstandard",
    "zope.interface==8.7": "zope_interface", "wrapt==2.5.2": "wrapt", "apsw==3.54.1.0": "apsw",
    "xxhash==4.1.0": "xxhash", "lz4==4.4.5": "lz4", "msgspec==0.22.0": "msgspec",
    "greenlet==3.5.6": "greenlet",
}
MORE = {
    "scipy==1.18.1": "scipy", "pandas==3.1.1": "pandas", "pillow==13.0.0": "pillow",
    "cryptography==50.0.2": "cryptography", "cffi==2.1.1": "cffi",
}
NEEDED = ["python-dateutil==4.0.0", "six==1.17.0", "pycparser==3.12"]  # pure Python, by those
PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
             "manylinux_2_12_x86_64", "manylinux1_x86_64", "manylinux_2_5_x86_64",
             "manylinux_2_24_x86_64", "manylinux_2_26_x86_64", "manylinux_2_27_x86_64"]


def provide(version, site):
    """Unpacks every wheel into site. What a version has no wheel of is named by the table."""
    marker = site / ".complete"
    if marker.exists():
        return
    WHEELS.mkdir(parents=True, exist_ok=True)
    site.mkdir(parents=True, exist_ok=True)
    options = ["--only-binary", ":all:", "--no-deps", "--quiet", "--python-version", version,
               "--implementation", "cp", "--abi", "cp" + version.replace(".", ""), "--abi", "abi3",
               "--abi", "none", "--disable-pip-version-check"]
    for platform in PLATFORMS:
        options += ["--platform", platform]
    for wanted in [*LISTED, *MORE, *NEEDED]:
        had = list(WHEELS.glob(wheel_name(wanted) + "-*.whl"))
        fitting = [wheel for wheel in had if fits(wheel.name, version)]
        if not fitting:
            subprocess.run([sys.executable, "-m", "pip", "download", "--dest", WHEELS, *options,
                            wanted], check=False)
            had = WHEELS.glob(wheel_name(wanted) + "-*.whl")
            fitting = [wheel for wheel in had if fits(wheel.name, version)]
        if fitting:
            with zipfile.ZipFile(fitting[0]) as wheel:
                wheel.extractall(site)
    if not any(site.glob("*.dist-info")):
        sys.exit(3)
    marker.touch()


def wheel_name(wanted):
    name, _, release = wanted.partition("==")
    return f"{name.replace('.', '_').replace('-', '_')}-{release}"


def fits(wheel, version):
    tag = "cp" + version.replace(".", "")
    return f"-{tag}-{tag}-" in wheel or "-abi3-" in wheel or "-none-any" in wheel


def brief(error):
    return error.partition(" What to do:")[0][:300]


def child(python, env, what, name, seconds):
    """(the child's report or None, why there is none)"""
    try:
        done = subprocess.run([python, "-X", "faulthandler", HERE / "private_child.py", what, name,
                               str(seconds)], env=env, capture_output=True, text=True,
                              timeout=120 + 4 * seconds, check=False)
    except subprocess.TimeoutExpired:
        return None, "hangs"
    if done.returncode < 0:
        return None, f"crashes ({signal.Signals(-done.returncode).name})"
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return None, brief(last)
    return json.loads(lines[-1]), None


def judge(report):
    """Why the stress was not passed, or None."""
    if report["errors"]:
        return brief(report["errors"][0])
    if report["wrong"]:
        return f"{report['wrong']} results differ from the program's own"
    if report["interpreters"] != 4:
        return f"only {report['interpreters']} of 4 interpreters ran"
    return None if report["copies"] else "nothing was loaded as a private copy"


def row(python, env, site, wanted, name, seconds):
    """(passed, a row of the table)"""
    package = wanted.replace("==", " ")
    if not list(site.glob(wheel_name(wanted) + ".dist-info")):
        return False, f"| {package} | no wheel | | | | | |"
    report, why = child(python, env, "stress", name, seconds)
    why = why or judge(report)
    if why:
        return False, f"| {package} | no: {why} | | | | | |"
    left, failed = child(python, env, "generations", name, seconds)
    end = f"{left['left_kb'] / 1024:.1f} | {left['seconds']}" if left else f"{failed} |"
    return True, (f"| {package} | ok | {report['tasks']} | {len(report['copies'])} | "
                  f"{report['live_kb'] / 1024:.1f} | {end} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="3.14", choices=("3.13", "3.14", "3.15"))
    parser.add_argument("--seconds", type=float, default=5.0, help="stress for each package")
    parser.add_argument("--packages", help="some of them only, separated by commas")
    parser.add_argument("--least", type=int, default=15, help="listed packages that must pass")
    options = parser.parse_args()
    names = set(options.packages.split(",")) if options.packages else None
    unknown = (names or set()) - {*LISTED.values(), *MORE.values()}
    if unknown:
        parser.error(f"no such package here: {', '.join(sorted(unknown))}")
    python = pooltest.interpreters()[options.python]
    folder = pooltest.built(options.python, python)
    site = CACHE / "extcheck" / "private-copies" / options.python
    provide(options.python, site)
    env = pooltest.environment(folder)
    env["PYTHONPATH"] = os.pathsep.join([str(folder), str(HERE), str(site)])
    print("| package | result | tasks | copied modules | MB per live worker | MB left per ended "
          "worker | s per worker |\n|---|---|---|---|---|---|---|", flush=True)
    passed = 0
    for wanted, name in {**LISTED, **MORE}.items():
        if names is None or name in names:
            good, text = row(python, env, site, wanted, name, options.seconds)
            passed += good and wanted in LISTED
            print(text, flush=True)
    print(f"\n{passed} of {len(LISTED)} listed packages pass.")
    return 0 if passed >= (options.least if names is None else 0) else 1


if __name__ == "__main__":
    sys.exit(main())
