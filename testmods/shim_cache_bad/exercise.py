"""Is what one instance of the module remembers seen by another?"""

import harness

USE = "mod.put('key', 1); assert mod.size() >= 1"


def observe(name, context):
    first, second = harness.places(name, context)
    first.run("mod.put('key', 1)")
    addresses = [place.run("result = mod.address()") for place in (first, second)]
    size = second.run("result = mod.size()")
    if size or addresses[0] == addresses[1]:
        return f"two instances hold the same dict ({size} entry came over)"
    return None


if __name__ == "__main__":
    harness.main(observe)
