#!/usr/bin/env python3
"""Draws docs/pool-VERSION.svg from the results.json that run.py wrote: ratios on a log scale.

  bench/pool/plot.py build/bench-pool/results.json docs
"""

import json
import math
import pathlib
import sys

import run

WIDTH, ROW, LEFT, TOP = 720, 26, 250, 50


def chart(result):
    """The SVG text: one bar per case, how many times faster than InterpreterPoolExecutor."""
    rows = [(case, run.ratio((figures["interpreters"], figures["extpool"])))
            for case, figures in result["seconds"].items()]
    most = max(value for _, value in rows) * 1.6
    height = TOP + ROW * len(rows) + 30

    def x(value):
        return LEFT + (WIDTH - LEFT - 60) * math.log(max(value, 0.5) / 0.5) / math.log(most / 0.5)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="10" y="22" font-size="15">extpool, times faster than '
             f'InterpreterPoolExecutor (Python {result["version"]}, log scale)</text>',
             f'<line x1="{x(1):.1f}" y1="{TOP - 8}" x2="{x(1):.1f}" y2="{height - 22}" '
             'stroke="#888" stroke-dasharray="3 3"/>',
             f'<text x="{x(1):.1f}" y="{height - 8}" text-anchor="middle" fill="#555">equal</text>']
    for number, (case, value) in enumerate(rows):
        y = TOP + number * ROW
        parts.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{case}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y + 2}" width="{x(value) - LEFT:.1f}" height="16" '
                     'fill="#3a6ea5"/>')
        target = run.TARGETS.get(case)
        if target:
            parts.append(f'<line x1="{x(target):.1f}" y1="{y}" x2="{x(target):.1f}" y2="{y + 20}" '
                         'stroke="#c33" stroke-width="2"/>')
        parts.append(f'<text x="{x(value) + 6:.1f}" y="{y + 14}">{value:.3g}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    for result in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")):
        short = ".".join(result["version"].split(".")[:2])
        target = pathlib.Path(sys.argv[2]) / f"pool-{short}.svg"
        target.write_text(chart(result), encoding="utf-8")
        print(target)


if __name__ == "__main__":
    main()
