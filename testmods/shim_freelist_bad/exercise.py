"""Does an object that died in one interpreter come to life in another?"""

import harness

USE = "nodes = [mod.Node() for _ in range(3)]; del nodes; assert mod.Node()"


def observe(name, context):
    first, second = harness.places(name, context)
    dead = first.run("nodes = [mod.Node() for _ in range(5)]; result = [id(n) for n in nodes]")
    first.run("del nodes[:]")
    born = second.run("nodes = [mod.Node() for _ in range(5)]; result = [id(n) for n in nodes]")
    again = len(set(dead) & set(born))
    return f"{again} objects of the first interpreter live on in the second" if again else None


if __name__ == "__main__":
    harness.main(observe)
