"""Every C and C++ block of rules/**/*.md is a test: Bad gives exactly its markers, Good nothing.

Usage: test_pages.py [--list] [ID or FAMILY ...]; EXTCHECK names the program. A block's fence may
say which headers and options it needs: ```c python=3.15 min-python=3.13 flags=-DX (-I{shim}: the
headers of the shim). A page whose `python` key starts later than the default headers is analysed
with headers of that version. Rules about built modules have blocks of facts in text form instead,
```facts expect: ELF24, whose findings have no line.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RULES = os.path.join(ROOT, "rules")
EXTCHECK = os.environ.get("EXTCHECK", "extcheck")
TARGETS = "own-gil,shared-gil,free-threaded,reload,port"
MARKER = re.compile(r"expect:\s*((?:[A-Z]+[0-9]+[ ,]*)+)")
FENCE = re.compile(r"^```(c|cpp|c\+\+|facts)\b([^\n]*)\n(.*?)^```", re.S | re.M)
DEFAULT_PYTHON = os.environ.get("EXTCHECK_PAGES_PYTHON", "3.14")


class Block:
    def __init__(self, page, section, number, lang, info, code, line):
        self.page, self.section, self.number = page, section, number
        self.lang, self.code, self.line = lang, code, line
        self.info = info
        self.options = dict(word.split("=", 1) for word in info.split() if "=" in word)

    def name(self):
        return f"{self.page} {self.section}[{self.number}]"

    def expected(self):
        found = set()
        if self.section != "Bad":
            return found
        lines = enumerate(self.code.splitlines(), 1)
        for number, line in [(0, self.info)] if self.lang == "facts" else lines:
            for match in MARKER.finditer(line):
                found |= {(number, rule) for rule in re.split(r"[ ,]+", match.group(1)) if rule}
        return found


def sections(text):
    """Yields heading, body and line number of the body; headings inside fences do not count."""
    heading, start, fenced = None, 0, False
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("```"):
            fenced = not fenced
        if not fenced and line.startswith("# "):
            if heading:
                yield heading, "\n".join(lines[start:number]), start + 1
            heading, start = line[2:].strip(), number + 1
    if heading:
        yield heading, "\n".join(lines[start:]), start + 1


def blocks_of(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    page = os.path.basename(path).split("-")[0]
    first = re.search(r"^python:\s*(3\.\d+)", text, re.M)
    for heading, body, line in sections(text):
        if heading not in ("Bad", "Good"):
            continue
        for number, match in enumerate(FENCE.finditer(body)):
            at = line + body.count("\n", 0, match.start())
            block = Block(page, heading, number, match.group(1), match.group(2), match.group(3), at)
            if first and version(first.group(1)) > version(DEFAULT_PYTHON):
                block.options.setdefault("python", first.group(1))
            yield block


def version(text):
    return tuple(int(part) for part in text.split("."))


def pages(wanted):
    for folder, _, names in sorted(os.walk(RULES)):
        for name in sorted(names):
            if folder == RULES or not name.endswith(".md"):
                continue
            if not wanted or any(name.startswith(word) for word in wanted):
                yield os.path.join(folder, name)


def interpreters():
    """version -> path, from tools/pythons."""
    found = {}
    listing = subprocess.run([os.path.join(ROOT, "tools", "pythons"), "list"],
                             stdout=subprocess.PIPE, text=True, check=False).stdout
    for line in listing.splitlines():
        cells = line.split("\t")
        if len(cells) >= 3 and cells[1] == "gil":
            found.setdefault(".".join(cells[0].split(".")[:2]), cells[2])
    return found


def analyse(block, pythons, cache):
    """What is wrong with the block, as lines. What interpreters said and Python.h, precompiled, are
    in the cache after the first of them."""
    python = block.options.get("python", DEFAULT_PYTHON)
    if python not in pythons:
        return [f"needs headers of Python {python}; tools/pythons list has {sorted(pythons)}"]
    with tempfile.TemporaryDirectory(prefix="extcheck-page-") as folder:
        ending = block.lang if block.lang in ("c", "facts") else "cpp"
        path = os.path.join(folder, f"page.{ending}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(block.code)
        command = [EXTCHECK, "--isolated", "--cache-dir", cache, "--format", "json", "--target", TARGETS,
                   "--python", pythons[python], "--exit-zero"]
        if "min-python" in block.options:
            command += ["--min-python", block.options["min-python"]]
        shim = os.path.join(ROOT, "shim", "include")
        flags = block.options.get("flags", "").replace("{shim}", shim)
        if block.lang == "facts":
            command += ["--facts", path]
        else:
            command += [path, "--"] + [word for word in flags.split(",") if word]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             cwd=folder, timeout=120, check=False)
    if run.returncode != 0:
        return [f"exit code {run.returncode}: {run.stderr.strip()}"]
    report = json.loads(run.stdout)
    # Only the pages about comments for the checker may hide a finding behind one.
    given = [f for f in report["findings"]
             if not (f["suppression"] and block.page.startswith("META"))]
    found = {(f["line"], f["rule"]) for f in given}
    messages = {(f["line"], f["rule"]): f["message"] for f in given}
    expected = block.expected()
    wrong = [f"line {line}: {rule} is missing" for line, rule in sorted(expected - found)]
    wrong += [f"line {line}: {rule} is not expected: {messages[line, rule]}"
              for line, rule in sorted(found - expected)]
    if re.search(r"\{[a-z_]+(:[a-z_]+)?\}", "".join(messages.values())):
        wrong.append("a field of a message was left unfilled")
    return wrong


def main():
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    blocks = [block for path in pages(wanted) for block in blocks_of(path)]
    if "--list" in sys.argv:
        print("\n".join(block.name() for block in blocks))
        return 0
    if not blocks:
        print("no block found", file=sys.stderr)
        return 1
    pythons = interpreters()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool, \
            tempfile.TemporaryDirectory(prefix="extcheck-pages-") as cache:
        for block, wrong in zip(blocks, pool.map(lambda b: analyse(b, pythons, cache), blocks)):
            if wrong:
                failed += 1
                print(f"{block.name()} (line {block.line}):")
                print("".join(f"    {line}\n" for line in wrong), end="")
    print(f"{len(blocks)} blocks, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
