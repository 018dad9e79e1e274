"""docs/facts.md names every kind of fact and every field that kinds.def declares."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class FactsPage(unittest.TestCase):
    def setUp(self):
        text = (ROOT / "checker" / "facts" / "kinds.def").read_text(encoding="utf-8")
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S).replace("\\\n", " ")
        self.kinds = {name: re.findall(r"\b[RSN]\((\w+)\)", fields)
                      for name, fields in re.findall(r"#define FIELDS_(\w+)\(R, S, N\)(.*)", text)}
        page = (ROOT / "docs" / "facts.md").read_text(encoding="utf-8")
        parts = re.split(r"^### (\w+)$", page, flags=re.M)
        self.sections = dict(zip(parts[1::2], parts[2::2]))

    def test_kinds_were_read(self):
        self.assertIn("variable", self.kinds)
        self.assertIn("locked", self.kinds["variable"])

    def test_every_kind_has_a_section(self):
        self.assertEqual(set(self.kinds) - set(self.sections), set())

    def test_every_field_is_named(self):
        missing = [f"{kind}.{field}" for kind, fields in self.kinds.items() for field in fields
                   if not re.search(rf"\b{field}\b", self.sections.get(kind, ""))]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
