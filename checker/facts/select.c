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

bool
facts_select(const struct facts *from, const char *flavour, struct facts *out)
{
    size_t n = from->by_kind[FACT_unit].n;
    bool *wanted = arena_alloc(&out->arena, (n + 1) * sizeof(*wanted));
    bool differ = false;
    for (size_t i = 0; i < n; i++) {
        const struct fact_unit *unit =
            (const struct fact_unit *)(const void *)from->by_kind[FACT_unit].at[i];
        wanted[i] = select_is_wanted(from, unit, flavour);
        differ |= !wanted[i];
    }
    for (size_t i = 0; i < from->all.n; i++) {
        const struct fact *f = from->all.at[i];
        if (f->unit >= 0 && (size_t)f->unit < n && !wanted[f->unit]) {
            continue;
        }
        out->file = f->file;
        struct fact *copy = facts_new(out, f->kind, f->line, f->column, f->end_column);
        int unit = copy->unit;
        memcpy(copy, f, fact_shape(f->kind)->size);
        copy->unit = unit;
    }
    return differ;
}
