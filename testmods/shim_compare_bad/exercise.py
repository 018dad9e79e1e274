"""Does is_point() know an instance of the module's own type?"""

import harness

USE = "mod.is_point(mod.Point())"


def observe(name, context):
    place = harness.places(name, context, 1)[0]
    if not place.run("result = mod.is_point(mod.Point())"):
        return "is_point(Point()) is False"
    return None


if __name__ == "__main__":
    harness.main(observe)
