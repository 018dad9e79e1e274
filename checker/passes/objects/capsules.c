/* Capsules: changed when others can hold them (CAP04), named by memory that goes away (CAP05),
 * destroyed with what all of them share (CAP06). */
#include <limits.h>
#include <string.h>

#include "passes/flow/flow.h"

void pass_capsules(struct program *p);

static const char capsules_setters[] =
    "PyCapsule_SetPointer,PyCapsule_SetContext,PyCapsule_SetDestructor,PyCapsule_SetName";
/* What these return belongs to another object, or is given back soon. */
static const char capsules_borrowed_text[] =
    "PyUnicode_AsUTF8,PyUnicode_AsUTF8AndSize,PyBytes_AsString,PyBytes_AS_STRING,c_str";
static const char capsules_frees[] = "free,PyMem_Free,PyMem_RawFree,PyObject_Free,operator delete";
static const char capsules_drops[] = "Py_DECREF,Py_XDECREF,Py_CLEAR,Py_SETREF,Py_XSETREF,Py_DecRef";
/* Libraries' functions that write into the buffer they are given first. */
static const char capsules_writers[] =
    "snprintf,sprintf,vsnprintf,strcpy,strncpy,strcat,memcpy,PyOS_snprintf";

/* CAP04. A capsule that the function made itself is nobody else's yet. */
static void
capsules_check_change(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *capsule = scan_arg(b, call, 0);
    bool fresh = str_same(capsule, "call:PyCapsule_New");
    bool teardown = b->entry == ENTRY_TEARDOWN || b->entry == ENTRY_INIT;
    if (!fresh && !teardown && b->entry) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "capsule-changed", call->callee);
        flaw->locks = locks_at(p, b, call->seq);
    }
}

/* --- CAP05 ------------------------------------------------------------------------------------ */

static bool
capsules_given_first(const struct body *b, const char *local, const char *functions, long from,
                     long to)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq > from && call->seq < to && scan_call_is(call, functions) &&
            str_same(call_arg(b, call, 0), local)) {
            return true;
        }
    }
    return false;
}

static bool
capsules_is_written(const struct body *b, const char *local)
{
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->var, local) && str_same(a->how, "write") && !(a->path && *a->path)) {
            return true;
        }
    }
    return false;
}

/* What is wrong with the memory of the name; NULL: nothing that can be seen. */
static const char *
capsules_short_lived(const struct body *b, const struct fact_call *call)
{
    const char *value = call_arg(b, call, 1);
    const char *from = value_of(scan_resolve(b, value, call->seq), "call");
    if (from && str_list_has(capsules_borrowed_text, from)) {
        return "belongs to another object";
    }
    if (!str_starts(value, "local:") || strpbrk(value, ".[>")) {
        return NULL;
    }
    if (capsules_given_first(b, value, capsules_frees, call->seq, LONG_MAX)) {
        return "is freed by this function";
    }
    bool array = !capsules_is_written(b, value);
    return array && capsules_given_first(b, value, capsules_writers, 0, call->seq)
               ? "is an automatic variable of this function"
               : NULL;
}

/* --- CAP06 ------------------------------------------------------------------------------------ */

static struct fact_variable *
capsules_static(const struct program *p, const char *value)
{
    const char *id = value_of(value, "var");
    id = id ? id : value_of(value_of(value, "addr"), "var");
    struct fact_variable *v = id ? program_variable(p, id) : NULL;
    return v && scan_is_defined(v) && !v->is_tls && !v->is_const && !str_same(v->locked, "all")
               ? v
               : NULL;
}

static void
capsules_shared_flaw(struct program *p, const struct body *destructor, const struct fact *at,
                     const struct fact_variable *v, const struct fact_call *made)
{
    struct fact_flaw *flaw = program_flaw(p, at, destructor, "capsule-frees-static", v->name);
    flaw_relate(p, flaw, &made->at, "the destructor of this capsule");
}

static void
capsules_check_destructor(struct program *p, const struct body *destructor,
                          const struct fact_call *made)
{
    SCAN_CALLS(destructor, call)
    {
        bool gives_back = scan_call_is(call, capsules_frees) || scan_call_is(call, capsules_drops);
        const struct fact_variable *v =
            gives_back ? capsules_static(p, call_arg(destructor, call, 0)) : NULL;
        if (v) {
            capsules_shared_flaw(p, destructor, &call->at, v, made);
            return;
        }
    }
}

static void
capsules_check_new(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *why = capsules_short_lived(b, call);
    if (why) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "capsule-name", call->callee);
        flaw->detail = why;
    }
    const struct body *destructor = program_value_body(p, call_arg(b, call, 2));
    if (destructor) {
        capsules_check_destructor(p, destructor, call);
    }
}

void
pass_capsules(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_CALLS(b, call)
        {
            if (scan_call_is(call, "PyCapsule_New")) {
                capsules_check_new(p, b, call);
            }
            else if (scan_call_is(call, capsules_setters)) {
                capsules_check_change(p, b, call);
            }
        }
    }
}
