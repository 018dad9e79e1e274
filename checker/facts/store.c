#include <string.h>

#include "facts/facts.h"

#define FIELD(field, number, required)                                                             \
    {#field, sizeof(#field) - 1, number, required, offsetof(THIS, field)},
#define FIELD_REQUIRED(field) FIELD(field, false, true)
#define FIELD_STRING(field) FIELD(field, false, false)
#define FIELD_NUMBER(field) FIELD(field, true, false)
#define KIND(kindname)                                                                             \
    case FACT_##kindname: {                                                                        \
        typedef struct fact_##kindname THIS;                                                       \
        static const struct fact_field fields[] = {                                                \
            FIELDS_##kindname(FIELD_REQUIRED, FIELD_STRING, FIELD_NUMBER)};                        \
        static const struct fact_shape shape = {#kindname, sizeof(THIS),                           \
                                                sizeof(fields) / sizeof(*fields), fields};         \
        return &shape;                                                                             \
    }

const struct fact_shape *
fact_shape(enum fact_kind kind)
{
    switch (kind) {
#include "facts/kinds.def"
    case FACT_KINDS:
        break;
    }
    return NULL;
}

#undef KIND

#define KIND(kindname)                                                                             \
    if (n == sizeof(#kindname) - 1 && memcmp(name, #kindname, n) == 0) {                           \
        return FACT_##kindname;                                                                    \
    }

enum fact_kind
fact_kind_named_n(const char *name, size_t n)
{
#include "facts/kinds.def"
    return FACT_KINDS;
}
#undef KIND

enum fact_kind
fact_kind_named(const char *name)
{
    return fact_kind_named_n(name, strlen(name));
}

const struct fact_field *
fact_field_named(enum fact_kind kind, const char *name)
{
    const struct fact_shape *shape = fact_shape(kind);
    for (size_t i = 0; shape && i < shape->nfields; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) {
            return &shape->fields[i];
        }
    }
    return NULL;
}

const char *
facts_intern(struct facts *store, const char *s)
{
    return s ? intern(&store->strings, s) : NULL;
}

void
facts_add(struct facts *store, struct fact *f)
{
    if (f->kind == FACT_unit) {
        store->unit = (int)store->by_kind[FACT_unit].n;
    }
    f->unit = store->by_kind[FACT_unit].n || f->kind == FACT_unit ? store->unit : -1;
    vec_push(&store->all, f);
    vec_push(&store->by_kind[f->kind], f);
}

struct fact *
facts_new(struct facts *store, enum fact_kind kind, int line, int column, int end_column)
{
    struct fact *f = arena_alloc(&store->arena, fact_shape(kind)->size);
    f->kind = kind;
    f->file = store->file;
    f->line = line;
    f->column = column;
    f->end_column = end_column;
    facts_add(store, f);
    return f;
}

void
facts_free(struct facts *store)
{
    vec_free(&store->all);
    for (int kind = 0; kind < FACT_KINDS; kind++) {
        vec_free(&store->by_kind[kind]);
    }
    interner_free(&store->strings);
    arena_free(&store->arena);
}
