"""Every declaration of the public headers says what it does, Returns, Refs, Threads and Since."""

import re
import sys

from shimtest import SHIM, Failure, Tally

LINES = ("Returns:", "Refs:", "Threads:", "Since:")
NAMES = r"(?:ExtShim|EXTSHIM)_\w+"
FUNCTION = re.compile(rf"^(?:static inline [\w *]+\n|EXTSHIM_HIDDEN [\w *]+?\**)({NAMES})\(", re.M)
MACRO = re.compile(rf"^#define ({NAMES})(?:\(| +\{{| +\\\n +\{{)", re.M)
# What only other macros of the headers use. base.h says of itself that it is not for users.
INTERNAL = {"base.h"}
COMMENT = re.compile(r"/\*((?:(?!\*/).)*)\*/\s*(?:#(?:if|ifdef|ifndef|else|elif)[^\n]*(?:\\\n[^\n]*)*\n"
                     r"|typedef [^;]+;\s*|\s)*\Z", re.S)


def declarations(text):
    """name -> everything before its first declaration that is no #error of the limited API."""
    found = {}
    for pattern in (FUNCTION, MACRO):
        for match in pattern.finditer(text):
            name = match.group(1)
            refused = "EXTSHIM_ERROR_" in text[match.start():match.start() + 160]
            alias = refused or re.match(rf"#define {name}\([\w, ]*\) (EXTSHIM_STATIC_TYPE\(T\)|"
                                        r"EXTSHIM_MODINIT\(name\))$",
                                        text[match.start():].split("\n")[0])
            if not name.endswith("_") and not alias and name not in found:
                found[name] = text[:match.start()]
    return found


def problems_of(before):
    comment = COMMENT.search(before)
    if comment is None:
        return "no comment above it"
    text = re.sub(r"\n \* ?", "\n", comment.group(1))
    places = [text.find("\n" + line) for line in LINES]
    missing = [line for line, place in zip(LINES, places) if place < 0]
    if missing:
        return "lacks " + ", ".join(missing)
    if places != sorted(places):
        return "has its lines in another order"
    if "\nSee:" in text and text.find("\nSee:") < places[-1]:
        return "has See: before Since:"
    if len(text[:places[0]].strip()) < 15:
        return "does not say what it does"
    return None


def check_header(path):
    found = declarations(path.read_text(encoding="utf-8"))
    wrong = []
    for name, before in found.items():
        problem = problems_of(before)
        if problem:
            wrong.append(f"{path.name}: {name} {problem}")
    if wrong:
        raise Failure("\n  " + "\n  ".join(wrong))
    return f"{len(found)} declarations"


def check_the_check():
    """The parser must see what is missing, or this test proves nothing."""
    good = ("/* Does something useful.\n *\n * Returns: 0.\n * Refs: none.\n * Threads: none.\n"
            " * Since: 0.1. */\n")
    shape = "EXTSHIM_HIDDEN int ExtShim_Thing(void);\n"
    if problems_of(declarations(good + shape)["ExtShim_Thing"]) is not None:
        raise Failure("a complete comment was refused")
    for line in LINES:
        broken = good.replace(line, "Other:")
        if problems_of(declarations(broken + shape)["ExtShim_Thing"]) is None:
            raise Failure(f"a comment without {line} was accepted")
    if problems_of(declarations("int x;\n" + shape)["ExtShim_Thing"]) is None:
        raise Failure("a declaration without a comment was accepted")


def count_all(headers):
    total = sum(len(declarations(path.read_text(encoding="utf-8"))) for path in headers)
    if total < 45:
        raise Failure(f"only {total} declarations were found")
    return f"{total} declarations"


def main():
    tally = Tally(__doc__)
    headers = sorted((SHIM / "include" / "extshim").glob("*.h"))
    headers = [path for path in headers if path.name not in INTERNAL]
    tally.add("the parser", check_the_check)
    tally.add("all headers", count_all, headers)
    for path in headers:
        tally.add(f"documentation {path.name}", check_header, path)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
