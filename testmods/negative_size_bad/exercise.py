"""Does a new instance of the module start with what an earlier one collected?"""

import harness

USE = "mod.add(1); assert mod.seen"


def observe(name, context):
    first = harness.places(name, context, 1)[0]
    first.run("mod.add('first')")
    second = harness.places(name, context, 1)[0]
    left = second.run("result = list(mod.seen)")
    return f"a new instance starts with {left}" if left else None


if __name__ == "__main__":
    harness.main(observe)
