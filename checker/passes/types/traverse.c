/* TYP23: what a traverse function may not do. The collector calls it while objects are in between
 * states and, without the GIL, while every other thread is stopped. */
#include <string.h>

#include "passes/program/type_scan.h"

/* Reading memory; taking no reference, lock or memory. */
static const char traverse_allowed[] =
    "Py_VISIT,_Py_VISIT,Py_TYPE,Py_SIZE,Py_IS_TYPE,Py_REFCNT,Py_Is,Py_IsNone,PyModule_GetState,"
    "PyModule_GetDef,PyType_GetModuleState,PyType_HasFeature,PyType_GetFlags,PyType_IsSubtype,"
    "PyType_IS_GC,PyObject_GetTypeData,PyObject_GetItemData,PyObject_TypeCheck,"
    "PyObject_VisitManagedDict,_PyObject_VisitManagedDict,PyObject_IS_GC,PyObject_GC_IsTracked,"
    "_PyObject_GC_IS_TRACKED,PyUnstable_Module_GetState,PyType_GetSlot,Py_UNREACHABLE,"
    "_PyObject_GetState,Py_UNUSED,PyCapsule_IsValid,_PyObject_ManagedDictPointer,"
    "PyCell_GET,PyCFunction_GET_SELF,PyMethod_GET_SELF,_PyModule_GetState,_PyType_GetModuleState,"
    "_PyCFunction_CAST,_Py_CAST,_PyObject_CAST,_PyType_CAST,Py_CONTAINER_OF,_PyVectorcall_Function";
static const char traverse_refs[] =
    "Py_INCREF,Py_XINCREF,Py_DECREF,Py_XDECREF,Py_CLEAR,Py_SETREF,Py_XSETREF,Py_NewRef,Py_XNewRef";
static const char traverse_locks[] =
    "pthread_mutex_lock,pthread_mutex_trylock,pthread_rwlock_rdlock,pthread_rwlock_wrlock,mtx_lock,"
    "EnterCriticalSection,AcquireSRWLockExclusive,AcquireSRWLockShared,sem_wait";

/* Py..._Check, ..._GET_..., ..._DuringGC: tests and plain memory reads. */
static bool
traverse_is_reader(const char *name)
{
    return str_list_has(traverse_allowed, name) || str_starts(name, "PyStackRef_") ||
           strstr(name, "_Check") || str_ends(name, "_DuringGC") || strstr(name, "_GET_") ||
           str_ends(name, "_ITEMS") || strstr(name, "VISIT") || strstr(name, "Visit") ||
           strstr(name, "traverse") || strstr(name, "Traverse") || strstr(name, "assert");
}

/* What is wrong with a call, in words for the message; NULL when nothing is. */
static const char *
traverse_fault(const struct fact_call *call)
{
    const char *name = call->callee;
    if (!name || !*name) {
        return NULL;
    }
    if (str_list_has(traverse_refs, name)) {
        return "changes a reference count";
    }
    if (str_list_has(traverse_locks, name) || str_starts(name, "PyMutex_Lock") ||
        str_starts(name, "PyCriticalSection") || str_starts(name, "PyThread_acquire_lock") ||
        str_starts(name, "Py_BEGIN_CRITICAL_SECTION") || str_starts(name, "PyGILState_")) {
        return "takes a lock";
    }
    if (str_same(call->origin, "python") && str_starts(name, "Py") && !traverse_is_reader(name)) {
        return str_starts(name, "PyType_GetModuleByDef") ? "may take a lock" : "calls into Python";
    }
    return NULL;
}

/* Is the code below a field write of the object that is traversed? */
static bool
traverse_writes_self(const struct body *b, const struct fact_access *a)
{
    bool write = str_same(a->how, "write") || str_same(a->how, "rmw");
    return write && str_starts(a->path, "->") && !str_same(a->context, "called") &&
           str_same(scan_resolve(b, a->var, a->seq), "param:0");
}

struct traverse_found {
    const struct fact *at;
    const struct body *body;
    const char *subject, *fault;
};

static void
traverse_search(struct program *p, struct body *b, int depth, struct traverse_found *found)
{
    if (b->mark == (unsigned)p->next_mark || depth > 8 || found->at) {
        return;
    }
    b->mark = (unsigned)p->next_mark;
    SCAN_CALLS(b, call)
    {
        const char *fault = traverse_fault(call);
        if (fault) {
            *found = (struct traverse_found){&call->at, b, call->callee, fault};
            return;
        }
    }
    SCAN_ACCESSES(b, a)
    {
        if (depth == 0 && traverse_writes_self(b, a)) {
            *found = (struct traverse_found){&a->at, b, a->path + 2, "writes a field"};
            return;
        }
    }
    for (size_t i = 0; i < b->callees.n; i++) {
        traverse_search(p, b->callees.at[i], depth + 1, found);
    }
}

void
pass_traverse(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if (!str_same(b->binding, "tp_traverse") && !str_same(b->binding, "m_traverse")) {
            continue;
        }
        struct traverse_found found = {0};
        p->next_mark++;
        traverse_search(p, b, 0, &found);
        if (!found.at) {
            continue;
        }
        struct fact_flaw *flaw =
            program_flaw(p, found.at, found.body, "traverse-side-effects", found.subject);
        flaw->detail = facts_intern(p->facts, found.fault);
        flaw->detail2 = b->fact->name;
        if (found.body != b) {
            flaw_relate(p, flaw, &b->fact->at, "called from this traverse function");
        }
    }
}
