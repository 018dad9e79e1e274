"""Seven kinds of static types, plain and ported: what Python code can tell apart is listed here."""

import re
import sys

from shimtest import Failure, Tally, build, pythons, run_child

# Differences that come with heap types: (reason, probes, condition on the version).
ALWAYS = (3, 9), (3, 99)
BEFORE_310 = (3, 9), (3, 9)
ALLOWED = [
    ("a heap type has __module__ in its dict", r"^\w+: dict$", ALWAYS),
    ("it is a heap type", r"^\w+: heap$", ALWAYS),
    ("messages name the type with its module", r".*", ALWAYS),
    ("3.9 has no immutable heap types", r"^\w+: (set|delete) attribute$", BEFORE_310),
    ("3.9 looks at mutability when __class__ is assigned", r"^assign (sub)?class$", BEFORE_310),
    ("an undotted tp_name gets the module's name", r"^(Closed: names|closed repr)$", ALWAYS),
    ("heap types can have __annotations__, and from 3.10 on an empty one is made",
     r"^annotations$", ((3, 10), (3, 99))),
    ("copyreg takes heap types for Python classes under protocols 0 and 1",
     r"^\w+: pickle 0$", ALWAYS),
]


def without_names(text):
    """Messages compare equal when they differ in how they write a type's name only."""
    return re.sub(r"\b(kinds|builtins)\.", "", text)


def reason_for(name, plain, shim, version):
    for reason, pattern, (oldest, newest) in ALLOWED:
        if not re.match(pattern, name) or not oldest <= version <= newest:
            continue
        if pattern == ".*" and without_names(plain) != without_names(shim):
            continue
        if name.endswith(": dict") and set(eval(shim)) - set(eval(plain)) - {
                "__module__", "__dictoffset__", "__weaklistoffset__", "__vectorcalloffset__"}:
            continue
        return reason
    return None


def probes(text):
    return dict(line.split(" => ", 1) for line in text.splitlines())


def compare(python):
    plain = probes(run_child(python, "kinds_probes.py",
                             build(python, "kinds", ["kinds.c"], ["-DKINDS_PLAIN"], shim=False)))
    ported = probes(run_child(python, "kinds_probes.py", build(python, "kinds", ["kinds.c"])))
    if len(plain) < 200 or plain.keys() != ported.keys():
        raise Failure(f"{len(plain)} and {len(ported)} probes ran")
    differing = [name for name in plain if plain[name] != ported[name]]
    wrong = [f"{name}: {plain[name]!r} became {ported[name]!r}" for name in differing
             if reason_for(name, plain[name], ported[name], python.minor) is None]
    if wrong:
        raise Failure(f"{len(wrong)} unlisted differences:\n  " + "\n  ".join(wrong))
    steady = [name for name in ported if name.startswith("references ") and ported[name] != "True"]
    if steady:
        raise Failure("type references grow: " + ", ".join(steady))
    return f"{len(plain)} probes, {len(differing)} differ, all listed"


def main():
    tally = Tally(__doc__)
    for python in pythons():
        tally.add(f"semantics {python.label}", compare, python)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
