/* Containers in fields; see owned.h. Members are told apart by name alone: what happens to a member
 * of the same name in another struct counts as well, which can only keep a finding. */
#include "passes/objects/owned.h"

#include <string.h>

#include "passes/references/private.h"

enum { OWNED_MAX_DEPTH = 3 };

/* All that the program does to members of one name. */
struct owned_field {
    unsigned changes; /* of enum owned_change, after construction */
    bool replaced;    /* gets another container at run time, and the old one is released */
    bool exposed;     /* Python code can get at the container */
    bool given, live, written;
    bool busy;
};

static const char owned_drops[] =
    "PyDict_SetItem,PyDict_SetItemString,PyDict_DelItem,PyDict_DelItemString,PyDict_Clear,"
    "PyDict_Update,PyDict_Merge,PyDict_MergeFromSeq2,PyDict_Pop,PyDict_PopString,_PyDict_Pop,"
    "_PyDict_SetItem_KnownHash,_PyDict_DelItem_KnownHash,PyObject_SetItem,PyObject_DelItem,"
    "PyObject_DelItemString,PyMapping_SetItemString,PyList_SetItem,PyList_SET_ITEM,"
    "PyList_SetSlice,PyList_Sort,PyList_Reverse,PyList_Clear,PySequence_SetItem,"
    "PySequence_DelItem,PySequence_SetSlice,PySequence_DelSlice,PySequence_InPlaceConcat";
static const char owned_grows[] = "PyDict_SetDefault,PyDict_SetDefaultRef,PyList_Append,"
                                  "PyList_Insert,PyList_Extend";
static const char owned_releases[] = "Py_DECREF,Py_XDECREF,Py_DecRef,Py_CLEAR,Py_SETREF,Py_XSETREF";
static const char owned_items[] =
    "PyDict_GetItem,PyDict_GetItemWithError,PyDict_GetItemString,PyList_GetItem,PyList_GET_ITEM";

static struct owned_field *owned_field(struct owned_fields *fields, const char *name, int depth);

/* The member a path ends in; NULL when no pointer is followed. */
static const char *
owned_last_member(const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL, *arrow = path ? strrchr(path, '>') : NULL;
    const char *last = !dot || (arrow && arrow > dot) ? arrow : dot;
    return last && strstr(path, "->") ? last + 1 : NULL;
}

/* Does the value name the member, of whatever struct? */
static bool
owned_names(const char *value, const char *name)
{
    return str_starts(value, "field:") && strstr(value, "->") &&
           str_same(scan_field_name(value), name);
}

/* The root of field:local:self->pattern->groups: "local:self". */
static const char *
owned_root(struct program *p, const char *value)
{
    const char *inner = value_of(value, "field");
    return inner ? arena_copy(&p->arena, inner, strcspn(inner, "-.")) : NULL;
}

static unsigned
owned_change_of(struct program *p, const struct fact_call *call, long index, int depth)
{
    if (index == 0 && scan_call_is(call, owned_drops)) {
        return OWNED_DROPS | OWNED_GROWS;
    }
    if (index == 0 && scan_call_is(call, owned_grows)) {
        return OWNED_GROWS;
    }
    if (index == 0 && (str_starts(call->callee, "PyObject_CallMethod") ||
                       str_starts(call->callee, "PyObject_VectorcallMethod"))) {
        return OWNED_DROPS | OWNED_GROWS;
    }
    const struct body *target = scan_body(p, call->id);
    unsigned found = 0;
    for (size_t i = 0; target && depth < OWNED_MAX_DEPTH && i < target->args.n; i++) {
        const struct fact_arg *arg = target->args.at[i];
        const char *number = value_of(arg->value, "param");
        if (!number || number[0] != (char)('0' + index) || number[1]) {
            continue;
        }
        SCAN_CALLS(target, inner)
        {
            if (inner->seq == arg->seq && !str_same(inner->id, call->id)) {
                found |= owned_change_of(p, inner, arg->index, depth + 1);
            }
        }
    }
    return found;
}

/* What the calls of a function do to the member. */
static void
owned_read_args(struct owned_fields *fields, struct owned_field *field, const struct body *b,
                const char *name)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (!str_starts(arg->value, "local:") && !str_starts(arg->value, "field:")) {
            continue;
        }
        const char *value = scan_resolve(b, arg->value, arg->seq);
        if (!owned_names(value, name) ||
            owned_is_early(fields->p, b, owned_root(fields->p, value), arg->seq)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq == arg->seq) {
                bool passed = arg->index > 0 && (str_starts(call->callee, "PyObject_Call") ||
                                                 str_starts(call->callee, "PyObject_Vectorcall"));
                field->changes |= owned_change_of(fields->p, call, arg->index, 0);
                field->exposed |= passed;
            }
        }
    }
}

/* Does the function release what the field held? */
static bool
owned_is_released(const struct body *b, const struct fact_access *store, const char *name)
{
    if (store->macro && str_list_has(owned_releases, store->macro)) {
        return true;
    }
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, owned_releases) && owned_names(scan_arg(b, call, 0), name)) {
            return true;
        }
    }
    return false;
}

/* Is the value an item of a container that is left alone itself? */
static bool
owned_is_item(struct owned_fields *fields, const struct body *b, const char *value, long seq,
              int depth)
{
    const char *getter = value_of(value, "call");
    const struct fact_call *last = NULL;
    if (!getter || !str_list_has(owned_items, getter)) {
        return false;
    }
    SCAN_CALLS(b, call)
    {
        last = call->seq < seq && str_same(call->callee, getter) ? call : last;
    }
    const char *name = last ? scan_field_name(scan_arg(b, last, 0)) : NULL;
    const struct owned_field *from = name ? owned_field(fields, name, depth + 1) : NULL;
    return from && !from->live && !from->exposed && !(from->changes & OWNED_DROPS);
}

/* Where a container that is stored in the member comes from. */
static void
owned_read_source(struct owned_fields *fields, struct owned_field *field, const struct body *b,
                  const struct fact_access *store, bool early, int depth)
{
    const char *value = scan_resolve(b, store->value, store->seq);
    field->written = true;
    if (private_value(fields->p, b, store->value, store->seq, 0)) {
        return;
    }
    field->given = true;
    const char *other = str_starts(value, "field:") ? scan_field_name(value) : NULL;
    if (other) {
        const struct owned_field *from = owned_field(fields, other, depth + 1);
        field->changes |= from->changes;
        field->exposed |= from->exposed;
        field->live |= from->live;
        return;
    }
    const char *maker = value_of(value, "call");
    bool unknown = maker && program_body(fields->p, maker);
    field->live |= !early && !unknown && !owned_is_item(fields, b, value, store->seq, depth);
}

static bool
owned_is_empty(const char *value)
{
    return str_same(value, "null") || str_same(value, "const:0") ||
           str_same(value, "immortal:_Py_NoneStruct");
}

static void
owned_read_writes(struct owned_fields *fields, struct owned_field *field, const struct body *b,
                  const char *name, int depth)
{
    SCAN_ACCESSES(b, a)
    {
        if (!str_same(owned_last_member(a->path), name)) {
            continue;
        }
        if (str_same(a->how, "addr")) {
            field->live |= !owned_is_early(fields->p, b, a->var, a->seq) &&
                           !str_starts(a->context, "arg:Py_VISIT");
            continue;
        }
        if (!str_same(a->how, "write")) {
            continue;
        }
        bool early = owned_is_early(fields->p, b, a->var, a->seq);
        field->replaced |= !early && owned_is_released(b, a, name);
        if (!owned_is_empty(a->value)) {
            owned_read_source(fields, field, b, a, early, depth);
        }
    }
}

/* Does what the function returns go to Python code, itself or through a caller that returns it? */
static bool
owned_returns_to_python(const struct body *b)
{
    bool found = b->binding && !owned_sets_up(b->binding);
    for (size_t i = 0; !found && i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            found |= caller->binding && str_same(call->id, b->fact->id) &&
                     str_same(call->result, "returned");
        }
    }
    return found;
}

/* Is the container itself what Python code gets? */
static void
owned_read_returns(struct owned_field *field, const struct body *b, const char *name)
{
    if (!owned_returns_to_python(b)) {
        return;
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || !str_same(jump->kind, "return")) {
            continue;
        }
        const char *value = scan_resolve(b, jump->value, jump->seq);
        field->exposed |= owned_names(value, name);
    }
    SCAN_CALLS(b, call)
    {
        bool returned = str_same(call->result, "returned") && flow_takes_reference(call->callee);
        field->exposed |= returned && owned_names(scan_arg(b, call, 0), name);
    }
}

struct owned_users {
    VEC(const struct body *) all;
};

static void
owned_add_user(struct owned_fields *fields, struct body *b, const char *name)
{
    if (!b || !b->entry || !name || !*name) {
        return;
    }
    void **slot = map_slot(&fields->users, name);
    struct owned_users *users = *slot;
    if (!users) {
        *slot = users = arena_alloc(&fields->p->arena, sizeof(*users));
    }
    if (!users->all.n || users->all.at[users->all.n - 1] != b) {
        vec_push(&users->all, b);
    }
}

/* One pass over the facts: which function names which member. */
static void
owned_index(struct owned_fields *fields)
{
    struct program *p = fields->p;
    struct body_cursor cursor = {0};
    fields->indexed = true;
    FACTS_EACH(p->facts, access, a)
    {
        if (a->path || str_starts(a->value, "field:")) {
            struct body *b = program_body_again(p, &cursor, a->func);
            owned_add_user(fields, b, owned_last_member(a->path));
            owned_add_user(fields, b, scan_field_name(a->value));
        }
    }
    FACTS_EACH(p->facts, arg, arg)
    {
        if (str_starts(arg->value, "field:")) {
            owned_add_user(fields, program_body_again(p, &cursor, arg->func),
                           scan_field_name(arg->value));
        }
    }
    FACTS_EACH(p->facts, jump, jump)
    {
        if (str_starts(jump->value, "field:")) {
            owned_add_user(fields, program_body_again(p, &cursor, jump->func),
                           scan_field_name(jump->value));
        }
    }
}

static struct owned_field *
owned_field(struct owned_fields *fields, const char *name, int depth)
{
    void **slot = map_slot(&fields->by_name, name);
    struct owned_field *field = *slot;
    if (field) {
        return field;
    }
    *slot = field = arena_alloc(&fields->p->arena, sizeof(*field));
    if (depth > OWNED_MAX_DEPTH) {
        field->live = true;
        return field;
    }
    if (!fields->indexed) {
        owned_index(fields);
    }
    const struct owned_users *users = map_get(&fields->users, name);
    for (size_t i = 0; users && i < users->all.n; i++) {
        const struct body *b = users->all.at[i];
        owned_read_writes(fields, field, b, name, depth);
        owned_read_args(fields, field, b, name);
        owned_read_returns(field, b, name);
    }
    FACTS_EACH(fields->p->facts, row, r)
    {
        field->exposed |= str_same(r->field, name);
    }
    return field;
}

enum owned_kind
owned_container(struct owned_fields *fields, const struct body *b, const char *value, long seq,
                unsigned changes, bool held)
{
    const char *resolved = scan_resolve(b, value, seq);
    const char *name = resolved && str_starts(resolved, "field:") && strstr(resolved, "->")
                           ? scan_field_name(resolved)
                           : NULL;
    if (!name || strpbrk(name, "[]*")) {
        return OWNED_CHANGES;
    }
    const struct owned_field *field = owned_field(fields, name, 0);
    if (!field->written || field->exposed || field->live || (field->changes & changes) ||
        (field->replaced && !held)) {
        return OWNED_CHANGES;
    }
    return field->given ? OWNED_GIVEN : OWNED_MADE;
}

void
owned_free(struct owned_fields *fields)
{
    for (size_t i = 0; i < fields->users.cap; i++) {
        struct owned_users *users = fields->users.cells[i].value;
        if (users) {
            vec_free(&users->all);
        }
    }
    map_free(&fields->users);
    map_free(&fields->by_name);
}
