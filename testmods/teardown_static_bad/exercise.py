"""Does an instance of the module keep its data when another instance ends?"""

import harness

USE = "assert mod.square(9) == 81"
ASK = """
try:
    result = mod.square(9)
except RuntimeError as error:
    result = str(error)
"""


def observe(name, context):
    first, second = harness.places(name, context)
    second.run(USE)
    second.close()
    answer = first.run(ASK)
    return f"after the other instance ended: {answer}" if answer != 81 else None


if __name__ == "__main__":
    harness.main(observe)
