"""The command line: what `python -m extpool` understands."""

import argparse
import os
import stat
import sys

from . import __version__

USAGE = 2
_LINES_PER_WORKER = 32

_RUN = """Calls FUNCTION in parallel interpreters, once for each line of the input.

A line is one JSON value, the function's only argument; blank lines are skipped. What it returns
is printed as one line of JSON; what it prints itself goes to stderr. The function is imported by
its name, the current folder first:

    seq 1 1000 | python -m extpool run math:factorial --workers 2 > results
"""
_RUN_ENDS = """A call that fails is told on stderr with its line and prints nothing on stdout, the others go on.
At most --buffer lines are under way, so the input may be endless. Exit code: 0 all well, 1 calls
have failed, 2 bad usage, or input or output failed, 130 Ctrl-C, 141 nobody reads the results.
"""


def _positive(text):
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def parser():
    """The whole command line as an argparse parser."""
    plain = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(prog="python -m extpool", formatter_class=plain,
                                  description="Python functions in parallel interpreters.")
    top.add_argument("--version", action="version", version=f"extpool {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="call a function with each line of the input",
                              description=_RUN, epilog=_RUN_ENDS, formatter_class=plain)
    run.add_argument("function", metavar="MODULE:FUNCTION", help="what to call")
    run.add_argument("files", metavar="FILE", nargs="*",
                     help="read these instead of standard input; - is standard input")
    run.add_argument("--workers", type=_positive, metavar="N",
                     help="how many interpreters; as many as processors")
    run.add_argument("--star", action="store_true",
                     help="a list is the positional arguments, an object the named ones")
    run.add_argument("--unordered", action="store_true",
                     help="print results as they come, not in the order of the lines")
    run.add_argument("--numbered", action="store_true",
                     help='print {"line": N, "result": ...} or {"line": N, "error": "..."}')
    run.add_argument("--fail-fast", action="store_true", help="stop at the first failed call")
    run.add_argument("--progress", action="store_true",
                     help="tell on stderr how far it is; a terminal is told after 2 s anyway")
    run.add_argument("--traceback", action="store_true", help="tell where a call has failed")
    run.add_argument("--buffer", type=_positive, metavar="N",
                     help=f"most lines under way; {_LINES_PER_WORKER} for each worker")
    run.add_argument("--initializer", metavar="MODULE:FUNCTION",
                     help="called in each worker before its first line")
    run.add_argument("--policy", choices=("checked", "declared"),
                     help="which extension modules workers may import")
    run.add_argument("--verdicts", metavar="FILE", help="verdicts that extcheck wrote")
    run.add_argument("--isolation", choices=("private-copy",),
                     help="how extensions that refuse are loaded nevertheless")
    return top


class UsageError(Exception):
    """Something that the user has to change in the command."""


def resolve(text):
    """The callable that MODULE:FUNCTION names, or UsageError."""
    module, colon, name = text.partition(":")
    if not (module and colon and name) or module.startswith("."):
        raise UsageError(f"{text!r} is not of the form MODULE:FUNCTION, such as math:factorial")
    import importlib
    try:
        found = importlib.import_module(module)
    except Exception as error:
        raise UsageError(f"cannot import {module}: {type(error).__name__}: {error}") from error
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise UsageError(f"cannot find {text}: {error}") from error
    if not callable(found):
        raise UsageError(f"{text} is not callable")
    return found


def _pool_options(options):
    given = {name: getattr(options, name) for name in ("policy", "verdicts", "isolation")}
    given = {name: value for name, value in given.items() if value is not None}
    if options.initializer:
        given["initializer"] = resolve(options.initializer)
    return given


def _check_inputs(names):
    """UsageError for what can be seen to be unreadable before any work is done."""
    for name in names:
        try:
            if name == "-":
                if sys.stdin is None:
                    raise UsageError("standard input is closed")
            elif not stat.S_ISREG(os.stat(name).st_mode):
                if os.path.isdir(name):
                    raise UsageError(f"cannot read {name}: it is a folder")
            else:
                os.close(os.open(name, os.O_RDONLY))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"cannot read {name}: {reason}") from error


def _run(options):
    from . import _run
    from ._executor import InterpreterPool
    resolve(options.function)
    settings = _pool_options(options)
    names = options.files or ["-"]
    _check_inputs(names)
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    try:
        pool = InterpreterPool(options.workers, "extpool-run", **settings)
    except (ImportError, OSError, TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    buffer = options.buffer or _LINES_PER_WORKER * pool._max_workers
    return _run.Run(pool, names, options, buffer).finish()


def main(arguments):
    """What the process ends with; argparse itself ends it for --help and bad usage."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except UsageError as error:
        print(f"extpool: {error}", file=sys.stderr)
        return USAGE
