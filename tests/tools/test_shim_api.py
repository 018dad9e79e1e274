"""The checker's table about the shim is what tools/shim_api.py reads from the shim's headers."""

import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import shim_api  # noqa: E402


class Table(unittest.TestCase):
    def test_is_current(self):
        done = subprocess.run([sys.executable, str(ROOT / "tools" / "shim_api.py"), "--check"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_has_every_function(self):
        """Also those whose comment the tool could not read."""
        declared = set()
        for header in shim_api.HEADERS:
            text = (ROOT / "shim" / "include" / "extshim" / f"{header}.h").read_text()
            declared |= set(shim_api.FUNCTION.findall(text))
        rows = {line.split("\t")[0] for line in shim_api.table().splitlines()[2:]}
        self.assertGreater(len(declared), 20)
        self.assertEqual(declared - rows, set())

    def test_a_line_without_the_words_is_refused(self):
        with self.assertRaises(shim_api.Unclear):
            shim_api.thread_state("ExtShim_New", "whatever you like")

    def test_words(self):
        for text, state, runs in (
                ("needs an attached thread state; runs no Python code.", "attached", "no"),
                ("needs an attached thread state; may run Python code.", "attached", "yes"),
                ("any thread; needs no thread state, runs no Python code.", "any", "no"),
                ("needs an attached thread state; the first use may run Python code.", "attached",
                 "first-use")):
            self.assertEqual(shim_api.thread_state("x", text), state)
            self.assertEqual(shim_api.runs_python(text), runs)
        self.assertEqual(shim_api.result("borrowed from the block."), "borrowed")
        self.assertEqual(shim_api.result("none."), "-")


if __name__ == "__main__":
    unittest.main()
