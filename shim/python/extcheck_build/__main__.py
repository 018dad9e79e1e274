"""python -m extcheck_build gate ...: the gate for build systems that run commands.

It takes what `extcheck gate` takes as far as build systems need it, and falls back on a verdict
file where there is no checker. `--cmake-dir` and `--include-dir` print folders.
"""

import argparse
import sys
import sysconfig

from . import cmake_dir, include_dir
from .gate import TROUBLE, REFUSED, GateError, GateRefused, run, say


def _parser():
    parser = argparse.ArgumentParser(prog="python -m extcheck_build", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmake-dir", action="store_true")
    parser.add_argument("--include-dir", action="store_true")
    commands = parser.add_subparsers(dest="command")
    gate = commands.add_parser("gate")
    gate.add_argument("--module", required=True)
    gate.add_argument("--output-dir", required=True)
    gate.add_argument("--soabi", help="SOABI, EXT_SUFFIX or abi3 (default: this interpreter's)")
    gate.add_argument("--supports-own-gil", action="store_true")
    gate.add_argument("--supports-free-threaded", action="store_true")
    gate.add_argument("--root", default=".")
    gate.add_argument("--verdict")
    gate.add_argument("--python", default=sys.executable)
    gate.add_argument("-p", "--compile-commands", dest="database")
    gate.add_argument("sources", nargs="+")
    return parser


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    flags = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, flags = arguments[:at], arguments[at + 1:]
    options = _parser().parse_args(arguments)
    if options.cmake_dir or options.include_dir:
        print(cmake_dir() if options.cmake_dir else include_dir())
        return 0
    if options.command != "gate":
        _parser().print_usage(sys.stderr)
        return TROUBLE
    soabi = options.soabi or sysconfig.get_config_var("SOABI")
    try:
        run(options.module, options.sources, options.output_dir, soabi,
            supports_own_gil=options.supports_own_gil,
            supports_free_threaded=options.supports_free_threaded, root=options.root,
            verdict=options.verdict, python=options.python, database=options.database, flags=flags)
    except GateRefused as error:
        say(f"error: {error}")
        return REFUSED
    except GateError as error:
        say(f"error: {error}")
        return TROUBLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
