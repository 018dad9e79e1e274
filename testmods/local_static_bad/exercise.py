"""Does a string that one instance kept come out of another?"""

import harness

# Threads share what is kept: another one may have swapped in between.
USE = "mod.swap('first'); assert mod.swap('second') in (repr('first'), repr('second'))"


def observe(name, context):
    first, second = harness.places(name, context)
    first.run("mod.swap('mine')")
    if second.run("result = mod.swap('yours')") == repr("mine"):
        return "a string that the first instance kept came out of the second"
    return None


if __name__ == "__main__":
    harness.main(observe)
