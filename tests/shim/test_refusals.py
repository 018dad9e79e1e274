"""What cannot be converted is refused with an exception that says why."""

import sys

from shimtest import Tally, build, pythons, run_child

# Switch of refused.c -> parts of the message of the failing import.
INITS = {
    "REFUSED_STATE": ["SystemError", "has module state", "EXTSHIM_MODINIT_STATE"],
    "REFUSED_SLOTS": ["SystemError", "multi-phase already"],
    "REFUSED_SILENT": ["SystemError", "failed without an exception"],
    "REFUSED_OTHER": ["SystemError", "returned another object"],
    "REFUSED_RAISES": ["KeyError", "from the init function"],
    "REFUSED_BASE": ["SystemError", "base class of 'refused.BaselessError' is not set"],
    "REFUSED_KIND": ["SystemError", "is not an EXTSHIM_OBJECT"],
    "REFUSED_NULL": ["SystemError", "NULL for 'unset' without an exception"],
}


def refuses(python, switch):
    # Each switch leaves out the use of something else.
    flags = ["-Wno-unused-function", "-Wno-unused-variable"] + ([f"-D{switch}"] if switch else [])
    folder = build(python, "refused", ["refused.c"], flags)
    path = next(folder.glob("refused*"))
    return run_child(python, "refusals.py", folder, path, *INITS.get(switch, [])).strip()


def main():
    tally = Tally(__doc__)
    found = pythons()
    for python in found:
        tally.add(f"types {python.label}", refuses, python, None)
    for python in found[:1] + found[-1:]:
        for switch in INITS:
            tally.add(f"{switch} {python.label}", refuses, python, switch)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
