"""State, caches, once and mutexes of an abi3 module, in several interpreters."""

import interps

CODE = """
import collections
import uses_all
for level in range(1, 4):
    answer = uses_all.state([level])
    assert answer[:4] == (level, level, [level], "append"), answer
    assert answer[4] is collections.OrderedDict
    assert issubclass(answer[6], answer[5]) and issubclass(answer[5], ValueError)
    assert answer[6].__name__ == "WorseError" and answer[5].__module__ == "uses_all"
assert uses_all.capi() == 7
once = uses_all.threads([])
assert uses_all.threads([]) == once, "once ran twice"
"""
exec(CODE, {})
for _ in range(5):
    other = interps.create(False)
    interps.execute(other, CODE)
    interps.destroy(other)
print("used")
