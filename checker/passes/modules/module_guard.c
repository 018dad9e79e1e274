/* Does a module that cannot live in several interpreters refuse the second one itself? The slot
 * alone is not enforced in interpreters made the old way. */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/modules/modules.h"

enum { MOST_CALLS = 3 };

static bool
guard_mentions(const struct body *b, const struct fact_call *c, const char *word)
{
    for (int i = 0; i < 3; i++) {
        const char *text = call_arg_text(b, c, i);
        const char *value = call_arg(b, c, i);
        if ((text && strstr(text, word)) || (value && strstr(value, word))) {
            return true;
        }
    }
    return false;
}

/* Does the block, or one around it, ask for the variable? NULL: any will do. */
static bool
guard_is_asked(const struct body *b, long id, const char *var)
{
    for (const struct fact_block *block = flow_block(b, id); var && block;
         block = block->parent != block->id ? flow_block(b, block->parent) : NULL) {
        const char *at = block->cond ? strstr(block->cond, var) : NULL;
        if (at && strchr("),.", at[strlen(var)])) {
            return true;
        }
    }
    return !var;
}

static bool
guard_refuses(const struct body *b, const char *var)
{
    SCAN_CALLS(b, c)
    {
        if (guard_is_asked(b, c->block, var) &&
            scan_call_is(c, "PyErr_SetString,PyErr_Format,PyErr_SetImportError") &&
            (guard_mentions(b, c, "PyExc_ImportError") ||
             guard_mentions(b, c, "PyExc_RuntimeError") ||
             str_same(c->callee, "PyErr_SetImportError"))) {
            return true;
        }
    }
    return false;
}

/* A comparison with the interpreter that came first, or Cython's own check. */
static bool
guard_compares_interpreter(const struct body *b)
{
    SCAN_CALLS(b, c)
    {
        if (scan_call_is(c, "PyInterpreterState_GetID,PyInterpreterState_Main,"
                            "PyInterpreterState_Get,__Pyx_check_single_interpreter")) {
            return true;
        }
    }
    return false;
}

static bool
guard_tests(const struct body *b, const char *var)
{
    const char *name = var;
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        const char *at = cond ? strstr(cond, name) : NULL;
        size_t n = strlen(name);
        if (at && at > cond && at[-1] == ':' && strchr("),.", at[n])) {
            return true;
        }
    }
    return false;
}

/* The write of a static flag that the function also tests: the guard's "I am loaded". */
static const struct fact_access *
guard_flag_write(const struct program *p, const struct body *b, bool *atomic)
{
    SCAN_ACCESSES(b, a)
    {
        const struct fact_variable *v = a->var ? program_variable(p, a->var) : NULL;
        if (!v) {
            continue;
        }
        *atomic =
            a->how && (strcmp(a->how, "atomic-cas") == 0 || strcmp(a->how, "atomic-rmw") == 0);
        bool plain = str_same(a->how, "write") || str_same(a->how, "rmw") ||
                     str_same(a->how, "atomic-store");
        bool flag = str_same(v->class, "scalar") || str_same(v->class, "pointer");
        if (*atomic || (plain && flag && guard_tests(b, a->var))) {
            return a;
        }
    }
    return NULL;
}

static const struct fact_slot *
guard_declaration(const struct module_info *info)
{
    for (size_t i = 0; i < info->slots.n + info->export_slots.n; i++) {
        const struct fact_slot *s =
            i < info->slots.n ? info->slots.at[i] : info->export_slots.at[i - info->slots.n];
        if (str_same(s->value, "Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED")) {
            return s;
        }
    }
    return NULL;
}

static void
guard_check_lock(struct program *p, const struct module_info *info, const struct body *b,
                 const struct fact_access *write, bool atomic)
{
    const struct fact_variable *v = program_variable(p, write->var);
    /* The hook of a single-phase module runs under the import lock of the main interpreter. */
    bool single = str_same(info->phase, "single");
    if (atomic || single || locks_at(p, b, write->seq)) {
        return;
    }
    struct fact_flaw *flaw = module_flaw(p, info, &v->at, NULL, "once-guard-unlocked", v->id);
    flaw->symbol = v->name;
    flaw->number = guard_declaration(info) != NULL; /* one with its own GIL is refused before */
    flaw_relate(p, flaw, &write->at,
                "set here, after a test that another interpreter can pass too");
}

/* Looks for the guard in a function and what it calls. */
static bool
guard_in(struct program *p, const struct module_info *info, const struct body *b, int depth)
{
    bool atomic = false;
    if (guard_refuses(b, NULL)) {
        if (guard_compares_interpreter(b)) {
            return true;
        }
        const struct fact_access *write = guard_flag_write(p, b, &atomic);
        if (write && (atomic || guard_refuses(b, write->var))) {
            if (info) {
                guard_check_lock(p, info, b, write, atomic);
            }
            return true;
        }
    }
    for (size_t i = 0; depth < MOST_CALLS && i < b->callees.n; i++) {
        if (b->callees.at[i] != b && guard_in(p, info, b->callees.at[i], depth + 1)) {
            return true;
        }
    }
    return false;
}

/* Is there a guard in one of the module's hooks? quiet: only the answer, no findings about it. */
static bool
guard_stands(struct program *p, const struct module_info *info, bool quiet)
{
    static const char *const slots[] = {"Py_mod_create", "Py_mod_exec"};
    const struct module_info *told = quiet ? NULL : info;
    bool guarded = info->pyinit && guard_in(p, told, info->pyinit, 0);
    for (size_t k = 0; k < 2 && !guarded; k++) {
        struct body *b;
        for (size_t at = 0; !guarded && (b = module_slot_body(p, info, slots[k], &at));) {
            guarded = guard_in(p, told, b, 0);
        }
    }
    return guarded;
}

/* The static flag of `if (done) return 0;`, or NULL. */
static const struct fact_variable *
guard_skips(struct program *p, const struct body *b, const struct fact_jump *jump)
{
    const struct fact_block *block = flow_block(b, jump->block);
    const char *tested = block && str_same(block->kind, "then") && block->cond
                             ? value_of(block->cond, "nonzero(var")
                             : NULL;
    if (!tested || !str_same(jump->kind, "return") || !str_same(jump->value, "const:0")) {
        return NULL;
    }
    const struct fact_variable *v =
        program_variable(p, intern_n(&p->facts->strings, tested, strcspn(tested, ")")));
    bool set = false, fills = false;
    SCAN_ACCESSES(b, a)
    {
        set = set || (v && a->seq > jump->seq && str_same(a->var, v->id) &&
                      str_same(a->how, "write") && str_starts(a->value, "const"));
    }
    SCAN_CALLS(b, call)
    {
        fills = fills || (call->seq > jump->seq && str_starts(call->callee, "PyModule_Add"));
    }
    return set && fills ? v : NULL;
}

/* INI36: an exec function that does nothing the second time leaves the second module empty. */
static void
guard_check_skips(struct program *p, const struct module_info *info)
{
    struct body *b;
    for (size_t at = 0; (b = module_slot_body(p, info, "Py_mod_exec", &at)) != NULL;) {
        for (size_t i = 0; i < b->events.n; i++) {
            const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
            const struct fact_variable *v =
                jump->at.kind == FACT_jump ? guard_skips(p, b, jump) : NULL;
            if (v) {
                struct fact_flaw *flaw = module_flaw(p, info, &v->at, b, "exec-skipped", v->id);
                flaw->symbol = v->name;
                flaw->detail = b->fact->name;
                flaw_relate(p, flaw, &jump->at, "the function ends here");
                return;
            }
        }
    }
}

bool
module_refuses_second(struct program *p, struct fact_module *m)
{
    struct module_info info;
    module_info_read(p, m, &info);
    bool guarded = guard_stands(p, &info, true);
    module_info_free(&info);
    return guarded;
}

void
module_check_guard(struct program *p, const struct module_info *info)
{
    bool guarded = guard_stands(p, info, false);
    info->fact->once_guard = guarded;
    guard_check_skips(p, info);
    const struct fact_slot *declared = guard_declaration(info);
    if (declared && !guarded) {
        module_flaw(p, info, &declared->at, NULL, "not-supported-unguarded", declared->array);
    }
}
