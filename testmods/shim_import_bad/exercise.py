"""Do two interpreters call one and the same imported function?"""

import harness

USE = "assert mod.to_json([1, 2]) == '[1, 2]'"


def observe(name, context):
    first, second = harness.places(name, context)
    addresses = [place.run("result = mod.address()") for place in (first, second)]
    if addresses[0] == addresses[1]:
        return "two interpreters call the same imported function object"
    return None


if __name__ == "__main__":
    harness.main(observe)
