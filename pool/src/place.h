/* Getting a thread off the processor that it shares with the thread it works for.
 *
 * A kernel can leave two threads that hand each other work by turns on one processor for tens of
 * milliseconds while others are idle; in virtual machines it does so often, as it takes a halted
 * processor for one that the host has taken away. Needs no Python. */
#ifndef EXTPOOL_PLACE_H
#define EXTPOOL_PLACE_H

/* Moves the calling thread to another processor and leaves it as free to go anywhere as before.
 * A mask that somebody narrowed (taskset, a cpuset) is never touched: nothing happens unless the
 * thread may run on every processor there is. A mask that others set while it moves stays, except
 * in the instant between looking at the mask and setting it, twice.
 *
 * Returns: the processor it came to, or -1 when it stayed. Threads: any. Since: 0.1; Linux. */
int place_move(void);

/* place_move() if it is likely that the other processors are idle; looking takes 50 us. */
int place_move_if_idle(void);

#endif
