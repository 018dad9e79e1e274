/* Reads what a module declares out of its hooks, definition and slot arrays. */
#include <string.h>

#include "passes/modules/modules.h"
#include "rules/rule_file.h"

enum { MOST_NESTED = 5, MOST_STEPS = 4 };

const char *
module_variable_id(const char *value)
{
    const char *rest = value ? value_of(value, "addr") : NULL;
    rest = rest ? rest : value;
    return rest ? value_of(rest, "var") : NULL;
}

const struct fact_unit *
module_unit(const struct program *p, const struct fact *f)
{
    if (f->unit < 0 || (size_t)f->unit >= p->facts->by_kind[FACT_unit].n) {
        return NULL;
    }
    return (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[f->unit];
}

bool
module_is_ft(const struct program *p, const struct fact *f)
{
    const struct fact_unit *unit = module_unit(p, f);
    return unit && unit->flavour && str_starts(unit->flavour, "f");
}

struct body *
module_slot_body(struct program *p, const struct module_info *info, const char *name, size_t *at)
{
    size_t total = info->slots.n + info->export_slots.n;
    while (*at < total) {
        size_t i = (*at)++;
        const struct fact_slot *s =
            i < info->slots.n ? info->slots.at[i] : info->export_slots.at[i - info->slots.n];
        struct body *b = str_same(s->name, name) ? program_value_body(p, s->value) : NULL;
        if (b) {
            return b;
        }
    }
    return NULL;
}

struct fact_flaw *
module_flaw(struct program *p, const struct module_info *info, const struct fact *where,
            const struct body *b, const char *what, const char *subject)
{
    struct fact_flaw *flaw = program_flaw(p, where, b, what, subject);
    flaw->modules = info->fact->name;
    flaw->test_code = info->fact->test_code;
    flaw->symbol = info->fact->name;
    return flaw;
}

static const struct fact_moduledef *
module_find_def(const struct program *p, const char *var)
{
    FACTS_EACH(p->facts, moduledef, d)
    {
        if (var && str_same(d->var, var)) {
            return d;
        }
    }
    return NULL;
}

static bool
module_is_creation(const struct fact_call *c, const char **phase)
{
    static const char *const single[] = {"PyModule_Create", "PyModule_Create2",
                                         "PyModule_FromDefAndSpec", "PyModule_New",
                                         "PyModule_NewObject"};
    if (str_same(c->callee, "PyModuleDef_Init")) {
        *phase = "multi";
        return true;
    }
    for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++) {
        if (str_same(c->callee, single[i])) {
            *phase = "single";
            return true;
        }
    }
    return false;
}

/* The call that made what a return statement returns: the one stored in the returned local, or the
 * last one before it. */
static const struct fact_call *
module_returned_call(const struct body *b, const struct fact_jump *jump)
{
    const char *resolved = scan_resolve(b, jump->value, jump->seq);
    if (!resolved || !str_starts(resolved, "call:")) {
        return NULL;
    }
    const struct fact_call *found = NULL;
    SCAN_CALLS(b, c)
    {
        const char *phase;
        bool project = c->id && str_same(c->id, resolved + 5);
        bool named = str_same(c->callee, resolved + 5) || module_is_creation(c, &phase);
        bool stored = c->into && str_same(c->into, jump->value);
        if (c->seq <= jump->seq && (project || named) &&
            (!found || stored || !found->into || !str_same(found->into, jump->value))) {
            found = c;
        }
    }
    return found;
}

static bool module_follow(struct program *p, struct module_info *info, struct body *b, int depth);

static bool
module_take(struct program *p, struct module_info *info, struct body *b,
            const struct fact_call *call, int depth)
{
    if (module_is_creation(call, &info->phase)) {
        info->creation = call;
        info->creation_in = b;
        return true;
    }
    struct body *callee = scan_body(p, call->id);
    return callee && callee != b && module_follow(p, info, callee, depth + 1);
}

/* Follows the returned value of a hook to the call that created it. */
static bool
module_follow(struct program *p, struct module_info *info, struct body *b, int depth)
{
    if (depth > MOST_STEPS) {
        return false;
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || !str_same(jump->kind, "return")) {
            continue;
        }
        const struct fact_call *call = module_returned_call(b, jump);
        if (call && module_take(p, info, b, call, depth)) {
            return true;
        }
    }
    return false;
}

/* What cannot be followed: a hook that calls only one of the two ways still tells its phase. */
static void
module_guess(struct program *p, struct module_info *info)
{
    const struct body *where = NULL;
    const struct fact_call *multi = scan_reach_named(p, info->pyinit, "PyModuleDef_Init");
    const struct fact_call *single =
        scan_reach_named(p, info->pyinit, "PyModule_Create,PyModule_Create2");
    const struct fact_call *call = multi ? multi : single;
    if (call && !(multi && single)) {
        where = scan_body(p, call->func);
        info->creation = call;
        info->creation_in = where;
        module_is_creation(call, &info->phase);
    }
}

static void
module_add_slots(struct program *p, struct module_info *info, const char *array, bool export,
                 int depth)
{
    const struct fact_list *list = array ? map_get(&p->slots_of, array) : NULL;
    bool *known = export ? &info->export_known : &info->slots_known;
    if (!list || depth > MOST_NESTED) {
        *known = false;
        return;
    }
    for (size_t i = 0; i < list->all.n; i++) {
        struct fact_slot *s = (struct fact_slot *)(void *)list->all.at[i];
        if (export) {
            vec_push(&info->export_slots, s);
        }
        else {
            vec_push(&info->slots, s);
        }
        bool nested = str_same(s->name, "Py_mod_slots") || str_same(s->name, "Py_slot_subslots");
        if (nested) {
            module_add_slots(p, info, module_variable_id(s->value), export, depth + 1);
        }
        else if (!s->name && s->number != 0) {
            *known = false; /* a slot this version does not know, or one that could not be read */
        }
    }
}

static void
module_read_def(struct program *p, struct module_info *info)
{
    const char *arg = info->creation ? call_arg(info->creation_in, info->creation, 0) : NULL;
    arg = arg ? scan_resolve(info->creation_in, arg, info->creation->seq) : NULL;
    info->def = module_find_def(p, module_variable_id(arg));
    if (!info->def) {
        return;
    }
    const char *slots = info->def->slots;
    info->slots_known = true;
    info->slots_array = module_variable_id(slots);
    if (slots && *slots && !str_same(slots, "null") && !str_same(slots, "const:0")) {
        module_add_slots(p, info, info->slots_array, false, 0);
    }
}

static void
module_read_export(struct program *p, struct module_info *info)
{
    info->export_known = true;
    for (size_t i = 0; i < info->modexport->events.n; i++) {
        const struct fact *e = info->modexport->events.at[i];
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)e;
        if (e->kind == FACT_jump && str_same(jump->kind, "return") && !info->export_array) {
            info->export_array =
                module_variable_id(scan_resolve(info->modexport, jump->value, jump->seq));
        }
    }
    module_add_slots(p, info, info->export_array, true, 0);
}

static void
module_find_hooks(struct program *p, struct module_info *info)
{
    FACTS_EACH(p->facts, entry, e)
    {
        bool same = str_same(e->name, info->fact->name) || str_same(e->func, info->fact->init);
        if (!same) {
            continue;
        }
        struct body *b = scan_body(p, e->func);
        if (str_same(e->kind, "pyinit")) {
            info->pyinit = b ? b : info->pyinit;
        }
        else if (str_same(e->kind, "modexport")) {
            info->modexport = b ? b : info->modexport;
        }
        info->entry =
            info->entry && str_same(info->entry->func, info->fact->init) ? info->entry : e;
    }
}

/* A PyInit_ that can only fail, for build tools that insist on the symbol: from 3.15 on the import
 * system takes PyModExport_ and never calls it. */
static bool
module_is_placeholder(const struct program *p, const struct body *b)
{
    const struct fact_unit *unit = module_unit(p, &b->fact->at);
    bool fails = unit && unit->python && python_version_parse(unit->python) >= 0x030f;
    size_t returns = 0;
    for (size_t i = 0; i < b->events.n && fails; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind == FACT_jump && str_same(jump->kind, "return")) {
            fails = str_same(scan_resolve(b, jump->value, jump->seq), "null") ||
                    str_same(jump->value, "const:0");
            returns++;
        }
    }
    return fails && returns;
}

void
module_info_read(struct program *p, struct fact_module *module, struct module_info *info)
{
    *info = (struct module_info){.fact = module, .phase = "unknown"};
    module_find_hooks(p, info);
    for (size_t i = 0; i < p->facts->by_kind[FACT_unit].n; i++) {
        const struct fact_unit *unit =
            (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[i];
        bool ours = unit->path && module->units && str_list_has(module->units, unit->path);
        info->ft_seen = info->ft_seen || (ours && unit->flavour && str_starts(unit->flavour, "f"));
    }
    if (info->pyinit && info->modexport && module_is_placeholder(p, info->pyinit)) {
        info->pyinit = NULL;
    }
    if (info->pyinit) {
        if (!module_follow(p, info, info->pyinit, 0)) {
            module_guess(p, info);
        }
        module_read_def(p, info);
    }
    if (info->modexport) {
        module_read_export(p, info);
        info->phase = info->pyinit ? info->phase : "modexport";
    }
}

void
module_info_free(struct module_info *info)
{
    vec_free(&info->slots);
    vec_free(&info->export_slots);
}
