"""Do clients of the C API in two interpreters get the same object?"""

import harness

USE = "assert mod.registry()"


def observe(name, context):
    first, second = harness.places(name, context)
    addresses = [place.run("result = mod.registry()") for place in (first, second)]
    if addresses[0] == addresses[1]:
        return "clients in two interpreters use the same registry"
    return None


if __name__ == "__main__":
    harness.main(observe)
