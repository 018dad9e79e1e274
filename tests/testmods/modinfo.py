"""Reads what a test module says about itself: its header comment and its expect: markers."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "testmods"
KEYS = ("testmod", "purpose", "hazard", "python", "import-main", "import-twice",
        "import-subinterpreter", "exercise", "free-threaded", "notes")
# Written last, by modules that use the shim.
SHIM_KEY, SHIM_VALUE = "build", "with the shim"
SHIM = ROOT / "shim"
SHIM_CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1", "-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
CONTEXTS = ("main", "reload", "own-gil", "shared-gil", "free-threaded")
OUTCOME = re.compile(r'(ok|undefined|races|fails "([^"]+)")')
SHARED = re.compile(r'(.*), shared-gil (ok|undefined|fails "[^"]+")( on gil builds)?')
CONTEXT = re.compile(r"([a-z-]+)(?:\((gil|free-threaded|3\.\d+\+)\))?")
IDS = r" *((?:[A-Z]{3}\d{2})(?:[ ,]+[A-Z]{3}\d{2})*)"
MARKER = re.compile(r"(?<![-\w])expect:" + IDS)
TODO = re.compile(r"\btodo-expect:" + IDS)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


class HeaderError(Exception):
    pass


class Outcome:
    """One of ok, undefined, races, fails "text"; `gil_only` restricts it to builds with the GIL."""

    def __init__(self, text, gil_only=False):
        match = OUTCOME.fullmatch(text.strip())
        if not match:
            raise HeaderError(f"'{text}' is none of: ok, undefined, races, fails \"text\"")
        self.kind = text.split()[0]
        self.text = match.group(2) or ""
        self.gil_only = gil_only


class Context:
    """Where exercise.py must be run, with an optional restriction in parentheses."""

    def __init__(self, text):
        match = CONTEXT.fullmatch(text.strip())
        if not match or match.group(1) not in CONTEXTS:
            raise HeaderError(f"'{text.strip()}' is no exercise context ({', '.join(CONTEXTS)})")
        self.name, self.only = match.groups()

    def applies(self, python):
        if self.only in ("gil", "free-threaded") and self.only != python.build:
            return False
        if self.only and self.only.endswith("+"):
            return python.minor >= parse_version(self.only[:-1])
        return True


def parse_version(text):
    match = re.fullmatch(r"3\.(\d+)", text.strip())
    if not match:
        raise HeaderError(f"'{text}' is no Python version such as 3.12")
    return (3, int(match.group(1)))


class Testmod:
    """One half of a pair: testmods/<pair>_<half>/<pair>_<half>.c (or .cpp)."""

    def __init__(self, source):
        self.source = pathlib.Path(source)
        self.name = self.source.stem
        self.pair, _, self.half = self.name.rpartition("_")
        self.text = self.source.read_text(encoding="utf-8")
        self.keys = read_header(self.text)
        if self.keys["testmod"] != self.name or self.source.parent.name != self.name:
            raise HeaderError(f"testmod, file and folder names differ: {self.keys['testmod']}, "
                              f"{self.name}, {self.source.parent.name}")
        self.hazard = self.keys["hazard"]
        self.python = parse_version(self.keys["python"])
        self.main = Outcome(self.keys["import-main"])
        self.twice = Outcome(self.keys["import-twice"])
        self.own_gil, self.shared_gil = read_subinterpreter(self.keys["import-subinterpreter"])
        self.free_threaded = Outcome(self.keys["free-threaded"])
        self.uses_shim = SHIM_KEY in self.keys
        contexts, colon, self.exercise_text = self.keys["exercise"].partition(": ")
        if not colon:
            raise HeaderError("exercise needs '<contexts>: <what must be observed>'")
        self.contexts = [Context(part) for part in contexts.split(",")]
        promised = any(context.name == "free-threaded" for context in self.contexts)
        if promised and self.half == "bad" and self.free_threaded.kind != "fails":
            raise HeaderError("a free-threaded exercise needs 'free-threaded: fails \"text\"'")

    def flags(self):
        """What the module is compiled with besides the interpreter's own flags."""
        return ["-I" + str(SHIM / "include"), *SHIM_CLAIMS] if self.uses_shim else []

    def helpers(self):
        """Sources that are compiled into the module with its own."""
        return sorted((SHIM / "src").glob("*.c")) if self.uses_shim else []

    def exercise(self):
        return FOLDER / f"{self.pair}_bad" / "exercise.py"

    def markers(self):
        return read_markers(self.text, MARKER)

    def todo_markers(self):
        """Findings that are known to be missed; they must not appear unnoticed."""
        return read_markers(self.text, TODO)


def read_header(text):
    match = re.match(r"\s*/\*(.*?)\*/", text, re.S)
    if not match:
        raise HeaderError("the file does not open with a comment")
    keys = {}
    last = None
    for line in match.group(1).splitlines():
        line = line.strip().lstrip("*").rstrip()
        found = re.match(r" ?([a-z-]+): +(.*)", line)
        if found and found.group(1) in (*KEYS, SHIM_KEY):
            last = found.group(1)
            keys[last] = found.group(2).strip()
        elif line.strip() and last:
            keys[last] += " " + line.strip()
    if tuple(key for key in keys if key != SHIM_KEY) != KEYS or \
            (SHIM_KEY in keys and list(keys)[-1] != SHIM_KEY):
        raise HeaderError(f"the header keys are {', '.join(keys)}; wanted in this order: "
                          + ", ".join(KEYS) + f", and {SHIM_KEY} where the shim is used")
    if keys.get(SHIM_KEY, SHIM_VALUE) != SHIM_VALUE:
        raise HeaderError(f"{SHIM_KEY} can only be '{SHIM_VALUE}'")
    return keys


def read_subinterpreter(value):
    """Own-GIL outcome, then the legacy one, which is the same unless it is written out."""
    match = SHARED.fullmatch(value)
    if match:
        return Outcome(match.group(1)), Outcome(match.group(2), bool(match.group(3)))
    if value.startswith("fails"):
        raise HeaderError("import-subinterpreter: fails must say what shared-gil does")
    return Outcome(value), Outcome(value)


def read_markers(text, pattern=MARKER):
    """{(rule id, line)}; a marker alone on its line speaks of the next line that holds code."""
    markers = set()
    lines = text.splitlines()
    code = COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text).splitlines()
    for number, line in enumerate(lines):
        match = pattern.search(line)
        if not match:
            continue
        target = number
        while target < len(code) and not code[target].strip():
            target += 1
        if target == len(code):
            raise HeaderError(f"line {number + 1}: no code follows the marker")
        for rule in re.findall(r"[A-Z]{3}\d{2}", match.group(1)):
            markers.add((rule, target + 1))
    return markers


def load_all(folder=FOLDER):
    """Every test module, sorted by name; the folder is the list."""
    sources = [path for path in sorted(folder.glob("*/*"))
               if path.suffix in (".c", ".cpp") and path.stem == path.parent.name]
    modules = []
    for source in sources:
        try:
            modules.append(Testmod(source))
        except HeaderError as error:
            raise HeaderError(f"{source}: {error}") from None
    return modules
