#!/usr/bin/env python3
"""The pictures of bench/pool: figures stand where they belong; docs/pool.md shows what is there."""

import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench" / "pool"))
import plot  # noqa: E402

RESULT = {
    "version": "3.14.1",
    "seconds": {
        "trivial tasks": {"extpool": [1e-6, 2e-6, 1e-6], "interpreters": [1e-4, 1e-4, 1e-4],
                          "threads": [1e-5, 1e-5, 1e-5], "processes": [1e-3, 1e-3, 1e-3]},
        "10 MB memoryview": {"extpool": [2e-3], "interpreters": [1e-3], "threads": [1e-3],
                             "processes": []},
        "a < case & \"another\"": {"extpool": [1.0], "interpreters": [123456.0],
                                   "threads": [1.0], "processes": [1.0]},
    },
    "memory": {"extpool": 2048, "interpreters": 8192},
}


class Picture(unittest.TestCase):
    def setUp(self):
        self.root = ElementTree.fromstring(plot.chart(RESULT))
        self.words = [element.text for element in self.all("text")]

    def all(self, kind):
        return list(self.root.iter("{http://www.w3.org/2000/svg}" + kind))

    def test_figures(self):
        rows = dict((name, (ratios, target)) for name, ratios, target, _ in plot.rows(RESULT))
        self.assertAlmostEqual(rows["trivial tasks"][0]["extpool"], 100)
        self.assertAlmostEqual(rows["trivial tasks"][0]["processes"], 0.1)
        self.assertEqual(rows["10 MB memoryview"], ({"extpool": 0.5, "threads": 1}, 40))
        self.assertEqual(rows[plot.MEMORY][0], {"extpool": 4})
        for word in ("100 x", "0.50 x", "120000 x", "4.0 x", "2 MB each", "2 ms",
                     "a < case & \"another\""):
            self.assertIn(word, self.words)

    def test_bars_begin_at_one_and_end_at_the_ratio(self):
        bars = [(float(bar.get("x")), float(bar.get("width"))) for bar in self.all("rect")
                if bar.get("height") == "16"][:-1]  # the last one is the legend's
        scale = plot.Scale([0.1, 123456.0])
        for (begin, width), ratio in zip(bars, (100, 0.5, 123456, 4)):
            places = sorted([scale(1), scale(ratio)])
            self.assertAlmostEqual(begin, places[0], delta=0.2)
            self.assertAlmostEqual(begin + width, places[1], delta=0.2)
        self.assertEqual(len(bars), 4)

    def test_nothing_stands_outside(self):
        for kind, name in (("text", "x"), ("rect", "x"), ("circle", "cx"), ("line", "x2")):
            for element in self.all(kind):
                self.assertTrue(0 <= float(element.get(name) or 0) <= plot.WIDTH, element.attrib)

    def test_the_page_shows_the_pictures(self):
        page = (ROOT / "docs" / "pool.md").read_text(encoding="utf-8")
        shown = re.findall(r"!\[[^\]]+\]\((pool-[\d.]+\.svg)\)", page)
        self.assertEqual(shown, ["pool-3.14.svg", "pool-3.15.svg"])
        self.assertEqual(set(shown), {path.name for path in (ROOT / "docs").glob("pool-*.svg")})
        for name in shown:
            picture = ElementTree.parse(ROOT / "docs" / name).getroot()
            words = [element.text or "" for element in picture.iter() if element.text]
            self.assertTrue(any(f"Python {name[5:9]}" in text for text in words), name)
            for case in plot.run.TARGETS:
                self.assertIn(case, words)


if __name__ == "__main__":
    unittest.main()
