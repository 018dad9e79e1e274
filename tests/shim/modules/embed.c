/* embed.c - a program that starts and ends Python several times in one process, with an extension
 * that stays loaded: main interpreter at the same address, ids from the start, statics as left. */
#include <Python.h>

#include <stdio.h>

enum { ROUNDS = 5 };

static const char code[] =
    "import sys\n"
    "sys.path[:0] = PATHS\n"
    "import kinds, kinds_use, threads_probe\n"
    "assert kinds.counts() == (0, 0), kinds.counts()\n"
    "kinds_use.use(3)\n"
    "kinds_use.hide_late()\n"
    "runs = []\n"
    "threads_probe.interp_once(lambda: runs.append(1))\n"
    "threads_probe.interp_once(lambda: runs.append(1))\n"
    "assert runs == [1], runs\n"
    "seen = []\n"
    "threads_probe.set_callback(lambda: seen.append(1))\n"
    "assert threads_probe.visit(3) == (3, 0, 0) and len(seen) == 3\n"
    "import interps\n"
    "for _ in range(2):\n"
    "    other = interps.create(False)\n"
    "    interps.execute(other, 'import kinds, kinds_use; kinds_use.use(2)')\n"
    "    interps.destroy(other)\n";

int
main(int count, char **arguments)
{
    if (count != 2) {
        return 2;
    }
    for (int round = 0; round < ROUNDS; round++) {
        Py_Initialize();
        char paths[4096];
        (void)snprintf(paths, sizeof(paths), "PATHS = %s\n", arguments[1]);
        if (PyRun_SimpleString(paths) != 0 || PyRun_SimpleString(code) != 0) {
            fprintf(stderr, "in round %d\n", round + 1);
            return 1;
        }
        if (Py_FinalizeEx() < 0) {
            return 3;
        }
    }
    printf("%d times\n", ROUNDS);
    return 0;
}
