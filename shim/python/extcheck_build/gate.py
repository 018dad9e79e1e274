"""Runs the gate for one module: with the checker, else with a verdict file, else with neither."""

import json
import os
import re
import shutil
import subprocess
import sys

from . import decide, record

VERDICT_NAME = "extcheck-verdict.json"
REFUSED, TROUBLE = 1, 2
PLAIN = "Python with the GIL"
WORDS = {
    "own-gil": ("it may not declare support for interpreters with their own GIL",
                "declare no own-GIL support (leave out supports-own-gil)",
                decide.BUILD_OWN_GIL, decide.DECLARE_OWN_GIL,
                "declares no support for an own GIL", "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED"),
    "free-threaded": ("it may not be built for a free-threaded interpreter",
                      "build for an interpreter with the GIL", decide.BUILD_FREE_THREADED,
                      decide.DECLARE_GIL_NOT_USED, "declares that it uses the GIL",
                      "Py_MOD_GIL_NOT_USED"),
}


class GateError(Exception):
    """The gate could not be run."""


class GateRefused(GateError):
    """The gate was run, and the module must not be built like this."""


def say(text):
    print(f"extcheck: {text}", file=sys.stderr, flush=True)


def find_checker():
    """The checker to run: $EXTCHECK, else the one on PATH; None when there is none."""
    return os.environ.get("EXTCHECK") or shutil.which("extcheck")


def read_soabi(soabi):
    """((3, 13), free-threaded) of cpython-313t-..., cp313t or abi3[t] (whose version is None)."""
    text = soabi.lstrip(".")
    if text.startswith("abi3"):
        return None, text[4:5] == "t"
    match = re.match(r"(?:cpython-|cp)?3(\d{1,2})([a-z]*)", text)
    if not match:
        raise GateError(f"'{soabi}' is no SOABI such as cpython-313t-x86_64-linux-gnu or abi3")
    return (3, int(match.group(1))), "t" in match.group(2)


def _verdict_text(found, module, target):
    one = found.get("verdicts", {}).get(target, {})
    reason = one.get("reason")
    text = f"module '{module}' is {one.get('verdict', 'unknown')} for {target}"
    text += f" ({reason})" if reason else ""
    where = f"\n  {one['file']}:{one['line']}: {one['rule']}" if one.get("rule") else ""
    return text, where


def _say_part(part, found, module, target):
    """Says what was decided; returns the text of a refusal."""
    refusal, otherwise, build, declare, still, declaration = WORDS[target]
    text, where = _verdict_text(found, module, target)
    if part.refused and part.fixed:
        return (f"{text}: {refusal}{where}\n  {build}=1 builds it, but an override {still}, and "
                f"the source declares {declaration} by itself;\n  use EXTSHIM_GATE_SLOTS or "
                f"EXTSHIM_MODINIT there, or set {declare}=1 too")
    if target == "own-gil" and found.get("fixed", {}).get("own-gil"):
        otherwise = "declare Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED in the source"
    if part.refused:
        return (f"{text}: {refusal}{where}\n  mend what is named, {otherwise}, or set {build}=1 to "
                "build all the same")
    if part.override:
        if part.claim:
            tail = f"\n  UNSAFE: with {declare}=1 it even declares {declaration}"
        elif target == "own-gil" and found.get("single-phase") is True:
            tail = (f"\n  It {still}, with or without {declare}=1: single-phase initialisation has "
                    "no slot to declare it with")
        else:
            tail = f"\n  It {still} (unless {declare}=1 is set too)"
        say(f"warning: {text}\n  UNSAFE: {build}=1 builds it all the same. This is recorded in the "
            f"module.{where}{tail}")
    elif part.warn:
        say(f"warning: {text}{where}\n  it is built, and this is recorded in the module")
    return None


def _text_of(sources):
    """The code of the sources, comments and texts apart; without a checker that is all there is to
    ask."""
    text = ""
    for source in sources:
        try:
            with open(source, encoding="utf-8", errors="replace") as file:
                text += file.read()
        except OSError:
            pass
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.S)


def _declares_own_gil(text):
    claims = ("EXTSHIM_MODINIT", "EXTSHIM_GATE_SLOTS", "EXTSHIM_GATE_PYSLOTS", "EXTSHIM_CLAIM_")
    return ("Py_MOD_PER_INTERPRETER_GIL_SUPPORTED" in text
            and not any(word in text for word in claims))


def _is_single_phase(text):
    """Is a whole module made at once, and nothing there that would have slots?"""
    return (re.search(r"\bPyModule_Create2?\b", text) is not None
            and re.search(r"\b(PyModuleDef_Init|Py_mod_\w+|PyModExport_|EXTSHIM_)", text) is None)


def _unchecked(module, sources, why, trouble, checker):
    """The record of a module without a verdict; trouble: a checker is there and found none;
    checker: its version."""
    unknown = {"verdict": "unknown", "reason": why}
    found = {"checker": checker, "rules": None, "python": None, "sources": [],
             "verdicts": {"own-gil": unknown, "free-threaded": unknown}}
    text = _text_of(sources)
    if _is_single_phase(text):
        found["single-phase"] = True
    if _declares_own_gil(text) and trouble:
        found["fixed"] = {"own-gil": True}  # with a checker at hand that has to be judged
    elif _declares_own_gil(text):
        say(f"warning: the source of '{module}' declares support for an own GIL by itself; "
            "nobody has checked that")
    return found


def _say_no_slot(module, version, supports_own_gil, supports_free_threaded):
    """Pythons without the slots: what was asked for is left out, and must not look like an answer."""
    missing = ["an own GIL"] if supports_own_gil and version < (3, 12) else []
    missing += ["the GIL"] if supports_free_threaded and version < (3, 13) else []
    if missing:
        say(f"warning: Python {version[0]}.{version[1]} has no slot for {' or for '.join(missing)}: "
            f"module '{module}' declares nothing about {'it' if len(missing) == 1 else 'them'} there")


def _say_answer(module, free_threaded, own, threaded, path):
    """As the checker says it, and by which file."""
    say(f"gate: '{module}' is built for {'free-threaded Python' if free_threaded else PLAIN}; "
        f"declares {'own-GIL support' if own.claim else 'no own-GIL support'} and "
        f"{'that it needs no GIL' if threaded.claim else 'that it uses the GIL'} (by {path})")


def without_checker(module, sources, folder, soabi, *, supports_own_gil=False,
                    supports_free_threaded=False, root=".", verdict=None, python=None,
                    trouble=None, checker=None):
    """Decides by the verdict file and writes the files; raises GateRefused.

    trouble: why a checker that is there gave no answer; then nothing that was asked for goes
    through without a verdict. checker: its version.
    """
    version, free_threaded = read_soabi(soabi)
    version = version or python or sys.version_info[:2]
    path = verdict or os.path.join(root, VERDICT_NAME)
    found, why = record.find(path, module, sources, root)
    judged = found is not None
    if not judged:
        why = f"{trouble or 'extcheck is not installed'}, and {why}"
        found = _unchecked(module, sources, why, trouble, checker)
    _say_no_slot(module, tuple(version), supports_own_gil, supports_free_threaded)
    asks = judged or trouble is not None
    own, threaded = decide.decide(found, free_threaded, version, supports_own_gil and asks,
                                  supports_free_threaded and asks)
    refusals = [_say_part(own, found, module, "own-gil") if own.asked else None,
                _say_part(threaded, found, module, "free-threaded") if threaded.asked else None]
    if any(refusals):
        record.emit_nothing(module, folder)
        raise GateRefused("\n".join(text for text in refusals if text))
    if judged:
        _say_answer(module, free_threaded, own, threaded, path)
    elif not free_threaded:
        say(f"warning: module '{module}' was not checked: {why}")
    if not judged and supports_own_gil and not own.claim:
        say(f"'{module}' is built without declaring support for interpreters with their own GIL")
    record.emit(record.note_record(found, module, "free-threaded" if free_threaded else "gil",
                                   soabi, (own.claim, threaded.claim),
                                   decide.overrides(own, threaded)), folder)


def with_checker(checker, module, sources, folder, soabi, *, supports_own_gil=False,
                 supports_free_threaded=False, root=".", python=None, database=None, flags=()):
    """Runs `extcheck gate`; raises GateRefused, or GateError where it could not judge at all."""
    command = [checker, "gate", "--module", module, "--output-dir", str(folder), "--root", root,
               "--soabi", soabi]
    command += ["--supports-own-gil"] if supports_own_gil else []
    command += ["--supports-free-threaded"] if supports_free_threaded else []
    command += ["--python", python] if python else []
    command += ["-p", database] if database else []
    command += [*sources, "--", *flags]
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        say(f"warning: {checker}: {error.strerror}")
        raise GateError(f"extcheck cannot be run ({error.strerror})") from error
    if code == REFUSED:
        raise GateRefused(f"the gate refuses module '{module}', see above")
    if code != 0:
        raise GateError(f"extcheck could not judge it (exit code {code})")
    if not record.paths(module, folder)[2].exists():
        raise GateError(f"{os.path.basename(checker)} wrote no record of it")


def _version_of(checker):
    """What notes call it; None when it cannot even say that."""
    try:
        done = subprocess.run([checker, "--version"], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    words = done.stdout.decode("ascii", "replace").split()
    return words[1] if len(words) > 1 and words[0] == "extcheck" else None


def stale_verdict(module, sources, root=".", verdict=None):
    """Why the verdict file that users are to get is not about these sources; None where it is, or
    where there is none and none was named."""
    path = verdict or os.path.join(root, VERDICT_NAME)
    if not verdict and not os.path.exists(path):
        return None
    return record.find(path, module, sources, root)[1]


def say_stale(module, why):
    say(f"warning: {why}: users without extcheck would get no verdict for module '{module}'; "
        "write the file again: extcheck --write-verdict FILE, with every source of the module")


def run(module, sources, folder, soabi, *, supports_own_gil=False, supports_free_threaded=False,
        root=".", verdict=None, python=None, database=None, flags=()):
    """Gate of one module. Returns what it may declare: {"own-gil": bool, "gil-not-used": bool}.

    sources: C and C++ files; folder: where the note and the header go; soabi: SOABI or EXT_SUFFIX
    of the target, or abi3; flags: -I, -D and -std of the compilation; root: files are named
    relative to it; verdict: the verdict file (default: extcheck-verdict.json in root).
    Raises GateRefused when it must not be built, GateError when that cannot be told.
    """
    wishes = {"supports_own_gil": supports_own_gil,
              "supports_free_threaded": supports_free_threaded, "root": root}
    checker = find_checker()
    if checker:
        try:
            with_checker(checker, module, sources, folder, soabi, **wishes, python=python,
                         database=database, flags=flags)
            why = stale_verdict(module, sources, root, verdict)
            if why:
                say_stale(module, why)
        except GateRefused:
            raise
        except GateError as error:
            without_checker(module, sources, folder, soabi, **wishes, verdict=verdict,
                            trouble=str(error), checker=_version_of(checker))
    else:
        without_checker(module, sources, folder, soabi, **wishes, verdict=verdict)
    stamp = record.paths(module, folder)[2]
    return json.loads(stamp.read_text(encoding="ascii"))["claims"]
