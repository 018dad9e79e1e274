#define _GNU_SOURCE
#include "place.h"

#if defined(__linux__)

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many threads of the whole machine run or want to; -1 when nobody tells. */
static long
place_running(void)
{
    char text[128];
    int file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    ssize_t size = read(file, text, sizeof(text) - 1);
    close(file);
    text[size > 0 ? size : 0] = '\0';
    char *slash = strchr(text, '/'); /* "0.20 0.18 0.12 2/80 11206": 2 of 80 */
    if (!slash) {
        return -1;
    }
    *slash = '\0';
    const char *number = strrchr(text, ' ');
    return number ? strtol(number, NULL, 10) : -1;
}

/* The mask of a thread that may run everywhere; 0, or -1 for any other thread. */
static int
place_free_mask(cpu_set_t *mask)
{
    if (sched_getaffinity(0, sizeof(*mask), mask) < 0 || CPU_COUNT(mask) < 2 ||
        CPU_COUNT(mask) != sysconf(_SC_NPROCESSORS_ONLN)) {
        return -1;
    }
    return 0;
}

int
place_move(void)
{
    cpu_set_t before;
    cpu_set_t others;
    cpu_set_t now;
    cpu_set_t all;
    int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || place_free_mask(&before) < 0) {
        return -1;
    }
    others = before;
    CPU_CLR((size_t)here, &others);
    if (sched_setaffinity(0, sizeof(others), &others) < 0) {
        return -1;
    }
    here = sched_getcpu();
    if (sched_getaffinity(0, sizeof(now), &now) < 0 || !CPU_EQUAL(&now, &others)) {
        return here; /* somebody else has set it meanwhile */
    }
    /* Not `before`: Linux remembers a mask that was asked for, and a processor or a cpuset that is
     * widened later would not be for this thread. All is what a thread has that nobody bound. */
    memset(&all, 0xff, sizeof(all));
    if (sched_setaffinity(0, sizeof(all), &all) < 0) {
        sched_setaffinity(0, sizeof(before), &before);
    }
    return here;
}

int
place_move_if_idle(void)
{
    cpu_set_t mask;
    if (place_free_mask(&mask) < 0) {
        return -1;
    }
    /* Two threads are here. The kernel takes whichever other processor: few of them may be busy,
     * and with up to five none. */
    long running = place_running();
    return running >= 0 && running - 2 <= (CPU_COUNT(&mask) - 2) / 4 ? place_move() : -1;
}

#else

int
place_move(void)
{
    return -1;
}

int
place_move_if_idle(void)
{
    return -1;
}

#endif
