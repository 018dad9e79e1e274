/* What each module declares: fills the fields of module facts that verdicts rest on, and hands the
 * module to the checks of its slots, hooks and guard (rules of the INI family). */
#include "passes/modules/modules.h"

#include <stdlib.h>
#include <string.h>

#include "rules/rule_file.h"

void pass_modules(struct program *p);

/* Before this version of the headers the slot stands behind an `#if`, so absence says nothing. */
static bool
module_headers_older(const struct program *p, const struct fact *f, int version)
{
    const struct fact_unit *unit = module_unit(p, f);
    int python = unit && unit->python ? python_version_parse(unit->python) : -1;
    return python > 0 && python < version;
}

/* In a unit with errors an element of the array may be lost. */
static bool
module_unit_is_whole(const struct program *p, const struct fact *f)
{
    const struct fact_unit *unit = module_unit(p, f);
    return !unit || !unit->status || !*unit->status || str_same(unit->status, "ok");
}

static const struct fact_slot *
module_find_slot(const struct program *p, const struct module_info *info, const char *name,
                 bool want_ft)
{
    const struct fact_slot *found = NULL;
    for (size_t i = 0; i < info->slots.n + info->export_slots.n; i++) {
        const struct fact_slot *s =
            i < info->slots.n ? info->slots.at[i] : info->export_slots.at[i - info->slots.n];
        bool better = !found || (module_is_ft(p, &found->at) != want_ft &&
                                 module_is_ft(p, &s->at) == want_ft);
        found = str_same(s->name, name) && better ? s : found;
    }
    return found;
}

static const char *
module_own_word(const struct fact_slot *slot)
{
    static const char *const words[][2] = {
        {"Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED", "not-supported"},
        {"Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED", "supported"},
        {"Py_MOD_PER_INTERPRETER_GIL_SUPPORTED", "per-interpreter"}};
    for (size_t i = 0; i < 3; i++) {
        if (str_same(slot->value, words[i][0])) {
            return words[i][1];
        }
    }
    return "unresolved";
}

static const char *
module_gil_word(const char *value)
{
    return str_same(value, "Py_MOD_GIL_USED")       ? "used"
           : str_same(value, "Py_MOD_GIL_NOT_USED") ? "not-used"
                                                    : "unresolved";
}

/* What an absent slot means: nothing when it may have been hidden or lost. */
static const char *
module_absent(const struct program *p, const struct module_info *info, int version)
{
    const struct fact *at = info->creation ? &info->creation->at
                            : info->entry  ? &info->entry->at
                                           : &info->fact->at;
    bool known = info->modexport && !info->pyinit ? info->export_known : info->slots_known;
    bool trusted = known && !module_headers_older(p, at, version) && module_unit_is_whole(p, at);
    return trusted ? "absent" : "unresolved";
}

/* PyUnstable_Module_SetGIL(m, Py_MOD_GIL_NOT_USED) in the hook or what it calls. */
static const char *
module_setgil(struct program *p, struct module_info *info)
{
    const struct fact_call *call =
        info->pyinit ? scan_reach_named(p, info->pyinit, "PyUnstable_Module_SetGIL") : NULL;
    if (!call) {
        return info->pyinit ? "absent" : "unresolved";
    }
    info->fact->setgil = 1;
    const struct body *b = scan_body(p, call->func);
    const char *text = b ? call_arg_text(b, call, 1) : NULL;
    const char *value = b ? call_arg(b, call, 1) : NULL;
    if (text && strstr(text, "NOT_USED")) {
        return "not-used";
    }
    return text && strstr(text, "GIL_USED")                                   ? "used"
           : str_same(value, "const:1")                                       ? "not-used"
           : value && (str_same(value, "null") || str_same(value, "const:0")) ? "used"
                                                                              : "unresolved";
}

/* pybind11 and nanobind write the hook themselves; the macro's arguments say what it declares. */
static bool
module_fill_binding(struct program *p, struct module_info *info)
{
    const struct fact_entry *e = info->entry;
    if (!e || str_same(e->kind, "pyinit") || str_same(e->kind, "modexport") || !e->kind) {
        return false;
    }
    const char *tags = e->tags ? e->tags : "";
    struct fact_module *m = info->fact;
    m->binding = e->kind;
    m->phase = str_same(e->kind, "boost") ? "single" : "multi";
    m->own = str_same(e->kind, "boost")            ? "none"
             : strstr(tags, "per_interpreter_gil") ? "per-interpreter"
             : strstr(tags, "shared_gil")          ? "supported"
             : strstr(tags, "not_supported")       ? "not-supported"
                                                   : "absent";
    m->gil = strstr(tags, "mod_gil_not_used") ? "not-used" : "absent";
    FACTS_EACH(p->facts, define, d)
    {
        if (str_same(e->kind, "nanobind") && str_same(d->name, "NB_FREE_THREADED")) {
            m->gil = "not-used";
        }
    }
    return true;
}

static void
module_fill_slots(struct program *p, struct module_info *info)
{
    struct fact_module *m = info->fact;
    const struct fact_slot *own = module_find_slot(p, info, "Py_mod_multiple_interpreters", false);
    const struct fact_slot *gil = module_find_slot(p, info, "Py_mod_gil", true);
    m->own = own ? module_own_word(own) : module_absent(p, info, 0x030c);
    m->gil = gil ? module_gil_word(gil->value) : module_absent(p, info, 0x030d);
    m->own_guard = own ? own->guard : NULL;
    m->gil_guard = gil ? gil->guard : NULL;
    m->slots = info->slots_array ? info->slots_array : info->export_array;
}

static void
module_fill(struct program *p, struct module_info *info)
{
    struct fact_module *m = info->fact;
    m->pyinit = info->pyinit != NULL;
    m->modexport = info->modexport != NULL;
    if (module_fill_binding(p, info)) {
        return;
    }
    m->phase = info->phase;
    m->returns = info->creation ? info->creation->callee : NULL;
    m->def = info->def ? info->def->var : NULL;
    m->size = info->def ? info->def->size : NULL;
    if (str_same(info->phase, "single")) {
        m->own = "none";
        m->gil = module_setgil(p, info);
    }
    else if (str_same(info->phase, "unknown")) {
        m->own = "unresolved";
        m->gil = "unresolved";
    }
    else {
        module_fill_slots(p, info);
    }
}

/* Single-phase with m_size -1: the hook runs once per process (in the main interpreter, from 3.13
 * on), every later import copies the dictionary. */
static bool
modules_init_once(const struct program *p, const char *names)
{
    bool any = false;
    for (size_t i = 0; i < p->modules.n; i++) {
        const struct fact_module *m = p->modules.at[i];
        if (!m->name || !str_list_has(names, m->name)) {
            continue;
        }
        if (!str_same(m->phase, "single") || !m->size || strtol(m->size, NULL, 10) >= 0) {
            return false;
        }
        any = true;
    }
    return any;
}

/* What only such a hook writes is as good as initialised statically. */
static void
modules_mark_variables(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->written, "init") && v->modules && modules_init_once(p, v->modules)) {
            v->lazy = "once";
        }
    }
}

void
pass_modules(struct program *p)
{
    for (size_t i = 0; i < p->modules.n; i++) {
        struct module_info info;
        module_info_read(p, p->modules.at[i], &info);
        module_fill(p, &info);
        module_check_limited(p, &info);
        if (!p->modules.at[i]->binding) {
            module_check_guard(p, &info);
            module_check_slots(p, &info);
            module_check_hooks(p, &info);
        }
        module_info_free(&info);
    }
    modules_mark_variables(p);
}
