"""Providing interpreters into the cache: unpacked Debian packages or builds from source."""

import os
import shutil

import pythons_apt
from pythons_run import DownloadError, MissingTool, ProvideError, must_run, run_logged, say

# Where Debian has each version as packages, in order of preference.
PACKAGED = {
    "3.9": ("bullseye",),
    "3.11": ("bookworm",),
    "3.14": ("forky", "sid"),
    "3.15": ("forky", "sid"),
}

# What is built from source: the suite of the source package and the options of configure.
# The GIL build happens inside the source tree, which stays: the checker is tried on its Modules.
BUILT = {
    "3.13": ("trixie", ()),
    "3.13t": ("trixie", ("--disable-gil",)),
    "3.13t-tsan": ("trixie", ("--disable-gil", "--with-thread-sanitizer")),
}
SOURCE_OF = {"3.13": "3.13"}

JOBS = "-j2"


def provide(spec, cache):
    """Puts the interpreter named spec into the cache, or raises ProvideError."""
    log = cache / "log" / f"{spec}.log"
    log.unlink(missing_ok=True)
    if spec in PACKAGED:
        _provide_packaged(spec, cache, log)
    elif spec in BUILT:
        _provide_built(spec, cache, log)
    else:
        raise ProvideError("is not here and Debian has no package or source of it; "
                           "install it with a version manager such as pyenv or uv")


def _first_suite(spec, package, cache, log):
    for suite in PACKAGED[spec]:
        root = pythons_apt.prepare(cache, suite, spec, log)
        if pythons_apt.offers(root, package):
            return root
    raise ProvideError(f"no package {package} in " + " or ".join(PACKAGED[spec]))


def _provide_packaged(spec, cache, log):
    for tool in ("patchelf", "dpkg"):
        if not shutil.which(tool):
            raise MissingTool(f"{tool} is not installed; run: apt-get install {tool}")
    package = f"python{spec}"
    root = _first_suite(spec, package, cache, log)
    names = [package, f"{package}-dev"]
    if pythons_apt.offers(root, f"lib{package}-testsuite"):
        names.append(f"lib{package}-testsuite")
    archives = pythons_apt.download_packages(root, names, spec, log)

    home, part = cache / spec, cache / f"{spec}.part"
    for folder in (home, part):
        shutil.rmtree(folder, ignore_errors=True)
    part.mkdir(parents=True)
    say(f"{spec}: unpacking {len(archives)} packages")
    for archive in archives:
        must_run(["dpkg", "-x", archive, part], f"{spec}: unpacking", log)
        archive.unlink()
    _keep_own_headers(part, package)
    part.rename(home)
    _redirect_loader(home, package, spec, log)
    _compile_library(home / "usr" / "bin" / package, home / "usr" / "lib" / package, spec, log)
    (home / ".complete").touch()


def _compile_library(python, folder, spec, log):
    """Otherwise every new interpreter compiles the standard library again."""
    # The test suite holds files that are meant not to compile.
    command = [python, "-m", "compileall", "-q", "-x", r"/(test|tests|lib2to3)/", folder]
    label = f"{spec}: compiling the standard library"
    # Two processes need semaphores, which a container without /dev/shm does not have.
    if run_logged(command + ["-j2"], label, log) != 0:
        must_run(command, label, log)


def _keep_own_headers(part, package):
    """Debian's pyconfig.h is a stub that wants the root of the include folder on the search
    path; there stand the headers of a foreign C library. Only Python's own stay."""
    include = part / "usr" / "include"
    for real in include.glob(f"*/{package}/pyconfig.h"):
        shutil.copyfile(real, include / package / "pyconfig.h")
    for child in include.iterdir():
        if child.name != package:
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    for useless in ("doc", "man", "lintian", "locale", "perl5", "info"):
        shutil.rmtree(part / "usr" / "share" / useless, ignore_errors=True)


def _redirect_loader(home, package, spec, log):
    """Makes the interpreter use the C library it was unpacked with."""
    binary = home / "usr" / "bin" / package
    loaders = sorted(home.glob("**/ld-linux*.so.*"), key=lambda path: len(str(path)))
    loaders = [path for path in loaders if path.exists()]
    libraries = sorted({str(path.parent) for path in home.glob("**/libc.so.6")}
                       | {str(path) for path in home.glob("usr/lib/*-linux-*") if path.is_dir()}
                       | {str(path) for path in home.glob("lib/*-linux-*") if path.is_dir()})
    if not loaders or not libraries:
        raise ProvideError(f"the packages of {package} brought no C library")
    # RPATH, not RUNPATH: it must hold for the libraries of extension modules too.
    must_run(["patchelf", "--set-interpreter", loaders[0], "--force-rpath",
              "--set-rpath", ":".join(libraries), binary], f"{spec}: patching", log)


def forget_downloads(cache):
    """Package lists and archives are of no use once everything is in place."""
    shutil.rmtree(cache / "apt", ignore_errors=True)


def source_tree(version, cache):
    return cache / "source" / version


def _unpack_source(spec, suite, tree, cache, log):
    for tool in ("dpkg-source", "gcc", "make"):
        if not shutil.which(tool):
            raise MissingTool(f"{tool} is not installed; run: apt-get install build-essential")
    root = pythons_apt.prepare(cache, suite, spec, log)
    version = spec.partition("-")[0].rstrip("t")
    dsc = pythons_apt.download_source(root, f"python{version}", root / "source", spec, log)
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    # apt has checked the file against the signed lists.
    must_run(["dpkg-source", "--no-check", "--no-copy", "-x", dsc, tree], f"{spec}: unpacking", log)


def _provide_built(spec, cache, log):
    suite, options = BUILT[spec]
    stays = spec in SOURCE_OF
    home = cache / spec
    tree = source_tree(spec, cache) if stays else cache / "build" / spec
    shutil.rmtree(home, ignore_errors=True)
    _unpack_source(spec, suite, tree, cache, log)
    say(f"{spec}: building from source, about three minutes on two cores")
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("CFLAGS", "CPPFLAGS", "LDFLAGS", "PYTHONPATH", "PYTHONHOME")}
    if "--with-thread-sanitizer" in options:
        # Debian's Makefile leaves out the flags of the link step that configure found.
        environment["LDFLAGS"] = "-fsanitize=thread"
    must_run(["./configure", f"--prefix={home}", "--with-ensurepip=no",
              "--disable-test-modules", *options], f"{spec}: configure", log, tree, environment)
    must_run(["make", JOBS], f"{spec}: make", log, tree, environment)
    must_run(["make", "altinstall"], f"{spec}: make altinstall", log, tree, environment)
    (home / ".complete").touch()
    if stays:
        (tree / ".complete").touch()
    else:
        shutil.rmtree(tree.parent, ignore_errors=True)


__all__ = ["DownloadError", "MissingTool", "ProvideError", "forget_downloads", "provide",
           "source_tree"]
