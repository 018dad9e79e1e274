#define _GNU_SOURCE
#include "worker.h"

#include <stdlib.h>

#include "interp.h"
#include "transfer.h"
#include "worker_begin.h"
#include "worker_run.h"
#include "worker_thread.h"

/* Python code recurses on this stack; some systems give secondary threads very little. */
#define STACK_SIZE ((size_t)16 << 20)

#define ERROR_SIZE 16000 /* bytes: the traceback of an initializer is in it */

void
worker_ref(struct worker *worker)
{
    atomic_fetch_add(&worker->refs, 1);
}

void
worker_unref(struct worker *worker)
{
    if (atomic_fetch_sub(&worker->refs, 1) == 1) {
        message_clear(&worker->start);
        wait_destroy(&worker->visits);
        pthread_mutex_destroy(&worker->lock);
        core_unref(worker->core);
        free(worker);
    }
}

/* No visitor may come any more, and one that is here has to leave before the interpreter ends. */
static void
worker_close_door(struct worker *worker, PyThreadState **own)
{
    interp_leave(own);
    for (;;) {
        int seen = atomic_load(&worker->visits.value);
        pthread_mutex_lock(&worker->lock);
        worker->interp = NULL;
        int visited = worker->visited != NULL;
        pthread_mutex_unlock(&worker->lock);
        if (!visited) {
            break;
        }
        wait_sleep(&worker->visits, seen, WAIT_FOREVER);
    }
    interp_return(own);
}

/* Takes the worker out of the pool's list; nobody else can find it afterwards. */
static void
worker_unlist(struct worker *worker)
{
    struct core *core = worker->core;
    pthread_mutex_lock(&core->lock);
    for (struct worker **link = &core->workers; *link; link = &(*link)->next) {
        if (*link == worker) {
            *link = worker->next;
            break;
        }
    }
    pthread_mutex_unlock(&core->lock);
}

/* Leaves the pool: counted down once, by whoever declared the worker gone first. */
static void
worker_leave(struct worker *worker, int was_ready)
{
    worker_unlist(worker);
    pthread_mutex_lock(&worker->lock);
    int lost = worker->lost;
    worker->lost = 1;
    pthread_mutex_unlock(&worker->lock);
    if (lost) {
        atomic_fetch_sub(&worker->core->lost, 1);
    }
    else {
        jobs_worker_left(&worker->core->jobs, was_ready);
    }
}

/* The life of the interpreter. Returns 1 when it got as far as taking tasks. */
static int
worker_live(struct worker *worker, PyThreadState *own)
{
    char error[ERROR_SIZE];
    struct core *core = worker->core;
    struct pool_state *state = worker_prepare(worker, error, sizeof(error));
    int ready = state != NULL;
    if (ready) {
        jobs_worker_ready(&core->jobs);
        worker_serve(worker, state, &own);
    }
    else {
        core_report_broken(core, error);
    }
    worker_forget(worker);
    worker_close_door(worker, &own);
    if (worker_wind_up(state) == 0) {
        interp_end(own);
    }
    else {
        /* A thread that a task left behind still uses the interpreter: it cannot be ended. */
        state->worker = NULL;
        interp_leave(&own);
        atomic_fetch_add(&core->lost, 1);
    }
    return ready;
}

static void *
worker_main(void *arg)
{
    struct worker *worker = arg;
    char error[ERROR_SIZE];
    int ready = 0;
    PyThreadState *own = interp_create(error, sizeof(error));
    if (own) {
        pthread_mutex_lock(&worker->lock);
        worker->interp = PyThreadState_GetInterpreter(own);
        worker->thread_id = PyThread_get_thread_ident();
        pthread_mutex_unlock(&worker->lock);
        ready = worker_live(worker, own);
    }
    else {
        core_report_broken(worker->core, error);
    }
    worker_leave(worker, ready);
    worker_unref(worker);
    return NULL;
}

int
worker_start(struct core *core, struct message *start)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker) {
        return -1;
    }
    atomic_init(&worker->refs, 1);
    pthread_mutex_init(&worker->lock, NULL);
    wait_init(&worker->visits);
    core_ref(core);
    worker->core = core;
    message_move(&worker->start, start);
    pthread_mutex_lock(&core->lock);
    worker->number = ++core->worker_numbers;
    worker->next = core->workers;
    core->workers = worker;
    pthread_mutex_unlock(&core->lock);
    /* It keeps the mask of its maker: children that a task starts inherit it, and one that blocks
     * everything could not be terminated. The kernel prefers the main thread for signals that go
     * to the process, and Python handles them there in any case. */
    int result = worker_thread_start(worker, worker_main, STACK_SIZE, NULL, core->name);
    if (result < 0) {
        worker_unlist(worker);
        message_move(start, &worker->start);
    }
    worker_unref(worker);
    return result;
}
