/* Uses of a variable: directly, through a local pointer to it, through a function it is passed to.
 */
#include <string.h>

#include "passes/program/link.h"
#include "passes/program/shim_names.h"

enum { MAX_CALL_DEPTH = 3 };

struct uses_walk {
    struct program *p;
    const struct fact_variable *v;
    struct variable_uses *out;
};

/* Does the path stay inside the variable's own storage? */
static bool
uses_own_storage(const char *path)
{
    return !path || !strstr(path, "->");
}

static void
uses_add(struct uses_walk *w, const struct fact_access *a, struct body *b, unsigned kind,
         const char *value)
{
    struct variable_use use = {.access = a, .body = b, .seq = a->seq, .kind = kind, .value = value};
    vec_push(&w->out->all, use);
}

/* How a function that is not ours treats memory it gets a pointer to. */
static unsigned
uses_by_library(const char *callee)
{
    static const char *const harmless[] = {"PyModuleDef_Init",
                                           "PyModule_Create",
                                           "PyState_AddModule",
                                           "PyState_RemoveModule",
                                           "PyStructSequence_InitType",
                                           "PyStructSequence_InitType2",
                                           "PyType_Ready",
                                           "PyModule_Create2",
                                           "PyModule_FromDefAndSpec",
                                           "PyModule_FromDefAndSpec2",
                                           "PyModule_ExecDef",
                                           "PyState_FindModule",
                                           "PyType_FromSpec",
                                           "PyType_FromModuleAndSpec",
                                           "PyType_FromSpecWithBases",
                                           "PyType_FromMetaclass",
                                           "PyModule_AddFunctions",
                                           "PyType_GetModuleByDef",
                                           "PyStructSequence_NewType",
                                           "PyArg_ParseTupleAndKeywords",
                                           "_PyArg_ParseStack",
                                           "PyModule_FromSlotsAndSpec",
                                           "PyABIInfo_Check",
                                           "PyCapsule_New",
                                           "PyDescr_NewMethod",
                                           "PyDescr_NewClassMethod",
                                           "PyDescr_NewGetSet",
                                           "PyDescr_NewMember",
                                           "PyType_AddMethod",
                                           "PyType_GetModuleByDef2",
                                           "PyType_GetModuleByDef3",
                                           "PyCFunction_NewEx",
                                           "PyCFunction_New",
                                           "PyCMethod_New",
                                           "PyModule_Add",
                                           "PyBuffer_FillInfo",
                                           "Py_BuildValue",
                                           "_Py_BuildValue_SizeT",
                                           "PyObject_CallFunction",
                                           "PyObject_CallMethod",
                                           "_PyObject_CallFunction_SizeT",
                                           "_PyObject_CallMethod_SizeT",
                                           "PyErr_Format",
                                           "PyUnicode_FromFormat",
                                           "fclose",
                                           "PyType_GetModuleByToken",
                                           "PyType_GetBaseByToken"};
    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
        /* _PyType_GetModuleByDef() is the same under its old, private name. */
        if (str_same(callee, harmless[i]) ||
            (*callee == '_' && str_same(callee + 1, harmless[i]))) {
            return USE_READ;
        }
    }
    if (shim_is_name(callee)) {
        return USE_READ; /* it writes its handles only, which are no shared state */
    }
    return USE_WRITE | USE_READ;
}

static void uses_param(struct uses_walk *w, const struct fact_access *outer, struct body *caller,
                       struct body *callee, int index, int depth);

/* A pointer to the variable's storage goes into argument `index` of a call. */
static void
uses_argument(struct uses_walk *w, const struct fact_access *a, struct body *b, const char *context,
              int depth)
{
    const char *callee = value_of(context, "arg");
    const char *colon = callee ? strrchr(callee, ':') : NULL;
    if (!colon) {
        return;
    }
    const char *name = intern_n(&w->p->facts->strings, callee, (size_t)(colon - callee));
    int index = colon[1] - '0';
    for (size_t i = 0; b && i < b->events.n; i++) {
        const struct fact_call *c = (const struct fact_call *)(void *)b->events.at[i];
        if (c->at.kind != FACT_call || c->seq < a->seq || !str_same(c->callee, name)) {
            continue;
        }
        struct body *target = c->id && !shim_is_name(c->callee) ? program_body(w->p, c->id) : NULL;
        if (target && depth < MAX_CALL_DEPTH) {
            uses_param(w, a, b, target, index, depth);
            return;
        }
        break;
    }
    unsigned kind = uses_by_library(name);
    bool parse = str_starts(name, "PyArg_") || str_starts(name, "_PyArg_");
    if (parse && str_same(w->v->class, "object-pointer") && !w->v->is_array) {
        kind = USE_WRITE | USE_READ;
    }
    if (parse && (strstr(w->v->name, "kwlist") || strstr(w->v->name, "keywords") ||
                  strstr(w->v->name, "kwnames"))) {
        kind = USE_READ;
    }
    /* Lists of texts are there to be read: `static const char *none[] = {NULL};` */
    if (w->v->is_array && str_starts(w->v->type, "const ") && strchr(w->v->type, '*')) {
        kind = USE_READ;
    }
    struct str value = {0};
    str_addf(&value, "%s%s", parse ? "args" : "call:", parse ? "" : name);
    uses_add(w, a, b, kind | USE_ESCAPE, facts_intern(w->p->facts, value.s));
    str_free(&value);
}

static unsigned
uses_kind_of(const char *how)
{
    static const struct {
        const char *how;
        unsigned kind;
    } kinds[] = {{"read", USE_READ},
                 {"write", USE_WRITE},
                 {"rmw", USE_RMW},
                 {"atomic-load", USE_READ | USE_ATOMIC},
                 {"atomic-store", USE_WRITE | USE_ATOMIC},
                 {"atomic-rmw", USE_RMW | USE_ATOMIC},
                 {"atomic-cas", USE_RMW | USE_ATOMIC}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (str_same(how, kinds[i].how)) {
            return kinds[i].kind;
        }
    }
    return 0;
}

/* Stores through a pointer `ref` ("local:p", "param:0") that holds the variable's address. */
static void
uses_through(struct uses_walk *w, const struct fact_access *outer, struct body *b, const char *ref,
             struct body *report_in, int depth)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_access *a = (const struct fact_access *)(void *)b->events.at[i];
        if (a->at.kind != FACT_access || !str_same(a->var, ref)) {
            continue;
        }
        unsigned kind = uses_kind_of(a->how);
        if (a->path && str_starts(a->path, "->") && kind) {
            /* A second arrow leaves the variable's storage again. */
            bool own = uses_own_storage(a->path + 2);
            uses_add(w, report_in == b ? a : outer, report_in, own ? kind : USE_READ, a->value);
        }
    }
    for (size_t i = 0; i < b->args.n && depth < MAX_CALL_DEPTH; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (!str_same(arg->value, ref)) {
            continue;
        }
        for (size_t k = 0; k < b->events.n; k++) {
            const struct fact_call *c = (const struct fact_call *)(void *)b->events.at[k];
            if (c->at.kind != FACT_call || c->seq != arg->seq) {
                continue;
            }
            struct body *target =
                c->id && !shim_is_name(c->callee) ? program_body(w->p, c->id) : NULL;
            if (target && target != b) {
                uses_param(w, outer, report_in, target, (int)arg->index, depth + 1);
            }
            else if (!target && !str_same(c->origin, "macro") && depth == 0) {
                unsigned how = uses_by_library(c->callee);
                uses_add(w, outer, report_in, how | USE_ESCAPE, "expr");
            }
        }
    }
}

static void
uses_param(struct uses_walk *w, const struct fact_access *outer, struct body *caller,
           struct body *callee, int index, int depth)
{
    struct str ref = {0};
    str_addf(&ref, "param:%d", index);
    uses_add(w, outer, caller, USE_READ, NULL);
    uses_through(w, outer, callee, ref.s, caller, depth + 1);
    str_free(&ref);
}

/* The address is kept in a local: what is stored through it counts. */
static void
uses_locals(struct uses_walk *w, struct body *b)
{
    struct str address = {0}, decayed = {0};
    str_addf(&address, "addr:var:%s", w->v->id);
    str_addf(&decayed, "var:%s", w->v->id);
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_access *a = (const struct fact_access *)(void *)b->events.at[i];
        if (a->at.kind != FACT_access || !value_of(a->var, "local") || a->path ||
            !str_same(a->how, "write") || !a->value) {
            continue;
        }
        bool whole =
            str_same(a->value, address.s) || (w->v->is_array && str_same(a->value, decayed.s));
        bool part = str_starts(a->value, address.s) && !strstr(a->value + address.n, "->") &&
                    (a->value[address.n] == '.' || a->value[address.n] == '[');
        if (whole || part) {
            uses_through(w, a, b, a->var, b, 0);
        }
    }
    str_free(&address);
    str_free(&decayed);
}

/* Is a lock that is a member of the struct taken or given back here? That is how the struct is
 * guarded, and no use of what it holds. */
static bool
uses_own_lock(const struct uses_walk *w, const struct fact_access *a)
{
    if (!a->path || !uses_own_storage(a->path)) {
        return false;
    }
    if (str_same(a->context, "called")) {
        return a->op && str_list_has("lock,unlock,try_lock,lock_shared,unlock_shared", a->op);
    }
    const char *callee = value_of(a->context, "arg");
    size_t n = callee ? strcspn(callee, ":<") : 0;
    const char *name = n ? intern_n(&w->p->facts->strings, callee, n) : NULL;
    const struct api_table *locks = ruleset_table(w->p->rules, "locks");
    return name && (str_list_has("lock_guard,unique_lock,scoped_lock,shared_lock", name) ||
                    (locks && (api_table_cell(locks, name, "op") ||
                               /* PyMutex_Lock() is a macro for _PyMutex_Lock() */
                               (*name == '_' && api_table_cell(locks, name + 1, "op")))));
}

static void
uses_one(struct uses_walk *w, const struct fact_access *a, struct body *b)
{
    if (!b) {
        uses_add(w, a, NULL, USE_ESCAPE, NULL);
        return;
    }
    if (uses_own_lock(w, a)) {
        return;
    }
    bool own = uses_own_storage(a->path);
    if (str_same(a->how, "addr")) {
        if (!own) {
            uses_add(w, a, b, USE_READ, NULL);
        }
        else if (value_of(a->context, "arg")) {
            uses_argument(w, a, b, a->context, 0);
        }
        else {
            uses_add(w, a, b, USE_READ | USE_ESCAPE, NULL);
        }
        return;
    }
    unsigned kind = uses_kind_of(a->how);
    if (!own) {
        kind = USE_READ | (kind & USE_ATOMIC);
    }
    uses_add(w, a, b, kind ? kind : (unsigned)USE_READ, a->value);
}

void
variables_uses(struct program *p, const struct fact_variable *v, struct variable_uses *out)
{
    struct uses_walk w = {.p = p, .v = v, .out = out};
    struct access_list *list = map_get(&p->accesses_of, v->id);
    int mark = ++p->next_mark;
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        struct body *b = a->func && *a->func ? program_body(p, a->func) : NULL;
        uses_one(&w, a, b);
        bool kept = b && str_same(a->how, "addr") && b->mark != (unsigned)mark;
        if (kept || (b && v->is_array && b->mark != (unsigned)mark)) {
            b->mark = (unsigned)mark;
            uses_locals(&w, b);
        }
    }
}
