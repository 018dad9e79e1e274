/* Threads that a task starts with _thread.start_new_thread(): nobody can join them, and CPython
 * counts each out shortly before it has left the interpreter, which must not end until then. */
#ifndef EXTPOOL_LEFTOVERS_H
#define EXTPOOL_LEFTOVERS_H

struct leftovers;

/* NULL: no memory, or the process has no room for another thread-specific key. */
struct leftovers *leftovers_new(void);

/* Counts the calling thread until it is gone, whatever interpreter it is in. 0, or -1 without
 * memory. */
int leftovers_add(struct leftovers *threads);

/* Waits until all that were counted are gone. The caller is in no interpreter they still need. */
void leftovers_wait(struct leftovers *threads);

/* Gives up the caller's hold. Threads may still be on their way out. */
void leftovers_unref(struct leftovers *threads);

#endif
