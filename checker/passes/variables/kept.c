/* Two kinds of things that are kept where they should not be: instances of exceptions in static
 * variables (LIF08: the variable's shape), and C++ objects in thread-local storage whose
 * destructors need Python (TLS03). */
#include <string.h>

#include "passes/flow/flow.h"

static const char kept_calls[] =
    "PyObject_Call,PyObject_CallNoArgs,PyObject_CallOneArg,PyObject_CallObject,"
    "PyObject_CallFunction,PyObject_CallFunctionObjArgs,PyObject_Vectorcall,_PyObject_CallNoArg,"
    "_PyObject_CallNoArgs";

/* Whoever attaches first knows that the thread may have nothing. */
static const char kept_attaches[] =
    "PyGILState_Ensure,PyThreadState_Ensure,PyGILState_Check,Py_IsInitialized,Py_IsFinalizing,"
    "_Py_IsFinalizing,PyThreadState_GetUnchecked,_PyThreadState_UncheckedGet";
static const char kept_counts[] = "Py_DECREF,Py_XDECREF,Py_CLEAR,Py_DecRef";

/* --- LIF08 ------------------------------------------------------------------------------------ */

/* Is the value a class of exceptions: one of Python's, or what PyErr_NewException() made? */
static bool
kept_is_exception(const struct program *p, const struct body *b, const char *value, long seq)
{
    const char *resolved = value ? scan_resolve(b, value, seq) : NULL;
    const char *immortal = value_of(resolved, "immortal"), *id = value_of(resolved, "var");
    const struct fact_variable *v = id ? program_variable(p, id) : NULL;
    return str_starts(immortal, "PyExc_") ||
           (v && v->sources && strstr(v->sources, "PyErr_NewException") != NULL);
}

/* `spam = PyObject_CallNoArgs(PyExc_MemoryError);` */
static bool
kept_makes_exception(const struct program *p, const struct fact_access *a)
{
    const struct body *b = str_same(a->how, "write") ? scan_body(p, a->func) : NULL;
    const char *callee = b ? value_of(scan_resolve(b, a->value, a->seq), "call") : NULL;
    if (!callee || !str_list_has(kept_calls, callee)) {
        return false;
    }
    const struct fact_call *maker = NULL;
    SCAN_CALLS(b, call)
    {
        if (call->seq < a->seq && str_list_has(kept_calls, call->callee ? call->callee : "")) {
            maker = call;
        }
    }
    return maker && kept_is_exception(p, b, call_arg(b, maker, 0), maker->seq);
}

static void
kept_check_exception(struct program *p, struct fact_variable *v)
{
    const struct access_list *list = map_get(&p->accesses_of, v->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        if (kept_makes_exception(p, list->all.at[i])) {
            v->shape = facts_intern(p->facts, "exception-object");
            return;
        }
    }
}

/* --- TLS03 ------------------------------------------------------------------------------------ */

static bool
kept_needs_python(struct program *p, const struct body *b, const struct fact_call *call,
                  void *context)
{
    (void)context;
    SCAN_CALLS(b, earlier)
    {
        if (earlier->seq <= call->seq && scan_call_is(earlier, kept_attaches)) {
            return false;
        }
    }
    return flow_needs_state(p, call) || scan_call_is(call, kept_counts);
}

static struct body *
kept_destructor(const struct program *p, const char *record)
{
    for (size_t i = 0; record && i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        size_t n = strlen(record);
        if (b->fact->name[0] == '~' && str_starts(b->fact->id, record) &&
            str_starts(b->fact->id + n, "::~")) {
            return b;
        }
    }
    return NULL;
}

static void
kept_check_thread_local(struct program *p, const struct fact_variable *v)
{
    struct body *b = kept_destructor(p, v->record);
    const struct fact_call *call = b ? scan_reach(p, b, kept_needs_python, NULL, NULL) : NULL;
    if (call) {
        struct fact_flaw *flaw = program_flaw(p, &v->at, b, "tls-destructor", v->name);
        flaw->detail = b->fact->name;
        flaw->detail2 = call->callee;
        flaw_relate(p, flaw, &call->at, "called when the thread ends");
    }
}

void
pass_kept(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        if (v->is_tls && v->is_nontrivial && str_same(v->class, "cpp-object")) {
            kept_check_thread_local(p, v);
        }
        else if (str_same(v->class, "object-pointer") && (!v->shape || !*v->shape) &&
                 scan_is_defined(v)) {
            kept_check_exception(p, v);
        }
    }
}
