"""Functions as a user's module has them; importable by every process and every interpreter."""

import extpool


@extpool.offload
def decorated(x):
    return x, extpool.in_worker()


def calls_decorated(x):
    return decorated(x)
