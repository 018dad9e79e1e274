"""Which interpreter does a thread made by the module run in?"""

import harness

USE = "assert mod.ask() >= 0"


def observe(name, context):
    place = harness.places(name, context)[1]
    here, there = place.run("result = (mod.here(), mod.ask())")
    if here != there:
        return f"a thread started in interpreter {here} runs in interpreter {there}"
    return None


if __name__ == "__main__":
    harness.main(observe)
