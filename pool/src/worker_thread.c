#define _GNU_SOURCE
#include "worker_thread.h"

#include <stdio.h>

#define NAME_SIZE 16 /* what Linux keeps of a thread's name, with the final zero */

int
worker_thread_start(struct worker *worker, void *(*thread_main)(void *), size_t stack,
                    const sigset_t *signals, const char *name)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t before;
    if (pthread_attr_init(&attributes) != 0) {
        return -1;
    }
    pthread_attr_setstacksize(&attributes, stack);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (signals) {
        pthread_sigmask(SIG_SETMASK, signals, &before);
    }
    worker_ref(worker);
    int failed = pthread_create(&thread, &attributes, thread_main, worker);
    if (signals) {
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    if (failed) {
        worker_unref(worker);
        return -1;
    }
#if defined(__linux__)
    if (name) {
        char shown[NAME_SIZE];
        snprintf(shown, sizeof(shown), "%.*s", NAME_SIZE - 1, name);
        pthread_setname_np(thread, shown);
    }
#else
    (void)name;
#endif
    return 0;
}
