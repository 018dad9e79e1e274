#!/usr/bin/env python3
"""Writes what the checker knows of the shim's API from the comments in shim/include.

shim_api.py [--check]: rules/api/shim.tsv, and the rows of the shim's locks in rules/api/locks.tsv.
Each declaration there has the lines Refs: and Threads:, in fixed words; a line that says neither of
what is looked for is an error. --check writes nothing; exit code 1 when a file is out of date.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADERS = ("state", "types", "module", "caches", "threads")
TABLE = ROOT / "rules" / "api" / "shim.tsv"
LOCKS = ROOT / "rules" / "api" / "locks.tsv"
COLUMNS = ("name", "kind", "result", "thread_state", "runs_python", "since", "source")
COMMENT = re.compile(r"/\*(?P<text>(?:(?!\*/).)*)\*/\n(?=(?:#(?:if|else|elif|endif|undef)[^\n]*\n"
                     r"|typedef [^;]+;\n|\n)*(?P<declaration>[^\n]*\n[^\n]*))", re.S)
FUNCTION = re.compile(r"(?:EXTSHIM_HIDDEN|static inline)\s[\w\s*]*?\b(ExtShim_\w+)\(")
MACRO = re.compile(r"#define (E(?:xtShim|XTSHIM)_\w+?)(?:\(|\s)")
LOCK_OPS = {"Lock": "acquire", "Unlock": "release"}


class Unclear(Exception):
    pass


def lines_of(comment):
    """{'Refs': text, ...} of the lines with a label, continued lines joined."""
    found = {}
    label = None
    for line in comment.splitlines():
        line = line.strip().lstrip("*").strip()
        match = re.match(r"(Returns|Refs|Threads|Since|See): *(.*)", line)
        if match:
            label = match.group(1)
            found[label] = match.group(2)
        elif label and line:
            found[label] += " " + line
        else:
            label = None
    return found


def declarations():
    """(name, kind, lines, header), in the order of the headers; the first declaration counts."""
    seen = {}
    for header in HEADERS:
        path = ROOT / "shim" / "include" / "extshim" / f"{header}.h"
        for match in COMMENT.finditer(path.read_text(encoding="utf-8")):
            lines = lines_of(match.group("text"))
            code = match.group("declaration")
            function, macro = FUNCTION.match(code), MACRO.match(code)
            name = (function or macro).group(1) if function or macro else None
            if name is None or name.endswith("_") or "Threads" not in lines or name in seen:
                continue
            kind = ("function" if function else "macro" if name.startswith("ExtShim_")
                    else "declaration")
            seen[name] = (name, kind, lines, f"shim/include/extshim/{header}.h")
    return seen


def follow(seen, name, label):
    """The text of a line; `as OTHER` stands for the other declaration's."""
    text = seen[name][2].get(label, "")
    for _ in seen:
        match = re.match(r"as (E(?:xtShim|XTSHIM)_\w+)", text)
        if not match:
            return text
        if match.group(1) not in seen:
            raise Unclear(f"{name}: {label}: {text}: no such declaration")
        text = seen[match.group(1)][2][label]
    raise Unclear(f"{name}: {label}: goes in a circle")


def thread_state(name, text):
    if re.match(r"none\b|as the beginning", text):
        return "-"
    if re.search(r"needs no thread state|with or without a thread state|^any;", text):
        return "any"
    if re.search(r"\battached\b|attached thread state|collector calls it", text):
        return "attached"
    raise Unclear(f"{name}: Threads: says nothing of a thread state: {text}")


def runs_python(text):
    if "first use" in text and "Python code" in text or "for the first use" in text \
            or "the first use as" in text:
        return "first-use"
    if re.search(r"(?<!no )Python code", text) and not re.search(r"runs no Python", text) \
            or "own initialisation" in text or "while it waits" in text:
        return "yes"
    return "no"


def result(text):
    for word, pattern in (("borrowed", r"borrowed"), ("new", r"new\b"), ("steals", r"steals"),
                          ("takes", r"takes a new reference")):
        if re.match(pattern, text):
            return word
    return "-"


def table():
    seen = declarations()
    rows = ["\t".join(COLUMNS),
            "# Written by tools/shim_api.py from the comments of shim/include; do not edit."]
    for name, (_, kind, lines, source) in seen.items():
        if kind == "declaration":
            continue  # runs nothing
        threads = follow(seen, name, "Threads")
        since = lines.get("Since", "").split(".")
        if len(since) < 2 or not since[0].isdigit():
            raise Unclear(f"{name}: Since: names no version")
        rows.append("\t".join((
            name, kind, result(follow(seen, name, "Refs")), thread_state(name, threads),
            runs_python(threads), re.match(r"\d+\.\d+", lines["Since"]).group(0), source)))
    return "\n".join(rows) + "\n"


def locks():
    """locks.tsv with the shim's rows, which stand at its end."""
    kept = [line for line in LOCKS.read_text(encoding="utf-8").splitlines()
            if not line.startswith("ExtShim_")]
    width = len(kept[0].split("\t"))
    for name, (_, kind, _, source) in declarations().items():
        op = LOCK_OPS.get(name.rpartition("_")[2])
        if kind == "function" and op:
            row = [name, op, "pymutex", "0", "yes", source]
            if len(row) != width:
                raise Unclear(f"{LOCKS}: has {width} columns")
            kept.append("\t".join(row))
    return "\n".join(kept) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    options = parser.parse_args()
    stale = []
    try:
        for path, text in ((TABLE, table()), (LOCKS, locks())):
            old = path.read_text(encoding="utf-8") if path.exists() else None
            if old != text:
                stale.append(path.name)
                if not options.check:
                    path.write_text(text, encoding="utf-8")
    except Unclear as problem:
        print(f"shim_api.py: {problem}", file=sys.stderr)
        return 2
    for name in stale:
        print(f"{name}: {'out of date: run tools/shim_api.py' if options.check else 'written'}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
