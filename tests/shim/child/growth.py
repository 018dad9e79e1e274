"""Memory growth over COUNT interpreters after 50 for warm-up: growth.py COUNT MODULE|empty|miss.
"miss" looks for a module that is not there.

No instance is hidden where it dies late, as other tests do: whatever class it is of, CPython then
leaks that class, and with it the interpreter's arenas (docs/shim.md). Nor is a Python file imported
there: 3.13 leaks 200 KB for each that is.
"""

import sys

import interps

WARM_UP = 50
COUNT = int(sys.argv[1])
OTHERS = {"empty": "", "miss": "try:\n    import nothing_here\nexcept ImportError:\n    pass\n"}
CODE = OTHERS[sys.argv[2]] if sys.argv[2] in OTHERS else f"""
import {sys.argv[2]} as kinds
class P(kinds.Num): pass
bag = kinds.Bag([kinds.Num(1) + P(2), kinds.Wide(3), kinds.Caller(), kinds.Blob(9)])
bag.me = bag
kinds.sorted([kinds.Num(i) for i in range(9)])
"""
OWN_GIL = sys.version_info >= (3, 12)
if CODE:
    exec(CODE)
before = 0
for number in range(WARM_UP + COUNT):
    if number == WARM_UP:
        before = interps.resident_kb()
    interpreter = interps.create(OWN_GIL)
    interps.execute(interpreter, CODE)
    interps.destroy(interpreter)
print(interps.resident_kb() - before)
