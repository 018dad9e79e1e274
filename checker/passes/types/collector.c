/* What the garbage collector is not told about objects: members that tp_traverse leaves out, a
 * tp_traverse that it never calls, objects that are never tracked (TYP30-TYP32). */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/link.h"
#include "passes/types/touched.h"

void pass_collector(struct program *p);

enum { MOST_CALLERS = 4, MOST_AROUND = 64 };

static const char collector_clears[] =
    "Py_CLEAR,Py_SETREF,Py_XSETREF,Py_XDECREF,Py_DECREF,Py_DecRef";
static const char collector_tracks_words[] =
    "PyObject_GC_Track,_PyObject_GC_TRACK,_PyObject_GC_Track,PyObject_GC_TRACK";
static const char collector_makers[] =
    "PyObject_GC_New,PyObject_GC_NewVar,_PyObject_GC_New,_PyObject_GC_NewVar";
/* What is no part of a cycle: strings, numbers, and containers of plain memory. */
static const char collector_leaf_checks[] =
    "PyUnicode_Check,PyUnicode_CheckExact,PyBytes_Check,PyBytes_CheckExact,PyLong_Check,"
    "PyLong_CheckExact,PyFloat_Check,PyFloat_CheckExact,PyBool_Check,PyByteArray_Check,"
    "PyByteArray_CheckExact,PyCode_Check,PyCapsule_CheckExact";
static const char collector_leaf_makers[] =
    "PyCapsule_New,PyCode_New,PyByteArray_FromStringAndSize,PyByteArray_FromObject,PyObject_Str,"
    "PyObject_Repr,PyObject_ASCII,PyThread_allocate_lock";

struct collector {
    struct program *p;
    struct map writes; /* of touched_writes() */
    struct map said;   /* FUNCTION/MEMBER: types can share a tp_traverse */
};

struct collector_bodies {
    VEC(struct body *) all;
};

/* ---- TYP30: members ---- */

static bool
collector_is_self(const struct body *b, const char *base, long seq)
{
    return str_same(scan_resolve(b, base, seq), "param:0");
}

/* The member of the object itself that a call of Py_CLEAR() and relatives releases, or NULL. */
static const char *
collector_cleared(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *value = scan_call_is(call, collector_clears) ? call_arg(b, call, 0) : NULL;
    const char *name = value ? scan_field_name(value) : NULL;
    const char *base = name ? scan_field_base(p, value) : NULL;
    return base && collector_is_self(b, base, call->seq) ? name : NULL;
}

/* The struct that the member of self belongs to, as an access in the function has it. */
static const char *
collector_record(const struct body *b, const char *name)
{
    SCAN_ACCESSES(b, a)
    {
        bool direct = str_starts(a->path, "->") && str_same(a->path + 2, name);
        if (direct && a->class && collector_is_self(b, a->var, a->seq)) {
            return a->class;
        }
    }
    return NULL;
}

/* Is the value tested to be a string or number, or parsed as one? */
static bool
collector_is_checked(const struct body *b, const char *value)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, collector_leaf_checks) && str_same(call_arg(b, call, 0), value)) {
            return true;
        }
        if (!str_starts(call->callee, "PyArg_Parse")) {
            continue;
        }
        bool here = false, only_text = false;
        for (int i = 0; i < call->nargs; i++) {
            const char *arg = call_arg(b, call, i);
            const char *format = arg ? value_of(arg, "string") : NULL;
            here = here || str_same(arg ? value_of(arg, "addr") : NULL, value);
            only_text = only_text || (format && strpbrk(format, "USY") && !strchr(format, 'O'));
        }
        if (here && only_text) {
            return true;
        }
    }
    return false;
}

enum leaf { LEAF_NOTHING, LEAF_YES, LEAF_NO };

/* Can what is written hold other objects? */
static enum leaf
collector_leaf_value(struct collector *c, const struct fact_access *a)
{
    const struct body *b = scan_body(c->p, a->func);
    const char *value = b ? scan_resolve(b, a->value, a->seq) : a->value;
    if (!value || !*value || str_same(value, "null") || str_starts(value, "const")) {
        return LEAF_NOTHING;
    }
    if (str_starts(value, "immortal:")) {
        return LEAF_YES;
    }
    const char *maker = value_of(value, "call");
    const char *makes = maker ? flow_cell(c->p, "object_makers", maker, "makes") : NULL;
    if (str_same(makes, "text") || str_same(makes, "number") ||
        (maker && (str_list_has(collector_leaf_makers, maker) || str_starts(maker, "PyUnicode_") ||
                   str_starts(maker, "PyBytes_") || str_starts(maker, "PyLong_") ||
                   str_starts(maker, "PyFloat_")))) {
        return LEAF_YES;
    }
    bool checked = b && (collector_is_checked(b, a->value) || collector_is_checked(b, value));
    return checked ? LEAF_YES : LEAF_NO;
}

/* Is there a write that may put an object into the member which can be part of a cycle? */
static bool
collector_holds(struct collector *c, const char *record, const char *name)
{
    const struct fact_list *writes = program_list(&c->writes, name);
    for (size_t i = 0; writes && i < writes->all.n; i++) {
        const struct fact_access *a = (const struct fact_access *)(const void *)writes->all.at[i];
        if (str_same(a->class, record) && collector_leaf_value(c, a) == LEAF_NO) {
            return true;
        }
    }
    return false;
}

/* Members with a type of their own, such as `PyCodeObject *`, may be outside of the collector. */
static bool
collector_is_plain_object(const struct program *p, const char *record, const char *name)
{
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->record, record) && str_same(m->name, name)) {
            return str_same(m->type, "PyObject *");
        }
    }
    return false;
}

/* A function outside of the given sources may visit what is missed here. */
static bool
collector_test_away(struct program *p, const struct body *b, const struct fact_call *call,
                    void *context)
{
    (void)b;
    (void)context;
    bool away = str_same(call->origin, "project") || str_same(call->origin, "library");
    return away && !scan_body(p, call->id);
}

static void
collector_member(struct collector *c, const struct type_info *type, const struct body *traverse,
                 const struct body *clear, const struct fact_call *call, const char *name)
{
    const char *record = collector_record(clear, name);
    record = record ? record : collector_record(traverse, name);
    const char *key =
        facts_intern(c->p->facts, arena_printf(&c->p->arena, "%s/%s", traverse->fact->id, name));
    void **said = map_slot(&c->said, key);
    if (*said || !record || !collector_is_plain_object(c->p, record, name) ||
        !collector_holds(c, record, name)) {
        return;
    }
    *said = c;
    struct fact_flaw *flaw =
        type_flaw(c->p, &traverse->fact->at, traverse, "traverse-misses-member", type, name);
    flaw->symbol = facts_intern(c->p->facts, name);
    flaw->number = type->spec != NULL;
    flaw_relate(c->p, flaw, &call->at, "tp_clear releases it here");
}

static void
collector_members(struct collector *c, const struct type_info *type)
{
    struct body *traverse = program_value_body(c->p, type_slot(type, "Py_tp_traverse"));
    const struct body *clear = program_value_body(c->p, type_slot(type, "Py_tp_clear"));
    if (!traverse || !clear || scan_reach(c->p, traverse, collector_test_away, NULL, NULL)) {
        return;
    }
    struct touched t = {0};
    touched_collect(&t, traverse, true);
    SCAN_CALLS(clear, call)
    {
        const char *name = t.opaque ? NULL : collector_cleared(c->p, clear, call);
        if (name && !touched_mentions(&t, name)) {
            collector_member(c, type, traverse, clear, call, name);
        }
    }
    vec_free(&t.texts);
}

/* ---- TYP32: a tp_traverse without the flag ---- */

/* Is the flag, or the whole field, set at run time? */
static bool
collector_sets_flags(const struct program *p, const struct type_info *type)
{
    FACTS_EACH(p->facts, access, a)
    {
        bool flags = a->path && str_ends(a->path, "tp_flags") && !str_same(a->how, "read");
        if (flags && (!type->variable || str_same(a->var, type->id) || str_starts(a->path, "->"))) {
            return true;
        }
    }
    return false;
}

/* A static type whose initialiser leaves the flags out has none of them. */
static bool
collector_lacks_flag(const struct type_info *type)
{
    bool named = type->spec != NULL;
    for (size_t i = 0; i < type->fields.n; i++) {
        named = named || str_same(type->fields.at[i]->field, "tp_flags");
    }
    return type_lacks_flag(type, TYPE_HAVE_GC) || !named;
}

static void
collector_flag(struct program *p, const struct type_info *type)
{
    const struct body *traverse = program_value_body(p, type_slot(type, "Py_tp_traverse"));
    if (traverse && collector_lacks_flag(type) && !collector_sets_flags(p, type)) {
        struct fact_flaw *flaw = type_flaw(p, &traverse->fact->at, traverse, "traverse-without-gc",
                                           type, traverse->fact->name);
        flaw->number = type->spec != NULL;
    }
}

/* ---- TYP31: objects that are never tracked ---- */

static void
collector_callers(struct program *p, struct body *b, int depth, struct collector_bodies *found)
{
    if (b->mark == (unsigned)p->next_mark) {
        return;
    }
    b->mark = (unsigned)p->next_mark;
    vec_push(&found->all, b);
    for (size_t i = 0; depth < MOST_CALLERS && i < b->callers.n; i++) {
        collector_callers(p, b->callers.at[i], depth + 1, found);
    }
}

/* Does the function, one that calls it, or anything these call, track an object? With many callers
 * one will. */
static bool
collector_tracks(struct program *p, struct body *b)
{
    struct collector_bodies around = {0};
    p->next_mark++;
    collector_callers(p, b, 0, &around);
    bool tracks = around.all.n > MOST_AROUND;
    for (size_t i = 0; i < around.all.n && !tracks; i++) {
        tracks = scan_reach_named(p, around.all.at[i], collector_tracks_words) != NULL;
    }
    vec_free(&around.all);
    return tracks;
}

/* Is the object given back by the function that makes it? Then it is never part of a cycle. */
static bool
collector_is_temporary(const struct body *b, const struct fact_call *maker)
{
    bool released = false;
    if (!str_starts(maker->into, "local:")) {
        return false;
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *e = b->events.at[i];
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)e;
        const struct fact_access *a = (const struct fact_access *)(const void *)e;
        if ((e->kind == FACT_jump && str_same(jump->value, maker->into)) ||
            (e->kind == FACT_access && str_same(a->how, "write") && a->seq > maker->seq &&
             str_same(a->value, maker->into))) {
            return false;
        }
    }
    SCAN_CALLS(b, call)
    {
        released = released || (scan_call_is(call, "Py_DECREF,Py_XDECREF,Py_CLEAR") &&
                                str_same(call_arg(b, call, 0), maker->into));
    }
    return released;
}

static void
collector_objects(struct program *p, struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (!scan_call_is(call, collector_makers) || str_same(b->binding, "tp_alloc") ||
            str_same(b->binding, "callback") || collector_is_temporary(b, call) ||
            collector_tracks(p, b)) {
            continue;
        }
        const struct type_info *type = type_of_value(
            p, type_index_of(p), b, call_arg(b, call, (int)call->nargs - 1), call->seq);
        type = type ? type : type_of_value(p, type_index_of(p), b, call_arg(b, call, 0), call->seq);
        const char *name = type && type->name ? type->name : NULL;
        struct fact_flaw *flaw =
            program_flaw(p, &call->at, b, "gc-object-untracked", name ? name : "its type");
        flaw->detail =
            facts_intern(p->facts, str_starts(call->callee, "_") ? call->callee + 1 : call->callee);
        flaw->number = type && type->spec != NULL;
    }
}

void
pass_collector(struct program *p)
{
    struct collector c = {.p = p};
    touched_writes(p, &c.writes);
    for (size_t i = 0; i < p->types.n; i++) {
        if (type_is_used(p, p->types.at[i])) {
            collector_members(&c, p->types.at[i]);
            collector_flag(p, p->types.at[i]);
        }
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        collector_objects(p, p->bodies.at[i]);
    }
    program_free_lists(&c.writes);
    map_free(&c.said);
}
