/* The queue without Python: many threads push, run, cancel, wait, pause and stop. Meant to be run
 * under ThreadSanitizer as well. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../src/jobs.h"
#include "../src/place.h"

#define PUSHERS 3
#define WORKERS 4
#define PER_PUSHER 20000

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct number {
    struct job job;
    int in;
    int out; /* written by the worker, read after the end: no lock of its own; so is `by` */
    pthread_t by;
};

struct pool {
    struct jobs jobs;
    struct jobs_finished finished;
    atomic_int alive; /* jobs not freed yet */
    atomic_int ran;
    atomic_int cancelled;
    atomic_int blocked;
};

static _Atomic(struct pool *) current_pool; /* job_free has no other way to count */

static void
number_free(struct job *job)
{
    atomic_fetch_sub(&atomic_load(&current_pool)->alive, 1);
    free(job);
}

static struct number *
number_new(struct pool *pool, int in)
{
    struct number *number = malloc(sizeof(*number));
    CHECK(number);
    job_init(&number->job, number_free);
    number->in = in;
    number->out = -1;
    atomic_fetch_add(&pool->alive, 1);
    return number;
}

static void
count_block(void *arg)
{
    atomic_fetch_add(&((struct pool *)arg)->blocked, 1);
}

static void
count_unblock(void *arg)
{
    atomic_fetch_sub(&((struct pool *)arg)->blocked, 1);
}

static void *
worker(void *arg)
{
    struct pool *pool = arg;
    struct jobs_blocking blocking = {count_block, count_unblock, pool};
    struct job *job;
    jobs_worker_ready(&pool->jobs);
    while ((job = jobs_pop(&pool->jobs, &blocking)) != NULL) {
        struct number *number = (struct number *)job;
        if (!job_start(job)) {
            jobs_worker_idle(&pool->jobs);
            job_unref(job);
            continue;
        }
        CHECK(job_seal(job));
        CHECK(!job_seal(job));
        number->out = number->in * 2;
        number->by = pthread_self();
        atomic_fetch_add(&pool->ran, 1);
        jobs_worker_idle(&pool->jobs);
        if (job_finish(job) & JOB_NOTIFY) {
            jobs_finished_add(&pool->finished, job);
        }
        else {
            job_unref(job);
        }
    }
    jobs_worker_left(&pool->jobs, 1);
    return NULL;
}

static void
start_worker(struct pool *pool)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, worker, pool) == 0);
    CHECK(pthread_detach(thread) == 0);
}

static void
push(struct pool *pool, struct number *number)
{
    int start = jobs_push(&pool->jobs, &number->job);
    CHECK(start >= 0);
    if (start) {
        start_worker(pool);
    }
}

/* Waits for one job in three, cancels one, asks for a notice of one. */
static void *
pusher(void *arg)
{
    struct pool *pool = arg;
    for (int i = 0; i < PER_PUSHER; i++) {
        struct number *number = number_new(pool, i);
        int notice = i % 3 == 1 ? job_ask_notice(&number->job) : 0;
        push(pool, number);
        if (i % 3 == 0) {
            CHECK(job_wait(&number->job, WAIT_FOREVER) == WAIT_WOKEN);
            CHECK(number->out == 2 * i);
        }
        else if (i % 3 == 2) {
            int first;
            if (job_cancel(&number->job, &first)) {
                CHECK(first);
                atomic_fetch_add(&pool->cancelled, 1);
            }
        }
        CHECK(notice == (i % 3 == 1));
        job_unref(&number->job);
    }
    return NULL;
}

static void *
reader(void *arg)
{
    struct pool *pool = arg;
    int expected = PUSHERS * ((PER_PUSHER + 1) / 3);
    while (expected > 0) {
        int seen = atomic_load(&pool->finished.notice.value);
        struct job *job = jobs_finished_take(&pool->finished);
        if (!job) {
            wait_sleep(&pool->finished.notice, seen, WAIT_FOREVER);
        }
        while (job) {
            struct job *next = job->next;
            CHECK(((struct number *)job)->out == 2 * ((struct number *)job)->in);
            job_unref(job);
            expected--;
            job = next;
        }
    }
    return NULL;
}

static void
pool_start(struct pool *pool)
{
    CHECK(jobs_init(&pool->jobs, WORKERS) == 0);
    jobs_finished_init(&pool->finished);
    atomic_init(&pool->alive, 0);
    atomic_init(&pool->ran, 0);
    atomic_init(&pool->cancelled, 0);
    atomic_init(&pool->blocked, 0);
    atomic_store(&current_pool, pool);
}

static void
pool_stop(struct pool *pool, enum jobs_mode mode)
{
    jobs_set_mode(&pool->jobs, mode);
    CHECK(jobs_wait_left(&pool->jobs, 0, wait_deadline(60.0)) == WAIT_WOKEN);
}

static void
test_traffic(void)
{
    struct pool pool;
    pthread_t threads[PUSHERS + 1];
    pool_start(&pool);
    for (int i = 0; i < PUSHERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, pusher, &pool) == 0);
    }
    CHECK(pthread_create(&threads[PUSHERS], NULL, reader, &pool) == 0);
    for (int i = 0; i <= PUSHERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    pool_stop(&pool, JOBS_DRAIN);
    CHECK(atomic_load(&pool.ran) + atomic_load(&pool.cancelled) == PUSHERS * PER_PUSHER);
    CHECK(atomic_load(&pool.ran) >= 2 * PUSHERS * (PER_PUSHER / 3));
    CHECK(atomic_load(&pool.alive) == 0);
    CHECK(atomic_load(&pool.blocked) == 0);
    struct number *late = number_new(&pool, 1);
    CHECK(jobs_push(&pool.jobs, &late->job) == -1);
    job_unref(&late->job);
    job_unref(&late->job);
    jobs_destroy(&pool.jobs);
}

/* FIFO, and one worker is enough for one job after the other. */
static void
test_order_and_reuse(void)
{
    struct pool pool;
    pool_start(&pool);
    for (int i = 0; i < 200; i++) {
        struct number *number = number_new(&pool, i);
        push(&pool, number);
        CHECK(job_wait(&number->job, WAIT_FOREVER) == WAIT_WOKEN);
        CHECK(jobs_workers(&pool.jobs) == 1);
        job_unref(&number->job);
    }
    pool_stop(&pool, JOBS_DRAIN);
    jobs_destroy(&pool.jobs);
}

/* Of the workers that sleep, the one that worked last is woken. */
static void
test_latest_first(void)
{
    struct pool pool;
    pthread_t latest = pthread_self();
    pool_start(&pool);
    jobs_set_mode(&pool.jobs, JOBS_PAUSED);
    for (int i = 0; i < 3; i++) {
        CHECK(jobs_push(&pool.jobs, &number_new(&pool, i)->job) == 0);
    }
    jobs_set_mode(&pool.jobs, JOBS_OPEN);
    CHECK(jobs_want_workers(&pool.jobs) == 3);
    for (int i = 0; i < 3; i++) {
        start_worker(&pool);
    }
    for (int i = 0; i < 200; i++) {
        struct number *number = number_new(&pool, i);
        while (atomic_load(&pool.jobs.sleepers) < 3) {
            sched_yield();
        }
        push(&pool, number);
        CHECK(job_wait(&number->job, WAIT_FOREVER) == WAIT_WOKEN);
        CHECK(i == 0 || pthread_equal(number->by, latest));
        latest = number->by;
        job_unref(&number->job);
    }
    pool_stop(&pool, JOBS_DRAIN);
    jobs_destroy(&pool.jobs);
}

static void
test_cancel_and_timeout(void)
{
    struct pool pool;
    int first;
    pool_start(&pool);
    jobs_set_mode(&pool.jobs, JOBS_PAUSED);
    struct number *number = number_new(&pool, 7);
    CHECK(jobs_push(&pool.jobs, &number->job) == 0); /* paused: nobody is to be started */
    int64_t before = wait_now();
    CHECK(job_wait(&number->job, wait_deadline(0.05)) == WAIT_TIMED_OUT);
    CHECK(wait_now() - before >= 50000000);
    CHECK(jobs_busy(&pool.jobs) == 1);
    CHECK(job_cancel(&number->job, &first) && first);
    CHECK(job_cancel(&number->job, &first) && !first);
    CHECK(!job_ask_notice(&number->job));
    CHECK(job_wait(&number->job, WAIT_FOREVER) == WAIT_WOKEN);
    jobs_set_mode(&pool.jobs, JOBS_OPEN);
    CHECK(jobs_want_workers(&pool.jobs) == 1);
    start_worker(&pool);
    pool_stop(&pool, JOBS_DRAIN); /* the worker drops the cancelled job */
    CHECK(number->out == -1);
    job_unref(&number->job);
    CHECK(atomic_load(&pool.alive) == 0);
    jobs_destroy(&pool.jobs);
}

/* A given-up job: the owner seals it, and the worker's result does not count. */
static void
test_give_up(void)
{
    struct pool pool;
    pool_start(&pool);
    struct number *number = number_new(&pool, 1);
    CHECK(job_start(&number->job));
    CHECK(job_seal(&number->job));
    CHECK(!(job_finish(&number->job) & JOB_NOTIFY));
    CHECK(!job_seal(&number->job));
    int first;
    CHECK(!job_cancel(&number->job, &first));
    job_unref(&number->job);
    job_unref(&number->job);
    CHECK(atomic_load(&pool.alive) == 0);
    jobs_destroy(&pool.jobs);
}

#if defined(__linux__)

static void *
move_often(void *arg)
{
    cpu_set_t before;
    cpu_set_t after;
    CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
    int everywhere = CPU_COUNT(&before) > 1 &&
                     CPU_COUNT(&before) == sysconf(_SC_NPROCESSORS_ONLN) &&
                     sched_setaffinity(0, sizeof(before), &before) == 0;
    for (int i = 0; i < 50; i++) {
        int came_to = place_move();
        CHECK(everywhere == (came_to >= 0));
        CHECK(came_to < 0 || CPU_ISSET((size_t)came_to, &before));
        place_move_if_idle();
        CHECK(sched_getaffinity(0, sizeof(after), &after) == 0);
        CHECK(CPU_EQUAL(&before, &after));
    }
    (void)arg;
    return NULL;
}

static void *
move_bound(void *arg)
{
    cpu_set_t one;
    int here = sched_getcpu();
    CHECK(here >= 0);
    CPU_ZERO(&one);
    CPU_SET((size_t)here, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
    CHECK(place_move() == -1);
    CHECK(place_move_if_idle() == -1);
    return move_often(arg);
}

/* Whatever mask a thread has, it has it again after it moved; one that is bound stays. */
static void
test_place(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, i ? move_often : move_bound, NULL) == 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

#else

static void
test_place(void)
{
    CHECK(place_move() == -1);
}

#endif

int
main(void)
{
    test_place();
    test_order_and_reuse();
    test_latest_first();
    test_cancel_and_timeout();
    test_give_up();
    test_traffic();
    puts("jobs_test: ok");
    return 0;
}
