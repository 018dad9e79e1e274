"""From a module's note, or its row in a verdict file, to a decision and the sentence about it."""

import os

from . import _notes
from ._policy import PASSED, REFUSED, SWITCH, WARNED

_PASSING = {"ready": PASSED, "ready-with-warnings": WARNED}
_OVERRIDE = {"own-gil": "UNSAFE_EXTCHECK_BUILD_OWN_GIL",
             "free-threaded": "UNSAFE_EXTCHECK_BUILD_FREE_THREADED"}
_WAY_OUT = f"{SWITCH}=1 leaves it to CPython, which refuses what declares no support"
_NO_WAY_OUT = "CPython refuses it as well, whatever the policy"
_CPYTHON_REFUSES = ("INI01", "INI05", "INI10", "INI12")  # found where it does that
_TEXT_MAX = 4000


def plain(text):
    """Texts out of binaries end on terminals: one line, nothing that a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:_TEXT_MAX])


def judge(settings, name, path, real):
    """(outcome, verdict, sentence). A row of a verdict file was written when the binary was there,
    so it is the later word and goes before the note; the file's digest says whose row it is."""
    if settings["rows"]:
        content = _notes.digest_of_file(real)
        rows = [row for row in settings["rows"] if row[0] == content and _same(row[1], name)]
        if rows:
            return _worst(_by_row(settings, name, row) for row in rows)
    notes, wrong = _notes.read(real)
    named = [note for note in notes if note["module"] == name]
    named = named or [note for note in notes if _same(note["module"], name)]
    if named:
        return _worst(_by_note(settings, name, path, note) for note in named)
    return REFUSED, "unknown", _without(settings, name, path, real, notes, wrong)


def _same(one, other):
    """pkg._spam and _spam: the last part names the hook that is called."""
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _worst(answers):
    order = (PASSED, WARNED, REFUSED)
    return max(answers, key=lambda answer: order.index(answer[0]))


def _by_row(settings, name, row):
    return _answer(settings, name, dict(row[3]), "extcheck explain RULE", (), f", says {row[4]}")


def _by_note(settings, name, path, note):
    built = "free-threaded" if settings["free_threaded"] else "gil"
    abi = note.get("abi")
    both = isinstance(abi, str) and "abi3t" in abi  # one build for either kind
    if note.get("flavour") not in (built, None) and not both:
        return REFUSED, "unknown", (f"{name!r} was built for another kind of Python: the note in "
                                    f"{path} says {note.get('flavour')!r}. Build it for this one")
    verdicts = note.get("verdicts")
    overrides = note.get("override")
    return _answer(settings, name, verdicts if isinstance(verdicts, dict) else {},
                   f"extcheck {path}", overrides if isinstance(overrides, list) else ())


def _answer(settings, name, verdicts, command, overrides, source=""):
    """The worse of the targets that count. Interpreters share no GIL in either kind of build; in
    a free-threaded one the threads of one interpreter share none either."""
    targets = ("own-gil", "free-threaded") if settings["free_threaded"] else ("own-gil",)
    return _worst(_about(settings, name, target, verdicts.get(target), command, overrides, source)
                  for target in targets)


def _about(settings, name, target, entry, command, overrides, source):
    entry = entry if isinstance(entry, dict) else {}
    verdict = entry.get("verdict")
    verdict = verdict if isinstance(verdict, str) else "unknown"
    outcome = _PASSING.get(verdict, REFUSED)
    if verdict == "runs-with-gil" and target == "free-threaded":
        outcome = PASSED  # CPython turns the GIL of that interpreter on, and says so
    text = f"{name!r} is {verdict} for {target}: {_deciding(entry)}{source}"
    if outcome != REFUSED:
        return outcome, verdict, text
    see = command.replace("RULE", str(entry.get("rule"))) if entry.get("rule") or \
        "RULE" not in command else "extcheck SOURCES..."
    text += f". See `{see}`"
    if _OVERRIDE[target] in overrides:
        text += f". It was built with {_OVERRIDE[target]}=1, which is no leave to load it"
    return outcome, verdict, f"{text}. {_ways_out(settings, entry.get('rule'))}"


def _deciding(entry):
    """The finding that decides, then why in words."""
    words = []
    if entry.get("rule"):
        words.append(f"{entry['rule']} {entry.get('file') or '?'}:{entry.get('line') or 0}")
    if entry.get("reason"):
        words.append(f"({entry['reason']})" if words else str(entry["reason"]))
    return " ".join(words) or "nothing was judged"


def _without(settings, name, path, real, notes, wrong):
    """Neither a row nor a note speaks of it."""
    base = os.path.basename(real)
    changed = [row[4] for row in settings["rows"]
               if _same(row[1], name) and os.path.basename(row[2]) == base]
    if wrong and not notes:
        why = f"the note in {path} is damaged: {wrong}"
    elif notes:
        why = (f"the notes in {path} are about "
               f"{', '.join(repr(note['module']) for note in notes[:5])}")
    else:
        why = f"{path} has no note of extcheck"
    if changed:
        why += f", and it has changed since {changed[0]} was written"
    elif settings["rows"]:
        why += ", and the verdict file has no row for it"
    return (f"{name!r} was not checked: {why}. Check it with `extcheck --write-verdict "
            f"verdicts.json {path} SOURCES...` and pass verdicts=\"verdicts.json\"; "
            f"policy=\"declared\" lets in what declares support. {_ways_out(settings)}")


def _ways_out(settings, rule=None):
    way = _NO_WAY_OUT if rule in _CPYTHON_REFUSES else _WAY_OUT
    hint = settings.get("hint")
    return f"{way}. {hint}" if hint else way
