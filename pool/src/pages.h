/* Large pages for memory that is about to be filled.
 *
 * A fresh page of 4 kB costs as much as copying ten of them, in virtual machines above all, and
 * copying into large pages is faster, too. Needs no Python. */
#ifndef EXTPOOL_PAGES_H
#define EXTPOOL_PAGES_H

#include <stddef.h>

/* Asks the system to use large pages for what of `data` nobody has written yet; it may not care.
 * Nothing happens for sizes (bytes) in which few of them have room. Threads: any. Since: 0.1. */
void pages_prefer_large(char *data, size_t size);

#endif
