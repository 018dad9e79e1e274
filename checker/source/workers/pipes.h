/* Whole messages through pipes, whatever signals come in between.
 *
 * Errors: false when the other side is gone; what was sent or read until then is lost. */
#ifndef EXTCHECK_SOURCE_PIPES_H
#define EXTCHECK_SOURCE_PIPES_H

#include <stdbool.h>
#include <stddef.h>

bool pipes_write(int to, const void *data, size_t n);
bool pipes_read(int from, void *data, size_t n);

#endif
