/* A source line with a caret range under it, and colours.
 *
 * Threads: any. Errors: none; a place outside the line shows the line without a caret. */
#ifndef EXTCHECK_REPORT_SNIPPET_H
#define EXTCHECK_REPORT_SNIPPET_H

#include "base/str.h"
#include "rules/finding.h"

/* Escape sequences, all empty when colours are off. */
struct palette {
    const char *bold, *dim, *fix, *off;
    const char *severity[SEVERITY_BLOCKER + 1];
    const char *verdict[VERDICT_UNKNOWN + 1];
};
const struct palette *palette_get(bool color);

/* Columns that the line number `line` needs. */
int snippet_gutter(int line);
/* Adds two lines: the source line behind its number, then the caret range in the given colour.
 * Tabs are shown as blanks up to the next multiple of 8, control characters as <U+001B>; of a very
 * long line only the part around the caret. Adds nothing when line_text is NULL. */
void snippet_add(struct str *out, const struct place *place, const char *line_text, int gutter,
                 const struct palette *palette, const char *color);

#endif
