"""Writes rules/**/*.md and rules/api/*.tsv as one C file: embed_rules.py RULES_DIR OUT.c"""
import os
import sys


def literal(data: bytes) -> str:
    """The bytes as C string literals, one per source line."""
    lines = []
    for line in data.splitlines(keepends=True):
        out = []
        for byte in line:
            char = chr(byte)
            if char == "\n":
                out.append("\\n")
            elif char == "\t":
                out.append("\\t")
            elif char in '"\\':
                out.append("\\" + char)
            elif char == "?":  # no trigraphs
                out.append("\\?")
            elif 32 <= byte < 127:
                out.append(char)
            else:
                out.append("\\%03o" % byte)
        lines.append('     "%s"' % "".join(out))
    return "\n".join(lines) or '     ""'


def wanted(relative: str) -> bool:
    name = os.path.basename(relative)
    if relative.startswith("api/"):
        return name.endswith(".tsv")
    return name.endswith(".md") and "/" in relative


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    root, target = sys.argv[1:]
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            relative = os.path.relpath(os.path.join(folder, name), root)
            if wanted(relative):
                found.append(relative)
    parts = ['#include "rules/embedded.h"\n', "const struct embedded_file embedded_files[] = {"]
    for relative in sorted(found):
        with open(os.path.join(root, relative), "rb") as file:
            data = file.read()
        if b"\0" in data:
            print(f"{relative}: contains a NUL byte", file=sys.stderr)
            return 1
        parts.append('    {"%s",\n%s},' % (relative, literal(data)))
    parts.append("    {0, 0},\n};")
    parts.append("const size_t embedded_count = %d;\n" % len(found))
    with open(target, "w", encoding="ascii") as file:
        file.write("\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
