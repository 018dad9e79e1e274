"""What holds for every file of the tree, and that the documented commands are there."""

import configparser
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

__all__ = ["Documents", "Layering", "NothingOfTheMachine", "SetUp", "Shape"]

ROOT = pathlib.Path(__file__).resolve().parents[2]
C_SUFFIXES = {".c", ".h", ".cc", ".cpp", ".def"}
BANNED = re.compile(r"\b(v?sprintf|strcpy|strcat|strtok|atoi|gets)\s*\(")
LONGEST_FILE = 800
LONGEST_README = 15
REFERENCE_READMES = {"rules"}  # it is the reference of a format, not a signpost


def tree_files():
    """Paths of the files that are or would be committed."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        done = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "-z",
                               "--exclude-standard"],
                              cwd=ROOT, capture_output=True, text=True, check=True)
        names = [name for name in done.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                 if not {"build", ".git", "__pycache__"} & set(path.relative_to(ROOT).parts)]
    return [path for path in map(pathlib.Path, names) if (ROOT / path).is_file()]


def text_of(path):
    """The file's text, or None for a binary file."""
    content = (ROOT / path).read_bytes()
    return None if b"\0" in content else content.decode("utf-8", errors="replace")


def code_only(text):
    """C text with comments and literals blanked, line numbers kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda match: "\n" * match[0].count("\n") or " ", text)


def lines_matching(pattern, text):
    return [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def registry_hosts():
    """Hosts of the registries this machine is set up for, and the public ones."""
    hosts = {".".join(parts) for parts in (("deb", "debian", "org"), ("pypi", "org"),
                                           ("files", "pythonhosted", "org"),
                                           ("registry", "npmjs", "org"))}
    for command in (["apt-get", "indextargets", "--format", "$(SITE)"],
                    ["npm", "config", "get", "registry"],
                    ["pip", "config", "get", "global.index-url"]):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL)
            hosts.update(re.findall(r"://(?:[^/@\s]*@)?([^/:\s]+)", done.stdout))
    return hosts


class NothingOfTheMachine(unittest.TestCase):
    """No file may depend on, or tell of, the machine it was written on."""

    def assert_nowhere(self, pattern, what, allowed=()):
        places = []
        for path in tree_files():
            text = None if str(path) in allowed else text_of(path)
            if text:
                places += [f"{path}:{number}" for number in lines_matching(pattern, text)]
        self.assertEqual(places, [], what)

    def test_no_registry_host(self):
        names = "|".join(re.escape(host) for host in sorted(registry_hosts()))
        self.assert_nowhere(re.compile(rf"(?<![\w.-])({names})\b"), "a registry host is named")

    def test_no_machine_path(self):
        self.assert_nowhere(re.compile(r"(^|[^a-z.])/(?:work|root|farm)" + "/"),
                            "a path of one machine is named")

    def test_private_apt_configuration_is_never_exported(self):
        # One function hands it to one command. Exported, it would make a plain install believe
        # that nothing is installed and replace the machine's C library.
        setting = re.compile(r"APT_CONFIG['\"]?\]?\s*=")
        self.assert_nowhere(setting, "APT_CONFIG is set",
                            allowed=("tools/lib/pythons_apt.py",))
        text = text_of("tools/lib/pythons_apt.py")
        for number in lines_matching(setting, text):
            line = text.splitlines()[number - 1].strip()
            self.assertTrue(line.startswith("environment = dict(os.environ, "), line)


class Layering(unittest.TestCase):
    """Foreign headers stay inside the front-end that wraps them."""

    def assert_only_in(self, header, folder):
        include = re.compile(r'^\s*#\s*include\s*[<"](?:' + header + ")")
        strays = [f"{path}:{number}" for path in tree_files()
                  if path.suffix in C_SUFFIXES and path.parts[0] == "checker"
                  and not str(path).startswith(folder + "/")
                  for number in lines_matching(include, text_of(path) or "")]
        self.assertEqual(strays, [])

    def test_only_source_includes_libclang(self):
        self.assert_only_in("clang-c/", "checker/source")

    def test_only_elf_includes_libelf(self):
        self.assert_only_in("libelf|gelf|elfutils/", "checker/elf")

    def test_shim_and_pool_know_nothing_of_the_checker(self):
        include = re.compile(r'^\s*#\s*include\s*"(?:\.\./)*checker/')
        strays = [str(path) for path in tree_files()
                  if path.suffix in C_SUFFIXES and path.parts[0] in ("shim", "pool")
                  and lines_matching(include, text_of(path) or "")]
        self.assertEqual(strays, [])

    def test_no_banned_function(self):
        calls = []
        for path in tree_files():
            if path.suffix in C_SUFFIXES and path.parts[0] in ("checker", "shim", "pool", "bench"):
                code = code_only(text_of(path) or "")
                calls += [f"{path}:{number}" for number in lines_matching(BANNED, code)]
        self.assertEqual(calls, [])

    def test_the_search_for_banned_functions_sees_them(self):
        code = code_only('snprintf(a); /* gets(b) */ x = "atoi(c)";\nstrcpy (d, e); vsprintf(f);')
        self.assertEqual(lines_matching(BANNED, code), [2])
        self.assertEqual(BANNED.findall(code), ["strcpy", "vsprintf"])


class Shape(unittest.TestCase):
    """Sizes and the README of every folder."""

    def test_no_file_is_too_long(self):
        long = [str(path) for path in tree_files() if path.suffix in C_SUFFIXES | {".py", ".sh"}
                and (text_of(path) or "").count("\n") > LONGEST_FILE]
        self.assertEqual(long, [])

    def test_every_folder_says_what_it_is(self):
        folders = {path.parts[0] for path in tree_files() if len(path.parts) > 1}
        folders |= {"checker/" + path.parts[1] for path in tree_files()
                    if path.parts[0] == "checker" and len(path.parts) > 2}
        for folder in sorted(name for name in folders if not name.startswith(".")):
            with self.subTest(folder=folder):
                readme = ROOT / folder / "README.md"
                self.assertTrue(readme.is_file(), f"{folder}/README.md is missing")
                length = readme.read_text(encoding="utf-8").count("\n")
                self.assertGreater(length, 1)
                if folder not in REFERENCE_READMES:
                    self.assertLessEqual(length, LONGEST_README)

    def test_no_trailing_blanks_and_no_tabs_in_c(self):
        bad = []
        for path in tree_files():
            text = text_of(path) if path.suffix in {".c", ".h", ".def"} else None
            if text and path.parts[0] in ("checker", "shim", "pool"):
                bad += [f"{path}:{number}" for number in lines_matching(
                    re.compile(r"\t|[ \t]$|^.{101}"), text)]
        self.assertEqual(bad, [])


class Documents(unittest.TestCase):
    """What pages point at is there."""

    def pages(self):
        return [path for path in tree_files() if path.suffix == ".md"]

    def test_links_lead_somewhere(self):
        link = re.compile(r"\]\((?!https?://)([^)#\s]+)")
        dead = [f"{path}: {target}" for path in self.pages()
                for target in link.findall(text_of(path))
                if not (ROOT / path.parent / target).exists()]
        self.assertEqual(dead, [])

    def test_rules_that_are_named_exist(self):
        """By family code, so that other words with digits (PEP 703, UTF8) are left alone."""
        rules = {path.stem.split("-")[0] for path in (ROOT / "rules").glob("*/*.md")}
        families = "|".join(sorted({re.match("[A-Z]+", rule)[0] for rule in rules}))
        named = re.compile(rf"\b(?:{families}|REG)[0-9]{{2}}\b")
        unknown = [f"{path}: {rule}" for path in self.pages()
                   if path.parts[0] == "docs" or len(path.parts) == 1
                   for rule in named.findall(text_of(path)) if rule not in rules]
        self.assertEqual(unknown, [])


class SetUp(unittest.TestCase):
    """The commands that documents name, and the files that must agree with each other."""

    def test_readme_commands_can_be_run(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        named = set(re.findall(r"(?<![\w/.])\./([\w./-]*\w)", text))
        named |= set(re.findall(r"(?<![\w/.])((?:tools|bench)/[\w/-]+)(?=[\s`])", text))
        self.assertLessEqual({"quickstart", "run-tests"}, named)
        for name in sorted(named):
            path = ROOT / name
            # Build results and folders are no commands of the tree.
            if name.startswith("build") or path.is_dir():
                continue
            with self.subTest(command=name):
                self.assertTrue(path.is_file(), f"{name} is not there")
                self.assertTrue(os.access(path, os.X_OK), f"{name} has no run bit")

    def test_ci_runs_the_documented_test_command(self):
        self.assertRegex((ROOT / ".ci/run").read_text(encoding="utf-8"), r"\./run-tests")
        self.assertTrue(os.access(ROOT / ".ci/run", os.X_OK))

    def test_scripts_parse(self):
        for path in tree_files():
            text = text_of(path) or ""
            if re.match(r"#!.*\b(bash|sh)\b", text) or path.suffix == ".sh":
                with self.subTest(script=str(path)):
                    done = subprocess.run(["bash", "-n", ROOT / path], capture_output=True,
                                          text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_wrong_argument_is_bad_usage(self):
        for name in ("quickstart", "run-tests"):
            with self.subTest(command=name):
                done = subprocess.run([ROOT / name, "--nonsense"], capture_output=True, text=True,
                                      check=False, timeout=20)
                self.assertEqual(done.returncode, 2)
                self.assertIn("--nonsense", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_presets(self):
        presets = json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))
        wanted = {"dev", "release", "asan", "ubsan", "tsan"}
        for kind in ("configurePresets", "buildPresets", "testPresets"):
            names = {item["name"] for item in presets[kind] if not item.get("hidden")}
            self.assertLessEqual(wanted, names, kind)

    def test_editors_and_formatter_agree(self):
        style = dict(re.findall(r"^(\w+): (\w+)$",
                                (ROOT / ".clang-format").read_text(encoding="utf-8"), re.M))
        parser = configparser.ConfigParser()
        parser.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
        self.assertEqual(parser["*"]["indent_size"], style["IndentWidth"])
        self.assertEqual(parser["*"]["max_line_length"], style["ColumnLimit"])
        self.assertEqual(parser["*"]["indent_style"], "space")
        self.assertEqual(style["UseTab"], "Never")

    def test_formatter_takes_its_settings(self):
        program = shutil.which("clang-format-14") or shutil.which("clang-format")
        if not program:
            self.skipTest("clang-format is not installed")
        done = subprocess.run([program, "--style=file", "--assume-filename=x.c"], cwd=ROOT,
                              input="int\nf(void)\n{\n    return 0;\n}\n", text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.stderr, done.stdout), ("", "int\nf(void)\n{\n    return 0;\n}\n"))

    def test_checker_is_formatted(self):
        program = shutil.which("clang-format-14")
        if not program:
            self.skipTest("clang-format-14 is not installed")
        files = [str(path) for path in tree_files()
                 if path.parts[0] == "checker" and path.suffix in (".c", ".h")]
        done = subprocess.run([program, "--dry-run", *files], cwd=ROOT, capture_output=True,
                              text=True, check=False)
        wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning: code should be", done.stderr,
                                      re.M)))
        self.assertEqual((done.returncode, wrong), (0, []), f"{program} -i mends these")

    def test_missing_packages_without_root_name_the_command(self):
        script = ('. tools/lib/common.sh; id() { echo 1000; }; '
                  'package_installed() { [ "$1" = here ]; }; '
                  'command() { [ "$2" != sudo ]; }; '
                  'need_packages here "other|here" "first|second" third')
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2)
        self.assertIn("apt-get install -y --no-install-recommends first third\n", done.stderr)

    def test_nothing_is_installed_when_all_is_there(self):
        script = ('. tools/lib/common.sh; package_installed() { true; }; '
                  'apt_get() { echo apt-get was called; }; need_packages one "two|three"')
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
