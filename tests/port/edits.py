"""Applies an edit list to the sources of a package: the list is ours, the sources are not kept here.

An edit list is text. `file PATH` starts a file; `types NAME...` lists the static types that become
templates, `uses NAME...` those that another file declares; every other edit is `text N WHY` or
`regex N WHY` (N: how often it must match), then the lines to find behind `<` and the lines to write
behind `>`. Manual edits come first, then the types.
"""

import re


class EditError(Exception):
    pass


class Edit:
    def __init__(self, kind, count, why, line):
        self.kind, self.count, self.why, self.line = kind, count, why, line
        self.find, self.write = [], []

    def apply(self, text):
        pattern = "\n".join(self.find)
        if self.kind == "text":
            found = text.count(pattern)
            result = text.replace(pattern, "\n".join(self.write))
        else:
            result, found = re.subn(pattern, "\n".join(self.write), text, flags=re.M)
        if found != self.count:
            raise EditError(f"line {self.line}: '{self.why}' matches {found} times, not "
                            f"{self.count}")
        return result


class File:
    def __init__(self, path):
        self.path, self.types, self.uses, self.edits = path, [], [], []


def read(path):
    """The files of an edit list."""
    files = []
    edit = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        word, _, rest = line.partition(" ")
        if line.startswith(("<", ">")) and edit:
            (edit.find if line[0] == "<" else edit.write).append(line[2:])
        elif not line or line.startswith("#"):
            edit = None
        elif word == "file":
            files.append(File(rest))
        elif word == "types" and files:
            files[-1].types += rest.split()
        elif word == "uses" and files:
            files[-1].uses += rest.split()
        elif word in ("text", "regex") and files:
            count, _, why = rest.partition(" ")
            edit = Edit(word, int(count), why, number)
            files[-1].edits.append(edit)
        else:
            raise EditError(f"{path}:{number}: not understood: {line}")
    return files


def declare(text, name):
    """EXTSHIM_STATIC_TYPE behind the first declaration of the type."""
    forward = re.search(rf"^(static )?PyTypeObject {name};\n", text, re.M)
    if forward:
        at = forward.end()
    else:
        start = re.search(rf"^(static )?PyTypeObject {name} = {{", text, re.M)
        end = start and re.compile(r"^};\n", re.M).search(text, start.end())
        if not end:
            raise EditError(f"no definition of the static type {name}")
        at = end.end()
    return text[:at] + f"EXTSHIM_STATIC_TYPE({name})\n" + text[at:]


def use(text, name):
    """(text, number of edits): every use of the type's address becomes the interpreter's own type."""
    total = 0
    for pattern, write in (
            (rf"\bPyType_Ready\(&{name}\)", f"ExtShim_READY({name})"),
            # What PyType_Ready() would fill in is read from the heap type.
            (rf"(?<![&\w]){name}\.(tp_alloc|tp_free|tp_dict|tp_mro)\b", rf"ExtShim_TYPE({name})->\1"),
            # A template names its base and its metaclass as before.
            (rf"^(?!.*(?:\.tp_base\s*=|HEAD_INIT\()).*&{name}\b.*$",
             lambda match: re.sub(rf"&{name}\b", f"ExtShim_TYPE({name})", match.group(0)))):
        lines = len(re.findall(rf"&{name}\b", text))
        text, found = re.subn(pattern, write, text, flags=re.M)
        total += found if isinstance(write, str) else lines - len(re.findall(rf"&{name}\b", text))
    return text, total


def apply(files, root):
    """Edits the files below root; returns the counts {'manual': ..., 'declared': ..., 'used': ...}."""
    counts = {"manual": 0, "declared": 0, "used": 0}
    for file in files:
        path = root / file.path
        text = path.read_text(encoding="utf-8")
        for edit in file.edits:
            text = edit.apply(text)
            counts["manual"] += edit.count
        for name in file.types + file.uses:
            text, used = use(text, name)
            counts["used"] += used
        for name in file.types:
            text = declare(text, name)
            counts["declared"] += 1
        path.write_text(text, encoding="utf-8")
    return counts
