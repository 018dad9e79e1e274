"""Verdict files, and what is said about decisions: the policy in the program's interpreter."""

import collections
import json
import os
import warnings

from . import _notes, _policy

Decision = collections.namedtuple("Decision", "module path outcome verdict text")
Decision.__doc__ = """What a pool decided about an extension module that a worker imported.

outcome: "passed", "warned", "refused", "unsafe" (refused, but UNSAFE_EXTPOOL_LOAD=1 left it to
CPython, which may refuse as well) or "private" (each worker has a copy, nothing was judged);
verdict: that of extcheck which decided; text: the sentence that a warning or error says."""

_TARGETS = ("own-gil", "free-threaded")
_told = {}  # the registry by which warnings know what was said


def read(verdicts):
    """The rows about binaries in a file of `extcheck --write-verdict`, or in several.

    Returns: ((sha256, module, path, ((target, {verdict, reason, rule, file, line}), ...), file),
    ...); OSError; ValueError where a file is none of extcheck's or was changed.
    """
    paths = [verdicts] if isinstance(verdicts, (str, bytes, os.PathLike)) else list(verdicts)
    return tuple(row for path in paths for row in _rows(os.fsdecode(path)))


def _rows(path):
    with open(path, "rb") as file:
        data = file.read()
    if not _notes.checksum_holds(data):
        raise ValueError(f"{path} is no verdict file of extcheck, or was edited or damaged: its "
                         "checksum does not hold")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("kind") != "extcheck-verdict" or \
            content.get("format") != _notes.FORMAT:
        raise ValueError(f"{path} is no verdict file of a format that this extpool reads")
    rows = content.get("binaries")
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{path} has no row about a built module; name the module beside its "
                         f"sources: extcheck --write-verdict {path} MODULE.so SOURCES...")
    return [_row(row, path) for row in rows]


def _row(row, path):
    row = row if isinstance(row, dict) else {}
    verdicts = row.get("verdicts") if isinstance(row.get("verdicts"), dict) else {}
    texts = [row.get("sha256"), row.get("module"), row.get("path")]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{path} has a row without path, module or sha256")
    kept = tuple((target, {key: value for key, value in verdicts[target].items()
                           if isinstance(value, (str, int))})
                 for target in _TARGETS if isinstance(verdicts.get(target), dict))
    return (*texts, kept, path)


def tell(text):
    """A module with warnings was loaded: said once, however many workers and pools load it."""
    warnings.warn_explicit(text, RuntimeWarning, "<extpool>", 1, registry=_told)


def decisions(raw):
    made = [_policy.unpack(text) for _, text in raw]
    return [Decision(module, path, outcome, verdict, text)
            for outcome, module, path, verdict, text in made]
