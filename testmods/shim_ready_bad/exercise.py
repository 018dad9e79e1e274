"""Do two interpreters have one and the same type object?"""

import harness

USE = "mod.Point()"


def observe(name, context):
    first, second = harness.places(name, context)
    addresses = [place.run("result = id(mod.Point)") for place in (first, second)]
    if addresses[0] == addresses[1]:
        return "two interpreters share the type object"
    return None


if __name__ == "__main__":
    harness.main(observe)
