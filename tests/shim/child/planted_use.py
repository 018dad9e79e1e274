"""Does what a sanitizer has to report: planted_use.py overrun|overflow|race."""

import sys

import planted

{"overrun": lambda: planted.overrun(8), "overflow": lambda: planted.overflow(5),
 "race": planted.race}[sys.argv[1]]()
print("done")
