#include "source/workers/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "source/workers/pipes.h"
#include "source/workers/worker_life.h"

enum { MAX_WORKERS = 64, PIPE_BYTES = 1 << 18 };

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
        worker_life(workers, down[0], up[1]);
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
    pipes_write(w->to, job, sizeof(*job));
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
