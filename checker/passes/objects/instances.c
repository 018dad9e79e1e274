/* Fields of objects that several threads hold and that are changed without a lock (OBJ01 to OBJ05,
 * OBJ11, REF07). One flaw for each field of each struct, of the worst kind that was seen. */
#include <string.h>

#include "passes/flow/vendored.h"
#include "passes/objects/shared_roots.h"

/* Kinds of change, worst first. */
enum change { CHANGE_RELEASE, CHANGE_SETREF, CHANGE_RMW, CHANGE_PLAIN, CHANGE_INIT, CHANGE_KINDS };

struct instance_site {
    const struct fact *at;
    const struct body *body;
};

struct instance_field {
    struct root_field where;
    const char *record;                       /* the struct of the last step to it */
    struct instance_site first[CHANGE_KINDS]; /* the first place of each kind */
    struct instance_site other;               /* a place in another function */
    bool constants;                           /* every plain write stores a constant */
    bool setters;                             /* every plain write stands in a setter */
};

struct instances {
    struct program *p;
    const struct shared_roots *roots;
    struct map by_key;
    struct map python_files; /* see vendored_index() */
    VEC(struct instance_field *) fields;
};

static const char instance_setrefs[] = "Py_SETREF,Py_XSETREF,Py_CLEAR";
static const char instance_releases[] =
    "free,realloc,PyMem_Free,PyMem_Realloc,PyMem_RawFree,PyMem_RawRealloc,PyObject_Free,"
    "PyObject_Realloc,PyMem_FREE,PyMem_REALLOC,PyMem_Resize,PyMem_RESIZE,PyMem_Del,PyMem_DEL";
static const char instance_drops[] = "Py_DECREF,Py_XDECREF,Py_DecRef";

/* As the code names it. */
static const char *
instance_name(const struct root_field *where)
{
    return where->inner ? where->inner : where->field;
}

/* What the field is; of a struct inside the object only what the innermost name is. */
static const char *
instance_class(const struct program *p, const struct instance_field *field)
{
    const struct fact_member *m = roots_field_member(p, &field->where);
    const char *dot = field->where.inner ? strrchr(field->where.inner, '.') : NULL;
    return dot ? scan_member_class(p, field->record, dot + 1) : m ? m->class : NULL;
}

/* Locks and atomic members bring their own order. */
static bool
instance_is_ordered(const struct program *p, const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(p, where);
    return m && (str_list_has("lock,once,tss", m->class ? m->class : "") ||
                 (m->type && (strstr(m->type, "tomic") || strstr(m->type, "mutex"))));
}

static struct instance_field *
instance_record(struct instances *all, const struct root_field *where)
{
    struct program *p = all->p;
    const char *key = arena_printf(&p->arena, "%s %s", where->record, instance_name(where));
    void **slot = map_slot(&all->by_key, key);
    struct instance_field *field = *slot;
    if (!field) {
        *slot = field = arena_alloc(&p->arena, sizeof(*field));
        field->where = *where;
        field->constants = field->setters = true;
        vec_push(&all->fields, field);
    }
    return field;
}

static struct instance_field *
instance_add(struct instances *all, const struct root_field *where, enum change kind,
             const struct instance_site *site)
{
    struct instance_field *field = instance_record(all, where);
    kind = where->initial ? CHANGE_INIT : kind;
    if (!field->first[kind].at) {
        field->first[kind] = *site;
    }
    for (int i = 0; i < CHANGE_INIT && kind != CHANGE_INIT && !field->other.at; i++) {
        if (field->first[i].body && field->first[i].body != site->body) {
            field->other = *site;
        }
    }
    return field;
}

/* Does the function drop a reference to what the field held? `old = self->f; self->f = x;
 * Py_DECREF(old);` and `Py_DECREF(self->f); self->f = x;`. */
static bool
instance_drops_old(struct instances *all, const struct body *b, const struct root_field *where)
{
    SCAN_CALLS(b, call)
    {
        struct root_field dropped;
        if (scan_call_is(call, instance_drops) &&
            roots_value_field(all->p, all->roots, b, call_arg(b, call, 0), call->seq, &dropped) &&
            str_same(dropped.base, where->base) &&
            str_same(instance_name(&dropped), instance_name(where))) {
            return true;
        }
    }
    return false;
}

static enum change
instance_kind(struct instances *all, const struct body *b, const struct fact_access *a,
              const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(all->p, where);
    const char *dot = where->inner ? strrchr(where->inner, '.') : NULL;
    const char *class = dot ? scan_member_class(all->p, a->class, dot + 1) : m ? m->class : NULL;
    bool object = !class || str_same(class, "object-pointer");
    if (a->macro && str_list_has(instance_setrefs, a->macro)) {
        return CHANGE_SETREF;
    }
    if (object && where->direct && instance_drops_old(all, b, where)) {
        return CHANGE_SETREF;
    }
    /* For a container, op is the name of the method that changes it. */
    return str_same(a->how, "rmw") && a->op && !strpbrk(a->op, "abcdefghijklmnopqrstuvwxyz")
               ? CHANGE_RMW
               : CHANGE_PLAIN;
}

/* Once for each tp_iternext: its fields change together. */
static void
instance_iternext(struct instances *all, const struct body *b, const struct fact_access *a,
                  const struct root_field *where, struct fact_flaw **flaw)
{
    if (*flaw) {
        if (!(*flaw)->rel_line && !str_same((*flaw)->subject, where->field)) {
            flaw_relate(all->p, *flaw, &a->at, "and another field here");
        }
        return;
    }
    *flaw = program_flaw(all->p, &a->at, b, "iternext-unlocked", where->field);
    (*flaw)->detail = where->record;
    (*flaw)->detail2 = b->fact->name;
}

/* `if (self->hash != -1) return self->hash;`: a number that is worked out on first use. Whoever
 * comes second stores the same again. */
static bool
instance_is_cached_number(struct instances *all, const struct body *b, const struct fact_access *a,
                          const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(all->p, where);
    /* tp_hash: `if (self->hash == -1) self->hash = ...; return self->hash;` */
    const struct fact_block *unset = flow_block(b, a->block);
    if (m && unset && str_same(b->binding, "tp_hash") && str_same(unset->kind, "then") &&
        str_starts(unset->cond, "eq(") && strstr(unset->cond, m->name) &&
        strstr(unset->cond, "const:")) {
        return true;
    }
    for (size_t i = 0; m && str_same(m->class, "scalar") && i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || jump->seq >= a->seq ||
            !str_same(jump->kind, "return") || !str_same(scan_field_name(jump->value), m->name)) {
            continue;
        }
        const struct fact_block *test = flow_block(b, jump->block);
        if (test && str_same(test->kind, "then") && str_starts(test->cond, "ne(") &&
            strstr(test->cond, m->name) && strstr(test->cond, "const:")) {
            return true;
        }
    }
    return false;
}

/* `self->impl->run()` through a pointer member changes what it points to, not the field. */
static bool
instance_is_call_through(const struct program *p, const struct fact_access *a)
{
    const char *arrow = a->path ? strrchr(a->path, '>') : NULL;
    const char *class =
        arrow && str_same(a->context, "called") ? scan_member_class(p, a->class, arrow + 1) : NULL;
    return class && (strstr(class, "pointer") != NULL);
}

/* `PyArg_ParseTuple(args, "i", &self->level)`: the call fills the field. */
static bool
instance_is_parsed(const struct fact_access *a)
{
    return str_starts(a->context, "arg:PyArg_Parse") || str_starts(a->context, "arg:PyArg_Unpack");
}

/* `fill(&self->count)`: where a function of the project stores through the address it is given. */
static const struct fact_access *
instance_stored_by(struct program *p, const struct body *b, const struct fact_access *a)
{
    const char *callee = value_of(a->context, "arg");
    const char *colon = callee ? strrchr(callee, ':') : NULL;
    const struct body *target = NULL;
    SCAN_CALLS(b, call)
    {
        if (colon && !target && call->seq >= a->seq && call->callee &&
            strlen(call->callee) == (size_t)(colon - callee) && str_starts(callee, call->callee)) {
            target = scan_body(p, call->id);
        }
    }
    if (!target || target == b) {
        return NULL;
    }
    const char *param = arena_printf(&p->arena, "param:%s", colon + 1);
    SCAN_ACCESSES(target, store)
    {
        if (str_same(store->var, param) && str_same(store->path, "->*") &&
            (str_same(store->how, "write") || str_same(store->how, "rmw")) &&
            roots_unlocked(p, target, store->seq, store->block)) {
            return store;
        }
    }
    return NULL;
}

static void
instance_access(struct instances *all, const struct body *b, const struct fact_access *a,
                struct fact_flaw **iternext)
{
    struct root_field where;
    bool address = str_same(a->how, "addr");
    const struct fact_access *store = address ? instance_stored_by(all->p, b, a) : NULL;
    bool changes = str_same(a->how, "write") || str_same(a->how, "rmw") || store ||
                   (address && instance_is_parsed(a));
    if (!changes || instance_is_call_through(all->p, a) ||
        !roots_field(all->p, all->roots, b, a->var, a->path, a->class, a->seq, &where) ||
        !roots_unlocked(all->p, b, a->seq, a->block) || instance_is_ordered(all->p, &where)) {
        return;
    }
    if (str_same(b->binding, "tp_iternext")) {
        instance_iternext(all, b, a, &where, iternext);
        return;
    }
    enum change kind = instance_kind(all, b, a, &where);
    if (where.initial && kind != CHANGE_SETREF) {
        return; /* the first store into a new object */
    }
    struct instance_site site = {&a->at, b};
    struct instance_field *field = instance_add(all, &where, kind, &site);
    field->record = a->class;
    field->constants &= where.initial || (kind == CHANGE_PLAIN &&
                                          (value_of(store ? store->value : a->value, "const") ||
                                           instance_is_cached_number(all, b, a, &where)));
    field->setters &= where.initial || str_same(b->binding, "setter");
}

/* Memory of a field that is given back or moved. */
static void
instance_call(struct instances *all, const struct body *b, const struct fact_call *call)
{
    struct root_field where;
    if (!scan_call_is(call, instance_releases) || str_same(call->origin, "local") ||
        !roots_value_field(all->p, all->roots, b, call_arg(b, call, 0), call->seq, &where) ||
        where.initial || !roots_unlocked(all->p, b, call->seq, call->block)) {
        return;
    }
    struct instance_site site = {&call->at, b};
    instance_add(all, &where, CHANGE_RELEASE, &site)->constants = false;
}

static void
instance_scan(struct instances *all, const struct body *b)
{
    struct fact_flaw *iternext = NULL;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *event = b->events.at[i];
        if (event->kind == FACT_access) {
            instance_access(all, b, (const struct fact_access *)(const void *)event, &iternext);
        }
        else if (event->kind == FACT_call) {
            instance_call(all, b, (const struct fact_call *)(const void *)event);
        }
    }
}

static void
instance_report(struct instances *all, const struct instance_field *field)
{
    static const char *const words[CHANGE_KINDS] = {"field-released", "field-setref", "field-rmw",
                                                    "field-write", "field-init"};
    size_t kind = 0;
    while (kind < CHANGE_KINDS && !field->first[kind].at) {
        kind++;
    }
    if (kind == CHANGE_KINDS) {
        return;
    }
    const struct instance_site *site = &field->first[kind];
    const struct body *caller = site->body;
    const struct fact_call *entry = vendored_entry(&all->python_files, site->body, &caller);
    bool setter = kind == CHANGE_PLAIN && field->setters;
    struct fact_flaw *flaw =
        program_flaw(all->p, entry ? &entry->at : site->at, caller,
                     setter ? "field-setter" : words[kind], instance_name(&field->where));
    flaw->detail = field->where.record;
    flaw->detail2 = site->body->fact->name;
    flaw->class = instance_class(all->p, field);
    /* A flag that is only ever set to constants cannot be torn; it can come late. */
    flaw->number = kind == CHANGE_PLAIN && field->constants && str_same(flaw->class, "scalar");
    if (entry) {
        flaw_relate(all->p, flaw, site->at, "here, in code that the call leads to");
    }
    else if (field->other.at && field->other.at != site->at) {
        flaw_relate(all->p, flaw, field->other.at, "also changed here");
    }
}

void
pass_instances(struct program *p)
{
    struct instances all = {.p = p};
    all.roots = roots_of(p);
    vendored_index(p, &all.python_files);
    for (size_t i = 0; i < p->bodies.n; i++) {
        /* tp_new changes objects that it is given, though its own is private. */
        const struct body *b = p->bodies.at[i];
        if (map_get(&all.roots->masks, b->fact->id) ||
            (str_same(b->binding, "tp_new") && !roots_generated(p, &b->fact->at))) {
            instance_scan(&all, b);
        }
    }
    for (size_t i = 0; i < all.fields.n; i++) {
        instance_report(&all, all.fields.at[i]);
    }
    vec_free(&all.fields);
    map_free(&all.by_key);
    map_free(&all.python_files);
}
