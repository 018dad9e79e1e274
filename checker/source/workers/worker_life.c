#include "source/workers/worker_life.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/str.h"
#include "source/workers/pipes.h"

enum { STACK_BYTES = 512 * 1024 * 1024 };

/* A worker keeps the memory of a syntax tree for the next one, up to so much in all: giving it back
 * and asking for it again took a tenth of the time. */
enum { KEPT_MB = 100, PAD_BYTES = 1 << 20, LARGE_BYTES = 1 << 25 };

/* The sanitizers reserve terabytes of addresses for themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMITS_WORK = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { LIMITS_WORK = 0 };
#else
enum { LIMITS_WORK = 1 };
#endif
#else
enum { LIMITS_WORK = 1 };
#endif

struct worker_side {
    const struct workers *workers;
    int from, to;
};

/* Pages of this process: all its addresses, and those that are in memory. */
static bool
worker_pages(long *addresses, long *resident)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    char *end = text;
    *addresses = strtol(text, &end, 10);
    *resident = strtol(end, NULL, 10);
    return n > 0;
}

/* The limit is what a file may take: the stack and what the parent had come on top. */
static void
worker_limit_memory(int memory_mb)
{
    long addresses, resident;
    struct rlimit limit;
    if (!LIMITS_WORK || !memory_mb || getrlimit(RLIMIT_AS, &limit) != 0 ||
        !worker_pages(&addresses, &resident)) {
        return;
    }
    rlim_t bytes = (rlim_t)memory_mb * 1024 * 1024 + STACK_BYTES +
                   (rlim_t)addresses * (rlim_t)sysconf(_SC_PAGESIZE);
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > bytes) {
        limit.rlim_cur = bytes;
        setrlimit(RLIMIT_AS, &limit);
    }
}

/* A table that is doubled asks for two parts while it still holds one: with a quarter of the limit
 * in use, the next request may be the one that fails. libclang leaks what it had when it failed. */
bool
worker_memory_short(int memory_mb)
{
    long addresses, resident;
    return memory_mb && worker_pages(&addresses, &resident) &&
           resident > memory_mb * (1024L * 1024 / 4) / sysconf(_SC_PAGESIZE);
}

static void
worker_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_MB << 20);
    mallopt(M_TOP_PAD, PAD_BYTES);
}

/* Gives memory back that a large file has left, or a worker would grow with every unit. */
static void
worker_trim_memory(int memory_mb)
{
    long addresses, resident;
    long most = memory_mb && memory_mb / 8 < KEPT_MB ? memory_mb / 8 : KEPT_MB;
    if (!worker_pages(&addresses, &resident) ||
        resident > most * (1024L * 1024 / sysconf(_SC_PAGESIZE))) {
        malloc_trim(0);
    }
}

/* The worker's whole life, on a thread whose stack is large enough for deeply nested sources. */
static void *
worker_jobs(void *data)
{
    struct worker_side *side = data;
    side->workers->start(side->workers->context);
    struct workers_job job;
    struct str out = {0};
    while (pipes_read(side->from, &job, sizeof(job))) {
        str_clear(&out);
        side->workers->run(side->workers->context, &job, &out);
        worker_trim_memory(side->workers->memory_mb);
        struct workers_answer answer = {.n = out.n,
                                        .leaves = worker_memory_short(side->workers->memory_mb)};
        if (!pipes_write(side->to, &answer, sizeof(answer)) ||
            !pipes_write(side->to, out.s ? out.s : "", answer.n) || answer.leaves) {
            break;
        }
    }
    str_free(&out);
    return NULL;
}

void
worker_life(const struct workers *workers, int from, int to)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* libclang prints its own crash reports; the parent names the file instead. */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
    }
    setenv("LIBCLANG_NOTHREADS", "1", 1);
    worker_limit_memory(workers->memory_mb);
    worker_keep_memory();
    struct worker_side side = {workers, from, to};
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(&thread, &attr, worker_jobs, &side) == 0) {
        pthread_join(thread, NULL);
    }
    else {
        worker_jobs(&side);
    }
    _exit(0);
}
