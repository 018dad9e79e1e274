/* Text for reports: UTF-8 that is always valid, and what takes how many columns on a screen.
 *
 * Ownership: results are added to the caller's struct str. Threads: any. Errors: none; every byte
 * that is no UTF-8 becomes U+FFFD. */
#ifndef EXTCHECK_REPORT_TEXT_H
#define EXTCHECK_REPORT_TEXT_H

#include <stddef.h>

#include "base/str.h"

/* The code point at s (n bytes left, n > 0) in *code; returns how many bytes it takes. A byte that
 * starts no valid sequence is one byte and U+FFFD. */
size_t text_next(const char *s, size_t n, unsigned *code);
/* Screen columns of a code point: 0, 1 or 2. */
int text_width(unsigned code);
/* Is it invisible, or able to move the cursor or turn the writing direction? */
bool text_is_control(unsigned code);
/* 1-based column in code points of the 1-based byte column of a line. Behind the end of the line
 * every byte counts as one. */
int text_column(const char *line, int byte_column);

/* Valid UTF-8. NULL adds nothing (here and below). */
void text_add(struct str *out, const char *s);
/* The same in one line that is safe on a terminal: control characters become <U+001B>, line ends
 * and tabs a blank. */
void text_add_visible(struct str *out, const char *s);
/* Screen columns of what text_add_visible() would add. */
int text_visible_width(const char *s);
/* For XML 1.0: text and attribute values. */
void text_add_xml(struct str *out, const char *s);
/* One code point as UTF-8. */
void text_add_code_point(struct str *out, unsigned code);

#endif
