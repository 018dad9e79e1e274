/* Facts: what the front-ends write and everything else reads. Read this file first.
 *
 * A fact is a plain record. Its kinds and fields stand once, in kinds.def; this header makes a
 * struct per kind (struct fact_variable ...) and facts.c a table of their fields, so that rules can
 * name a field and the text form needs no code per kind.
 *
 * Ownership: facts and their strings belong to the store and die with it. Strings are interned:
 * two equal strings of one store have equal addresses (still use str_same() between stores).
 * Threads: a store has one owner. Errors: functions that read text say what is wrong in `error`.
 *
 * To add a kind: write FIELDS_name and KIND(name) in kinds.def, have a front-end or pass call
 * facts_new_name(), and describe it in docs/facts.md. */
#ifndef EXTCHECK_FACTS_H
#define EXTCHECK_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#define KIND(name) FACT_##name,
enum fact_kind {
#include "facts/kinds.def"
    FACT_KINDS
};
#undef KIND

/* What every fact starts with. line and column are 1-based, columns count bytes; line 0: none. */
struct fact {
    enum fact_kind kind;
    int unit; /* index into the store's units, -1 before the first */
    const char *file;
    int line, column, end_column;
};

#define FACT_STRING(field) const char *field;
#define FACT_NUMBER(field) long field;
#define KIND(name)                                                                                 \
    struct fact_##name {                                                                           \
        struct fact at;                                                                            \
        FIELDS_##name(FACT_STRING, FACT_STRING, FACT_NUMBER)                                       \
    };
#include "facts/kinds.def"
#undef KIND
#undef FACT_STRING
#undef FACT_NUMBER

struct fact_field {
    const char *name;
    size_t length; /* of the name */
    bool is_number, is_required;
    size_t offset;
};

struct fact_shape {
    const char *name;
    size_t size;
    size_t nfields;
    const struct fact_field *fields;
};

/* The shape of a kind, or NULL when the number is out of range. */
const struct fact_shape *fact_shape(enum fact_kind kind);
/* The kind called name, or FACT_KINDS when there is none. */
enum fact_kind fact_kind_named(const char *name);
enum fact_kind fact_kind_named_n(const char *name, size_t n);
/* The field called name, or NULL. The pseudo fields file, line are not in here. */
const struct fact_field *fact_field_named(enum fact_kind kind, const char *name);
/* The value of a string field (may be NULL) or number field. */
static inline const char *
fact_string(const struct fact *f, const struct fact_field *field)
{
    const char *value;
    memcpy(&value, (const char *)f + field->offset, sizeof(value));
    return value;
}
static inline long
fact_number(const struct fact *f, const struct fact_field *field)
{
    long value;
    memcpy(&value, (const char *)f + field->offset, sizeof(value));
    return value;
}

struct facts {
    struct arena arena;
    struct interner strings;
    VEC(struct fact *) all; /* in the order they were added */
    VEC(struct fact *) by_kind[FACT_KINDS];
    /* Where new facts are placed; set by facts_new_unit() and by the text reader. */
    int unit;
    const char *file;
};

const char *facts_intern(struct facts *store, const char *s);

/* A new zeroed fact of the kind, placed at line:column-end_column of store->file. */
struct fact *facts_new(struct facts *store, enum fact_kind kind, int line, int column,
                       int end_column);
/* Lists a fact that lives elsewhere, and sets its unit as facts_new() would. */
void facts_add(struct facts *store, struct fact *f);
#define KIND(name)                                                                                 \
    static inline struct fact_##name *facts_new_##name(struct facts *store, int line, int column,  \
                                                       int end_column)                             \
    {                                                                                              \
        return (struct fact_##name *)(void *)facts_new(store, FACT_##name, line, column,           \
                                                       end_column);                                \
    }
#include "facts/kinds.def"
#undef KIND

/* All facts of a kind: `FACTS_EACH(store, call, c) { use(c->callee); }`. */
#define FACTS_EACH(store, kindname, item)                                                          \
    for (size_t item##_i = 0; item##_i < (store)->by_kind[FACT_##kindname].n; item##_i++)          \
        for (struct fact_##kindname *item =                                                        \
                 (struct fact_##kindname *)(void *)(store)->by_kind[FACT_##kindname].at[item##_i]; \
             item; item = NULL)

/* Text form: one fact a line, fields separated by tabs, `kind place field=value ...`; a line
 * `@ PATH` sets the file of the following facts. Tabs, newlines and backslashes are escaped. */
void facts_write(const struct facts *store, FILE *out);
void facts_write_text(const struct facts *store, struct str *out);
/* The same, where `field^` says that the field's value is that of the last fact of the kind which
 * had one: what workers send and the cache keeps. */
void facts_write_short(const struct facts *store, struct str *out);
/* Adds the facts of a text in either form. Returns false and sets *error (owned by the store's
 * arena) at the first bad line; what stood before it stays. */
bool facts_read_text(struct facts *store, const char *text, size_t n, const char **error);

/* Do any units differ between the flavours ("ft" and "gil")? */
bool facts_differ(const struct facts *from, const char *flavour);
/* Gives each flavour its units; a unit that exists only in the other one is taken as it is. Facts
 * that belong to both are copied for "ft"; the others are borrowed, as are all strings: `from` must
 * outlive both, and is no longer fit to be divided. */
void facts_split(struct facts *from, struct facts *ft, struct facts *gil);
/* The same for one flavour alone; `out` borrows all facts. */
void facts_take(struct facts *from, const char *flavour, struct facts *out);

void facts_free(struct facts *store);

#endif
