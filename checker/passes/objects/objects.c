/* Where instances come from and where they are kept: free lists, exported tables, the wrong
 * allocator (OBJ12, CAP02, ALC01, ALC02, TYP15). */
#include <string.h>

#include "passes/program/type_scan.h"

static const char objects_domain[] = "PyObject_Malloc,PyObject_Calloc,PyObject_Realloc";
static const char objects_inits[] =
    "PyObject_Init,PyObject_InitVar,PyObject_INIT,PyObject_INIT_VAR";
static const char objects_plain_new[] =
    "PyObject_New,PyObject_NewVar,_PyObject_New,_PyObject_NewVar";
static const char objects_raw[] =
    "malloc,calloc,realloc,aligned_alloc,posix_memalign,valloc,mmap,alloca,PyMem_Malloc,"
    "PyMem_Calloc,PyMem_Realloc,PyMem_RawMalloc,PyMem_RawCalloc,PyMem_RawRealloc,PyMem_New,"
    "PyMem_NEW,PyMem_MALLOC,operator new";

static struct fact_variable *
objects_static(const struct program *p, const char *id)
{
    struct fact_variable *v = id ? program_variable(p, id) : NULL;
    return v && scan_is_defined(v) && !v->is_const && !v->is_tls ? v : NULL;
}

/* --- OBJ12 ------------------------------------------------------------------------------------ */

static bool
objects_recycles(const struct body *b)
{
    return str_same(b->binding, "tp_dealloc") || str_same(b->binding, "tp_free") ||
           str_same(b->binding, "tp_finalize") || (b->entry & ENTRY_TEARDOWN);
}

/* Is the variable read by code that is not only a deallocator? */
static bool
objects_taken_from(const struct program *p, const char *id)
{
    const struct access_list *list = map_get(&p->accesses_of, id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = str_same(a->how, "write") ? NULL : scan_body(p, a->func);
        if (b && (b->entry & (ENTRY_RUN | ENTRY_INIT)) && !str_same(b->binding, "tp_dealloc")) {
            return true;
        }
    }
    return false;
}

/* A deallocator puts the dying object into a static: a free list. */
static void
objects_check_freelist(struct program *p, const struct body *b, const struct fact_access *a)
{
    if (!str_same(a->how, "write") || (a->path && strchr(a->path, '>'))) {
        return;
    }
    struct fact_variable *v = objects_static(p, a->var);
    bool objects = v && (str_same(v->class, "object-pointer") ||
                         str_list_has(v->holds ? v->holds : "", "object-pointer"));
    if (!objects || !str_starts(scan_resolve(b, a->value, a->seq), "param:")) {
        return;
    }
    if (objects_taken_from(p, v->id)) {
        v->shape = facts_intern(p->facts, "freelist");
    }
}

/* --- CAP02 ------------------------------------------------------------------------------------ */

/* Is what the statement writes an object or a type? */
static bool
objects_writes_object(const struct program *p, const struct body *b, const struct fact_access *a)
{
    const char *value = scan_resolve(b, a->value, a->seq);
    if (!value || scan_is_constant(value)) {
        return scan_static_type(p, b, a->value, a->seq) || str_starts(value, "immortal:Py");
    }
    const char *source = value_of(value, "var");
    const struct fact_variable *from = source ? program_variable(p, source) : NULL;
    if (from) {
        return str_same(from->class, "object-pointer");
    }
    const char *dot = a->path ? strrchr(a->path, '.') : NULL;
    return dot && str_same(scan_member_class(p, a->class, dot + 1), "object-pointer");
}

/* Does code store objects or types into the variable? */
static bool
objects_is_filled(const struct program *p, const struct fact_variable *v)
{
    const struct access_list *list = map_get(&p->accesses_of, v->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = str_same(a->how, "write") ? scan_body(p, a->func) : NULL;
        if (b && objects_writes_object(p, b, a)) {
            return true;
        }
    }
    return false;
}

static void
objects_check_capsule(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *value = scan_arg(b, call, 0);
    const char *target = value_of(value, "addr");
    const char *indexed = value_of(target, "index");
    const char *id = value_of(indexed ? indexed : target ? target : value, "var");
    struct fact_variable *v = objects_static(p, id);
    if (v && (target || v->is_array) && !str_same(v->class, "type-object") &&
        objects_is_filled(p, v)) {
        v->shape = facts_intern(p->facts, "capsule-table");
    }
}

/* --- ALC01, ALC02 ----------------------------------------------------------------------------- */

/* Is the result of the allocation handed to PyObject_Init() later in the function? */
static bool
objects_initialised(const struct body *b, const char *place)
{
    SCAN_CALLS(b, call)
    {
        const char *value = scan_call_is(call, objects_inits) ? call_arg(b, call, 0) : NULL;
        if (value && (str_same(value, place) ||
                      str_starts(scan_resolve(b, value, call->seq), "call:PyObject_"))) {
            return true;
        }
    }
    return false;
}

/* The store that takes the result of the call, or NULL. */
static const struct fact_access *
objects_store_of(const struct body *b, const struct fact_call *call)
{
    SCAN_ACCESSES(b, a)
    {
        if (a->seq >= call->seq && str_same(a->how, "write") &&
            str_same(value_of(a->value, "call"), call->callee)) {
            return a;
        }
    }
    return NULL;
}

/* Is what the memory is stored in known to be no pointer to an object? */
static bool
objects_is_buffer(const struct program *p, const struct fact_access *store)
{
    if (!store->path || !*store->path) {
        const struct fact_variable *v = program_variable(p, store->var);
        return !str_same(v ? v->class : store->class, "object-pointer");
    }
    const char *name = strpbrk(store->path, ".>") ? strrchr(store->path, '>') : NULL;
    const char *dot = strrchr(store->path, '.');
    name = dot && (!name || dot > name) ? dot : name;
    const char *class = name ? scan_member_class(p, store->class, name + 1) : NULL;
    return class && !str_same(class, "object-pointer");
}

/* ALC01: memory of the object domain that becomes a plain buffer. */
static void
objects_check_buffer(struct program *p, const struct body *b, const struct fact_call *call)
{
    const struct fact_access *store = objects_store_of(b, call);
    if (!store || !objects_is_buffer(p, store) || str_same(b->binding, "tp_alloc") ||
        objects_initialised(b, store->var)) {
        return;
    }
    struct fact_flaw *flaw = program_flaw(p, &call->at, b, "object-domain-buffer", call->callee);
    flaw->detail = arena_printf(&p->arena, "PyMem_%s", strrchr(call->callee, '_') + 1);
}

/* ALC02: an object is made in memory that the object allocator does not know. */
static void
objects_check_init(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *value = scan_arg(b, call, 0);
    const char *api = value_of(value, "call");
    const char *target = value_of(value, "addr"), *id = target ? value_of(target, "var") : NULL;
    const char *source = api && str_list_has(objects_raw, api) ? api : NULL;
    if (!source && id && program_variable(p, id)) {
        source = "static storage";
    }
    if (source) {
        struct fact_flaw *flaw =
            program_flaw(p, &call->at, b, "object-from-raw-memory", call->callee);
        flaw->detail = facts_intern(p->facts, source);
        const struct type_info *type =
            type_of_value(p, type_index_of(p), b, call_arg(b, call, 1), call->seq);
        const char *frees = type ? value_of(type_slot(type, "Py_tp_free"), "func") : NULL;
        /* With a GIL it only matters that the memory goes back where it came from. */
        flaw->number = frees && str_list_has("free,PyMem_Free,PyMem_RawFree", frees);
    }
}

/* --- TYP15 ------------------------------------------------------------------------------------ */

static void
objects_check_new(struct program *p, const struct type_index *index, const struct body *b,
                  const struct fact_call *call)
{
    for (int i = 0; i < call->nargs && i < 2; i++) {
        struct type_info *type = type_of_value(p, index, b, call_arg(b, call, i), call->seq);
        if (type && type_has_flag(type, TYPE_HAVE_GC)) {
            struct fact_flaw *flaw =
                type_flaw(p, &call->at, b, "gc-type-pyobject-new", type, call->callee);
            if (type->spec || type->variable) {
                flaw_relate(p, flaw, type->spec ? &type->spec->at : &type->variable->at,
                            "the type takes part in garbage collection");
            }
            return;
        }
    }
}

static void
objects_check_call(struct program *p, const struct type_index *index, const struct body *b,
                   const struct fact_call *call)
{
    if (scan_call_is(call, "PyCapsule_New")) {
        objects_check_capsule(p, b, call);
    }
    else if (scan_call_is(call, objects_domain)) {
        objects_check_buffer(p, b, call);
    }
    else if (scan_call_is(call, objects_inits)) {
        objects_check_init(p, b, call);
    }
    else if (scan_call_is(call, objects_plain_new)) {
        objects_check_new(p, index, b, call);
    }
}

void
pass_objects(struct program *p)
{
    const struct type_index *index = type_index_of(p);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!b->entry) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            objects_check_call(p, index, b, call);
        }
        if (!objects_recycles(b)) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            objects_check_freelist(p, b, a);
        }
    }
}
