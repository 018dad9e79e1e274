/* Borrowed references whose owner other threads can change (BRW01-03, 07-10, 13; CON01-02). */
#include <stdlib.h>
#include <string.h>

#include "passes/objects/shared_roots.h"
#include "passes/references/borrow.h"
#include "passes/references/private.h"

enum { BORROWED_MAX_DEPTH = 4 };

static const char borrowed_dicts[] =
    "PyDict_GetItem,PyDict_GetItemWithError,PyDict_GetItemString,PyDict_SetDefault,PyODict_GetItem,"
    "PyODict_GetItemWithError,PyODict_GetItemString,_PyDict_GetItem_KnownHash,"
    "_PyDict_GetItemStringWithError,_PyDict_GetItemWithError,_PyDict_GetItemIdWithError";
static const char borrowed_lists[] = "PyList_GetItem,PyList_GET_ITEM";
static const char borrowed_fast[] = "PySequence_Fast_GET_ITEM,PySequence_Fast_ITEMS";

static const struct {
    const char *callee, *what;
} borrowed_singles[] = {
    {"PyWeakref_GetObject", "borrowed-weakref"},
    {"PyWeakref_GET_OBJECT", "borrowed-weakref"},
    {"PyCell_GET", "borrowed-cell"},
    {"PyImport_AddModule", "borrowed-addmodule"},
    {"PyImport_AddModuleObject", "borrowed-addmodule"},
    {"PySys_GetObject", "borrowed-sys-attr"},
};

/* The value as a caller names it: field:param:0->items where it passes &state is
 * field:local:state.items. */
static const char *
borrowed_in_caller(struct program *p, const char *value, const char *number, const char *given)
{
    const char *path = number + strspn(number, "0123456789");
    const char *local = value_of(given, "addr");
    if (local && !str_starts(path, "->")) {
        return NULL;
    }
    return arena_printf(&p->arena, "%.*s%s%s%s", (int)(number - value) - (int)strlen("param:"),
                        value, local ? local : given, local ? "." : "", local ? path + 2 : path);
}

/* Does every caller hold the critical section on the member of what it passes? */
static bool
borrowed_callers_lock(struct borrow *at, const struct body *b, const char *value, int depth)
{
    const char *root = str_starts(value, "field:param:") ? value + strlen("field:param:") : NULL;
    if (!root || b->binding || b->address_taken || !b->callers.n || depth > BORROWED_MAX_DEPTH) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            const char *given = str_same(call->id, b->fact->id)
                                    ? call_arg(caller, call, (int)strtol(root, NULL, 10))
                                    : NULL;
            const char *outer = given ? borrowed_in_caller(at->p, value, root, given) : NULL;
            if (str_same(call->id, b->fact->id) &&
                (!outer || caller == b ||
                 (!flow_in_critical_section(caller, call->seq, call->block, outer) &&
                  !borrowed_callers_lock(at, caller, outer, depth + 1)))) {
                return false;
            }
        }
    }
    return true;
}

/* Nobody else can change the container now, or nobody else has it. */
static bool
borrowed_is_safe(struct borrow *at, const char *container)
{
    const struct fact_call *call = at->call;
    bool dict = strstr(call->callee, "Dict_") != NULL;
    return private_value(at->p, at->b, container, call->seq, dict ? PRIVATE_DICT : 0) ||
           flow_in_critical_section(at->b, call->seq, call->block, container) ||
           borrowed_callers_lock(at, at->b, scan_resolve(at->b, container, call->seq), 0) ||
           flow_locked(at->p, at->b, call->seq);
}

/* Does the function hold a reference to the container, so that its field may get another one? */
static bool
borrowed_is_held(const struct borrow *at, const char *container)
{
    SCAN_CALLS(at->b, call)
    {
        if (call->seq < at->call->seq && flow_takes_reference(call->callee) &&
            str_starts(container, "local:") && str_same(call_arg(at->b, call, 0), container)) {
            return true;
        }
    }
    return false;
}

/* A container in a field that nothing here changes. changes: those that matter to the reader. */
static enum owned_kind
borrowed_owned(struct borrow *at, unsigned changes)
{
    const char *container = call_arg(at->b, at->call, 0);
    return owned_container(at->fields, at->b, container, at->call->seq, changes,
                           borrowed_is_held(at, container));
}

/* Is the list, as far as can be told, what code that was called gave back? Other values of the same
 * local may be no lists at all. */
static bool
borrowed_may_be_called(const struct borrow *at)
{
    const char *container = call_arg(at->b, at->call, 0);
    bool called = false;
    SCAN_CALLS(at->b, call)
    {
        if (scan_call_is(call, "PyList_Check,PyList_CheckExact") ||
            (call->macro && str_list_has("PyList_Check,PyList_CheckExact", call->macro))) {
            return false;
        }
        called |= str_starts(container, "local:") && str_same(call->into, container) &&
                  private_is_called(at->p, call);
    }
    return called;
}

static void
borrowed_item(struct borrow *at, const char *what)
{
    if (!borrow_is_used(at) || borrowed_is_safe(at, call_arg(at->b, at->call, 0))) {
        return;
    }
    bool list = scan_call_is(at->call, borrowed_lists);
    enum owned_kind owned = borrowed_owned(at, OWNED_DROPS | (list ? OWNED_GROWS : 0U));
    if (owned == OWNED_MADE) {
        return;
    }
    const struct fact_call *incref = borrow_incref(at);
    struct fact_flaw *flaw = borrow_flaw(at, incref ? "borrowed-then-incref" : what);
    /* A member of a C++ wrapper, say: nothing is known of the container. */
    const char *container = call_arg(at->b, at->call, 0);
    bool unknown = str_same(container, "expr") || str_starts(container, "index:expr");
    flaw->number = owned == OWNED_GIVEN || unknown || (list && borrowed_may_be_called(at));
    flaw->detail2 = flow_cell(at->p, "borrowed_refs", at->call->callee, "strong_replacement");
    if (incref) {
        flaw_relate(at->p, flaw, &incref->at, "made a strong reference here, too late");
    }
}

/* Was the sequence given to PySequence_Fast() known to be a tuple, or made here? */
static bool
borrowed_fast_is_tuple(struct borrow *at, const char *sequence)
{
    SCAN_CALLS(at->b, call)
    {
        if (call->seq >= at->call->seq) {
            break;
        }
        const char *object = call_arg(at->b, call, 0);
        if (scan_call_is(call, "PySequence_Fast") && str_same(call->into, sequence)) {
            return private_value(at->p, at->b, object, call->seq, 0) ||
                   flow_in_critical_section(at->b, at->call->seq, at->call->block, object);
        }
        if (scan_call_is(call, "PyTuple_Check,PyTuple_CheckExact") && str_same(object, sequence)) {
            return true;
        }
    }
    return false;
}

static void
borrowed_fast_item(struct borrow *at)
{
    const char *sequence = call_arg(at->b, at->call, 0);
    if (!borrowed_is_safe(at, sequence) && !borrowed_fast_is_tuple(at, sequence)) {
        enum owned_kind owned = borrowed_owned(at, OWNED_DROPS | OWNED_GROWS);
        if (owned != OWNED_MADE) {
            borrow_flaw(at, "borrowed-fast-sequence")->number = owned == OWNED_GIVEN;
        }
    }
}

/* Calls that can run Python code, in which a critical section is suspended. */
static bool
borrowed_runs_python(const struct fact_call *call)
{
    return str_starts(call->callee, "PyObject_Call") ||
           str_starts(call->callee, "PyObject_RichCompare") ||
           scan_call_is(call, "PyObject_Str,PyObject_Repr,PyObject_ASCII,PyObject_Hash,"
                              "PyObject_GetAttr,PyObject_SetAttr,PyObject_GetItem,PyObject_SetItem,"
                              "PyObject_GetIter,PyObject_Format,PyNumber_Add,PyNumber_Long,"
                              "PyNumber_Float,PyNumber_Index,PySequence_Fast,PySequence_List,"
                              "PySequence_Tuple,PyIter_Next");
}

/* The local that PyDict_Next() fills with the key or value. */
static bool
borrowed_is_item(const struct borrow *at, const char *value)
{
    const char *key = value_of(call_arg(at->b, at->call, 2), "addr");
    const char *item = value_of(call_arg(at->b, at->call, 3), "addr");
    return value && *value && (str_same(value, key) || str_same(value, item));
}

/* CON02: a key or value without a reference of its own goes into a call that can suspend the
 * critical section around the loop. */
static void
borrowed_suspended(struct borrow *at)
{
    const struct fact_block *loop = flow_block(at->b, at->call->block);
    if (!loop || !str_same(loop->kind, "loop") ||
        !flow_in_critical_section(at->b, at->call->seq, at->call->block, NULL) ||
        flow_locked(at->p, at->b, at->call->seq) ||
        private_value(at->p, at->b, call_arg(at->b, at->call, 0), at->call->seq, PRIVATE_DICT)) {
        return;
    }
    SCAN_CALLS(at->b, call)
    {
        if (call->seq <= at->call->seq || !flow_inside(at->b, call->block, loop->id)) {
            continue;
        }
        for (int i = 0; i < call->nargs; i++) {
            bool item = borrowed_is_item(at, call_arg(at->b, call, i));
            if (item && flow_takes_reference(call->callee)) {
                return;
            }
            if (item && borrowed_runs_python(call)) {
                struct fact_flaw *flaw = borrow_flaw(at, "dict-next-suspended");
                flaw->detail2 = call->callee;
                flaw_relate(at->p, flaw, &call->at, "the critical section can be suspended here");
                return;
            }
        }
    }
}

static void
borrowed_iteration(struct borrow *at)
{
    enum owned_kind owned = borrowed_owned(at, OWNED_DROPS | OWNED_GROWS);
    if (owned < OWNED_GIVEN) {
        borrowed_suspended(at);
    }
    if (owned != OWNED_MADE && !borrowed_is_safe(at, call_arg(at->b, at->call, 0))) {
        borrow_flaw(at, "dict-next")->number = owned == OWNED_GIVEN;
    }
}

/* Attributes of sys that describe the interpreter, which programs do not rebind, and the modules,
 * to which the interpreter has a reference besides. */
static bool
borrowed_is_settled(const struct borrow *at)
{
    static const char names[] =
        "modules,version,version_info,hexversion,api_version,implementation,platform,byteorder,"
        "maxsize,maxunicode,flags,float_info,int_info,hash_info,thread_info,builtin_module_names,"
        "executable,prefix,exec_prefix,base_prefix,base_exec_prefix,copyright,__stdin__,__stdout__,"
        "__stderr__";
    const char *name = value_of(call_arg(at->b, at->call, 0), "string");
    return scan_call_is(at->call, "PySys_GetObject") && name && str_list_has(names, name);
}

static void
borrowed_check(struct borrow *at)
{
    const struct fact_call *call = at->call;
    bool runs = flow_runs(at->b);
    if (borrowed_is_storable(call) && borrowed_stored(at)) {
        return;
    }
    if (!runs) {
        return;
    }
    if (scan_call_is(call, borrowed_lists)) {
        borrowed_item(at, "borrowed-list-item");
    }
    else if (scan_call_is(call, borrowed_dicts)) {
        borrowed_item(at, "borrowed-dict-item");
    }
    else if (scan_call_is(call, borrowed_fast)) {
        borrowed_fast_item(at);
    }
    else if (scan_call_is(call, "PyDict_Next,_PyDict_Next")) {
        borrowed_iteration(at);
    }
    for (size_t i = 0; i < sizeof(borrowed_singles) / sizeof(*borrowed_singles); i++) {
        if (str_same(call->callee, borrowed_singles[i].callee) && borrow_is_used(at) &&
            !borrowed_is_settled(at)) {
            borrow_flaw(at, borrowed_singles[i].what);
        }
    }
}

/* A header function that hides behind a macro of its own name shows twice; the call knows more. */
static bool
borrowed_is_shadow(const struct body *b, const struct fact_call *macro)
{
    SCAN_CALLS(b, call)
    {
        /* Or the macro is one of the other flavour, and a function in this one. */
        bool named = str_same(call->callee, macro->callee) ||
                     (macro->macro && str_same(call->callee, macro->macro));
        if (call != macro && str_same(macro->origin, "macro") && !str_same(call->origin, "macro") &&
            call->at.line == macro->at.line && call->at.column == macro->at.column && named) {
            return true;
        }
    }
    return false;
}

/* Cython's own helpers take the locked way in free-threaded builds, by conditions that are
 * constants only to the compiler; what the .pyx file asks for stands in functions of other names.
 */
static bool
borrowed_is_cython(const struct program *p, const struct body *b, const struct fact_call *call)
{
    return (str_starts(b->fact->name, "__Pyx_") || str_starts(call->macro, "__Pyx_")) &&
           roots_generated(p, &b->fact->at);
}

/* Most calls are none of this: a cheap test in front of the work. */
static bool
borrowed_concerns(const struct fact_call *call)
{
    if (!str_starts(call->callee, "Py") && !str_starts(call->callee, "_Py")) {
        return false;
    }
    return borrowed_is_storable(call) || scan_call_is(call, borrowed_dicts) ||
           scan_call_is(call, borrowed_fast) || scan_call_is(call, "PyDict_Next,_PyDict_Next");
}

void
pass_borrowed(struct program *p)
{
    struct owned_fields fields = {.p = p};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!b->entry) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (borrowed_concerns(call) && !borrowed_is_shadow(b, call) &&
                !borrowed_is_cython(p, b, call)) {
                struct borrow at;
                borrow_begin(&at, &fields, b, call);
                borrowed_check(&at);
            }
        }
    }
    owned_free(&fields);
}
