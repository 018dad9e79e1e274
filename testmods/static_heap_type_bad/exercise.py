"""Does make() still give a Thing of this instance after another instance was made?"""

import harness

USE = "assert type(mod.make()).__name__ == 'Thing'"
ASK = "result = type(mod.make()) is mod.Thing"


def observe(name, context):
    first, second = harness.places(name, context)
    own = [place.run(ASK) for place in (first, second)]
    if own == [False, True]:
        return "the first instance makes objects of the second instance's type"
    if own != [True, True]:
        raise RuntimeError(f"neither shared nor isolated: {own}")
    return None


if __name__ == "__main__":
    harness.main(observe)
