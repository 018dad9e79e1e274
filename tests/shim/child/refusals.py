"""Every refusal is a Python exception that names the type and the reason."""

import importlib.machinery
import importlib.util
import sys


def load(name):
    path = sys.argv[1]
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def refusal(function, *arguments):
    try:
        result = function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"no exception but {result!r}"


def expect(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"


if sys.argv[2:]:
    expect(refusal(load, "refused"), *sys.argv[2:])
    print("refused")
    sys.exit()

expect(refusal(load, "forgetful"), "SystemError", "ExtShim_Begin() was not called")
refused = load("refused")
CANNOT = "TypeError: extshim: cannot convert static type "
assert refused.try_("Fine").__name__ == "Fine"
expect(refusal(refused.try_, "Nameless"), CANNOT + "'Nameless_Type'", "no tp_name")
expect(refusal(refused.try_, "Ready"), CANNOT + "'refused.Ready'", "PyType_Ready() was called")
expect(refusal(refused.try_, "Dict"), CANNOT + "'refused.Dict'", "tp_dict is filled by hand")
expect(refusal(refused.try_, "Heap"), CANNOT + "'refused.Heap'", "heap type already")
expect(refusal(refused.try_, "Mro"), CANNOT + "'refused.Mro'", "tp_mro")
expect(refusal(refused.try_, "Orphan"), CANNOT + "'refused.Orphan'", "'refused.Forgotten'",
       "add EXTSHIM_STATIC_TYPE")
expect(refusal(refused.try_, "SonOfFinal"), "TypeError", "refused.Final",
       "not an acceptable base type")
expect(refusal(refused.try_, "Small"), CANNOT, "tp_basicsize is smaller")
expect(refusal(refused.try_, "Unmade"), CANNOT + "'refused.Unmade'", "in tp_bases is no type")
if sys.version_info < (3, 12):
    expect(refusal(refused.try_, "Metaclassed"), CANNOT, "needs Python 3.12")
else:
    made = refused.try_("Metaclassed")
    assert type(made).__name__ == "WideMeta" and type(type(made)) is type
# A refusal leaves nothing behind: the next one is the same, and what is fine still works.
expect(refusal(refused.try_, "Dict"), CANNOT + "'refused.Dict'")
assert refused.try_("Fine") is refused.try_("Fine")
print("refused")
