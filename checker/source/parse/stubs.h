/* Stand-ins for what missing headers would have declared.
 *
 * Where `foo.h` is not found, statements that use its types are no statements for the parser and
 * would be lost. From the errors of one parse this makes an empty `foo.h` and a prelude that
 * declares the unknown names, with which the unit is parsed again. Stand-ins are guesses: the unit
 * stays analysed in part, and static variables of such types have the class `unseen`.
 *
 * Ownership: the caller owns struct stubs; stubs_free() removes the files again.
 * Threads: one owner. Errors: names that cannot be declared are left out. */
#ifndef EXTCHECK_SOURCE_STUBS_H
#define EXTCHECK_SOURCE_STUBS_H

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "source/cx.h"

struct stub;
struct stubs {
    const char *folder; /* where files may be written: one of the unit's own */
    struct arena arena;
    struct map by_name; /* -> struct stub */
    VEC(struct stub *) all;
    VEC(const char *) created;         /* files and folders, in the order in which they were made */
    const char *prelude, *include_dir; /* NULL: nothing was written yet */
    struct str text;                   /* of the file looked at last */
    const char *text_path;
};

/* Adds what the errors of a parse ask for; true when there is something new to try. */
bool stubs_collect(struct stubs *stubs, const struct cx *cx, CXTranslationUnit tu);
/* Writes the prelude and the empty headers; false when that is not possible. */
bool stubs_write(struct stubs *stubs);
void stubs_free(struct stubs *stubs);

#endif
