"""Is the import refused in an interpreter with its own lock?"""

import harness

USE = "assert mod.answer() == 42"


def observe(name, context):
    try:
        place = harness.places(name, context, 1)[0]
    except harness.Failed as refusal:
        if "does not support loading in subinterpreters" in str(refusal):
            return str(refusal)
        raise
    place.run(USE)
    return None


if __name__ == "__main__":
    harness.main(observe)
