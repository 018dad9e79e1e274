"""Rarer kinds of types: behaviour, and steady reference counts of every one of them."""

import gc
import sys

import interps

CODE = """
import gc, os, sys, weakref
import features as f

def steady(kind, function, rounds=500):
    gc.collect()
    before = sys.getrefcount(kind)
    for _ in range(rounds):
        function()
    gc.collect()
    now = sys.getrefcount(kind)
    assert abs(now - before) <= 2, (kind, before, now)

assert f.self()
# Nothing is revived, then everything once.
steady(f.Phoenix, f.Phoenix)
nest = []
f.set_nest(nest)
def fly():
    f.Phoenix()
    assert len(nest) == 1 and type(nest[0]) is f.Phoenix
    nest.clear()        # a finalizer runs once: now it dies
class PyPhoenix(f.Phoenix):
    pass
steady(f.Phoenix, fly)
def fly_too():
    PyPhoenix()
    assert len(nest) == 1
    nest.clear()
steady(PyPhoenix, fly_too)
steady(f.Phoenix, fly_too)
f.set_nest(None)

def cycle(kind):
    def make():
        one = kind()
        one.held = one
        if hasattr(kind, "more"):
            one.more = [one]
    return make
class PyDerived(f.Derived):
    pass
class PySame(f.Same):
    pass
for kind in (f.Base, f.Derived, f.Same, PyDerived, PySame):
    steady(kind, kind)
    steady(kind, cycle(kind))
    assert len([x for x in gc.get_objects() if type(x) is kind]) == 0, kind
assert f.Derived.__base__ is f.Base and gc.is_tracked(f.Same())

assert f.Dict(a=1) == {"a": 1} and isinstance(f.Dict(), dict)
steady(f.Dict, lambda: f.Dict(a=[1]))
class PyDict(f.Dict):
    pass
steady(PyDict, PyDict)
try:
    raise f.Error("why")
except ValueError as error:
    assert type(error) is f.Error and error.args == ("why",)
steady(f.Error, lambda: f.Error([1]))


class Deeper(f.Cause):
    pass


def caused(type_):
    error = type_(2, "no such file")
    error.cause = error
    return error


for cause in (f.Cause, Deeper):
    assert type(caused(cause)).__name__ == cause.__name__ and caused(cause).errno == 2
    steady(cause, lambda: caused(cause))
assert f.Cause.__doc__ == "An error with another one behind it."
assert f.Cause.__text_signature__ == "(number, /)", f.Cause.__text_signature__

# As deep as the stack is not; sanitizers and Valgrind would take minutes for it.
DEPTH = 500 if "PYTHONMALLOC" in os.environ or "TSAN_OPTIONS" in os.environ else 50000
class PyLink(f.Link):
    pass
for kind in (f.Link, PyLink):
    steady(kind, kind)
    chain = None
    for _ in range(DEPTH):
        link = kind()
        link.next, chain = chain, link
    del chain, link
assert type(f.Ruled) is f.Meta and issubclass(f.Meta, type)
class Under(f.Ruled):
    pass
assert type(Under) is f.Meta
steady(f.Ruled, f.Ruled)


# The file holds a second module, with a type that does not name its own.
import importlib.machinery, importlib.util
loader = importlib.machinery.ExtensionFileLoader("features_second", f.__file__)
spec = importlib.util.spec_from_file_location("features_second", f.__file__, loader=loader)
second = importlib.util.module_from_spec(spec)
loader.exec_module(second)
assert second.Undotted.__module__ == "features_second", second.Undotted
steady(second.Undotted, second.Undotted)

steady(f.Reused, f.Reused)
class PyReused(f.Reused):
    pass
steady(PyReused, PyReused)
if not sys.version_info >= (3, 13) or sys._is_gil_enabled():
    import sysconfig
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert f.reused() >= 490, f.reused()
kept = [f.Reused() for _ in range(10)]
del kept

one = f.Slots()
assert one.anything == "anything" and (one ** 2) == (1, 1, 0) and one @ one == 7 and not one
assert pow(one, 2, 3) == (1, 1, 1) and 5 in one
async def wait():
    return await one
try:
    wait().send(None)
except StopIteration as stop:
    assert stop.value is None
class Holder:
    slot = f.Slots()
holder = Holder()
assert holder.slot is holder
steady(f.Slots, f.Slots)
"""
exec(CODE, {})
for own_gil in ([True, False] if "own" in sys.argv else [False]):
    for _ in range(5):
        other = interps.create(own_gil)
        interps.execute(other, CODE)
        interps.destroy(other)
exec(CODE, {})
gc.collect()
print("steady")
