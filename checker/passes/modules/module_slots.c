/* Slots and definitions: what is missing, doubled, wrong, or contradicts itself. */
#include <stdlib.h>
#include <string.h>

#include "passes/modules/modules.h"

static const struct fact *
slots_place(const struct program *p, const char *array, const struct module_info *info)
{
    const struct fact_variable *v = array ? program_variable(p, array) : NULL;
    return v             ? &v->at
           : info->def   ? &info->def->at
           : info->entry ? &info->entry->at
                         : &info->fact->at;
}

static void
slots_check_absent(struct program *p, const struct module_info *info)
{
    const struct fact_module *m = info->fact;
    const char *array = info->slots_array ? info->slots_array : info->export_array;
    const struct fact *at = slots_place(p, array, info);
    if (str_same(m->phase, "single") || str_same(m->phase, "unknown")) {
        return;
    }
    if (str_same(m->own, "absent")) {
        module_flaw(p, info, at, NULL, "no-multi-interp-slot", array);
    }
    const struct fact_unit *unit = module_unit(p, at);
    bool limited = unit && unit->limited && *unit->limited && /* not loadable there anyway */
                   !str_same(unit->limited, "abi3t");
    if (str_same(m->gil, "absent") && !limited) {
        module_flaw(p, info, at, NULL, "no-gil-slot", array);
    }
}

/* Slots of one array read in one flavour: the same array twice is no doubled slot. */
static bool
slots_same_reading(const struct fact_slot *a, const struct fact_slot *b)
{
    return a->at.unit == b->at.unit && (a->index != b->index || !str_same(a->array, b->array));
}

static bool
slots_once(const struct fact_slot *s, bool pyslot)
{
    return str_same(s->name, "Py_mod_multiple_interpreters") || str_same(s->name, "Py_mod_gil") ||
           str_same(s->name, "Py_mod_create") || (pyslot && str_same(s->name, "Py_mod_exec"));
}

static void
slots_check_doubles(struct program *p, const struct module_info *info, struct fact_slot **slots,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            bool pyslot =
                str_same(slots[i]->table, "pyslot") && str_same(slots[k]->table, "pyslot");
            if (slots[i]->name && str_same(slots[i]->name, slots[k]->name) &&
                slots_once(slots[i], pyslot) && slots_same_reading(slots[i], slots[k])) {
                struct fact_flaw *flaw =
                    module_flaw(p, info, &slots[i]->at, NULL, "duplicate-slot", slots[i]->array);
                flaw->detail = slots[i]->name;
                flaw_relate(p, flaw, &slots[k]->at, "the slot stands here already");
                break;
            }
        }
    }
}

static bool
slots_value_is_constant(const char *value)
{
    return value &&
           (str_starts(value, "Py_MOD_") || str_starts(value, "const:") || str_same(value, "null"));
}

static void
slots_check_value(struct program *p, const struct module_info *info, const struct fact_slot *s)
{
    bool own = str_same(s->name, "Py_mod_multiple_interpreters");
    if ((!own && !str_same(s->name, "Py_mod_gil")) || !slots_value_is_constant(s->value)) {
        return;
    }
    bool about_gil =
        str_same(s->value, "Py_MOD_GIL_USED") || str_same(s->value, "Py_MOD_GIL_NOT_USED");
    bool about_own = str_starts(s->value, "Py_MOD_") && !about_gil;
    long number = str_starts(s->value, "const:") ? strtol(s->value + 6, NULL, 10) : 0;
    bool wrong =
        own ? about_gil || number < 0 || number > 2 : about_own || number < 0 || number > 1;
    if (wrong) {
        struct fact_flaw *flaw = module_flaw(p, info, &s->at, NULL, "slot-wrong-value", s->array);
        flaw->detail = s->name;
        flaw->detail2 = s->value;
    }
}

static bool
slots_is_end(const struct fact_slot *s)
{
    return s->number == 0 && (!s->name || str_same(s->name, "Py_slot_end"));
}

/* Arrays with more room than elements end in zeros; those written at run time may be completed. */
static bool
slots_array_is_closed(const struct program *p, const char *array, long elements)
{
    const struct fact_variable *v = array ? program_variable(p, array) : NULL;
    if (!v || (v->bytes && v->bytes > elements * 16)) {
        return true;
    }
    const struct access_list *accesses = map_get(&p->accesses_of, array);
    for (size_t i = 0; accesses && i < accesses->all.n; i++) {
        if (str_same(accesses->all.at[i]->how, "write")) {
            return true;
        }
    }
    return false;
}

static void
slots_check_end(struct program *p, const struct module_info *info, struct fact_slot **slots,
                size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct fact_slot *last = slots[i];
        bool is_last = true;
        for (size_t k = 0; k < n; k++) {
            bool same =
                str_same(slots[k]->array, last->array) && slots[k]->at.unit == last->at.unit;
            is_last = is_last && !(same && slots[k]->index > last->index);
        }
        if (is_last && !slots_is_end(last) &&
            !slots_array_is_closed(p, last->array, last->index + 1)) {
            module_flaw(p, info, &last->at, NULL, "slots-unterminated", last->array);
        }
    }
}

/* A slot without a version guard in an array where another has one: whoever guards one of them
 * supports Pythons that refuse the other. */
static bool
slots_guarded(const struct fact_slot *s)
{
    return s->guard && (strstr(s->guard, "PY_VERSION_HEX") || strstr(s->guard, "Py_mod_") ||
                        strstr(s->guard, "Py_GIL_DISABLED") || strstr(s->guard, "PY_MINOR"));
}

static void
slots_check_guards(struct program *p, const struct module_info *info)
{
    bool any = false;
    for (size_t i = 0; i < info->slots.n; i++) {
        any = any || slots_guarded(info->slots.at[i]);
    }
    for (size_t i = 0; any && i < info->slots.n; i++) {
        const struct fact_slot *s = info->slots.at[i];
        bool new = str_same(s->name, "Py_mod_multiple_interpreters") ||
                   str_same(s->name, "Py_mod_gil") || str_same(s->name, "Py_mod_abi");
        if (new && !slots_guarded(s)) {
            struct fact_flaw *flaw =
                module_flaw(p, info, &s->at, NULL, "slot-no-version-guard", s->array);
            flaw->detail = s->name;
        }
    }
}

/* Declarations that findings elsewhere may contradict (rules with `needs`). */
static void
slots_claim(struct program *p, const struct module_info *info, const struct fact_slot *s)
{
    bool own = str_same(s->value, "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED") &&
               str_same(s->name, "Py_mod_multiple_interpreters");
    bool gil = str_same(s->value, "Py_MOD_GIL_NOT_USED") && str_same(s->name, "Py_mod_gil");
    if (own || gil) {
        struct fact_flaw *flaw = module_flaw(
            p, info, &s->at, NULL, own ? "claims-own-gil" : "claims-gil-not-used", s->array);
        flaw->detail = s->value;
    }
}

static void
slots_check_export(struct program *p, const struct module_info *info)
{
    bool abi = false;
    for (size_t i = 0; i < info->export_slots.n; i++) {
        abi = abi || str_same(info->export_slots.at[i]->name, "Py_mod_abi");
    }
    if (info->modexport && info->export_known && info->export_slots.n && !abi) {
        module_flaw(p, info, slots_place(p, info->export_array, info), NULL, "modexport-no-abi",
                    info->export_array);
    }
}

static const char *
slots_value(struct fact_slot *const *slots, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_same(slots[i]->name, name)) {
            return slots[i]->value;
        }
    }
    return NULL;
}

/* PyInit_ and PyModExport_ of one module must say the same. */
static void
slots_check_agreement(struct program *p, const struct module_info *info)
{
    static const char *const names[] = {"Py_mod_multiple_interpreters", "Py_mod_gil",
                                        "Py_mod_exec"};
    if (!info->slots.n || !info->export_slots.n || !info->slots_known || !info->export_known) {
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *old = slots_value(info->slots.at, info->slots.n, names[i]);
        const char *new = slots_value(info->export_slots.at, info->export_slots.n, names[i]);
        if (!str_same(old, new)) {
            struct fact_flaw *flaw = module_flaw(p, info, slots_place(p, info->export_array, info),
                                                 NULL, "hooks-disagree", info->export_array);
            flaw->detail = names[i];
            flaw_relate(p, flaw, slots_place(p, info->slots_array, info),
                        "the other hook's slots stand here");
            return;
        }
    }
}

/* m_size below 0: means one copy for all interpreters when single-phase, an error otherwise. */
static void
slots_check_def(struct program *p, const struct module_info *info)
{
    for (size_t i = 0; i < info->export_slots.n; i++) {
        const struct fact_slot *s = info->export_slots.at[i];
        if (str_same(s->name, "Py_mod_state_size") && s->value && str_starts(s->value, "const:-")) {
            module_flaw(p, info, &s->at, NULL, "negative-size-multi-phase", s->array);
        }
    }
    if (!info->def) {
        return;
    }
    bool negative = info->def->size && strtol(info->def->size, NULL, 10) < 0;
    bool single = str_same(info->phase, "single");
    if (negative) {
        module_flaw(p, info, &info->def->at, NULL,
                    single ? "m-size-negative" : "negative-size-multi-phase", info->def->var);
    }
    const char *slots = info->def->slots;
    bool has_slots = slots && *slots && !str_same(slots, "null") && !str_same(slots, "const:0");
    if (single && has_slots) {
        module_flaw(p, info, &info->creation->at, info->creation_in, "create-with-slots",
                    info->def->var);
    }
}

void
module_check_slots(struct program *p, const struct module_info *info)
{
    slots_check_def(p, info);
    slots_check_absent(p, info);
    slots_check_doubles(p, info, info->slots.at, info->slots.n);
    slots_check_doubles(p, info, info->export_slots.at, info->export_slots.n);
    slots_check_end(p, info, info->slots.at, info->slots.n);
    slots_check_end(p, info, info->export_slots.at, info->export_slots.n);
    slots_check_guards(p, info);
    slots_check_export(p, info);
    slots_check_agreement(p, info);
    for (size_t i = 0; i < info->slots.n + info->export_slots.n; i++) {
        const struct fact_slot *s =
            i < info->slots.n ? info->slots.at[i] : info->export_slots.at[i - info->slots.n];
        slots_check_value(p, info, s);
        slots_claim(p, info, s);
    }
}
