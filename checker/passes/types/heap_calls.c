/* Heap types, judged by the calls that make them (TYP08, 16, 19). */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/types/heap_types.h"

static const char heap_makers[] =
    "PyType_FromSpec,PyType_FromSpecWithBases,PyType_FromModuleAndSpec,PyType_FromMetaclass";

bool
heap_is_maker(const struct fact_call *call)
{
    return scan_call_is(call, heap_makers);
}

/* Does any module of the program keep state that its types might want? */
static bool
calls_has_state(const struct program *p)
{
    FACTS_EACH(p->facts, moduledef, def)
    {
        if (def->size && *def->size && !str_same(def->size, "0") && def->size[0] != '-') {
            return true;
        }
    }
    FACTS_EACH(p->facts, slot, slot)
    {
        if (str_same(slot->name, "Py_mod_state_size")) {
            return true;
        }
    }
    return false;
}

/* TYP19: the bases of an immutable type must be immutable, too. */
static void
calls_check_base(struct program *p, const struct type_index *index, const struct body *b,
                 const struct fact_call *call, const struct type_info *type, const char *base)
{
    const struct type_info *parent = type_of_value(p, index, b, base, call->seq);
    if (parent && parent->spec && parent != type && type_lacks_flag(parent, TYPE_IMMUTABLE)) {
        struct fact_flaw *flaw =
            type_flaw(p, &call->at, b, "immutable-type-mutable-base", type, parent->name);
        flaw_relate(p, flaw, &parent->spec->at, "the mutable base is defined here");
    }
}

/* The bases argument is one type or a tuple of some, made a little earlier. */
static void
calls_check_bases(struct program *p, const struct type_index *index, const struct body *b,
                  const struct fact_call *call, const struct type_info *type, const char *bases)
{
    const char *value = scan_resolve(b, bases, call->seq);
    if (!str_same(value, "call:PyTuple_Pack")) {
        calls_check_base(p, index, b, call, type, bases);
        return;
    }
    SCAN_CALLS(b, pack)
    {
        if (scan_call_is(pack, "PyTuple_Pack") && pack->seq < call->seq &&
            (!pack->into || !*pack->into || str_same(pack->into, bases))) {
            for (int i = 1; i < pack->nargs; i++) {
                calls_check_base(p, index, b, call, type, call_arg(b, pack, i));
            }
        }
    }
}

static struct type_info *
calls_spec_of(const struct type_index *index, const struct body *b, const struct fact_call *call,
              int at)
{
    const char *target = value_of(scan_arg(b, call, at), "addr");
    const char *id = target ? value_of(target, "var") : NULL;
    return id ? map_get(&index->by_id, id) : NULL;
}

/* TYP16 and TYP19: a call that makes a type. */
static void
calls_check_call(struct program *p, const struct type_index *index, const struct body *b,
                 const struct fact_call *call, bool has_state)
{
    bool module = scan_call_is(call, "PyType_FromModuleAndSpec");
    bool metaclass = scan_call_is(call, "PyType_FromMetaclass");
    int at = metaclass ? 2 : module ? 1 : 0;
    const struct type_info *type = calls_spec_of(index, b, call, at);
    if (!module && !metaclass && has_state && (b->entry & ENTRY_INIT)) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "heap-type-no-module",
                                              type && type->name ? type->name : call->callee);
        flaw->detail = call->callee;
    }
    if (type && type->spec && type_has_flag(type, TYPE_IMMUTABLE) &&
        !scan_call_is(call, "PyType_FromSpec")) {
        const char *bases = call_arg(b, call, at + 1);
        if (bases && !str_same(bases, "null")) {
            calls_check_bases(p, index, b, call, type, bases);
        }
    }
}

/* Is the statement only reached while the variable is still NULL? */
static bool
calls_once(struct program *p, const struct body *b, const struct fact_access *a)
{
    const char *empty = arena_printf(&p->arena, "null(var:%s)", a->var);
    const char *full = arena_printf(&p->arena, "nonnull(var:%s)", a->var);
    for (const struct fact_block *block = flow_block(b, a->block); block;
         block = flow_block(b, block->parent)) {
        const char *cond = block->cond ? block->cond : "";
        const char *at = strstr(cond, empty);
        bool tested = at && (at == cond || at[-1] != 'n');
        if ((tested && str_same(block->kind, "then")) ||
            (strstr(cond, full) && str_same(block->kind, "else"))) {
            return true;
        }
    }
    return false;
}

/* TYP08: a type in a static variable that is made once for the process. */
static void
calls_check_singleton(struct program *p, const struct body *b, const struct fact_access *a)
{
    bool whole = str_same(a->how, "write") && (!a->path || !*a->path);
    struct fact_variable *v =
        whole && !str_starts(a->var, "local:") ? program_variable(p, a->var) : NULL;
    const char *api = v ? value_of(scan_resolve(b, a->value, a->seq), "call") : NULL;
    if (str_starts(api, "PyType_From") && !v->is_tls && calls_once(p, b, a)) {
        v->shape = facts_intern(p->facts, "heap-type-singleton");
    }
}

void
heap_check_calls(struct program *p)
{
    const struct type_index *index = type_index_of(p);
    bool has_state = calls_has_state(p);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_CALLS(b, call)
        {
            if (heap_is_maker(call)) {
                calls_check_call(p, index, b, call, has_state);
            }
        }
        SCAN_ACCESSES(b, a)
        {
            calls_check_singleton(p, b, a);
        }
    }
}
