/* What the functions in the slots of heap types do: deallocation, traversal, finding the module
 * state (TYP11-13, 17, 23). */
#include <string.h>

#include "passes/program/type_scan.h"

static const char slots_decrefs[] =
    "Py_DECREF,Py_XDECREF,Py_CLEAR,Py_SETREF,Py_XSETREF,Py_DecRef,_Py_DECREF,_Py_DecRef,"
    "_Py_DECREF_SPECIALIZED,_Py_Dealloc";
static const char slots_field_clears[] = "Py_DECREF,Py_XDECREF,Py_CLEAR,Py_SETREF,Py_XSETREF";
static const char slots_untracks[] =
    "PyObject_GC_UnTrack,_PyObject_GC_UNTRACK,PyObject_GC_UNTRACK,Py_TRASHCAN_BEGIN,"
    "Py_TRASHCAN_SAFE_BEGIN,CPy_TRASHCAN_BEGIN";

static struct body *
slots_body(struct program *p, const struct type_info *type, const char *slot)
{
    return program_value_body(p, type_slot(type, slot));
}

/* --- TYP11: traversal of the type ------------------------------------------------------------ */

/* A visit: Py_VISIT(x), or visit(x, arg) through a function pointer. */
static bool
slots_is_visit(const struct fact_call *call)
{
    return scan_call_is(call, "Py_VISIT,_Py_VISIT") || str_same(call->origin, "indirect");
}

static bool
slots_test_visits_type(struct program *p, const struct body *b, const struct fact_call *call,
                       void *context)
{
    (void)p;
    (void)context;
    if (scan_call_member(b, call, "tp_traverse")) {
        /* A static builtin base never visits the type of its instances. */
        return !call->id || !strstr(call->id, "immortal:");
    }
    if (scan_asks_slot(b, call, SLOT_TP_TRAVERSE)) {
        return true; /* PyType_GetSlot(base, Py_tp_traverse) */
    }
    return slots_is_visit(call) &&
           scan_is_type_of(b, call_arg(b, call, 0), call_arg_text(b, call, 0), call->seq);
}

static void
slots_check_traverse(struct program *p, const struct type_info *type)
{
    struct body *b = slots_body(p, type, "Py_tp_traverse");
    if (b && !scan_reach(p, b, slots_test_visits_type, NULL, NULL)) {
        type_flaw(p, &b->fact->at, b, "heap-type-traverse-misses-type", type, b->fact->name);
    }
}

/* --- TYP12: the reference to the type -------------------------------------------------------- */

/* Ends the life of the instance: through tp_free, or by name on the first parameter. */
static bool
slots_test_frees(struct program *p, const struct body *b, const struct fact_call *call,
                 void *context)
{
    (void)p;
    (void)context;
    if (scan_call_member(b, call, "tp_free") || scan_call_is(call, "PyObject_GC_Del") ||
        scan_asks_slot(b, call, SLOT_TP_FREE)) {
        return true;
    }
    return scan_call_is(call, "PyObject_Free,PyObject_Del,PyObject_FREE,PyObject_DEL") &&
           str_same(scan_arg(b, call, 0), "param:0");
}

/* Gives up the reference to the type, or hands the object to a deallocator that does. A helper gets
 * the type as a parameter, so that any parameter it releases counts. */
static bool
slots_test_drops_type(struct program *p, const struct body *b, const struct fact_call *call,
                      void *context)
{
    (void)p;
    if (scan_call_member(b, call, "tp_dealloc") || scan_asks_slot(b, call, SLOT_TP_DEALLOC)) {
        return true;
    }
    if (!scan_call_is(call, slots_decrefs)) {
        return false;
    }
    const char *value = call_arg(b, call, 0);
    return scan_is_type_of(b, value, call_arg_text(b, call, 0), call->seq) ||
           (b != context && str_starts(scan_resolve(b, value, call->seq), "param:"));
}

static void
slots_check_dealloc(struct program *p, const struct type_info *type)
{
    struct body *b = slots_body(p, type, "Py_tp_dealloc");
    if (!b) {
        return;
    }
    const struct body *where = NULL;
    const struct fact_call *free_call = scan_reach(p, b, slots_test_frees, NULL, &where);
    if (!free_call || scan_reach(p, b, slots_test_drops_type, b, NULL)) {
        return;
    }
    struct fact_flaw *flaw =
        type_flaw(p, &b->fact->at, b, "heap-type-dealloc-keeps-type", type, b->fact->name);
    flaw_relate(p, flaw, &free_call->at, "the instance is freed here");
}

/* --- TYP13: untracking ------------------------------------------------------------------------ */

static bool
slots_test_untracks(struct program *p, const struct body *b, const struct fact_call *call,
                    void *context)
{
    (void)p;
    (void)context;
    return scan_call_is(call, slots_untracks) || str_starts(call->macro, "Py_TRASHCAN") ||
           scan_call_member(b, call, "tp_dealloc") || scan_asks_slot(b, call, SLOT_TP_DEALLOC);
}

/* Drops what the instance holds: a field of the first parameter. */
static bool
slots_test_clears(struct program *p, const struct body *b, const struct fact_call *call,
                  void *context)
{
    (void)context;
    if (!scan_call_is(call, slots_field_clears)) {
        return false;
    }
    const char *value = call_arg(b, call, 0);
    const char *base = scan_field_base(p, scan_resolve(b, value, call->seq));
    if (!base || scan_is_type_of(b, value, call_arg_text(b, call, 0), call->seq)) {
        return false;
    }
    return str_same(scan_resolve(b, base, call->seq), "param:0");
}

static void
slots_check_untrack(struct program *p, const struct type_info *type)
{
    struct body *b =
        type_has_flag(type, TYPE_HAVE_GC) ? slots_body(p, type, "Py_tp_dealloc") : NULL;
    const struct fact_call *clear = b ? scan_reach(p, b, slots_test_clears, NULL, NULL) : NULL;
    if (!clear || scan_reach(p, b, slots_test_untracks, NULL, NULL)) {
        return;
    }
    struct fact_flaw *flaw =
        type_flaw(p, &b->fact->at, b, "type-dealloc-no-untrack", type, b->fact->name);
    flaw_relate(p, flaw, &clear->at, "this reference is dropped while the collector may look");
}

/* --- TYP17: the defining class ---------------------------------------------------------------- */

static struct type_info *
slots_subclassable(const struct type_link *link)
{
    for (; link; link = link->next) {
        if (link->type->spec && type_has_flag(link->type, TYPE_BASETYPE)) {
            return link->type;
        }
    }
    return NULL;
}

static void
slots_check_state(struct program *p, const struct type_index *index, struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (!scan_call_is(call, "PyType_GetModuleState,PyType_GetModule")) {
            continue;
        }
        const char *value = call_arg(b, call, 0);
        bool of_self = scan_is_type_of(b, value, call_arg_text(b, call, 0), call->seq);
        bool of_new = str_same(b->binding, "tp_new") &&
                      str_same(scan_resolve(b, value, call->seq), "param:0");
        const struct type_info *type =
            of_self || of_new ? slots_subclassable(types_reaching(p, index, b)) : NULL;
        if (type) {
            struct fact_flaw *flaw =
                type_flaw(p, &call->at, b, "heap-type-state-by-pytype", type, call->callee);
            flaw_relate(p, flaw, &type->spec->at, "Python code may subclass this type");
        }
    }
}

void
pass_type_slots(struct program *p)
{
    const struct type_index *index = type_index_of(p);
    for (size_t i = 0; i < p->types.n; i++) {
        const struct type_info *type = p->types.at[i];
        if (!type_is_used(p, type)) {
            continue;
        }
        if (type->spec) {
            slots_check_traverse(p, type);
            slots_check_dealloc(p, type);
        }
        slots_check_untrack(p, type);
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        slots_check_state(p, index, p->bodies.at[i]);
    }
}
