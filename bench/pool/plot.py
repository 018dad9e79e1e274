#!/usr/bin/env python3
"""Draws docs/pool-VERSION.svg from the results.json that run.py wrote: how many times as fast as
InterpreterPoolExecutor extpool is (bars), and threads and processes are (marks), on a log scale.

  bench/pool/plot.py build/bench-pool/results.json docs
"""

import json
import math
import pathlib
import sys
from statistics import median
from xml.sax.saxutils import escape

import run

WIDTH, ROW, LEFT, RIGHT, TOP = 880, 28, 240, 190, 74
BAR, TARGET, THREADS, PROCESSES = "#3a6ea5", "#c0392b", "#d98e04", "#2e8b57"
MEMORY = "private memory, 8 workers"


def rows(result):
    """(name, ratios by pool, target, figure of extpool) of each bar."""
    for case, figures in result["seconds"].items():
        rival = figures["interpreters"]
        ratios = {pool: run.ratio((rival, own)) for pool, own in figures.items()
                  if own and pool != "interpreters"}
        yield case, ratios, run.TARGETS.get(case), run.unit(median(figures["extpool"]))
    if "memory" in result:
        own, rival = result["memory"]["extpool"], result["memory"]["interpreters"]
        yield MEMORY, {"extpool": rival / own}, 1 / run.MEMORY_TARGET, f"{own / 1024:.2g} MB each"


class Scale:
    """Ratios to places, in powers of ten around what there is to show."""

    def __init__(self, ratios):
        self.first = math.floor(math.log10(min(1.0, *ratios)) * 2) / 2
        self.last = math.ceil(math.log10(max(10.0, *ratios)) * 2) / 2

    def __call__(self, ratio):
        part = (math.log10(ratio) - self.first) / (self.last - self.first)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        return [10.0 ** power for power in range(math.ceil(self.first), math.floor(self.last) + 1)]


def text(x, y, words, **settings):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in settings.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'


def times(ratio):
    """With two figures, without an exponent."""
    digits = max(0, 1 - math.floor(math.log10(ratio)))
    return f"{float(f'{ratio:.2g}'):.{digits}f} x"


def circle(x, y):
    return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="white" stroke="{THREADS}" '
            'stroke-width="2"/>')


def diamond(x, y):
    return (f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="white" stroke="{PROCESSES}" '
            'stroke-width="2"/>')


def target_mark(x, y):
    return f'<rect x="{x - 1.5:.1f}" y="{y - 11:.1f}" width="3" height="22" fill="{TARGET}"/>'


def bar(begin, end, y):
    return (f'<rect x="{min(begin, end):.1f}" y="{y - 8:.1f}" width="{abs(end - begin):.1f}" '
            f'height="16" fill="{BAR}"/>')


def legend(y):
    x = LEFT
    for draw, words in ((lambda at: bar(at - 8, at + 8, y), "extpool"),
                        (lambda at: target_mark(at, y), "aim"),
                        (lambda at: circle(at, y), "ThreadPoolExecutor"),
                        (lambda at: diamond(at, y), "ProcessPoolExecutor")):
        yield draw(x)
        yield text(x + 13, y + 4, words)
        x += 40 + 7.2 * len(words)


def chart(result):
    """The SVG text of one version's results."""
    bars = list(rows(result))
    rounds = len(next(iter(result["seconds"].values()))["extpool"])
    scale = Scale([ratio for _, ratios, _, _ in bars for ratio in ratios.values()])
    bottom = TOP + ROW * len(bars)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 60}" '
             f'viewBox="0 0 {WIDTH} {bottom + 60}" font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{bottom + 60}" fill="white"/>',
             text(10, 22, "How many times as fast as InterpreterPoolExecutor", font_size=16),
             text(10, 42, f"Python {result['version']}, two workers, medians of {rounds} "
                          f"round{'s' if rounds > 1 else ''}, logarithmic scale", fill="#555")]
    for tick in scale.ticks():
        parts.append(f'<line x1="{scale(tick):.1f}" y1="{TOP - 6}" x2="{scale(tick):.1f}" '
                     f'y2="{bottom}" stroke="{"#333" if tick == 1 else "#ccc"}"/>')
        parts.append(text(scale(tick), TOP - 12, f"{tick:g}", text_anchor="middle", fill="#555"))
    for number, (name, ratios, target, figure) in enumerate(bars):
        y = TOP + ROW * (number + 0.5)
        parts.append(text(LEFT - 8, y + 4, name, text_anchor="end"))
        parts.append(bar(scale(1), scale(ratios["extpool"]), y))
        if target:
            parts.append(target_mark(scale(target), y))
        parts += [draw(scale(ratios[pool]), y) for pool, draw in (("threads", circle),
                                                                  ("processes", diamond))
                  if pool in ratios]
        parts.append(text(WIDTH - RIGHT + 14, y + 4, times(ratios["extpool"]), fill=BAR,
                          font_weight="bold"))
        parts.append(text(WIDTH - 10, y + 4, figure, text_anchor="end", fill="#555"))
    return "\n".join([*parts, *legend(bottom + 30), "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    for result in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")):
        if "interpreters" not in next(iter(result["seconds"].values())):
            print(f"{result['version']} has no such pool to compare with: no picture",
                  file=sys.stderr)
            continue
        short = ".".join(result["version"].split(".")[:2])
        target = pathlib.Path(sys.argv[2]) / f"pool-{short}.svg"
        target.write_text(chart(result), encoding="utf-8")
        print(target)


if __name__ == "__main__":
    main()
