"""Does make() return an instance of the module's own type?"""

import harness

USE = "mod.Point()"


def observe(name, context):
    place = harness.places(name, context, 1)[0]
    if not place.run("result = type(mod.make()) is mod.Point"):
        return "the object that make() returns is no Point"
    return None


if __name__ == "__main__":
    harness.main(observe)
