/* Memory and library objects in a field that one method frees while another one, which has let the
 * GIL go, still works on them (OBJ07). */
#include <string.h>

#include "passes/flow/detached.h"
#include "passes/objects/announced.h"
#include "passes/objects/shared_roots.h"

struct closed_site {
    const struct fact *at;
    const struct body *body;
    const char *callee;
    long seq;
};

struct closed_field {
    struct root_field where;
    struct closed_site freed; /* the first call that frees what the field holds */
    struct closed_site reset; /* the store that empties the field, in the same function */
    struct closed_site used;  /* a call that works on it without the GIL and without a lock */
    bool late; /* the field is emptied only behind a call that frees without the GIL */
};

struct closed {
    struct program *p;
    const struct shared_roots *roots;
    struct map by_key;
    VEC(struct closed_field *) fields;
};

static const char closed_plain[] =
    "free,PyMem_Free,PyMem_RawFree,PyObject_Free,PyMem_Del,PyMem_FREE,PyMem_DEL";
static const char closed_memory[] = "free,PyMem_Free,PyMem_RawFree,PyObject_Free,PyMem_Del,"
                                    "PyMem_FREE,PyMem_DEL,fclose,pclose,closedir,dlclose,munmap";

/* Does the function's name say, as a word of its own, that it ends the life of its argument? */
static bool
closed_frees(const struct fact_call *call)
{
    static const char *const words[] = {"close",  "free",       "destroy",   "finish", "finalize",
                                        "Free",   "disconnect", "Close",     "Finish", "Destroy",
                                        "delete", "Delete",     "terminate", "dispose"};
    const char *name = call->callee;
    if (!name || flow_is_python(call) || str_same(call->origin, "indirect")) {
        return scan_call_is(call, closed_memory);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        const char *at = strstr(name, words[i]);
        const char *end = at ? at + strlen(words[i]) : NULL;
        if (at && !(*end >= 'a' && *end <= 'z') && !strstr(name, "_ref") &&
            (at == name || !(at[-1] >= 'a' && at[-1] <= 'z') || (*at >= 'A' && *at <= 'Z') ||
             !*end)) {
            return true;
        }
    }
    return scan_call_is(call, closed_memory);
}

static bool
closed_holds_handle(const struct program *p, const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(p, where);
    return m && m->class && str_list_has("pointer,string,file", m->class) && where->direct &&
           !where->initial;
}

static struct closed_field *
closed_field(struct closed *all, const struct root_field *where)
{
    void **slot =
        map_slot(&all->by_key, arena_printf(&all->p->arena, "%s %s", where->record, where->field));
    struct closed_field *field = *slot;
    if (!field) {
        *slot = field = arena_alloc(&all->p->arena, sizeof(*field));
        field->where = *where;
        vec_push(&all->fields, field);
    }
    return field;
}

/* The store of NULL to the field in the function: what is freed there is given up for good. */
static const struct fact_access *
closed_reset(struct closed *all, const struct body *b, const struct root_field *freed)
{
    SCAN_ACCESSES(b, a)
    {
        struct root_field where;
        if (str_same(a->how, "write") && str_same(a->value, "null") &&
            str_same(scan_field_name(arena_printf(&all->p->arena, "field:%s%s", a->var, a->path)),
                     freed->field) &&
            roots_field(all->p, all->roots, b, a->var, a->path, a->class, a->seq, &where) &&
            str_same(where.base, freed->base) && str_same(where.record, freed->record)) {
            return a;
        }
    }
    return NULL;
}

static void
closed_add_freed(struct closed *all, const struct body *b, const struct fact_call *call,
                 const struct root_field *where)
{
    const struct fact_access *reset = closed_reset(all, b, where);
    if (!reset || flow_locked(all->p, b, call->seq) || flow_locked(all->p, b, reset->seq)) {
        return;
    }
    struct closed_field *field = closed_field(all, where);
    bool late = reset->seq > call->seq && detached_at(b, call->seq, call->block) &&
                !detached_at(b, reset->seq, reset->block);
    if (!field->freed.at || (late && !field->late)) {
        field->freed = (struct closed_site){&call->at, b, call->callee, call->seq};
        field->reset = (struct closed_site){&reset->at, b, call->callee, reset->seq};
        field->late = late;
    }
}

static void
closed_call(struct closed *all, const struct body *b, const struct fact_call *call)
{
    struct program *p = all->p;
    for (int i = 0; i < call->nargs; i++) {
        struct root_field where;
        const char *value = call_arg(b, call, i);
        if (!value || !roots_value_field(p, all->roots, b, value, call->seq, &where) ||
            !closed_holds_handle(p, &where)) {
            continue;
        }
        if (closed_frees(call)) {
            closed_add_freed(all, b, call, &where);
            continue;
        }
        /* `h = self->h; self->h = NULL;` in front: the field no longer leads there. */
        const struct fact_access *reset = closed_reset(all, b, &where);
        bool outside =
            !scan_body(p, call->id) && !flow_is_python(call) && !(reset && reset->seq < call->seq);
        if (outside && detached_at(b, call->seq, call->block) && !flow_locked(p, b, call->seq)) {
            struct closed_field *field = closed_field(all, &where);
            if (!field->used.at) {
                field->used = (struct closed_site){&call->at, b, call->callee, call->seq};
            }
        }
    }
}

/* Does the user of the field tell the closer, or take a reference to what it holds? */
static bool
closed_is_announced(struct closed *all, const struct closed_field *field)
{
    const struct body *b = field->used.body;
    SCAN_CALLS(b, call)
    {
        if (call->seq < field->used.seq && call->callee &&
            (str_ends(call->callee, "_ref") || strstr(call->callee, "_retain") ||
             strstr(call->callee, "_up_ref") || strstr(call->callee, "incref"))) {
            return true;
        }
    }
    return announced_to(all->p, b, field->used.seq, field->where.field, field->freed.body);
}

/* OBJ16: freed while the GIL is let go, emptied afterwards. */
static void
closed_report_late(struct closed *all, const struct closed_field *field)
{
    struct fact_flaw *flaw =
        program_flaw(all->p, field->reset.at, field->reset.body, "closed-late", field->where.field);
    flaw->detail = field->where.record;
    flaw->detail2 = field->freed.callee;
    flaw_relate(all->p, flaw, field->freed.at, "freed here, in a region that lets the GIL go");
}

static void
closed_report(struct closed *all, const struct closed_field *field)
{
    if (!field->freed.at || !field->used.at || closed_is_announced(all, field)) {
        if (field->late) {
            closed_report_late(all, field);
        }
        return;
    }
    /* Where OBJ11 or OBJ01 would stand, which say less. */
    bool memory = str_list_has(closed_plain, field->freed.callee);
    const struct closed_site *site = memory ? &field->freed : &field->reset;
    struct fact_flaw *flaw =
        program_flaw(all->p, site->at, site->body, "closed-in-use", field->where.field);
    flaw->detail = field->where.record;
    flaw->detail2 = field->used.callee;
    flaw->class = field->freed.callee;
    flaw_relate(all->p, flaw, field->used.at, "used here, in a region that lets the GIL go");
}

void
pass_closed(struct program *p)
{
    struct closed all = {.p = p, .roots = roots_of(p)};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (map_get(&all.roots->masks, b->fact->id)) {
            SCAN_CALLS(b, call)
            {
                closed_call(&all, b, call);
            }
        }
    }
    for (size_t i = 0; i < all.fields.n; i++) {
        closed_report(&all, all.fields.at[i]);
    }
    vec_free(&all.fields);
    map_free(&all.by_key);
}
