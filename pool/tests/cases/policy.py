"""The policy: what passes, what is refused with which words, and that no way of importing is past
it. The modules come from test_pool_policy.py."""

import contextlib
import glob
import hashlib
import importlib.machinery
import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import unittest
import warnings
from unittest import mock

import extpool
from extpool import InterpreterPool, _notes, _policy, _verdicts

MODULES = pathlib.Path(os.environ["POLICY_MODULES"])
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
FLAVOUR = "free-threaded" if FREE_THREADED else "gil"
PAYLOAD = 3000


# ---- what workers do; they find these by the name of this file ----

def load(path, name="spam"):
    import importlib.util
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.answer() if hasattr(module, "answer") else module.__name__


def load_by(way, folder, path):
    """Imports spam in one of the ways there are."""
    import importlib
    import importlib.machinery
    import importlib.util
    sys.path.insert(0, folder)
    try:
        if way == "statement":
            import spam
            return spam.answer()
        if way == "import_module":
            return importlib.import_module("spam").answer()
        if way == "__import__":
            return __import__("spam").answer()
        if way == "finder":
            spec = importlib.machinery.PathFinder.find_spec("spam", [folder])
            return spec.loader.create_module(spec).__name__
        if way == "loader":  # what imp.load_dynamic() did
            loader = importlib.machinery.ExtensionFileLoader("spam", path)
            spec = importlib.machinery.ModuleSpec("spam", loader, origin=path)
            return importlib._bootstrap._load(spec).answer()
        if way == "load_module":
            return importlib.machinery.ExtensionFileLoader("spam", path).load_module().answer()
        if way == "own finder":
            class Finder:
                def find_spec(self, name, path=None, target=None):
                    if name == "spam":
                        return importlib.util.spec_from_file_location(name, path_of)
            path_of = path
            sys.meta_path.insert(0, Finder())
            try:
                return importlib.import_module("spam").answer()
            finally:
                del sys.meta_path[0]
        import _imp
        spec = importlib.util.spec_from_file_location("spam", path)
        return _imp.create_dynamic(spec).__name__
    finally:
        sys.path.remove(folder)
        sys.modules.pop("spam", None)


WAYS = ["statement", "import_module", "__import__", "finder", "loader", "own finder", "_imp"]
if hasattr(importlib.machinery.ExtensionFileLoader, "load_module"):
    WAYS.append("load_module")


def import_package(folder, name):
    import importlib
    sys.path.insert(0, folder)
    return importlib.import_module(name).KIND


def reimport_own():
    import importlib
    del sys.modules["extpool._pool"]
    return importlib.import_module("extpool._pool").in_worker()


def standard():
    import _json
    import _socket
    return _json.__name__, _socket.__name__


# ---- notes and modules of the tests ----

def entry(verdict, **more):
    return {"verdict": verdict, "reason": "1 blocker", "rule": "GLB07", "file": "src/spam.c",
            "line": 12, **more}


def note(own="ready", threaded="ready", module="spam", **more):
    content = {"format": 1, "module": module, "checker": "0.1.0", "rules": "1",
               "flavour": FLAVOUR, "abi": "x", "python": "3.14", "override": [], "sources": [],
               "verdicts": {"own-gil": entry(own), "free-threaded": entry(threaded)}}
    content.update(more)
    return content


def seal(content):
    """The object as text that begins with its checksum."""
    text = '{"checksum":"' + "0" * 64 + '",' + json.dumps(content)[1:]
    return with_checksum(text.encode())


def with_checksum(data):
    return data[:13] + hashlib.sha256(data).hexdigest().encode() + data[77:]


def payload(content):
    data = content if isinstance(content, bytes) else seal(content)
    return with_checksum(data[:13] + b"0" * 64 + data[77:].ljust(PAYLOAD - 77))


class PolicyCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="extpool-policy-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.count = 0

    def file(self, data, name="spam"):
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        path = folder / (name + SUFFIX)
        path.write_bytes(data)
        return str(path)

    def noted(self, spam=None, other=None, name="spam"):
        """A binary with two modules and these notes; bytes are taken as they are."""
        data = (MODULES / f"noted{SUFFIX}").read_bytes()
        for module, content in (("spam", spam), ("other", other)):
            if content is not None:
                at = data.index(b"NOTE OF " + module.encode())
                text = content if isinstance(content, bytes) else payload(content)
                self.assertEqual(len(text), PAYLOAD)
                data = data[:at] + text + data[at + PAYLOAD:]
        return self.file(data, name)

    def plain(self, name="spam"):
        return self.file((MODULES / f"plain{SUFFIX}").read_bytes(), name)

    def in_pool(self, function, *args, workers=1, **how):
        with InterpreterPool(workers, **how) as pool:
            future = pool.submit(function, *args)
            error = future.exception(60)
            decisions = pool.decisions()
            if error is not None:
                return error, decisions
            return future.result(), decisions

    def refused(self, path, *words, name="spam", **how):
        error, decisions = self.in_pool(load, path, name, **how)
        self.assertIsInstance(error, ImportError, error)
        for word in words:
            self.assertIn(word, str(error))
        self.assertEqual((error.name, error.path), (name, path))
        self.assertEqual([(one.outcome, one.path) for one in decisions], [("refused", path)])
        return str(error)

    def passes(self, path, outcome="passed", name="spam", **how):
        result, decisions = self.in_pool(load, path, name, **how)
        self.assertEqual(result, 42)
        self.assertEqual([one.outcome for one in decisions], [outcome])
        return decisions[0]


class Built(PolicyCase):
    """Modules as the gate leaves them."""

    def test_a_good_module(self):
        path = str(MODULES / f"shim_cache_good{SUFFIX}")
        result, (decision,) = self.in_pool(load, path, "shim_cache_good")
        self.assertEqual(result, "shim_cache_good")
        self.assertEqual((decision.outcome, decision.verdict, decision.module),
                         ("passed", "ready", "shim_cache_good"))

    def test_a_bad_module_built_with_every_switch(self):
        path = str(MODULES / f"shim_cache_bad{SUFFIX}")
        text = self.refused(path, "'shim_cache_bad' is not-ready for own-gil: GLB07 ",
                            "shim_cache_bad.c:15", f"See `extcheck {path}`",
                            "UNSAFE_EXTCHECK_BUILD_OWN_GIL=1", "UNSAFE_EXTPOOL_LOAD=1",
                            name="shim_cache_bad")
        self.assertTrue(text.startswith("extpool: "), text)
        result, _ = self.in_pool(load, path, "shim_cache_bad", policy="declared")
        self.assertEqual(result, "shim_cache_bad")

    def test_stripped(self):
        path = self.noted(note())
        stripped = self.file(b"")
        subprocess.run(["strip", "-o", stripped, path], check=True)
        self.passes(stripped)
        subprocess.run(["objcopy", "--remove-section", ".note.extcheck", path], check=True)
        self.refused(path, "has no note of extcheck")

    def test_without_a_section_table(self):
        data = bytearray(pathlib.Path(self.noted(note())).read_bytes())
        data[0x28:0x30] = bytes(8)  # e_shoff
        data[0x3c:0x40] = bytes(4)  # e_shnum, e_shstrndx
        self.passes(self.file(bytes(data)))

    def test_rows_of_the_checker(self):
        path = str(MODULES / "rows" / f"spam{SUFFIX}")
        self.refused(path, "has no note of extcheck", "extcheck --write-verdict")
        decision = self.passes(path, verdicts=MODULES / "rows.json")
        self.assertIn("rows.json", decision.text)
        moved = self.file(pathlib.Path(path).read_bytes())
        self.passes(moved, verdicts=str(MODULES / "rows.json"))
        with open(moved, "ab") as file:
            file.write(b"\n")
        self.refused(moved, "has changed since", "rows.json", verdicts=[MODULES / "rows.json"])


class Notes(PolicyCase):
    def test_verdicts(self):
        both = [("ready", "ready", "passed"), ("not-ready", "ready", "refused"),
                ("unknown", "ready", "refused"), ("runs-with-gil", "ready", "refused")]
        for own, threaded, outcome in both:
            self.expect(own, threaded, outcome, "own-gil")
        for threaded in ("not-ready", "unknown", "nonsense"):
            self.expect("ready", threaded, "refused" if FREE_THREADED else "passed",
                        "free-threaded")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CPython's own, about the GIL
            self.passes(self.noted(note("ready", "runs-with-gil")))

    def expect(self, own, threaded, outcome, target):
        with self.subTest(own=own, threaded=threaded):
            path = self.noted(note(own, threaded))
            if outcome == "passed":
                return self.passes(path)
            verdict = own if target == "own-gil" else threaded
            self.refused(path, f"'spam' is {verdict} for {target}: GLB07 src/spam.c:12 "
                               "(1 blocker)", f"extcheck {path}")

    def test_no_note(self):
        path = self.plain()
        self.refused(path, f"'spam' was not checked: {path} has no note of extcheck",
                     f"`extcheck --write-verdict verdicts.json {path} SOURCES...`",
                     'policy="declared"', "UNSAFE_EXTPOOL_LOAD=1")
        self.assertEqual(self.in_pool(load, path, policy="declared"), (42, []))

    def test_damage(self):
        good = payload(note())
        for wrong, text in ((good.replace(b'"ready"', b'"READY"', 1), "checksum does not hold"),
                            (payload(good.replace(b'"format"', b'"formal"')), "format None"),
                            (payload(b'{"checksum":"' + b"0" * 64 + b'",]}'), "it is no JSON"),
                            (payload(b'{"checksum":"' + b"0" * 64 + b'","a":' + b"[" * 2800),
                             "it is no JSON"),
                            (payload({**note(), "module": 5}), "names no module")):
            with self.subTest(text=text):
                self.refused(self.noted(wrong, payload(note(module="eggs"))), "about 'eggs'")
                self.refused(self.noted(wrong), "is damaged: ")
                notes, said = _notes.read(self.noted(wrong, payload(note())))
                self.assertEqual([one["module"] for one in notes], ["spam"])
                self.assertIn(text, said)

    def test_odd_verdicts_are_refused(self):
        for verdicts in (None, [], {}, {"own-gil": "ready"}, {"own-gil": {"verdict": ["ready"]}},
                         {"own-gil": {"verdict": None}}):
            with self.subTest(verdicts=verdicts):
                self.refused(self.noted(note(verdicts=verdicts)), "'spam'")

    def test_control_characters_do_not_reach_a_terminal(self):
        hostile = entry("not-ready", reason="\x1b[2J\nx\x1f\u202e", rule="A\x00B", line="\x07")
        text = self.refused(self.noted(note(verdicts={"own-gil": hostile})))
        self.assertTrue(text.isprintable(), repr(text))

    def test_of_whom_it_speaks(self):
        two = self.noted(note("ready"), note("not-ready", module="other"))
        self.passes(two)
        self.refused(two, "'other' is not-ready", name="other")
        self.refused(self.noted(note(module="eggs"), note(module="ham")),
                     "are about 'eggs', 'ham'")
        self.passes(self.noted(note(module="pkg.spam")))
        self.passes(self.noted(note(module="spam"), note("not-ready", module="pkg.spam")))
        self.refused(self.noted(note(), note("not-ready")), "'spam' is not-ready")

    def test_of_another_build(self):
        other = "gil" if FREE_THREADED else "free-threaded"
        self.refused(self.noted(note(flavour=other)), "another kind of Python", repr(other))
        self.passes(self.noted(note(flavour=other, abi="abi3t")))

    def test_hostile_files(self):
        whole = pathlib.Path(self.noted(note())).read_bytes()
        target = self.folder / "cut"
        at = whole.index(b'{"checksum"')
        cuts = [*range(0, 70), 300, 500, at - 12, at - 1, at, at + 1, at + PAYLOAD - 1]
        for cut in cuts:
            target.write_bytes(whole[:cut])
            self.assertEqual(_notes.read(target)[0], [])
        for place in [*range(4, 64), *range(64, 64 + 56 * 8, 3), at - 24, at - 20, at - 16]:
            for value in (0, 1, 0x7f, 0xff):
                broken = bytearray(whole)
                broken[place] = value
                target.write_bytes(broken)
                notes, wrong = _notes.read(target)
                self.assertTrue(wrong is None or isinstance(wrong, str))
                self.assertLessEqual(len(notes), 1)
        self.refused(self.file(whole[:at + 10]), "'spam' was not checked")
        self.refused(self.file(b""), "has no note of extcheck")


class Rows(PolicyCase):
    def verdicts(self, *rows, **more):
        path = self.folder / "v.json"
        content = {"kind": "extcheck-verdict", "format": 1, "modules": [], "binaries": list(rows)}
        content.update(more)
        path.write_bytes(seal(content))
        return path

    def row(self, path, own="ready", module="spam", **more):
        data = pathlib.Path(path).read_bytes()
        return {"path": "*/" + os.path.basename(path), "module": module, "from": "sources",
                "sha256": hashlib.sha256(data).hexdigest(),
                "verdicts": {"own-gil": entry(own), "free-threaded": entry("ready")}, **more}

    def test_rows_decide(self):
        path = self.plain()
        self.passes(path, verdicts=self.verdicts(self.row(path)))
        self.refused(path, "not-ready for own-gil: GLB07 src/spam.c:12", "`extcheck explain GLB07`",
                     "v.json", verdicts=self.verdicts(self.row(path, "not-ready")))
        self.refused(path, "is unknown", verdicts=self.verdicts(self.row(path, "unknown")))
        self.refused(path, "no row for it",
                     verdicts=self.verdicts(self.row(path, module="other")))
        self.passes(path, verdicts=self.verdicts(self.row(path, module="pkg.spam")))

    def test_a_row_is_the_later_word(self):
        bad = self.noted(note("not-ready"))
        self.passes(bad, verdicts=self.verdicts(self.row(bad)))
        good = self.noted(note())
        self.refused(good, "not-ready", verdicts=self.verdicts(self.row(good, "not-ready")))
        self.passes(good, verdicts=self.verdicts(self.row(bad, "not-ready")))

    def test_files_that_are_none(self):
        path = self.plain()
        with self.assertRaises(FileNotFoundError):
            InterpreterPool(1, verdicts=self.folder / "none.json")
        kept = self.verdicts(self.row(path, "not-ready"))
        edited = kept.read_bytes().replace(b"not-ready", b"ready")
        contents = [(edited, "checksum"), (b"", "checksum"), (b"{}", "checksum")]
        contents += [(self.verdicts(*rows, **more).read_bytes(), text) for rows, more, text in (
            ((), {}, "no row"), ((5,), {"kind": "x"}, "format"), ((5,), {"format": 2}, "format"),
            (({"path": "x"},), {}, "without path, module or sha256"),
            ((5,), {}, "without path, module or sha256"))]
        for content, text in contents:
            kept.write_bytes(content)
            with self.assertRaisesRegex(ValueError, text):
                InterpreterPool(1, verdicts=kept)
        with self.assertRaisesRegex(ValueError, "policy"):
            InterpreterPool(1, policy="declared", verdicts=kept)


class Ways(PolicyCase):
    def test_no_way_around(self):
        path = self.plain()
        for way in WAYS:
            with self.subTest(way=way):
                error, _ = self.in_pool(load_by, way, os.path.dirname(path), path)
                self.assertIsInstance(error, ImportError)
                self.assertIn("was not checked", str(error))

    def test_every_way_goes_through(self):
        path = self.noted(note())
        for way in WAYS:
            with self.subTest(way=way):
                result, decisions = self.in_pool(load_by, way, os.path.dirname(path), path)
                self.assertIn(result, (42, "spam"))
                self.assertEqual([one.outcome for one in decisions], ["passed"])

    def test_imported_elsewhere_before(self):
        path = self.plain()
        self.assertEqual(load(path), 42)
        self.assertEqual(self.in_pool(load, path, policy="declared")[0], 42)
        self.refused(path, "was not checked")

    def test_what_cannot_be_read_is_refused_and_not_remembered(self):
        folder = str(self.folder / ("spam" + SUFFIX))
        os.mkdir(folder)
        error, decisions = self.in_pool(load, folder)
        self.assertIsInstance(error, ImportError)
        self.assertIn("'spam' was not checked: IsADirectoryError", str(error))
        self.assertEqual(decisions, [])

    def test_links_are_followed(self):
        path = self.noted(note("not-ready"))
        link = self.folder / ("spam" + SUFFIX)
        link.symlink_to(path)
        self.refused(str(link), "not-ready")

    def test_a_file_that_changes_is_judged_again(self):
        path = self.noted(note())
        with InterpreterPool(1) as pool:
            self.assertEqual(pool.submit(load, path).result(60), 42)
            # A new file: the old one is mapped.
            os.replace(self.noted(note("not-ready")), path)
            self.assertIsInstance(pool.submit(load, path).exception(60), ImportError)
            self.assertEqual([one.outcome for one in pool.decisions()], ["passed", "refused"])

    def test_the_standard_library(self):
        result, decisions = self.in_pool(standard)
        self.assertEqual((result, decisions), (("_json", "_socket"), []))
        self.assertTrue(self.in_pool(reimport_own)[0] in (True, False))

    def test_what_the_standard_library_is(self):
        library = os.path.realpath(os.path.dirname(os.__file__))
        own = glob.glob(os.path.join(library, "lib-dynload", "*" + SUFFIX))
        self.assertTrue(own)
        for path in own[:5]:
            self.assertTrue(_policy.is_standard(os.path.realpath(path)))
        for path in ("site-packages/a/spam", "dist-packages/spam", "../python3/dist-packages/spam",
                     "../site-packages/spam"):
            path = os.path.normpath(os.path.join(library, path + SUFFIX))
            self.assertFalse(_policy.is_standard(path), path)
        self.assertFalse(_policy.is_standard(library + "-evil/lib-dynload/spam" + SUFFIX))

    def test_what_the_interpreter_began_with(self):
        path = self.plain()
        script = ("import extpool\n"
                  "pool = extpool.InterpreterPool(1)\n"
                  "error = pool.submit(pow, 2, 3).exception(60)\n"
                  "print(type(error).__name__, error)\n"
                  "pool.shutdown()\n")
        (self.folder / "sitecustomize.py").write_text(
            f"import sys\nsys.path.append({os.path.dirname(path)!r})\nimport spam\n")
        env = dict(os.environ)
        env["PYTHONPATH"] = os.pathsep.join([str(self.folder), env["PYTHONPATH"]])
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertIn("BrokenInterpreterPool", done.stdout, done.stderr)
        self.assertIn("'spam' was not checked", done.stdout)


class Packages(PolicyCase):
    def package(self, init):
        name = "numlike"
        folder = self.folder / "site" / name / "_core"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text(init, encoding="utf-8")
        (folder / "__init__.py").touch()
        shutil.copyfile(MODULES / f"plain{SUFFIX}", folder / f"spam{SUFFIX}")
        return str(self.folder / "site"), name

    def imported(self, init):
        """(result or error, decisions, warnings of the pool) of a package with that __init__."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with mock.patch.dict(_verdicts._told, clear=True):
                found = self.in_pool(import_package, *self.package(init))
        return *found, [str(one.message) for one in caught if "extpool" in str(one.message)]

    def test_a_package_without_a_note(self):
        error, decisions, said = self.imported("from ._core import spam\nKIND = 'C'\n")
        self.assertIsInstance(error, ImportError)
        self.assertEqual(error.name, "numlike._core.spam")
        self.assertIn("'numlike._core.spam' was not checked", str(error))
        self.assertIn("extcheck --write-verdict", str(error))
        self.assertEqual(decisions[0].outcome, "refused")
        self.assertEqual(said, [])

    def test_a_package_that_can_do_without(self):
        result, decisions, said = self.imported(
            "try:\n    from ._core import spam\n    KIND = 'C'\n"
            "except ImportError:\n    KIND = 'Python'\n")
        self.assertEqual(result, "Python")
        self.assertEqual(decisions[0].outcome, "refused")
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], "'numlike' goes on without 'numlike._core.spam' in workers.*"
                                  "was not checked.*extcheck --write-verdict")

    def test_a_package_that_says_it_in_its_own_words(self):
        error, _, said = self.imported(
            "try:\n    from ._core import spam\nexcept ImportError as error:\n"
            "    raise ImportError('numlike is broken') from error\n")
        self.assertEqual(str(error), "numlike is broken")
        self.assertEqual(said, [])


class Telling(PolicyCase):
    def test_warnings_are_given_once_in_the_program(self):
        path = self.noted(note("ready-with-warnings"))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for _ in range(2):
                with InterpreterPool(2) as pool:
                    self.assertEqual(list(pool.map(load, [path] * 8)), [42] * 8)
                    (decision,) = pool.decisions()
        self.assertEqual((decision.outcome, decision.verdict), ("warned", "ready-with-warnings"))
        mine = [one for one in caught if "extpool" in str(one.message)]
        self.assertEqual(len(mine), 1, [str(one.message) for one in mine])
        self.assertIs(mine[0].category, RuntimeWarning)
        self.assertIn("'spam' is ready-with-warnings for own-gil: GLB07 src/spam.c:12",
                      str(mine[0].message))

    @contextlib.contextmanager
    def switched(self, value):
        """Sets the switch and gives back what arrives on the process's stderr."""
        out = self.folder / "stderr"
        said = []
        with mock.patch.dict(os.environ, {"UNSAFE_EXTPOOL_LOAD": value}), open(out, "wb") as file:
            kept = os.dup(2)
            os.dup2(file.fileno(), 2)
            try:
                yield said
            finally:
                os.dup2(kept, 2)
                os.close(kept)
        said += out.read_text(encoding="utf-8").splitlines()

    def test_the_switch(self):
        path = self.noted(note("not-ready"))
        with self.switched("1") as said:
            with InterpreterPool(2) as pool:
                self.assertEqual(list(pool.map(load, [path] * 8)), [42] * 8)
                (decision,) = pool.decisions()
        self.assertEqual((decision.outcome, decision.verdict), ("unsafe", "not-ready"))
        self.assertEqual(len(said), 1, said)
        self.assertIn("UNSAFE_EXTPOOL_LOAD=1 asks CPython to load this all the same", said[0])
        self.assertIn("'spam' is not-ready for own-gil: GLB07 src/spam.c:12", said[0])

    def test_the_switch_is_exactly_1(self):
        path = self.plain()
        for value in ("", "0", "01", "yes", "1 "):
            with self.switched(value) as said:
                self.refused(path, "was not checked")
            self.assertEqual(said, [])
        with self.switched("1") as said:
            self.passes(self.noted(note()))
        self.assertEqual(said, [])

    def test_accepts_says_nothing(self):
        path = self.noted(note("not-ready"))
        with InterpreterPool(1) as pool:
            self.assertEqual(pool.submit(ask, path).result(60), (False, True))
            self.assertEqual(pool.decisions(), [])


def ask(path):
    from extpool import _policy
    own = os.path.realpath(sys.modules["extpool._pool"].__file__)
    return _policy.accepts("spam", path), _policy.accepts("extpool._pool", own)


if __name__ == "__main__":
    unittest.main()
