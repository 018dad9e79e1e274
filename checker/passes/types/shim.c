/* Code that uses the shim: a template's address belongs to ExtShim_* alone (TYP28), the types made
 * from templates lead to no module (TYP33), and an object that run-time code replaces must not be
 * borrowed without the GIL (BRW17). */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/shim_names.h"

void pass_shim(struct program *p);

/* ---- TYP28: what still uses the static type itself ---- */

static const char *
shim_field_set(const struct program *p, const struct fact_variable *type, const char *field,
               size_t n)
{
    FACTS_EACH(p->facts, typefield, f)
    {
        if (str_same(f->var, type->id) && f->field && strlen(f->field) == n &&
            strncmp(f->field, field, n) == 0) {
            return f->field;
        }
    }
    return NULL;
}

/* The field of the template that an access reads although nobody fills it in: PyType_Ready() would
 * have, ExtShim_READY() leaves the template as it is. NULL for any other access. */
static const char *
shim_unfilled_field(struct program *p, const struct fact_variable *type,
                    const struct fact_access *a)
{
    if (!str_same(a->how, "read") || !str_starts(a->path, ".tp_")) {
        return NULL;
    }
    const char *field = a->path + 1;
    size_t n = strcspn(field, ".-[");
    if (shim_field_set(p, type, field, n)) {
        return NULL;
    }
    const struct access_list *list = map_get(&p->accesses_of, type->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *w = list->all.at[i];
        if (str_same(w->how, "write") && w->path && strncmp(w->path + 1, field, n) == 0) {
            return NULL;
        }
    }
    return arena_copy(&p->arena, field, n);
}

/* Is the template's address, or the whole struct, taken for something other than the shim? */
static bool
shim_leaks(const struct program *p, const struct fact_access *a)
{
    bool whole = !a->path || !*a->path || str_starts(a->path, ".ob_");
    if (!whole || (!str_same(a->how, "addr") && !str_same(a->how, "read"))) {
        return false;
    }
    const char *id = value_of(a->context, "init");
    const struct fact_variable *v = id ? program_variable(p, id) : NULL;
    /* Another template may name it as its base or metaclass: the shim looks such names up. */
    return !v ||
           !(shim_is_handle(v) || (str_same(v->class, "type-object") && shim_is_template(p, v)));
}

/* What to write instead, by the function that gets the address. */
static const char *
shim_replacement(const char *callee)
{
    static const char *const words[][2] = {{"PyType_Ready", "ExtShim_READY"},
                                           {"PyModule_AddType", "ExtShim_ADD_TYPE"},
                                           {"PyModule_AddObject", "ExtShim_ADD_TYPE"},
                                           {"PyModule_AddObjectRef", "ExtShim_ADD_TYPE"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_same(callee, words[i][0])) {
            return words[i][1];
        }
    }
    return "ExtShim_TYPE";
}

static const char *
shim_use_words(struct program *p, const struct fact_access *a, const char **callee)
{
    const char *arg = value_of(a->context, "arg");
    const char *colon = arg ? strrchr(arg, ':') : NULL;
    if (colon) {
        *callee = arena_copy(&p->arena, arg, (size_t)(colon - arg));
        return arena_printf(&p->arena, "is passed to %s()", *callee);
    }
    *callee = NULL;
    return str_starts(a->context, "init:")    ? "stands in an initialiser"
           : str_same(a->context, "returned") ? "is returned"
           : a->macro && *a->macro            ? arena_printf(&p->arena, "is used by %s", a->macro)
                                              : "is used here";
}

static void
shim_check_use(struct program *p, struct fact_variable *type, const struct fact_access *a)
{
    const struct body *b = a->func && *a->func ? program_body(p, a->func) : NULL;
    if (a->func && *a->func && (!b || !b->entry)) {
        return;
    }
    const char *field = shim_unfilled_field(p, type, a);
    if (!field && !shim_leaks(p, a)) {
        return;
    }
    const char *callee = NULL;
    struct fact_flaw *flaw = program_flaw(
        p, &a->at, b, field ? "shim-template-field" : "shim-template-used", type->name);
    flaw->detail = facts_intern(p->facts, field ? field : shim_use_words(p, a, &callee));
    flaw->detail2 = field ? NULL : facts_intern(p->facts, shim_replacement(callee));
    flaw->symbol = type->name;
    flaw->test_code = flaw->test_code || type->test_code;
    flaw_relate(p, flaw, &type->at, "the template is defined here");
}

static void
shim_check_template(struct program *p, struct fact_variable *type)
{
    const struct access_list *list = map_get(&p->accesses_of, type->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        shim_check_use(p, type, list->all.at[i]);
    }
}

/* ---- TYP33: the module of a type that has none ---- */

/* Reports look-ups of a type's module where no type of the run was made with one. */
static void
shim_check_modules(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        SCAN_CALLS(p->bodies.at[i], call)
        {
            if (scan_call_is(call, "PyType_FromModuleAndSpec,PyType_FromMetaclass")) {
                return;
            }
        }
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_CALLS(b, call)
        {
            if (b->entry && scan_call_is(call, "PyType_GetModuleByDef,PyType_GetModule,"
                                               "PyType_GetModuleState")) {
                program_flaw(p, &call->at, b, "shim-type-module", call->callee);
            }
        }
    }
}

/* ---- BRW17: an object that run-time code replaces, borrowed ---- */

struct shim_object {
    const struct fact_call *set, *get;
    struct fact_variable *handle;
};

static bool
shim_is_locked(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *held = locks_at(p, b, call->seq);
    return (held && *held) || flow_in_critical_section(b, call->seq, call->block, NULL);
}

static void
shim_note_call(struct program *p, struct map *objects, const struct body *b,
               const struct fact_call *call)
{
    bool set = scan_call_is(call, "ExtShim_Set,ExtShim_SetNew");
    if ((!set && !scan_call_is(call, "ExtShim_Get")) || shim_is_locked(p, b, call)) {
        return;
    }
    const char *id = value_of(call_arg(b, call, 0), "addr");
    id = id ? value_of(id, "var") : NULL;
    struct fact_variable *v = id ? program_variable(p, id) : NULL;
    if (!v || !str_same(v->class, "shim-handle")) {
        return;
    }
    void **slot = map_slot(objects, v->id);
    if (!*slot) {
        *slot = arena_alloc(&p->arena, sizeof(struct shim_object));
    }
    struct shim_object *object = *slot;
    object->handle = v;
    const struct fact_call **first = set ? &object->set : &object->get;
    *first = *first ? *first : call;
}

static void
shim_check_objects(struct program *p)
{
    struct map objects = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!(b->entry & (ENTRY_RUN | ENTRY_FOREIGN))) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            shim_note_call(p, &objects, b, call);
        }
    }
    for (size_t i = 0; i < objects.cap; i++) {
        const struct shim_object *object = objects.cells[i].value;
        if (!object || !object->set || !object->get) {
            continue;
        }
        const struct body *b = program_body(p, object->get->func);
        struct fact_flaw *flaw =
            program_flaw(p, &object->get->at, b, "shim-object-borrowed", object->handle->name);
        flaw_relate(p, flaw, &object->set->at, "replaced here");
    }
    map_free(&objects);
}

void
pass_shim(struct program *p)
{
    bool any = false;
    FACTS_EACH(p->facts, variable, v)
    {
        any |= shim_is_handle(v);
    }
    if (!any) {
        return;
    }
    bool templates = false;
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->class, "type-object") && scan_is_defined(v) && shim_is_template(p, v)) {
            shim_check_template(p, v);
            templates = true;
        }
    }
    if (templates) {
        shim_check_modules(p);
    }
    shim_check_objects(p);
}
