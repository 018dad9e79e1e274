/* Calls that bind a module to one interpreter or thread: PyGILState_*, pending calls, hooks, once
 * primitives that run Python, objects in thread-specific storage (THD01, LZY04, TLS04, HOK). */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/modules/modules.h"

enum { CALLS_DEPTH = 3 };

static const char calls_tss[] =
    "PyThread_tss_set,PyThread_set_key_value,pthread_setspecific,tss_set,"
    "TlsSetValue,FlsSetValue";
static const char calls_once[] = "pthread_once,call_once,std::call_once";

/* Does every module that uses the function refuse to load in a second interpreter, with a guard of
 * its own? Then binding to the main interpreter is what it promises. */
static bool
calls_module_refuses(struct program *p, const struct body *b)
{
    bool any = false;
    for (size_t i = 0; i < p->modules.n; i++) {
        struct fact_module *m = p->modules.at[i];
        if (!str_list_has(b->fact->modules, m->name)) {
            continue;
        }
        any = true;
        if (!module_refuses_second(p, m)) {
            return false;
        }
    }
    return any;
}

static bool
calls_runs_python(struct program *p, const struct body *b, const struct fact_call *call,
                  void *context)
{
    (void)context;
    (void)b;
    return flow_needs_state(p, call);
}

/* pthread_once(&once, f): argument 1; std::call_once(once, f): the same. */
static void
calls_check_once(struct program *p, const struct body *b, const struct fact_call *call)
{
    struct body *f = program_value_body(p, call_arg(b, call, 1));
    const struct body *in = NULL;
    const struct fact_call *reached = f ? scan_reach(p, f, calls_runs_python, NULL, &in) : NULL;
    if (reached) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "once-runs-python", f->fact->name);
        flaw->detail = reached->callee;
        flaw_relate(p, flaw, &reached->at, "Python is reached here");
    }
}

static bool
calls_is_object_class(const char *class)
{
    return class && (str_list_has(class, "object-pointer") || str_list_has(class, "python-handle"));
}

static void
calls_check_tss(struct program *p, const struct body *b, const struct fact_call *call)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (arg->seq == call->seq && arg->index == 1 && calls_is_object_class(arg->class)) {
            program_flaw(p, &call->at, b, "tss-object", call->callee);
            return;
        }
    }
}

/* Is a variable of a library tested for NULL anywhere in the function, behind seq? */
static bool
calls_tests(const struct body *b, const char *name)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        if (cond && strstr(cond, name)) {
            return true;
        }
    }
    return false;
}

/* `if (PyGILState_GetThisThreadState() != NULL)`, also through a local: Python knows the thread,
 * and PyGILState_Ensure() attaches the state it used last. */
static bool
calls_thread_is_known(struct program *p, const struct body *b, const struct fact_call *call)
{
    const struct fact_block *block = flow_block(b, call->block);
    const char *tested =
        block && block->cond && str_same(block->kind, "then") && str_starts(block->cond, "nonnull(")
            ? block->cond + strlen("nonnull(")
            : NULL;
    if (!tested) {
        return false;
    }
    const char *value = arena_copy(&p->arena, tested, strcspn(tested, ")"));
    return str_same(scan_resolve(b, value, block->first), "call:PyGILState_GetThisThreadState");
}

static bool
calls_back_at_once(const struct program *p, const char *callee)
{
    return str_same(flow_cell(p, "callbacks", callee, "thread"), "caller");
}

/* `cb = callback; SSL_CTX_set_cb(ctx, cb);`: is the local only given to such libraries? */
static bool
calls_kept_at_once(const struct program *p, const char *ref, const struct fact_access *use)
{
    const struct body *b = scan_body(p, use->func);
    const char *local = NULL;
    bool given = false;
    for (size_t i = 0; b && i < b->accesses.n; i++) {
        const struct fact_access *a = b->accesses.at[i];
        bool kept = a->seq > use->seq && str_same(a->how, "write") && str_same(a->value, ref);
        local = kept && !local ? a->var : local;
    }
    for (size_t i = 0; local && i < b->args.n; i++) {
        if (!str_same(b->args.at[i]->value, local)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq == b->args.at[i]->seq && !calls_back_at_once(p, call->callee)) {
                return false;
            }
        }
        given = true;
    }
    return given && str_starts(local, "local:");
}

/* Is the function given to libraries that call it on the thread that called them, and to nothing
 * else? Python knows that thread, and since 3.12 PyGILState_Ensure() attaches the state it has. */
static bool
calls_is_same_thread(const struct program *p, const struct body *b, int depth)
{
    struct str ref = {0};
    str_addf(&ref, "func:%s", b->fact->id);
    const struct access_list *list = map_get(&p->accesses_of, ref.s);
    size_t n = list ? list->all.n : 0;
    bool all = true;
    for (size_t i = 0; i < n && all; i++) {
        const char *callee = value_of(list->all.at[i]->context, "arg");
        const char *name =
            callee ? intern_n(&p->facts->strings, callee, strcspn(callee, ":")) : NULL;
        all = name ? calls_back_at_once(p, name) : calls_kept_at_once(p, ref.s, list->all.at[i]);
    }
    str_free(&ref);
    if (!all) {
        return false;
    }
    bool helper = !n && b->callers.n && depth < CALLS_DEPTH;
    for (size_t i = 0; helper && i < b->callers.n; i++) {
        helper = b->callers.at[i] == b || calls_is_same_thread(p, b->callers.at[i], depth + 1);
    }
    return n || helper;
}

/* Has the function used the API before, on every way here? Then a thread state is attached, or was
 * until a moment ago: Python knows the thread. */
static bool
calls_is_attached(struct program *p, const struct body *b, const struct fact_call *call)
{
    SCAN_CALLS(b, c)
    {
        if (c->seq < call->seq && flow_inside(b, call->block, c->block) && flow_needs_state(p, c) &&
            !scan_call_is(c, "PyGILState_Release,PyThreadState_Delete")) {
            return true;
        }
    }
    return false;
}

/* REF05: a count that is worked out from the old one. Deallocators bring an object back to life
 * that nobody else has. */
static void
calls_check_refcount(struct program *p, const struct body *b, const struct fact_call *call)
{
    if (b->binding && str_list_has("tp_dealloc,tp_finalize,tp_del,tp_free", b->binding)) {
        return;
    }
    SCAN_CALLS(b, read)
    {
        if (read->seq < call->seq && read->at.line == call->at.line &&
            scan_call_is(read, "Py_REFCNT,_Py_REFCNT") &&
            str_same(call_arg(b, read, 0), call_arg(b, call, 0))) {
            program_flaw(p, &call->at, b, "refcount-rewritten", call->callee);
            return;
        }
    }
}

static void
calls_check_one(struct program *p, const struct body *b, const struct fact_call *call)
{
    if (scan_call_is(call, calls_once)) {
        calls_check_once(p, b, call);
    }
    else if (scan_call_is(call, "Py_SET_REFCNT,_Py_SetRefcnt,_Py_SET_REFCNT")) {
        calls_check_refcount(p, b, call);
    }
    else if (scan_call_is(call, calls_tss)) {
        calls_check_tss(p, b, call);
    }
    else if (scan_call_is(call, "PyGILState_Ensure") && !calls_module_refuses(p, b) &&
             !calls_thread_is_known(p, b, call) && !calls_is_attached(p, b, call)) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "gilstate-ensure", call->callee);
        bool same = calls_is_same_thread(p, b, 0);
        flaw->detail = same ? "same-thread" : NULL;
        flaw->detail2 = same ? "to the interpreter that it used first, before Python 3.12"
                             : "that Python does not know to the main interpreter, whichever one "
                               "it belongs to";
    }
    else if (scan_call_is(call, "Py_AddPendingCall") && !calls_module_refuses(p, b)) {
        program_flaw(p, &call->at, b, "pending-call", call->callee);
    }
    else if (str_same(call->macro, "PyDateTime_IMPORT") ||
             scan_call_is(call, "PyDateTime_IMPORT")) {
        bool at_import = b->entry == ENTRY_INIT;
        if (!at_import || !calls_tests(b, "PyDateTimeAPI")) {
            struct fact_flaw *flaw =
                program_flaw(p, &call->at, b, "datetime-import", "PyDateTime_IMPORT");
            flaw->detail = at_import ? "unchecked" : "late";
            flaw->number = calls_module_refuses(p, b);
        }
    }
}

/* HOK05: function pointers of the interpreter itself, replaced for the whole process. */
static void
calls_check_hooks(struct program *p, const struct body *b)
{
    SCAN_ACCESSES(b, a)
    {
        const char *colon = a->var ? strchr(a->var, ':') : NULL;
        const char *name = colon ? colon + 1 : a->var;
        if (str_same(a->how, "write") && name &&
            str_list_has("PyOS_InputHook,PyOS_ReadlineFunctionPointer", name)) {
            program_flaw(p, &a->at, b, "input-hook", name);
        }
    }
}

void
pass_calls(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!b->entry) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->callee) {
                calls_check_one(p, b, call);
            }
        }
        calls_check_hooks(p, b);
    }
}
