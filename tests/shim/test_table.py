"""The table of interpreters by itself: it grows, several threads at once, and nothing is lost."""

import pathlib
import sys
import tempfile

from shimtest import MODULES, SHIM, WARNINGS, Tally, compile_files, pythons, run


def table(python, sanitizer):
    with tempfile.TemporaryDirectory(prefix="extshim-table-") as folder:
        program = pathlib.Path(folder) / "table_alone"
        flags = [f"-fsanitize={sanitizer}"] if sanitizer else ["-O2"]
        command = ["gcc", "-std=c11", "-D_DEFAULT_SOURCE", "-g", "-pthread", *WARNINGS, *flags,
                   *python.include_flags(), f"-I{SHIM / 'include'}", f"-I{SHIM / 'src'}"]
        compile_files(command, [MODULES / "table_alone.c", SHIM / "src" / "table.c"], folder,
                      program, ["-o"])
        return run([program], timeout=300).strip()


def main():
    tally = Tally(__doc__)
    for python in pythons((3, 13))[-1:]:
        for sanitizer in ("", "address", "thread"):
            tally.add(f"table {python.label} {sanitizer}".rstrip(), table, python, sanitizer)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
