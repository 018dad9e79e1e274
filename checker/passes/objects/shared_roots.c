/* Objects that several threads can hold; see shared_roots.h. */
#include "passes/objects/shared_roots.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "passes/flow/busy.h"
#include "passes/objects/given.h"

enum { ROOTS_MAX_PARAMS = 16 };

struct root_mask {
    unsigned run, init; /* bit N: parameter N is shared; it is while __init__ runs */
    /* The same for parameters that point to a struct inside a shared object: grow(&self->buf). */
    unsigned inside_run, inside_init;
};

/* Nobody else holds the object yet, or any more. */
static const char roots_private[] =
    "tp_new,tp_alloc,tp_dealloc,tp_clear,tp_traverse,tp_finalize,tp_del,tp_free,tp_is_gc,exec,"
    "create,pyinit,modexport,m_clear,m_free,m_traverse,callback";
/* Python calls these right after tp_new, before anybody else sees the object. */
static const char roots_initial[] = "__init__,__setstate__,__setstate_cython__,__post_init__";

bool
roots_generated(const struct program *p, const struct fact *f)
{
    if (f->unit < 0 || (size_t)f->unit >= p->facts->by_kind[FACT_unit].n) {
        return false;
    }
    const struct fact *unit = p->facts->by_kind[FACT_unit].at[f->unit];
    const char *generator = ((const struct fact_unit *)(const void *)unit)->generator;
    return generator && *generator;
}

/* Is the mutex given back between the two events, on a way to the later one? */
static bool
roots_mutex_released(const struct body *b, const struct fact_access *lock, long to, long block)
{
    SCAN_ACCESSES(b, a)
    {
        if (a->seq > lock->seq && a->seq < to && str_starts(a->op, "unlock") &&
            str_same(a->context, "called") && str_same(a->var, lock->var) &&
            str_same(a->path, lock->path) && flow_inside(b, block, a->block)) {
            return true;
        }
    }
    return false;
}

bool
roots_in_mutex(const struct body *b, long seq, long block)
{
    SCAN_ACCESSES(b, a)
    {
        if (a->seq >= seq) {
            break;
        }
        if (a->op && str_list_has("lock,lock_shared", a->op) && str_same(a->context, "called") &&
            flow_inside(b, block, a->block) && !roots_mutex_released(b, a, seq, block)) {
            return true;
        }
    }
    return false;
}

bool
roots_unlocked(struct program *p, const struct body *b, long seq, long block)
{
    const char *held = locks_at(p, b, seq);
    return (!held || !*held) && !flow_in_critical_section(b, seq, block, NULL) &&
           !roots_in_mutex(b, seq, block) && !busy_entered(p, b, seq, block);
}

static struct root_mask *
roots_mask(struct program *p, struct shared_roots *roots, const struct body *b)
{
    void **slot = map_slot(&roots->masks, b->fact->id);
    if (!*slot) {
        *slot = arena_alloc(&p->arena, sizeof(struct root_mask));
    }
    return *slot;
}

static bool
roots_is_bound(const struct body *b)
{
    static const char *const prefixes[] = {"tp_", "nb_", "sq_", "mp_", "am_", "bf_"};
    if (!b->binding || str_list_has(roots_private, b->binding)) {
        return false;
    }
    bool bound = str_list_has("method,getter,setter", b->binding);
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        bound |= str_starts(b->binding, prefixes[i]);
    }
    return bound && flow_runs(b);
}

static unsigned
roots_all_params(const struct body *b)
{
    long n = b->fact->nparams < ROOTS_MAX_PARAMS ? b->fact->nparams : ROOTS_MAX_PARAMS;
    return n > 0 ? (1U << n) - 1 : 0;
}

/* Parameters that Python fills in. Methods like __setstate__ stand beside tp_init. */
static void
roots_seed(struct program *p, struct shared_roots *roots)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if (roots_is_bound(b) && !roots_generated(p, &b->fact->at)) {
            struct root_mask *mask = roots_mask(p, roots, b);
            unsigned all = roots_all_params(b);
            *(str_same(b->binding, "tp_init") ? &mask->init : &mask->run) = all;
        }
    }
    FACTS_EACH(p->facts, row, r)
    {
        struct body *b =
            r->name && str_list_has(roots_initial, r->name) ? program_value_body(p, r->func) : NULL;
        struct root_mask *mask = b ? map_get(&roots->masks, b->fact->id) : NULL;
        if (mask && mask->run) {
            *mask = (struct root_mask){.run = mask->run & ~1U, .init = 1};
        }
    }
}

/* The parameter number a value is, or -1. */
static int
roots_param(const char *value)
{
    const char *digits = value_of(value, "param");
    char *end = NULL;
    long n = digits ? strtol(digits, &end, 10) : -1;
    return end && !*end && end != digits && n >= 0 && n < ROOTS_MAX_PARAMS ? (int)n : -1;
}

/* The parameter that a project function hands back whenever it returns anything, or -1:
 * `cursor = Cursor_Validate(self)`. */
static int
roots_returned(const struct body *b)
{
    int param = -1;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || !str_same(jump->kind, "return") ||
            str_same(jump->value, "null")) {
            continue;
        }
        int found = roots_param(scan_resolve(b, jump->value, jump->seq));
        if (found < 0 || (param >= 0 && param != found)) {
            return -1;
        }
        param = found;
    }
    return param;
}

/* Where a value comes from, through helpers that hand back what they get. */
static const char *
roots_resolve(const struct program *p, const struct body *b, const char *value, long seq)
{
    const char *resolved = scan_resolve(b, value, seq);
    for (int hops = 0; hops < ROOTS_MAX_HOPS && str_starts(resolved, "call:"); hops++) {
        const struct body *callee = scan_body(p, value_of(resolved, "call"));
        int param = callee ? roots_returned(callee) : -1;
        const struct fact_call *from = NULL;
        SCAN_CALLS(b, call)
        {
            from = call->seq <= seq && callee && str_same(call->id, callee->fact->id) ? call : from;
        }
        const char *given = param >= 0 && from ? call_arg(b, from, param) : NULL;
        if (!given) {
            break;
        }
        resolved = scan_resolve(b, given, from->seq);
    }
    return resolved;
}

/* The parameter that `&self->part` points into, or -1. */
static int
roots_inside(struct program *p, const struct body *b, const char *value, long seq)
{
    const char *path = value_of(scan_resolve(b, value, seq), "addr");
    const char *arrow = path ? strstr(path, "->") : NULL;
    if (!arrow || strstr(arrow + 2, "->") || strpbrk(arrow, "[*(")) {
        return -1;
    }
    const char *base = arena_copy(&p->arena, path, (size_t)(arrow - path));
    return roots_param(roots_resolve(p, b, base, seq));
}

const char *
roots_given(struct program *p, const struct root_mask *mask, const struct body *b,
            const char *value, long seq)
{
    const char *source = given_source(p, b, value, seq);
    const char *index = value_of(source, "index:param");
    if (!index) {
        return source;
    }
    /* `args[0]` of METH_FASTCALL, but not of an array that a helper is handed. */
    long n = strtol(index, NULL, 10);
    bool shared = mask && n >= 0 && n < ROOTS_MAX_PARAMS && (mask->run >> n & 1U);
    return shared ? source : NULL;
}

/* Hands shared parameters on to the callee; returns whether anything is new there. */
static bool
roots_pass_on(struct program *p, struct shared_roots *roots, const struct body *b,
              const struct root_mask *from, const struct fact_call *call)
{
    struct body *callee = scan_body(p, call->id);
    if (!callee || callee == b ||
        (callee->binding && str_list_has("tp_new,tp_init,tp_dealloc", callee->binding))) {
        return false;
    }
    struct root_mask found = {0};
    for (int i = 0; i < call->nargs && i < ROOTS_MAX_PARAMS; i++) {
        int param = roots_param(roots_resolve(p, b, call_arg(b, call, i), call->seq));
        if (param >= 0) {
            found.run |= (from->run >> param & 1U) << i;
            found.init |= (from->init >> param & 1U) << i;
            found.inside_run |= (from->inside_run >> param & 1U) << i;
            found.inside_init |= (from->inside_init >> param & 1U) << i;
        }
        int around = roots_inside(p, b, call_arg(b, call, i), call->seq);
        if (around >= 0) {
            found.inside_run |= ((from->run | from->inside_run) >> around & 1U) << i;
            found.inside_init |= ((from->init | from->inside_init) >> around & 1U) << i;
        }
        if (param < 0 && around < 0 && roots_given(p, from, b, call_arg(b, call, i), call->seq)) {
            found.run |= 1U << i;
        }
    }
    bool any = found.run || found.init || found.inside_run || found.inside_init;
    if (!any || !roots_unlocked(p, b, call->seq, call->block)) {
        return false;
    }
    struct root_mask *mask = roots_mask(p, roots, callee);
    struct root_mask before = *mask;
    mask->run |= found.run;
    mask->init |= found.init;
    mask->inside_run |= found.inside_run;
    mask->inside_init |= found.inside_init;
    return memcmp(mask, &before, sizeof(before)) != 0;
}

static void
roots_spread(struct program *p, struct shared_roots *roots)
{
    VEC(struct body *) queue = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        if (map_get(&roots->masks, p->bodies.at[i]->fact->id)) {
            vec_push(&queue, p->bodies.at[i]);
        }
    }
    while (queue.n) {
        struct body *b = queue.at[--queue.n];
        const struct root_mask from = *roots_mask(p, roots, b);
        SCAN_CALLS(b, call)
        {
            if (roots_pass_on(p, roots, b, &from, call)) {
                vec_push(&queue, scan_body(p, call->id));
            }
        }
    }
    vec_free(&queue);
}

static void
roots_index_members(struct program *p, struct shared_roots *roots)
{
    FACTS_EACH(p->facts, member, m)
    {
        if (m->record && m->index == 0 &&
            (str_same(m->class, "object-struct") || str_same(m->name, "ob_base") ||
             str_same(m->name, "ob_refcnt"))) {
            map_set(&roots->objects, m->record, (void *)(uintptr_t)m->record);
        }
    }
    FACTS_EACH(p->facts, member, m)
    {
        const char *owner = m->record ? map_get(&roots->objects, m->record) : NULL;
        if (owner && m->name && *m->name) {
            void **slot = map_slot(&roots->owners, m->name);
            *slot = !*slot || str_same(*slot, owner) ? (void *)(uintptr_t)owner
                                                     : (void *)(uintptr_t) "";
        }
    }
}

const struct shared_roots *
roots_of(struct program *p)
{
    if (!p->roots) {
        p->roots = arena_alloc(&p->arena, sizeof(*p->roots));
        p->roots->p = p;
        roots_index_members(p, p->roots);
        roots_seed(p, p->roots);
        roots_spread(p, p->roots);
    }
    return p->roots;
}

void
roots_free(struct program *p)
{
    if (p->roots) {
        map_free(&p->roots->masks);
        map_free(&p->roots->objects);
        map_free(&p->roots->owners);
    }
}

const char *
roots_shared(const struct shared_roots *roots, const struct body *b, const char *value, long seq,
             bool *initial)
{
    const struct root_mask *mask = map_get(&roots->masks, b->fact->id);
    const char *resolved = mask ? roots_resolve(roots->p, b, value, seq) : NULL;
    int param = roots_param(resolved);
    if (param < 0 || !((mask->run | mask->init) >> param & 1U)) {
        return NULL;
    }
    if (initial) {
        *initial = !(mask->run >> param & 1U);
    }
    return resolved;
}

const char *
roots_shared_part(const struct shared_roots *roots, const struct body *b, const char *value,
                  long seq, bool *initial)
{
    const struct root_mask *mask = map_get(&roots->masks, b->fact->id);
    const char *resolved = mask ? roots_resolve(roots->p, b, value, seq) : NULL;
    int param = roots_param(resolved);
    if (param < 0 || !((mask->inside_run | mask->inside_init) >> param & 1U)) {
        return NULL;
    }
    *initial = !(mask->inside_run >> param & 1U);
    return resolved;
}
