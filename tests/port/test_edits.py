"""Tests of edits.py on sources made up here; nothing is fetched."""

import pathlib
import tempfile
import unittest

import edits

SOURCE = """static PyTypeObject Base_Type;
static PyTypeObject Item_Type = {
    PyVarObject_HEAD_INIT(&Meta_Type, 0)
    .tp_base = &Base_Type,
};

static PyTypeObject Base_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
};

#define Item_Check(o) (Py_TYPE(o) == &Item_Type)

int init(void)
{
    cache = NULL;
    if (PyType_Ready(&Item_Type) < 0 || PyType_Ready(&Base_Type) < 0) return -1;
    make(&Item_Type, Item_Type.tp_alloc(&Item_Type, 0), &Item_TypeOther);
    return 0;
}
"""
LIST = """# comment
file a.c
types Item_Type Base_Type

text 1 the cache
<     cache = NULL;
>     if (start() < 0)
>         return -1;
"""


class Apply(unittest.TestCase):
    def apply(self, text, source=SOURCE):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "a.c").write_text(source, encoding="utf-8")
            (root / "list.txt").write_text(text, encoding="utf-8")
            counts = edits.apply(edits.read(root / "list.txt"), root)
            return counts, (root / "a.c").read_text(encoding="utf-8")

    def test_types(self):
        counts, text = self.apply(LIST)
        self.assertEqual(counts, {"manual": 1, "declared": 2, "used": 6})
        self.assertIn("static PyTypeObject Base_Type;\nEXTSHIM_STATIC_TYPE(Base_Type)\n", text)
        self.assertIn("};\nEXTSHIM_STATIC_TYPE(Item_Type)\n", text)
        self.assertIn(".tp_base = &Base_Type,", text)
        self.assertIn("HEAD_INIT(&Meta_Type, 0)", text)
        self.assertIn("(Py_TYPE(o) == ExtShim_TYPE(Item_Type))", text)
        self.assertIn("ExtShim_READY(Item_Type) < 0 || ExtShim_READY(Base_Type) < 0", text)
        self.assertIn("make(ExtShim_TYPE(Item_Type), ExtShim_TYPE(Item_Type)->tp_alloc("
                      "ExtShim_TYPE(Item_Type), 0), &Item_TypeOther)", text)
        self.assertIn("    if (start() < 0)\n        return -1;\n", text)

    def test_a_type_that_another_file_declares(self):
        counts, text = self.apply("file a.c\nuses Item_Type\n")
        self.assertEqual(counts, {"manual": 0, "declared": 0, "used": 5})
        self.assertNotIn("EXTSHIM_STATIC_TYPE", text)
        self.assertIn("(Py_TYPE(o) == ExtShim_TYPE(Item_Type))", text)

    def test_wrong_count(self):
        with self.assertRaisesRegex(edits.EditError, "matches 1 times, not 2"):
            self.apply(LIST.replace("text 1", "text 2"))

    def test_unknown_type(self):
        with self.assertRaisesRegex(edits.EditError, "no definition of the static type Lost_Type"):
            self.apply(LIST.replace("types ", "types Lost_Type "))

    def test_bad_line(self):
        with self.assertRaisesRegex(edits.EditError, "not understood"):
            self.apply(LIST + "\nnonsense here\n")

    def test_regex(self):
        counts, text = self.apply("file a.c\nregex 2 no ready\n< PyType_Ready\\(&(\\w+)\\)\n> ready(\\1)\n")
        self.assertEqual(counts["manual"], 2)
        self.assertIn("ready(Item_Type) < 0 || ready(Base_Type) < 0", text)


if __name__ == "__main__":
    unittest.main()
