"""Do two interpreters with their own locks hold the same string object?"""

import harness

USE = "assert mod.name() == 'lazy_name_attribute'"


def observe(name, context):
    first, second = harness.places(name, context)
    addresses = [place.run("result = mod.address()") for place in (first, second)]
    if addresses[0] == addresses[1]:
        return "two interpreters hand out the same string object"
    return None


if __name__ == "__main__":
    harness.main(observe)
