"""The gate's policy without the checker: the same table as checker/gate/decide.c, which
tests/gate compares it with."""

import os

BUILD_FREE_THREADED = "UNSAFE_EXTCHECK_BUILD_FREE_THREADED"
BUILD_OWN_GIL = "UNSAFE_EXTCHECK_BUILD_OWN_GIL"
DECLARE_GIL_NOT_USED = "UNSAFE_EXTCHECK_DECLARE_GIL_NOT_USED"
DECLARE_OWN_GIL = "UNSAFE_EXTCHECK_DECLARE_OWN_GIL"


def switch(name):
    """Exactly "1": nothing else is a decision."""
    return os.environ.get(name) == "1"


class Part:
    """What was decided about one target; see struct gate_part."""

    def __init__(self):
        self.asked = self.refused = self.override = self.fixed = False
        self.warn = self.claim = False


def answer_to(verdict):
    return {"ready": "pass", "ready-with-warnings": "warn",
            "runs-with-gil": "gil-used"}.get(verdict, "fail")


def _decide(answer, claim, fixed, build, declare):
    part = Part()
    part.asked = True
    part.warn = answer == "warn"
    part.claim = claim and answer in ("pass", "warn")
    if answer == "fail":
        part.override = build
        part.claim = build and declare
        part.fixed = build and fixed and not declare
        part.refused = not build or part.fixed
        part.warn = build
    return part


def decide(record, free_threaded, python, supports_own_gil, supports_free_threaded):
    """(part of own-gil, part of free-threaded) for a module's record in a verdict file."""
    verdicts, fixed = record.get("verdicts", {}), record.get("fixed", {})
    own_answer = answer_to(verdicts.get("own-gil", {}).get("verdict"))
    own_answer = "fail" if own_answer == "gil-used" else own_answer
    answer = answer_to(verdicts.get("free-threaded", {}).get("verdict"))
    fixed_own = bool(fixed.get("own-gil"))
    fixed_not_used = bool(fixed.get("gil-not-used"))
    # Older Pythons have no such slot, so there is nothing to declare.
    has_own, has_gil = python >= (3, 12), python >= (3, 13)
    wants_own = (supports_own_gil or fixed_own
                 or (switch(BUILD_OWN_GIL) and switch(DECLARE_OWN_GIL)))
    wants_not_used = supports_free_threaded or fixed_not_used

    own, threaded = Part(), Part()
    if wants_own and has_own:
        own = _decide(own_answer, True, fixed_own, switch(BUILD_OWN_GIL), switch(DECLARE_OWN_GIL))
        # Single-phase initialisation has no place for the claim, whoever allows it.
        own.claim = own.claim and record.get("single-phase") is not True
    if free_threaded:
        threaded = _decide(answer, wants_not_used and has_gil, fixed_not_used,
                           switch(BUILD_FREE_THREADED), switch(DECLARE_GIL_NOT_USED) and has_gil)
    else:
        threaded.claim = wants_not_used and has_gil and answer in ("pass", "warn")
    return own, threaded


def overrides(own, threaded):
    """Names of the switches that had an effect, for the note."""
    names = []
    for part, build, declare in ((own, BUILD_OWN_GIL, DECLARE_OWN_GIL),
                                 (threaded, BUILD_FREE_THREADED, DECLARE_GIL_NOT_USED)):
        if part.override:
            names += [build, declare] if part.claim else [build]
    return names
