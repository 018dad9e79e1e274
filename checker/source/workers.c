#include "source/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/str.h"

enum { STACK_BYTES = 512 * 1024 * 1024, MAX_WORKERS = 64, PIPE_BYTES = 1 << 18 };

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

/* What a worker sends before a result. */
struct workers_answer {
    size_t n;
    bool leaves; /* it takes no more jobs */
};

struct worker {
    pid_t pid;
    int to, from;
    const struct workers_job *job; /* NULL: idle */
    struct str buffer;             /* answer and result */
    long deadline_ms;
};

static long
workers_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
workers_write_all(int fd, const void *data, size_t n)
{
    const char *at = data;
    while (n) {
        ssize_t wrote = write(fd, at, n);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        at += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static bool
workers_read_all(int fd, void *data, size_t n)
{
    char *at = data;
    while (n) {
        ssize_t got = read(fd, at, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}

struct worker_side {
    const struct workers *workers;
    int from, to;
};

/* Pages of this process: all its addresses, and those that are in memory. */
static bool
workers_pages(long *addresses, long *resident)
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
workers_limit_memory(int memory_mb)
{
    long addresses, resident;
    struct rlimit limit;
    if (!LIMITS_WORK || !memory_mb || getrlimit(RLIMIT_AS, &limit) != 0 ||
        !workers_pages(&addresses, &resident)) {
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
workers_memory_short(int memory_mb)
{
    long addresses, resident;
    return memory_mb && workers_pages(&addresses, &resident) &&
           resident > memory_mb * (1024L * 1024 / 4) / sysconf(_SC_PAGESIZE);
}

static void
workers_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_MB << 20);
    mallopt(M_TOP_PAD, PAD_BYTES);
}

/* Gives memory back that a large file has left, or a worker would grow with every unit. */
static void
workers_trim_memory(int memory_mb)
{
    long addresses, resident;
    long most = memory_mb && memory_mb / 8 < KEPT_MB ? memory_mb / 8 : KEPT_MB;
    if (!workers_pages(&addresses, &resident) ||
        resident > most * (1024L * 1024 / sysconf(_SC_PAGESIZE))) {
        malloc_trim(0);
    }
}

/* The worker's whole life, on a thread whose stack is large enough for deeply nested sources. */
static void *
workers_life(void *data)
{
    struct worker_side *side = data;
    side->workers->start(side->workers->context);
    struct workers_job job;
    struct str out = {0};
    while (workers_read_all(side->from, &job, sizeof(job))) {
        str_clear(&out);
        side->workers->run(side->workers->context, &job, &out);
        workers_trim_memory(side->workers->memory_mb);
        struct workers_answer answer = {.n = out.n,
                                        .leaves = workers_memory_short(side->workers->memory_mb)};
        if (!workers_write_all(side->to, &answer, sizeof(answer)) ||
            !workers_write_all(side->to, out.s ? out.s : "", answer.n) || answer.leaves) {
            break;
        }
    }
    str_free(&out);
    return NULL;
}

static void
workers_child(const struct workers *workers, int from, int to)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* libclang prints its own crash reports; the parent names the file instead. */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
    }
    setenv("LIBCLANG_NOTHREADS", "1", 1);
    workers_limit_memory(workers->memory_mb);
    workers_keep_memory();
    struct worker_side side = {workers, from, to};
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(&thread, &attr, workers_life, &side) == 0) {
        pthread_join(thread, NULL);
    }
    else {
        workers_life(&side);
    }
    _exit(0);
}

static bool
workers_spawn(const struct workers *workers, struct worker *w, struct worker *all)
{
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) < 0) {
        return false;
    }
    if (pipe2(up, O_CLOEXEC) < 0) {
        close(down[0]);
        close(down[1]);
        return false;
    }
    fcntl(up[0], F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns for large results */
    w->pid = fork();
    if (w->pid == 0) {
        for (int i = 0; i < workers->count; i++) {
            /* Another worker's pipe kept open here would hide that worker's end of file. */
            if (all[i].pid > 0 && &all[i] != w) {
                close(all[i].to);
                close(all[i].from);
            }
        }
        close(down[1]);
        close(up[0]);
        workers_child(workers, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    w->to = down[1];
    w->from = up[0];
    w->job = NULL;
    if (w->pid < 0) {
        close(w->to);
        close(w->from);
        w->pid = 0;
        return false;
    }
    return true;
}

static int
workers_end(struct worker *w, bool kill_it, long *resident_kb)
{
    if (kill_it) {
        kill(w->pid, SIGKILL);
    }
    close(w->to);
    close(w->from);
    int status = 0;
    struct rusage used = {.ru_maxrss = 0};
    while (wait4(w->pid, &status, 0, &used) < 0 && errno == EINTR) {}
    if (resident_kb) {
        *resident_kb = used.ru_maxrss;
    }
    w->pid = 0;
    str_clear(&w->buffer);
    return status;
}

static void
workers_give(const struct workers *workers, struct worker *w, const struct workers_job *job)
{
    w->job = job;
    str_clear(&w->buffer);
    w->deadline_ms = workers_now_ms() + workers->timeout_seconds * 1000L;
    /* A failed write shows as end of file on the other pipe. */
    workers_write_all(w->to, job, sizeof(*job));
}

static void
workers_lost(const struct workers *workers, struct worker *w, bool timeout)
{
    const struct workers_job *job = w->job;
    long resident_kb = 0;
    int status = workers_end(w, timeout, &resident_kb);
    struct str reason = {0};
    if (timeout) {
        str_addf(&reason, "took longer than %d s (--timeout)", workers->timeout_seconds);
    }
    else if (WIFSIGNALED(status)) {
        str_addf(&reason, "the parser crashed on it (%s)", strsignal(WTERMSIG(status)));
    }
    else {
        str_add(&reason, "the parser ended unexpectedly");
    }
    if (!timeout && workers->memory_mb && resident_kb > workers->memory_mb * (1024L / 4)) {
        str_addf(&reason, ", maybe for want of memory (--memory %d)", workers->memory_mb);
    }
    workers->done(workers->context, job, NULL, 0, reason.s);
    str_free(&reason);
}

/* Takes what there is to read. Returns true when the job is finished or the worker is lost. */
static bool
workers_receive(const struct workers *workers, struct worker *w)
{
    struct workers_answer answer = {.n = 0};
    size_t begin = w->buffer.n, want = sizeof(answer);
    if (begin >= sizeof(answer)) {
        memcpy(&answer, w->buffer.s, sizeof(answer));
        want += answer.n;
    }
    size_t n = want - begin < PIPE_BYTES ? want - begin : PIPE_BYTES;
    str_reserve(&w->buffer, n);
    ssize_t got = read(w->from, w->buffer.s + begin, n);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return false;
    }
    if (got <= 0) {
        workers_lost(workers, w, false);
        return true;
    }
    w->buffer.n += (size_t)got;
    w->buffer.s[w->buffer.n] = '\0';
    if (w->buffer.n < sizeof(answer)) {
        return false;
    }
    memcpy(&answer, w->buffer.s, sizeof(answer));
    if (w->buffer.n < sizeof(answer) + answer.n) {
        return false;
    }
    const struct workers_job *job = w->job;
    w->job = NULL;
    workers->done(workers->context, job, w->buffer.s + sizeof(answer), answer.n, NULL);
    if (answer.leaves) {
        workers_end(w, false, NULL);
    }
    return true;
}

static int
workers_poll(const struct workers *workers, struct worker *all, struct pollfd *fds)
{
    long now = workers_now_ms(), wait = workers->timeout_seconds * 1000L;
    for (int i = 0; i < workers->count; i++) {
        fds[i] = (struct pollfd){.fd = all[i].pid > 0 && all[i].job ? all[i].from : -1,
                                 .events = POLLIN};
        if (all[i].pid > 0 && all[i].job) {
            long left = all[i].deadline_ms - now;
            wait = left < wait ? left : wait;
        }
    }
    return poll(fds, (nfds_t)workers->count, wait < 0 ? 0 : (int)wait + 1);
}

/* Gives jobs to workers that have none. Returns how many were given; *next is a job that was picked
 * and found no worker. */
static size_t
workers_give_all(const struct workers *workers, struct worker *all, const struct workers_job **next)
{
    size_t given = 0;
    for (int i = 0; i < workers->count; i++) {
        if (all[i].pid && all[i].job) {
            continue;
        }
        *next = *next ? *next : workers->pick(workers->context);
        if (!*next) {
            break;
        }
        if (all[i].pid || workers_spawn(workers, &all[i], all)) {
            workers_give(workers, &all[i], *next);
            *next = NULL;
            given++;
        }
    }
    return given;
}

void
workers_run(const struct workers *setup)
{
    struct workers workers = *setup;
    if (workers.count > MAX_WORKERS) {
        workers.count = MAX_WORKERS;
    }
    struct worker all[MAX_WORKERS] = {{0}};
    struct pollfd fds[MAX_WORKERS];
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    const struct workers_job *next = NULL;
    size_t running = 0;
    for (;;) {
        running += workers_give_all(&workers, all, &next);
        if (!running) {
            break;
        }
        workers_poll(&workers, all, fds);
        for (int i = 0; i < workers.count; i++) {
            if (!all[i].pid || !all[i].job) {
                continue;
            }
            if (fds[i].revents && workers_receive(&workers, &all[i])) {
                running--;
                all[i].job = NULL;
            }
            else if (all[i].job && workers_now_ms() > all[i].deadline_ms) {
                workers_lost(&workers, &all[i], true);
                running--;
                all[i].job = NULL;
            }
        }
    }
    for (; next; next = workers.pick(workers.context)) {
        workers.done(workers.context, next, NULL, 0, "no worker process could be started");
    }
    for (int i = 0; i < workers.count; i++) {
        if (all[i].pid) {
            workers_end(&all[i], false, NULL);
        }
        str_free(&all[i].buffer);
    }
    sigaction(SIGPIPE, &before, NULL);
}
