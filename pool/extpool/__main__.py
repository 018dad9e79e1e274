"""python -m extpool: see `python -m extpool --help`."""

import sys

if __name__ == "__main__":
    try:
        from ._cli import main
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
