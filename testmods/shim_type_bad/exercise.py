"""Is the type, with the list of its subclasses, shared by two interpreters?"""

import harness

USE = "assert isinstance(type('Sub', (mod.Point,), {})(), mod.Point)"


def observe(name, context):
    first, second = harness.places(name, context)
    addresses = [place.run("result = id(mod.Point)") for place in (first, second)]
    first.run("class Sub(mod.Point): pass")
    seen = second.run("result = len(mod.Point.__subclasses__())")
    if addresses[0] == addresses[1]:
        return f"two interpreters share the type object (foreign subclasses seen: {seen})"
    return None


if __name__ == "__main__":
    harness.main(observe)
