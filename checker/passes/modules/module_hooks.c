/* What hooks do: creation, work that belongs into Py_mod_exec, teardown of what others still use.
 */
#include <stdlib.h>
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/modules/modules.h"
#include "passes/program/shim_names.h"

enum { MOST_CALLS = 3 };

static void
hooks_check_creation(struct program *p, const struct module_info *info)
{
    if (str_same(info->phase, "single") && info->creation) {
        module_flaw(p, info, &info->creation->at, info->creation_in, "single-phase-init",
                    info->def ? info->def->var : NULL);
        if (!info->fact->setgil && info->ft_seen) {
            module_flaw(p, info, &info->creation->at, info->creation_in, "single-phase-no-setgil",
                        info->def ? info->def->var : NULL);
        }
    }
    if (info->fact->setgil && str_same(info->fact->gil, "not-used")) {
        const struct fact_call *call =
            scan_reach_named(p, info->pyinit, "PyUnstable_Module_SetGIL");
        struct fact_flaw *flaw =
            module_flaw(p, info, &call->at, scan_body(p, call->func), "claims-gil-not-used", NULL);
        flaw->detail = "Py_MOD_GIL_NOT_USED";
    }
    if (info->modexport && !info->pyinit) {
        module_flaw(p, info, &info->modexport->fact->at, info->modexport, "only-modexport",
                    info->modexport->fact->id);
    }
}

/* ---- PyInit_ and PyModExport_ that do more than return ---- */

static bool
hooks_is_side_effect(const struct program *p, const struct fact_call *c)
{
    static const char *const prefixes[] = {"PyType_Ready", "PyStructSequence_InitType",
                                           "PyImport_",    "PyModule_Add",
                                           "PyDict_Set",   "PyDateTime_IMPORT",
                                           "import_array", "Py_AtExit",
                                           "PySys_",       "PyGILState_",
                                           "PyEval_Set",   "PyThread_tss_create",
                                           "PyState_",     "PyCapsule_",
                                           "PyObject_Set"};
    const char *callee = c->callee ? c->callee : "";
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (str_starts(callee, prefixes[i])) {
            return true;
        }
    }
    return flow_cell(p, "object_makers", callee, "makes") != NULL ||
           (flow_is_python(c) && str_ends(callee, "_AddWatcher"));
}

static const struct fact *
hooks_side_effect(struct program *p, const struct body *b, int depth, const char **what,
                  const struct body **where)
{
    *where = b;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *e = b->events.at[i];
        const struct fact_call *c = (const struct fact_call *)(const void *)e;
        const struct fact_access *a = (const struct fact_access *)(const void *)e;
        if (e->kind == FACT_call && hooks_is_side_effect(p, c)) {
            *what = c->callee;
            return e;
        }
        bool writes =
            e->kind == FACT_access && (str_same(a->how, "write") || str_same(a->how, "rmw"));
        const struct fact_variable *v = writes && a->var ? program_variable(p, a->var) : NULL;
        if (v && !scan_is_constant(a->value) && !locks_at(p, b, a->seq)) {
            *what = v->name;
            return e;
        }
    }
    for (size_t i = 0; depth < MOST_CALLS && i < b->callees.n; i++) {
        const struct fact *e = b->callees.at[i] == b
                                   ? NULL
                                   : hooks_side_effect(p, b->callees.at[i], depth + 1, what, where);
        if (e) {
            return e;
        }
    }
    return NULL;
}

/* INI35: look-ups by definition, in a table that only single-phase modules are entered in. */
static void
hooks_check_lookups(struct program *p, const struct module_info *info)
{
    static const struct {
        const char *callee, *multi;
    } lookups[] = {
        {"PyState_FindModule", "finds only single-phase modules, so it gives NULL here"},
        {"PyState_AddModule", "refuses modules with slots: it fails here"},
        {"PyState_RemoveModule", "refuses modules with slots: it fails here"},
    };
    bool single = str_same(info->phase, "single");
    for (size_t k = 0; k < sizeof(lookups) / sizeof(*lookups); k++) {
        const struct fact_list *calls = program_list(&p->calls_named, lookups[k].callee);
        for (size_t i = 0; calls && i < calls->all.n; i++) {
            const struct fact_call *c = (const struct fact_call *)(const void *)calls->all.at[i];
            const struct body *b = scan_body(p, c->func);
            const char *modules = b ? b->fact->modules : NULL;
            if (modules && info->fact->name && str_list_has(modules, info->fact->name)) {
                struct fact_flaw *flaw =
                    module_flaw(p, info, &c->at, b, "state-lookup", lookups[k].callee);
                flaw->detail = single ? "works for single-phase modules only" : lookups[k].multi;
                flaw->number = single;
                flaw->symbol = lookups[k].callee;
            }
        }
    }
}

static void
hooks_check_side_effects(struct program *p, const struct module_info *info)
{
    const char *what = NULL;
    const struct body *where = NULL;
    if (info->pyinit && str_same(info->phase, "multi")) {
        const struct fact *e = hooks_side_effect(p, info->pyinit, 0, &what, &where);
        if (e) {
            struct fact_flaw *flaw =
                module_flaw(p, info, e, where, "pyinit-side-effects", info->pyinit->fact->id);
            flaw->detail = what;
        }
    }
    for (size_t i = 0; info->modexport && i < info->modexport->events.n; i++) {
        const struct fact *e = info->modexport->events.at[i];
        const struct fact_access *a = (const struct fact_access *)(const void *)e;
        bool writes =
            e->kind == FACT_access && (str_same(a->how, "write") || str_same(a->how, "rmw"));
        bool calls = e->kind == FACT_call &&
                     !shim_is_name(((const struct fact_call *)(const void *)e)->callee);
        if (calls || writes) {
            module_flaw(p, info, e, info->modexport, "modexport-not-static",
                        info->modexport->fact->id);
            return;
        }
    }
}

/* ---- Py_mod_create ---- */

static bool
hooks_reads_param(const struct body *b, const char *param)
{
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->var, param) || flow_mentions(a->value, param)) {
            return true;
        }
    }
    for (size_t i = 0; i < b->args.n; i++) {
        if (flow_mentions(b->args.at[i]->value, param)) {
            return true;
        }
    }
    return false;
}

/* Does the function return (a new reference to) a static variable? */
static const struct fact_jump *
hooks_returns_static(const struct program *p, const struct body *b, const char **var)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *j = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || !str_same(j->kind, "return") || !j->value) {
            continue;
        }
        const char *id = value_of(j->value, "var");
        if (!id && str_starts(j->value, "call:") && str_ends(j->value, "NewRef")) {
            SCAN_CALLS(b, c)
            {
                const char *arg =
                    c->seq <= j->seq && flow_takes_reference(c->callee) ? call_arg(b, c, 0) : NULL;
                id = arg && value_of(arg, "var") ? value_of(arg, "var") : id;
            }
        }
        if (id && program_variable(p, id)) {
            *var = id;
            return j;
        }
    }
    return NULL;
}

static void
hooks_check_create(struct program *p, const struct module_info *info)
{
    struct body *b;
    for (size_t at = 0; (b = module_slot_body(p, info, "Py_mod_create", &at));) {
        if (hooks_reads_param(b, "param:1")) {
            module_flaw(p, info, &b->fact->at, b, "create-uses-def", b->fact->id);
        }
        const char *var = NULL;
        const struct fact_jump *j = hooks_returns_static(p, b, &var);
        if (j) {
            struct fact_flaw *flaw = module_flaw(p, info, &j->at, b, "create-returns-cached", var);
            flaw->symbol = program_variable(p, var)->name;
        }
    }
}

/* ---- Py_mod_exec that repeats what belongs to the process ---- */

/* Is the event under a condition that looks at a static variable (a first-time test)? */
static bool
hooks_is_conditional(const struct body *b, long block)
{
    for (int steps = 0; steps < 64; steps++) {
        const struct fact_block *f = flow_block(b, block);
        if (!f) {
            return false;
        }
        if (f->cond && strstr(f->cond, "var:")) {
            return true;
        }
        if (f->parent == block) {
            return false;
        }
        block = f->parent;
    }
    return false;
}

static bool
hooks_is_once_per_process(const struct program *p, const char *callee)
{
    static const char *const words[] = {"init",    "Init",     "startup", "Startup",
                                        "Genesis", "Register", "register"};
    if (str_same(callee, "Py_AtExit") || str_same(callee, "atexit") ||
        str_same(callee, "pthread_atfork")) {
        return true;
    }
    const char *own = flow_cell(p, "third_party_global_state", callee, "own_gil");
    if (!str_same(own, "hazard") && !str_same(own, "blocker")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(callee, words[i])) {
            return true;
        }
    }
    return false;
}

static void
hooks_check_exec(struct program *p, const struct module_info *info, const struct body *b, int depth)
{
    SCAN_CALLS(b, c)
    {
        if (c->callee && !scan_body(p, c->id) && hooks_is_once_per_process(p, c->callee) &&
            !hooks_is_conditional(b, c->block)) {
            struct fact_flaw *flaw = module_flaw(p, info, &c->at, b, "reexec-repeats", c->callee);
            flaw->symbol = c->callee;
        }
    }
    for (size_t i = 0; depth < MOST_CALLS && i < b->callees.n; i++) {
        const struct body *callee = b->callees.at[i];
        if (callee != b && callee->entry == ENTRY_INIT) {
            hooks_check_exec(p, info, callee, depth + 1);
        }
    }
}

/* ---- teardown ---- */

struct hooks_teardown {
    struct program *p;
    const struct module_info *info;
    bool objects_only; /* a Py_AtExit callback: memory may be freed there, objects may not */
    struct map seen;   /* variables reported */
};

static void
hooks_torn(struct hooks_teardown *t, const struct fact *at, const struct body *b, long seq,
           const char *value)
{
    const char *id = module_variable_id(value);
    const struct fact_variable *v = id ? program_variable(t->p, id) : NULL;
    /* Of a single-phase module with m_size -1 there is one instance with a definition. */
    const struct fact_moduledef *d = t->info->def;
    bool one = str_same(t->info->phase, "single") && d && d->size && strtol(d->size, NULL, 10) < 0;
    if (!v || v->is_tls || one || locks_at(t->p, b, seq) || map_get(&t->seen, v->id)) {
        return;
    }
    map_set(&t->seen, v->id, (void *)(size_t)v);
    struct fact_flaw *flaw = module_flaw(t->p, t->info, at, b, "teardown-frees-static", v->id);
    flaw->symbol = v->name;
    flaw->detail = v->name;
}

static bool
hooks_pointer_class(const struct fact_variable *v)
{
    return str_same(v->class, "object-pointer") || str_same(v->class, "pointer") ||
           str_same(v->class, "string");
}

static void
hooks_check_teardown(struct hooks_teardown *t, const struct body *b, int depth)
{
    SCAN_CALLS(b, c)
    {
        bool object = scan_call_is(c, "Py_DECREF,Py_XDECREF,Py_CLEAR,Py_SETREF,Py_XSETREF");
        bool memory = scan_call_is(c, "free,PyMem_Free,PyMem_RawFree,PyObject_Free");
        if (object || (memory && !t->objects_only)) {
            hooks_torn(t, &c->at, b, c->seq, scan_arg(b, c, 0));
            hooks_torn(t, &c->at, b, c->seq, call_arg(b, c, 0));
        }
    }
    SCAN_ACCESSES(b, a)
    {
        const struct fact_variable *v = a->var ? program_variable(t->p, a->var) : NULL;
        bool clears = str_same(a->how, "write") &&
                      (str_same(a->value, "null") || str_same(a->value, "const:0"));
        if (v && clears && !t->objects_only && hooks_pointer_class(v) && (!a->path || !*a->path)) {
            const char *value = arena_printf(&t->p->arena, "var:%s", v->id);
            hooks_torn(t, &a->at, b, a->seq, value);
        }
    }
    for (size_t i = 0; depth < MOST_CALLS && i < b->callees.n; i++) {
        if (b->callees.at[i] != b) {
            hooks_check_teardown(t, b->callees.at[i], depth + 1);
        }
    }
}

static void
hooks_check_all_teardown(struct program *p, const struct module_info *info)
{
    static const char *const slots[] = {"Py_mod_state_free", "Py_mod_state_clear"};
    struct hooks_teardown t = {.p = p, .info = info};
    const char *values[] = {info->def ? info->def->free : NULL,
                            info->def ? info->def->clear : NULL};
    for (size_t i = 0; i < 2; i++) {
        struct body *b = values[i] ? program_value_body(p, values[i]) : NULL;
        if (b) {
            hooks_check_teardown(&t, b, 0);
        }
        size_t at = 0;
        b = module_slot_body(p, info, slots[i], &at);
        if (b) {
            hooks_check_teardown(&t, b, 0);
        }
    }
    t.objects_only = true;
    const struct fact_list *calls = program_list(&p->calls_named, "Py_AtExit");
    for (size_t i = 0; calls && i < calls->all.n; i++) {
        const struct fact_call *c = (const struct fact_call *)(const void *)calls->all.at[i];
        const struct body *b = scan_body(p, c->func);
        const char *value = b ? call_arg(b, c, 0) : NULL;
        struct body *callback = value ? program_value_body(p, value) : NULL;
        if (callback && b->fact->modules && str_list_has(b->fact->modules, info->fact->name)) {
            hooks_check_teardown(&t, callback, 0);
        }
    }
    map_free(&t.seen);
}

void
module_check_hooks(struct program *p, const struct module_info *info)
{
    hooks_check_lookups(p, info);
    hooks_check_creation(p, info);
    hooks_check_side_effects(p, info);
    hooks_check_create(p, info);
    struct body *b;
    for (size_t at = 0;
         !info->fact->once_guard && (b = module_slot_body(p, info, "Py_mod_exec", &at));) {
        hooks_check_exec(p, info, b, 0);
    }
    hooks_check_all_teardown(p, info);
}
