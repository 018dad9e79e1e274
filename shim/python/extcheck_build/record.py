"""Verdict files are read and notes are written as checker/gate/record.c and emit.c do it."""

import hashlib
import json
import os
import pathlib
import re

FORMAT = 1
START = '{"checksum":"'
ZEROS = "0" * 64
HEADER = """\
/* Written by extcheck_build; do not edit. */
#if !defined(EXTSHIM_GATE_FLAVOUR) && !defined(__EXTCHECK__)
#define EXTSHIM_GATE_FLAVOUR %d
#define EXTSHIM_CLAIM_OWN_GIL %d
#define EXTSHIM_CLAIM_GIL_NOT_USED %d
#endif
"""


def identifier(module):
    """As part of a C name and of a file name; byte by byte, as the checker does it."""
    return re.sub(rb"[^0-9A-Za-z]", b"_", module.encode()).decode("ascii")


def checksum_holds(text):
    """text: bytes of a payload or verdict file."""
    after = len(START) + 64
    if len(text) <= after or not text.startswith(START.encode()):
        return False
    blank = START.encode() + ZEROS.encode() + text[after:]
    return hashlib.sha256(blank).hexdigest().encode() == text[len(START):after]


def payload(record):
    text = START + ZEROS + '",' + json.dumps(record, separators=(",", ":"))[1:]
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    return text.replace(ZEROS, digest, 1)


def hash_file(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def _last(name):
    return name.rpartition(".")[2]


def _changed(record, sources, root):
    """Why the verdict is not about these sources; None when it is."""
    listed = set()
    for entry in record.get("sources", []):
        name, digest = entry
        if name.startswith("*/"):
            return f"{name[2:]} lies outside the root, so it cannot be compared"
        try:
            if hash_file(os.path.join(root, name)) != digest:
                return f"{name} has changed since it was judged"
        except OSError:
            return f"{name} cannot be read"
        listed.add(os.path.realpath(os.path.join(root, name)))
    if not listed:
        return "it names no source"
    for source in sources:
        if os.path.realpath(source) not in listed:
            return f"{source} was not judged"
    return None


def find(path, module, sources, root):
    """(record, None) of the module when the file is sound and every source is as it was; else
    (None, why)."""
    try:
        text = pathlib.Path(path).read_bytes()
    except OSError as error:
        return None, f"{path}: {error.strerror}"
    if not checksum_holds(text):
        return None, f"{path}: its checksum does not hold: it was edited or damaged"
    try:
        content = json.loads(text)
        if content["kind"] != "extcheck-verdict" or content["format"] != FORMAT:
            return None, f"{path}: it is no verdict file of this format"
        found = [one for one in content["modules"] if one["module"] == module]
        found += [one for one in content["modules"] if _last(one["module"]) == _last(module)]
        if not found:
            return None, f"{path}: it has no module '{module}'"
        record = dict(found[0], checker=content.get("checker"), rules=content.get("rules"))
        why = _changed(record, sources, root)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, f"{path}: it is no verdict file ({error})"
    return (None, f"{path}: {why}") if why else (record, None)


def note_record(record, module, flavour, abi, claims, overrides):
    """The payload's object; record: what is known of the module."""
    return {"format": FORMAT, "module": module, "checker": record.get("checker"),
            "rules": record.get("rules"), "flavour": flavour, "abi": abi,
            "python": record.get("python"), "verdicts": record.get("verdicts", {}),
            "claims": {"own-gil": claims[0], "gil-not-used": claims[1]},
            "override": overrides, "sources": record.get("sources", [])}


def paths(module, folder):
    name = identifier(module)
    folder = pathlib.Path(folder)
    return (folder / f"extcheck_gate_{name}.h", folder / f"extcheck_note_{name}.c",
            folder / f"extcheck_record_{name}.json")


def _write(path, text):
    if not path.exists() or path.read_text(encoding="ascii") != text:
        path.write_text(text, encoding="ascii")


def emit(record, folder):
    """The three files that `extcheck gate` writes."""
    header, note, stamp = paths(record["module"], folder)
    header.parent.mkdir(parents=True, exist_ok=True)
    text = payload(record)
    data = text.encode("ascii")
    rows = [", ".join(f"0x{byte:02x}" for byte in data[i:i + 16]) for i in range(0, len(data), 16)]
    claims = record["claims"]
    _write(header, HEADER % (record["flavour"] == "free-threaded", claims["own-gil"],
                             claims["gil-not-used"]))
    _write(note, "/* Written by extcheck_build; do not edit. */\n"
                 f'#include "{header.name}"\n#include "extshim_gate.h"\n'
                 '#include "extshim_note.h"\n\n'
                 f"EXTSHIM_NOTE({identifier(record['module'])}, {len(data)},\n    "
                 + ",\n    ".join(rows) + ");\n")
    _write(stamp, text)


def emit_nothing(module, folder):
    for path in paths(module, folder):
        path.unlink(missing_ok=True)
