"""Does an object that was given to one instance come out of another?"""

import harness

USE = "mod.swap('first'); assert mod.swap('second') == 'first'"


def observe(name, context):
    first, second = harness.places(name, context)
    address = first.run("kept = ['mine']; mod.swap(kept); result = id(kept)")
    got = second.run("got = mod.swap('x'); result = id(got)")
    if got == address:
        return "a list of the first instance came out of the second"
    return None


if __name__ == "__main__":
    harness.main(observe)
