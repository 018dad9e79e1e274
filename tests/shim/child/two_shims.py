"""Two extensions with different shims, and one extension loaded twice, in several interpreters."""

import importlib.machinery
import importlib.util
import os
import shutil
import sys
import tempfile

import interps

# What one library exports the next could be bound to: nothing must change.
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
CODE = """
import kinds, kinds_use, uses_all
kinds_use.use(5)
for level in range(1, 4):
    answer = uses_all.state("x")
    assert answer[:4] == (level, level, "x", "append"), answer
assert uses_all.capi() == 7 and uses_all.Thing().__class__ is uses_all.Thing
"""
own_gil = sys.version_info >= (3, 12) and "own" in sys.argv
exec(CODE, {})
made = [interps.create(own_gil) for _ in range(3)]
for each in made:
    interps.execute(each, CODE)
for each in made:
    interps.destroy(each)

import kinds  # noqa: E402
import kinds_use  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    copy = shutil.copy(kinds.__file__, os.path.join(folder, os.path.basename(kinds.__file__)))
    loader = importlib.machinery.ExtensionFileLoader("kinds", copy)
    spec = importlib.util.spec_from_file_location("kinds", copy, loader=loader)
    twin = importlib.util.module_from_spec(spec)
    loader.exec_module(twin)
assert twin.Num is not kinds.Num and not kinds.is_num(twin.Num(1)) and twin.is_num(twin.Num(1))
before = kinds.counts()
assert twin.counts()[1] == 0, twin.counts()
twin.sorted([twin.Num(3), twin.Num(1)])
assert twin.counts()[1] > 0 and kinds.counts()[1] == before[1]
kinds_use.use(3)
print("side by side")
