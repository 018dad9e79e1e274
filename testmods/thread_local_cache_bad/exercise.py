"""Do two instances of the module on one thread share the thread's list?"""

import harness

USE = "mod.list().append(1); assert mod.list()"


def observe(name, context):
    first, second = harness.places(name, context)
    first.run("mod.list().append('first')")
    seen = second.run("result = len(mod.list())")
    addresses = [place.run("result = mod.address()") for place in (first, second)]
    if addresses[0] == addresses[1]:
        return f"two instances share a list ({seen} item came over)"
    return None


if __name__ == "__main__":
    harness.main(observe)
