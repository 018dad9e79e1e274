#!/usr/bin/env python3
"""What README.md shows is what the program prints.

A block is checked when the line before its fence is `<!-- output of: COMMAND -->`. The command runs
in the repository; its standard output, and after it its standard error, must equal the block. What
differs between machines is written as `...`, which stands for any text within a line, or alone on a
line for any number of lines.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import EXTCHECK, REPOSITORY  # noqa: E402

BLOCK = re.compile(r"^<!-- output of: (?P<command>.+?) -->\n+```[a-z]*\n(?P<text>.*?)^```$",
                   re.M | re.S)


def pattern(text):
    parts = []
    for line in text.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.rstrip().split("...")) + "\n")
    return "".join(parts)


def output_of(command):
    words = shlex.split(command, posix=True)
    expanded = []
    for word in words[1:]:
        hits = sorted(str(p.relative_to(REPOSITORY)) for p in REPOSITORY.glob(word)) \
            if "*" in word else []
        expanded += hits or [word]
    done = subprocess.run([EXTCHECK, *expanded], cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False,
                          env={k: v for k, v in os.environ.items() if k != "FORCE_COLOR"})
    return "".join(line.rstrip() + "\n" for line in (done.stdout + done.stderr).splitlines())


class Readme(unittest.TestCase):
    maxDiff = None

    def blocks(self, path):
        return [(m["command"], m["text"]) for m in BLOCK.finditer(path.read_text("utf-8"))]

    def test_readme_shows_a_command(self):
        self.assertTrue(self.blocks(REPOSITORY / "README.md"))

    def test_every_block(self):
        pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
        for path in filter(pathlib.Path.exists, pages):
            for command, text in self.blocks(path):
                with self.subTest(page=path.name, command=command):
                    self.assertEqual(shlex.split(command)[0], "extcheck")
                    actual = output_of(command)
                    if not re.fullmatch(pattern(text), actual):
                        self.assertEqual(actual, text)


if __name__ == "__main__":
    unittest.main()
