/* What may run Python code or let another thread run it, and whether a function begins with a
 * thread state; see lock_ops.h. */
#include "passes/locks/lock_ops.h"

#include <string.h>

enum { PYTHON_DEPTH = 6, PYTHON_FEW = 8 };

static const char python_attach[] =
    "PyEval_RestoreThread,PyEval_AcquireThread,PyGILState_Ensure,PyThreadState_Ensure,"
    "PyThreadState_EnsureFromView,ExtShim_Interp_Enter";
static const char python_detach[] = "PyEval_SaveThread,PyEval_ReleaseThread";

/* pybind11's and nanobind's guards; ends_with_it: what their end does. */
static bool
python_guard(const struct fact_call *call, const char *begins, const char *ends)
{
    const char *name = call->callee;
    if (!name) {
        return false;
    }
    return name[0] == '~' ? strstr(name, ends) != NULL : strstr(name, begins) != NULL;
}

static bool
python_attaches_itself(const struct fact_call *call)
{
    return scan_call_is(call, python_attach) ||
           python_guard(call, "gil_scoped_acquire", "gil_scoped_release");
}

static bool
python_detaches_itself(const struct fact_call *call)
{
    return scan_call_is(call, python_detach) ||
           (call->callee && call->callee[0] != '~' && strstr(call->callee, "gil_scoped_release"));
}

static bool
python_releases(const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, "PyGILState_Release,PyThreadState_Release,ExtShim_Interp_Leave")) {
            return true;
        }
    }
    return false;
}

/* Is it a short function of the project that does only one of the two? `release_gil(state);` */
static bool
python_helper(const struct program *p, const struct fact_call *call, bool detaches)
{
    const struct body *callee = call->id ? scan_body(p, call->id) : NULL;
    bool detach = false, attach = false;
    if (!callee || callee->calls.n > PYTHON_FEW) {
        return false;
    }
    SCAN_CALLS(callee, c)
    {
        detach |= python_detaches_itself(c);
        attach |= python_attaches_itself(c);
    }
    return detaches ? detach && !attach : attach && !detach && !python_releases(callee);
}

bool
lock_attaches(const struct program *p, const struct fact_call *call)
{
    return python_attaches_itself(call) || python_helper(p, call, false);
}

bool
lock_detaches(const struct program *p, const struct fact_call *call)
{
    return python_detaches_itself(call) || python_helper(p, call, true);
}

/* Is it a handle of pybind11 or nanobind, as far as declarations tell? */
static bool
python_is_handle(const struct program *p, const struct body *b, const char *value)
{
    const char *name = scan_field_name(value), *number = value_of(value, "param");
    if (str_same(value, "call:attr")) {
        return true;
    }
    if (number && !name && b->fact->params) {
        const char *word = b->fact->params;
        for (long i = strtol(number, NULL, 10); i > 0 && word; i--) {
            word = strchr(word, ',');
            word = word ? word + 1 : NULL;
        }
        return str_starts(word, "python-handle");
    }
    FACTS_EACH(p->facts, member, m)
    {
        if (name && str_same(m->name, name) && str_same(m->class, "python-handle")) {
            return true;
        }
    }
    return false;
}

/* `callback(value)` with a py::object, `py::module_::import("os")`. */
static const char *
python_binding_name(const struct program *p, const struct body *b, const struct fact_call *call)
{
    if (!str_same(call->origin, "library") || !call->callee) {
        return NULL;
    }
    bool called =
        strcmp(call->callee, "operator()") == 0 && python_is_handle(p, b, call_arg(b, call, 0));
    const char *module = strcmp(call->callee, "import") == 0 ? call_arg(b, call, 0) : NULL;
    return called ? "PyObject_Call" : str_starts(module, "string:") ? "PyImport_Import" : NULL;
}

const char *
lock_python_name(const struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *bound = python_binding_name(p, b, call);
    if (bound) {
        return bound;
    }
    bool python = flow_is_python(call) && !str_same(call->origin, "macro");
    return python && flow_cell(p, "runs_python", call->callee, "how") ? call->callee : NULL;
}

bool
lock_in_region(const struct program *p, const struct body *b, long seq)
{
    bool detached = false;
    SCAN_CALLS(b, call)
    {
        if (call->seq >= seq) {
            break;
        }
        if (lock_detaches(p, call)) {
            detached = true;
        }
        else if (lock_attaches(p, call)) {
            detached = false;
        }
    }
    return detached;
}

static bool
python_test(struct program *p, const struct body *b, const struct fact_call *call, void *context)
{
    (void)context;
    return lock_python_name(p, b, call) || python_attaches_itself(call);
}

const struct fact_call *
lock_python_reached(struct program *p, struct body *b, const struct body **in)
{
    return scan_reach(p, b, python_test, NULL, in);
}

/* Does the function use the API without attaching a thread state, so that it has one? */
static bool
python_uses_api(const struct program *p, const struct body *b)
{
    bool uses = b->fact->params && str_list_has(b->fact->params, "python-handle");
    SCAN_CALLS(b, call)
    {
        if (lock_attaches(p, call) || lock_detaches(p, call)) {
            return false;
        }
        uses |= flow_needs_state(p, call);
    }
    return uses;
}

/* How pybind11 or nanobind calls what the function at `a` names: `.def("x", &f)` attached, with a
 * call_guard<gil_scoped_release> detached. */
static enum lock_attach
python_bound_at(const struct body *b, const struct fact_access *a)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq < a->seq || !str_starts(call->callee, "def") ||
            !str_same(call->origin, "library")) {
            continue;
        }
        for (int i = 0; i < (int)call->nargs; i++) {
            if (str_same(call_arg(b, call, i), "call:call_guard")) {
                return LOCK_DETACHED;
            }
        }
        return LOCK_ATTACHED;
    }
    return LOCK_UNKNOWN;
}

static enum lock_attach
python_bound(struct program *p, const struct body *b)
{
    const struct access_list *list =
        map_get(&p->accesses_of, arena_printf(&p->arena, "func:%s", b->fact->id));
    enum lock_attach bound = LOCK_UNKNOWN;
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct body *in = scan_body(p, list->all.at[i]->func);
        bound = in ? python_bound_at(in, list->all.at[i]) : bound;
    }
    return bound;
}

static enum lock_attach
python_attach_at(struct program *p, const struct body *b, int depth)
{
    if (b->binding) {
        enum lock_attach bound = b->address_taken ? python_bound(p, b) : LOCK_UNKNOWN;
        if (bound != LOCK_UNKNOWN) {
            return bound;
        }
        bool foreign = str_same(b->binding, "callback") || (b->entry & ENTRY_FOREIGN);
        return foreign && !python_uses_api(p, b) ? LOCK_UNKNOWN : LOCK_ATTACHED;
    }
    if (b->entry == ENTRY_FOREIGN) {
        return LOCK_DETACHED;
    }
    if (b->address_taken || !b->callers.n || (b->entry & ENTRY_FOREIGN) || depth > PYTHON_DEPTH) {
        return python_uses_api(p, b) ? LOCK_ATTACHED : LOCK_UNKNOWN;
    }
    enum lock_attach common = LOCK_UNKNOWN;
    bool first = true;
    for (size_t i = 0; i < b->callers.n; i++) {
        struct body *caller = b->callers.at[i];
        if (caller == b) {
            continue;
        }
        SCAN_CALLS(caller, call)
        {
            if (!str_same(call->id, b->fact->id)) {
                continue;
            }
            enum lock_attach here = lock_in_region(p, caller, call->seq)
                                        ? LOCK_DETACHED
                                        : python_attach_at(p, caller, depth + 1);
            common = first || common == here ? here : LOCK_UNKNOWN;
            first = false;
        }
    }
    return common;
}

enum lock_attach
lock_attach_of(struct program *p, const struct body *b)
{
    return python_attach_at(p, b, 0);
}
