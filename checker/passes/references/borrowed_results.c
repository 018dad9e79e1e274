/* Borrowed references that a function treats as its own: returned to Python as a new reference
 * (BRW06), or given up (BRW18). Either way an object is freed while others have it, in any build.
 */
#include <string.h>

#include "passes/objects/shared_roots.h"
#include "passes/references/borrow.h"

/* Their results belong to somebody else, always. */
static const char results_getters[] =
    "PyList_GetItem,PyList_GET_ITEM,PyTuple_GetItem,PyTuple_GET_ITEM,PyDict_GetItem,"
    "PyDict_GetItemWithError,PyDict_GetItemString,PyDict_SetDefault,PyWeakref_GetObject,"
    "PyWeakref_GET_OBJECT,PySys_GetObject,PyImport_AddModule,PyImport_AddModuleObject,PyCell_GET,"
    "PySequence_Fast_GET_ITEM,PyStructSequence_GetItem,PyStructSequence_GET_ITEM,"
    "PyImport_GetModuleDict,PyModule_GetDict,PyState_FindModule,PyThreadState_GetDict,"
    "PyInterpreterState_GetDict,PyEval_GetBuiltins,PyEval_GetLocals,PyEval_GetGlobals,"
    "PyErr_Occurred,PyMethod_Function,PyMethod_Self,PyCFunction_GetSelf,PyFunction_GetCode,"
    "PyFunction_GetGlobals,PyFunction_GetModule,PyFunction_GetDefaults,PyFunction_GetClosure,"
    "PyType_GetModule,PyType_GetModuleByDef";
static const char results_drops[] = "Py_DECREF,Py_XDECREF,Py_DecRef,Py_CLEAR";
/* Python takes what these return for a new reference. */
static const char results_bindings[] =
    "method,getter,tp_repr,tp_str,tp_call,tp_iter,tp_iternext,tp_getattro,tp_getattr,"
    "tp_richcompare,tp_descr_get,tp_new,nb_add,nb_subtract,nb_multiply,nb_remainder,nb_negative,"
    "nb_positive,nb_absolute,nb_invert,nb_and,nb_or,nb_xor,nb_int,nb_float,nb_index,"
    "nb_true_divide,nb_floor_divide,mp_subscript,sq_item,sq_concat,sq_repeat,am_await,am_aiter,"
    "am_anext";

/* Does anything in the function take or give references on that value, or change it behind its
 * address? Then nothing is said. */
static bool
results_is_handled(const struct body *b, const char *value)
{
    SCAN_CALLS(b, call)
    {
        bool takes = flow_takes_reference(call->callee) ||
                     (call->id && (strstr(call->id, "ref") || strstr(call->id, "REF")));
        for (int i = 0; takes && i < call->nargs; i++) {
            if (flow_mentions(call_arg(b, call, i), value)) {
                return true;
            }
        }
    }
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->how, "addr") && str_same(a->var, value)) {
            return true;
        }
    }
    return false;
}

/* The getter whose result a whole local holds at every write but NULL, or NULL. */
static const struct fact_call *
results_source(const struct body *b, const char *local)
{
    const struct fact_call *found = NULL;
    SCAN_ACCESSES(b, a)
    {
        bool whole = str_same(a->var, local) && (!a->path || !*a->path);
        if (!whole || !str_same(a->how, "write") || str_same(a->value, "null")) {
            continue;
        }
        const struct fact_call *from = NULL;
        SCAN_CALLS(b, call)
        {
            if (borrow_is_result(call, a->value, a->at.line) &&
                scan_call_is(call, results_getters)) {
                from = call;
            }
        }
        if (!from) {
            return NULL;
        }
        found = found ? found : from;
    }
    return found;
}

/* Does the function put another item in the place, or take the place away? Then what the container
 * held is the function's: `old = PyTuple_GET_ITEM(t, i); PyTuple_SET_ITEM(t, i, new);`. */
static bool
results_takes_over(const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (strstr(call->callee ? call->callee : "", "SET_ITEM") ||
            (call->macro && strstr(call->macro, "SET_ITEM")) ||
            scan_call_is(call, "Py_SET_SIZE,memcpy,memmove,memset")) {
            return true;
        }
    }
    SCAN_ACCESSES(b, a)
    {
        bool items = a->path && strstr(a->path, "[]");
        bool size = a->path && strstr(a->path, "ob_size");
        if ((items || size) && !str_same(a->how, "read")) {
            return true;
        }
    }
    return false;
}

/* Some macros only show as what they expand to; those of the project may take a reference. */
static bool
results_has_macro(const struct body *b, const char *local)
{
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->var, local) && a->macro && *a->macro && !str_starts(a->macro, "Py")) {
            return true;
        }
    }
    return false;
}

static void
results_flaw(struct program *p, const struct body *b, const struct fact *where, const char *what,
             const char *value, const struct fact_call *from)
{
    struct fact_flaw *flaw = program_flaw(p, where, b, what, flow_text(p, b, value));
    flaw->symbol = flaw->subject;
    flaw->detail = from->callee;
    flaw_relate(p, flaw, &from->at, "borrowed here");
}

static bool
results_given_up(struct program *p, const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        const char *local = scan_call_is(call, results_drops) ? call_arg(b, call, 0) : NULL;
        const char *address = value_of(local, "addr");
        local = address ? address : local;
        if (!str_starts(local, "local:") || results_is_handled(b, local) ||
            results_has_macro(b, local)) {
            continue;
        }
        const struct fact_call *from = results_source(b, local);
        if (from && from->seq < call->seq) {
            results_flaw(p, b, &call->at, "borrowed-released", local, from);
            return true;
        }
    }
    return false;
}

/* --- given up behind a label, on the way from a place where nothing had been taken -------------
 */

enum { RESULT_BORROWED = 1, RESULT_OWNED };

struct results_path {
    const char *local;
    const struct fact_call *from;
    const struct fact_jump *jump; /* the first goto with the reference still borrowed */
};

/* Is the place in a branch that only runs without an object: `if (item == NULL) goto fail;`? */
static bool
results_is_null(const struct body *b, long id, const char *local)
{
    const struct fact_block *block = flow_block(b, id);
    for (size_t hops = 0; block && hops <= b->blocks.n; hops++) {
        if (block->cond && flow_mentions(block->cond, local) && strstr(block->cond, "null(")) {
            return true;
        }
        block = block->parent == block->id ? NULL : flow_block(b, block->parent);
    }
    return false;
}

static unsigned
results_event(struct flow *flow, struct fact *event, unsigned state)
{
    struct results_path *path = flow->context;
    if (event->kind == FACT_jump) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)event;
        if (state == RESULT_BORROWED && str_same(jump->kind, "goto") && !path->jump &&
            !results_is_null(flow->b, jump->block, path->local)) {
            path->jump = jump;
        }
        return state;
    }
    if (event->kind == FACT_access) {
        const struct fact_access *a = (const struct fact_access *)(const void *)event;
        bool whole = str_same(a->var, path->local) && (!a->path || !*a->path);
        bool written = whole && str_same(a->how, "write");
        return !written                                             ? state
               : borrow_is_result(path->from, a->value, a->at.line) ? RESULT_BORROWED
                                                                    : RESULT_OWNED;
    }
    if (event->kind == FACT_call) {
        const struct fact_call *call = (const struct fact_call *)(const void *)event;
        bool takes = flow_takes_reference(call->callee);
        return takes && str_same(call_arg(flow->b, call, 0), path->local) ? RESULT_OWNED : state;
    }
    return state;
}

/* The call behind the label that gives the local up, before the function returns. */
static const struct fact_call *
results_behind(const struct body *b, const struct fact_jump *jump, const char *local)
{
    bool behind = false;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *e = b->events.at[i];
        const struct fact_jump *other = (const struct fact_jump *)(const void *)e;
        const struct fact_call *call = (const struct fact_call *)(const void *)e;
        if (e->kind == FACT_jump && str_same(other->kind, "label")) {
            behind |= other->seq > jump->seq && str_same(other->value, jump->value);
        }
        else if (behind && e->kind == FACT_jump) {
            return NULL;
        }
        else if (behind && e->kind == FACT_call && scan_call_is(call, results_drops) &&
                 str_same(call_arg(b, call, 0), local)) {
            return call;
        }
    }
    return NULL;
}

/* `item = PyDict_GetItemString(d, "x"); if (...) goto fail; Py_INCREF(item); ... fail:
 * Py_XDECREF(item);` */
static void
results_on_the_way(struct program *p, struct body *b)
{
    SCAN_CALLS(b, drop)
    {
        const char *local = scan_call_is(drop, results_drops) ? call_arg(b, drop, 0) : NULL;
        const struct fact_call *from =
            str_starts(local, "local:") ? results_source(b, local) : NULL;
        if (!from || from->seq > drop->seq || results_has_macro(b, local)) {
            continue;
        }
        struct results_path path = {.local = local, .from = from};
        struct flow flow = {.p = p, .b = b, .event = results_event, .context = &path};
        flow_walk(&flow, FLOW_START);
        const struct fact_call *behind = path.jump ? results_behind(b, path.jump, local) : NULL;
        if (behind == drop) {
            results_flaw(p, b, &drop->at, "borrowed-released", local, from);
            return;
        }
    }
}

/* The value is the result of a getter that nothing took a reference on. */
static const struct fact_call *
results_returned(const struct body *b, const struct fact_jump *jump)
{
    const char *value = jump->value;
    if (str_starts(value, "local:")) {
        bool silent = results_is_handled(b, value) || results_has_macro(b, value);
        return silent ? NULL : results_source(b, value);
    }
    SCAN_CALLS(b, call)
    {
        bool same = str_same(value_of(value, "call"), call->callee);
        if (same && scan_call_is(call, results_getters) && str_same(call->result, "returned") &&
            call->at.line == jump->at.line) {
            return call;
        }
    }
    return NULL;
}

static bool
results_borrows(const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, results_getters)) {
            return true;
        }
    }
    return false;
}

static void
results_check(struct program *p, struct body *b)
{
    if (!results_borrows(b)) {
        return;
    }
    if (!results_takes_over(b) && !results_given_up(p, b)) {
        results_on_the_way(p, b);
    }
    if (!b->binding || !str_list_has(results_bindings, b->binding)) {
        return;
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (jump->at.kind != FACT_jump || !str_same(jump->kind, "return") || !jump->value) {
            continue;
        }
        const struct fact_call *from = results_returned(b, jump);
        if (from) {
            results_flaw(p, b, &jump->at, "borrowed-returned",
                         str_starts(jump->value, "local:") ? jump->value : "expr", from);
            return;
        }
    }
}

void
pass_borrowed_results(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if (!roots_generated(p, &b->fact->at)) {
            results_check(p, b);
        }
    }
}
