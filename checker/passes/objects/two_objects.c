/* Functions that work with two objects of one type at once and lock at most one of them (OBJ10). */
#include <string.h>

#include "passes/objects/shared_roots.h"

struct pair_scan {
    struct program *p;
    const struct shared_roots *roots;
    const struct body *body;
};

/* Is a section on two objects open, or a lock that is no section? */
static bool
pair_is_locked(const struct pair_scan *scan, long seq)
{
    SCAN_CALLS(scan->body, call)
    {
        if (call->seq < seq && (str_starts(call->callee, "Py_BEGIN_CRITICAL_SECTION2") ||
                                str_starts(call->callee, "PyCriticalSection2_Begin"))) {
            return true;
        }
    }
    return flow_locked(scan->p, scan->body, seq);
}

/* Does the object the value stands for have the same struct as `record`, by the member that is
 * used, and is it another one than `base`? */
static bool
pair_other(const struct pair_scan *scan, const char *value, long seq, const char *base,
           const char *record)
{
    const char *from = value ? strstr(value, "field:") : NULL;
    const char *arrow = from ? strstr(from, "->") : NULL;
    if (!arrow) {
        return false;
    }
    struct arena *arena = &scan->p->arena;
    from += strlen("field:");
    const char *root = roots_shared(scan->roots, scan->body,
                                    arena_copy(arena, from, (size_t)(arrow - from)), seq, NULL);
    const char *member = arena_copy(arena, arrow + 2, strcspn(arrow + 2, ".->[]()& ,"));
    return root && !str_same(root, base) && scan_member_class(scan->p, record, member);
}

/* The event that uses a field of another object of the same type, or NULL. */
static const struct fact *
pair_find_other(const struct pair_scan *scan, const struct root_field *where)
{
    const struct body *b = scan->body;
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (pair_other(scan, arg->value, arg->seq, where->base, where->record)) {
            SCAN_CALLS(b, call)
            {
                if (call->seq == arg->seq) {
                    return &call->at;
                }
            }
        }
    }
    SCAN_ACCESSES(b, a)
    {
        struct root_field other;
        bool same =
            str_starts(a->path, "->") &&
            roots_field(scan->p, scan->roots, b, a->var, a->path, a->class, a->seq, &other) &&
            other.direct && str_same(other.record, where->record) &&
            !str_same(other.base, where->base);
        if (same || pair_other(scan, a->value, a->seq, where->base, where->record)) {
            return &a->at;
        }
    }
    return NULL;
}

static void
pair_check(struct pair_scan *scan)
{
    const struct body *b = scan->body;
    SCAN_ACCESSES(b, a)
    {
        struct root_field where;
        bool changes = str_same(a->how, "write") || str_same(a->how, "rmw");
        if (!changes || !str_starts(a->path, "->") ||
            !roots_field(scan->p, scan->roots, b, a->var, a->path, a->class, a->seq, &where) ||
            !where.direct || where.initial || pair_is_locked(scan, a->seq)) {
            continue;
        }
        const struct fact *other = pair_find_other(scan, &where);
        if (other) {
            struct fact_flaw *flaw = program_flaw(scan->p, &a->at, b, "two-objects", where.field);
            flaw->detail = where.record;
            flaw->detail2 = b->fact->name;
            flaw_relate(scan->p, flaw, other, "the other object is used here");
            return;
        }
    }
}

void
pass_two_objects(struct program *p)
{
    const struct shared_roots *roots = roots_of(p);
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct pair_scan scan = {p, roots, p->bodies.at[i]};
        /* One parameter cannot be two objects. */
        if (scan.body->fact->nparams > 1 && map_get(&roots->masks, scan.body->fact->id)) {
            pair_check(&scan);
        }
    }
}
