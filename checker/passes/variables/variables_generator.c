/* State of a generator of numbers: a static that is computed from its own value by something other
 * than counting, such as `x *= k` or `x ^= x << 13`, and then read. Known by what is done to it,
 * not by its name. */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/link.h"

static const char generator_shape[] = "generator";

static const struct access_list *
generator_accesses(const struct program *p, const struct fact_variable *v)
{
    return map_get(&p->accesses_of, v->id);
}

/* Numbers without a sign: sizes and capacities, which grow by factors too, have types of their
 * own. */
static bool
generator_is_candidate(const struct fact_variable *v)
{
    const char *type = v->type ? v->type : "";
    return str_same(v->class, "scalar") && scan_is_defined(v) && !v->is_const && !v->is_tls &&
           v->reads > v->rmw &&
           (str_starts(type, "unsigned") || str_starts(type, "uint") ||
            str_starts(type, "volatile unsigned"));
}

/* Does the access run after import? */
static bool
generator_at_run_time(const struct program *p, const struct fact_access *a)
{
    const struct body *b = scan_body(p, a->func);
    return b && flow_runs(b);
}

/* `x ^= x << 13`, `s[i] ^= s[j] >> 9`: is the variable read in the same statement, just before? */
static bool
generator_reads_itself(const struct access_list *list, const struct fact_access *change)
{
    for (size_t i = 0; i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        if (str_same(a->how, "read") && str_same(a->func, change->func) &&
            a->at.line == change->at.line && a->seq < change->seq) {
            return true;
        }
    }
    return false;
}

/* Is the next value made of the last one by multiplying or mixing? */
static bool
generator_mixes(const struct program *p, const struct fact_variable *v)
{
    const struct access_list *list = generator_accesses(p, v);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        bool mixes =
            str_same(a->op, "*=") || (str_same(a->op, "^=") && generator_reads_itself(list, a));
        /* x = x * k + c */
        bool computes =
            str_same(a->how, "write") && str_starts(a->op, "=") && strpbrk(a->op, "*^") != NULL;
        if (((str_same(a->how, "rmw") && mixes) || computes) && generator_at_run_time(p, a)) {
            return true;
        }
    }
    return false;
}

/* Is it filled from a generator and used up by shifting? */
static bool
generator_drains(const struct program *p, const struct fact_variable *v)
{
    const struct access_list *list = generator_accesses(p, v);
    bool shifts = false, filled = false;
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const char *source = value_of(a->value, "var");
        const struct fact_variable *from = source ? program_variable(p, source) : NULL;
        shifts |= str_same(a->how, "rmw") && a->op && str_list_has(">>=,<<=", a->op) &&
                  generator_at_run_time(p, a);
        filled |= str_same(a->how, "write") && from && str_same(from->shape, generator_shape);
    }
    return shifts && filled;
}

void
variables_generators(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        if (!v->shape && generator_is_candidate(v) && generator_mixes(p, v)) {
            v->shape = facts_intern(p->facts, generator_shape);
        }
    }
    FACTS_EACH(p->facts, variable, v)
    {
        if (!v->shape && generator_is_candidate(v) && generator_drains(p, v)) {
            v->shape = facts_intern(p->facts, generator_shape);
        }
    }
}
