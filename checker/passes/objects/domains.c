/* Memory that comes from one allocator and goes back to another (ALC03). Which function belongs to
 * which allocator is knowledge: rules/api/allocators.tsv. */
#include <stdlib.h>
#include <string.h>

#include "passes/flow/flow.h"

void pass_domains(struct program *p);

/* How bad it is to mix two allocators; seen by running each pair on 3.13, 3.13t and 3.14. */
enum domains_mix {
    MIX_FROM_POOL = 1, /* a block of Python's pools, or one with a header, in the wrong hands */
    MIX_TO_POOL = 2,   /* pools with a GIL pass on what is not theirs, those without crash */
    MIX_NEAR = 3       /* told apart by debug hooks only */
};
enum { DOMAINS_DEPTH = 3, DOMAINS_SOURCES = 8, AT_MADE = 1 };

/* Where a pointer can come from. */
struct sources {
    const struct fact_call *calls[DOMAINS_SOURCES];
    int n;
    bool unknown;
};

/* Where a member of a struct is filled, in the whole program. */
struct domains_field {
    const char *record;
    bool ambiguous; /* several structs have a member of this name */
    struct sources from;
};

struct domains {
    struct program *p;
    const struct api_table *table;
    struct map fields; /* name of a member -> struct domains_field */
};

static const char *
domains_of(const struct domains *d, const char *callee, bool makes)
{
    const char *role = callee && *callee ? api_table_cell(d->table, callee, "role") : NULL;
    bool fits = role && (str_same(role, "both") || str_same(role, makes ? "makes" : "frees"));
    return fits ? api_table_cell(d->table, callee, "domain") : NULL;
}

static const struct fact_call *
domains_maker(const struct domains *d, const struct body *b, const char *value, long seq)
{
    const char *name = value_of(value, "call");
    const struct fact_call *last = NULL;
    SCAN_CALLS(b, call)
    {
        if (call->seq < seq && str_same(call->callee, name) && domains_of(d, name, true)) {
            last = call;
        }
    }
    return last;
}

static void
domains_add(struct sources *from, const struct fact_call *call)
{
    for (int i = 0; i < from->n; i++) {
        if (from->calls[i] == call) {
            return;
        }
    }
    if (from->n == DOMAINS_SOURCES) {
        from->unknown = true;
    }
    else {
        from->calls[from->n++] = call;
    }
}

static void domains_local(struct domains *d, const struct body *b, const char *local,
                          struct sources *from, int depth);

/* Adds where a value comes from that is stored or handed on at seq. */
static void
domains_value(struct domains *d, const struct body *b, const char *value, long seq,
              struct sources *from, int depth)
{
    if (str_same(value, "null") || str_same(value, "const:0") || from->unknown) {
        return;
    }
    const struct fact_call *maker = domains_maker(d, b, value, seq);
    if (maker) {
        domains_add(from, maker);
    }
    else if (str_starts(value, "local:") && depth < DOMAINS_DEPTH && !strpbrk(value, ".[>*")) {
        domains_local(d, b, value, from, depth + 1);
    }
    else {
        from->unknown = true;
    }
}

/* The argument number of the call's format that `index` is filled by with memory of its own: the
 * pointer of "es" and "et". */
static bool
domains_format_allocates(const char *format, long index)
{
    long at = 0;
    for (const char *c = format; *c && *c != ':' && *c != ';'; c++) {
        if (strchr("|$() ", *c)) {
            continue;
        }
        bool encoded = *c == 'e' && (c[1] == 's' || c[1] == 't');
        if (encoded && at + 1 == index) {
            return true;
        }
        at += 1 + encoded;
        c += encoded;
        while (c[1] && strchr("#!&*", c[1])) {
            at += *++c != '*';
        }
    }
    return false;
}

/* `PyArg_ParseTuple(args, "es", NULL, &text)`: memory of PyMem_Malloc(). */
static bool
domains_parsed(const struct body *b, const struct fact_call *call, long index)
{
    bool keywords = str_ends(call->callee, "AndKeywords");
    const char *format = value_of(call_arg(b, call, keywords ? 2 : 1), "string");
    long at = index - (keywords ? 4 : 2);
    return str_same(call->callee, keywords ? "PyArg_ParseTupleAndKeywords" : "PyArg_ParseTuple") &&
           format && at >= 0 && domains_format_allocates(format, at);
}

/* What fills the local through its address. */
static void
domains_addressed(const struct body *b, const char *local, struct sources *from)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (!str_same(value_of(arg->value, "addr"), local)) {
            continue;
        }
        const struct fact_call *parse = NULL;
        SCAN_CALLS(b, call)
        {
            parse = call->seq == arg->seq && domains_parsed(b, call, arg->index) ? call : parse;
        }
        if (parse) {
            domains_add(from, parse);
        }
        from->unknown |= !parse;
    }
}

static void
domains_local(struct domains *d, const struct body *b, const char *local, struct sources *from,
              int depth)
{
    int before = from->n;
    bool any = false;
    domains_addressed(b, local, from);
    SCAN_ACCESSES(b, a)
    {
        if (!str_same(a->var, local) || str_same(a->how, "read") || (a->path && *a->path)) {
            continue;
        }
        any = true;
        if (str_same(a->how, "write")) {
            domains_value(d, b, a->value, a->seq, from, depth);
        }
        from->unknown |= !str_same(a->how, "write");
    }
    from->unknown |= !any && from->n == before;
}

/* --- members ---------------------------------------------------------------------------------- */

static const char *
domains_last_member(const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL;
    const char *arrow = path ? strrchr(path, '>') : NULL;
    const char *step = dot && (!arrow || dot > arrow) ? dot : arrow;
    return step && step[1] && !strpbrk(step + 1, "[]*") ? step + 1 : NULL;
}

static void
domains_index(struct domains *d)
{
    FACTS_EACH(d->p->facts, member, m)
    {
        if (!m->name || !*m->name) {
            continue;
        }
        void **slot = map_slot(&d->fields, m->name);
        struct domains_field *field = *slot;
        if (!field) {
            *slot = field = arena_alloc(&d->p->arena, sizeof(*field));
            field->record = m->record;
        }
        field->ambiguous |= !str_same(field->record, m->record);
    }
    for (size_t i = 0; i < d->p->bodies.n; i++) {
        const struct body *b = d->p->bodies.at[i];
        SCAN_ACCESSES(b, a)
        {
            const char *name = str_same(a->how, "read") ? NULL : domains_last_member(a->path);
            struct domains_field *field = name ? map_get(&d->fields, name) : NULL;
            if (!field || field->ambiguous || !str_same(a->class, field->record)) {
                continue;
            }
            const char *same = a->value ? scan_field_name(a->value) : NULL;
            if (!str_same(a->how, "write")) {
                field->from.unknown = true;
            }
            else if (!str_same(same, name)) {
                domains_value(d, b, a->value, a->seq, &field->from, 0);
            }
        }
    }
}

/* --- what goes back --------------------------------------------------------------------------- */

static int
domains_mix(const char *from, const char *to)
{
    bool pool = str_list_has("mem,object,gc", from);
    bool to_pool = str_list_has("mem,object,gc", to);
    if (pool != to_pool) {
        return pool ? MIX_FROM_POOL : MIX_TO_POOL;
    }
    return str_same(from, "gc") || str_same(to, "gc") ? MIX_FROM_POOL : MIX_NEAR;
}

static const char *
domains_partner(const char *domain, bool resize)
{
    static const struct {
        const char *domain, *frees, *resizes;
    } partners[] = {{"c", "free", "realloc"},
                    {"raw", "PyMem_RawFree", "PyMem_RawRealloc"},
                    {"mem", "PyMem_Free", "PyMem_Realloc"},
                    {"object", "PyObject_Free", "PyObject_Realloc"},
                    {"gc", "PyObject_GC_Del", "PyObject_GC_Resize"}};
    for (size_t i = 0; i < sizeof(partners) / sizeof(*partners); i++) {
        if (str_same(partners[i].domain, domain)) {
            return resize ? partners[i].resizes : partners[i].frees;
        }
    }
    return domain;
}

/* The domain of a maker: PyArg_Parse*() fills with PyMem_Malloc(). */
static const char *
domains_made(const struct domains *d, const struct fact_call *call)
{
    const char *domain = domains_of(d, call->callee, true);
    return domain ? domain : "mem";
}

static void
domains_flaw(struct domains *d, const struct body *b, const struct fact_call *back,
             const struct fact_call *maker)
{
    const char *from = domains_made(d, maker), *to = domains_of(d, back->callee, false);
    struct fact_flaw *flaw = program_flaw(d->p, &back->at, b, "domain-mismatch", maker->callee);
    bool resize = str_same(api_table_cell(d->table, back->callee, "role"), "both");
    flaw->detail = back->callee;
    flaw->symbol = domains_partner(from, resize);
    flaw->number = domains_mix(from, to);
    flaw_relate(d->p, flaw, &maker->at, "it is allocated here");
}

/* Follows one maker whose result a local holds to the calls that give that local back. */
struct domains_walk {
    struct domains *d;
    const struct fact_call *maker;
    const char *local;
};

static unsigned
domains_event(struct flow *flow, struct fact *e, unsigned state)
{
    const struct domains_walk *w = flow->context;
    const struct fact_call *call =
        e->kind == FACT_call ? (const struct fact_call *)(const void *)e : NULL;
    const struct fact_access *a =
        e->kind == FACT_access ? (const struct fact_access *)(const void *)e : NULL;
    if (call == w->maker) {
        return AT_MADE;
    }
    if (a && str_same(a->var, w->local) && str_same(a->how, "write") && !(a->path && *a->path)) {
        const char *made = value_of(a->value, "call");
        return state == AT_MADE && str_same(made, w->maker->callee) ? AT_MADE : FLOW_START;
    }
    const char *to = call ? domains_of(w->d, call->callee, false) : NULL;
    if (to && state == AT_MADE && str_same(call_arg(flow->b, call, 0), w->local) &&
        !str_same(to, domains_made(w->d, w->maker))) {
        domains_flaw(w->d, flow->b, call, w->maker);
        return FLOW_START;
    }
    return state;
}

/* All makers that can fill what is given back are of other allocators. */
static void
domains_check_all(struct domains *d, const struct body *b, const struct fact_call *back,
                  const struct sources *from)
{
    const char *to = domains_of(d, back->callee, false);
    for (int i = 0; i < from->n; i++) {
        if (str_same(domains_made(d, from->calls[i]), to)) {
            return;
        }
    }
    if (from->n && !from->unknown) {
        domains_flaw(d, b, back, from->calls[0]);
    }
}

/* Does the local get one thing only? Then no path has to be followed. */
static bool
domains_check_back(struct domains *d, const struct body *b, const struct fact_call *back)
{
    const char *value = call_arg(b, back, 0);
    if (str_starts(value, "local:") && !strpbrk(value, ".[>*")) {
        const char *held = scan_resolve(b, value, back->seq);
        if (!str_starts(held, "field:")) {
            struct sources from = {0};
            domains_local(d, b, value, &from, 0);
            domains_check_all(d, b, back, &from);
            return from.unknown || from.n > 1;
        }
        value = held;
    }
    const char *name = scan_field_name(value);
    const struct domains_field *field = name ? map_get(&d->fields, name) : NULL;
    if (field && !field->ambiguous) {
        domains_check_all(d, b, back, &field->from);
    }
    return false;
}

static void
domains_check(struct domains *d, struct body *b)
{
    bool follow = false;
    SCAN_CALLS(b, call)
    {
        if (call->callee && domains_of(d, call->callee, false) && call->nargs) {
            follow |= domains_check_back(d, b, call);
        }
    }
    SCAN_CALLS(b, maker)
    {
        if (follow && str_starts(maker->into, "local:") && domains_of(d, maker->callee, true)) {
            struct domains_walk walk = {d, maker, maker->into};
            struct flow flow = {.p = d->p, .b = b, .event = domains_event, .context = &walk};
            flow_walk(&flow, FLOW_START);
        }
    }
}

void
pass_domains(struct program *p)
{
    struct domains d = {.p = p, .table = p->rules ? ruleset_table(p->rules, "allocators") : NULL};
    if (!d.table) {
        return;
    }
    domains_index(&d);
    for (size_t i = 0; i < p->bodies.n; i++) {
        if (p->bodies.at[i]->entry) {
            domains_check(&d, p->bodies.at[i]);
        }
    }
    map_free(&d.fields);
}
