/* Preloaded into free-threaded 3.13. Wherever that one enters a critical section of an object whose
 * section it is in already, closing a file for one, it yields its processor 40 times before it
 * looks: on a busy machine starting it takes minutes instead of a tenth of a second. Without the
 * yields it looks at once. */
int sched_yield(void);

int
sched_yield(void)
{
    return 0;
}
