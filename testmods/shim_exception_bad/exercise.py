"""Does a module still raise its own exception class after another instance of it was made?"""

import harness

USE = """
try:
    mod.fail()
except mod.Error:
    pass
"""
ASK = """
try:
    mod.fail()
except mod.Error:
    result = True
except Exception:
    result = False
"""


def observe(name, context):
    first, second = harness.places(name, context)
    caught = [place.run(ASK) for place in (first, second)]
    if caught == [False, True]:
        return "the first instance raises the exception class of the second"
    if caught != [True, True]:
        raise RuntimeError(f"neither shared nor isolated: {caught}")
    return None


if __name__ == "__main__":
    harness.main(observe)
