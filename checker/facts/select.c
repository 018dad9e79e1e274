/* One flavour of a run's facts: free-threaded and GIL builds are judged apart. */
#include <string.h>

#include "facts/facts.h"

static bool
select_is_wanted(const struct facts *from, const struct fact_unit *unit, const char *flavour)
{
    if (str_same(unit->flavour, flavour)) {
        return true;
    }
    FACTS_EACH(from, unit, other)
    {
        if (other != unit && str_same(other->path, unit->path) &&
            str_same(other->python, unit->python) && str_same(other->flavour, flavour)) {
            return false;
        }
    }
    return true;
}

/* By unit: does it belong to the flavour? */
static bool *
select_wanted(const struct facts *from, const char *flavour, struct arena *arena)
{
    size_t n = from->by_kind[FACT_unit].n;
    bool *wanted = arena_alloc(arena, (n + 1) * sizeof(*wanted));
    for (size_t i = 0; i < n; i++) {
        wanted[i] = select_is_wanted(
            from, (const struct fact_unit *)(const void *)from->by_kind[FACT_unit].at[i], flavour);
    }
    return wanted;
}

static bool
select_has(const struct facts *from, const bool *wanted, const struct fact *f)
{
    return f->unit < 0 || (size_t)f->unit >= from->by_kind[FACT_unit].n || wanted[f->unit];
}

bool
facts_differ(const struct facts *from, const char *flavour)
{
    FACTS_EACH(from, unit, u)
    {
        if (!select_is_wanted(from, u, flavour)) {
            return true;
        }
    }
    return false;
}

static void
select_copy(const struct fact *f, struct facts *out)
{
    struct fact *copy = facts_new(out, f->kind, f->line, f->column, f->end_column);
    int unit = copy->unit;
    memcpy(copy, f, fact_shape(f->kind)->size);
    copy->unit = unit;
}

void
facts_split(struct facts *from, struct facts *ft, struct facts *gil)
{
    bool *in_ft = select_wanted(from, "ft", &ft->arena);
    bool *in_gil = select_wanted(from, "gil", &gil->arena);
    for (size_t i = 0; i < from->all.n; i++) {
        struct fact *f = from->all.at[i];
        bool both[] = {select_has(from, in_ft, f), select_has(from, in_gil, f)};
        ft->file = gil->file = f->file;
        if (both[0] && both[1]) {
            select_copy(f, ft);
        }
        else if (both[0]) {
            facts_add(ft, f);
        }
        if (both[1]) {
            facts_add(gil, f);
        }
    }
}

void
facts_take(struct facts *from, const char *flavour, struct facts *out)
{
    bool *wanted = select_wanted(from, flavour, &out->arena);
    for (size_t i = 0; i < from->all.n; i++) {
        struct fact *f = from->all.at[i];
        if (select_has(from, wanted, f)) {
            out->file = f->file;
            facts_add(out, f);
        }
    }
}
