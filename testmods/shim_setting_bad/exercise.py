"""Does a setting made in one instance of the module hold in another?"""

import harness

USE = "mod.set_limit(5); assert mod.limit() == 5"


def observe(name, context):
    first, second = harness.places(name, context)
    first.run("mod.set_limit(5)")
    seen = second.run("result = mod.limit()")
    return f"the limit of the other instance is {seen}" if seen != 100 else None


if __name__ == "__main__":
    harness.main(observe)
