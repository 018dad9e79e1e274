/* Heap types, judged by their specs (TYP09, 10, 14, 21, 27), and by the calls that make them. */
#include <string.h>

#include "passes/types/heap_types.h"

static const char heap_allocators[] =
    "PyType_GenericAlloc,PyObject_New,PyObject_NewVar,_PyObject_New,_PyObject_NewVar,"
    "PyObject_GC_New,PyObject_GC_NewVar,_PyObject_GC_New,_PyObject_GC_NewVar,"
    "PyUnstable_Object_GC_NewWithExtraData,PyObject_Malloc,PyObject_Calloc,PyObject_Realloc";
static const char heap_frees[] =
    "PyObject_Free,PyObject_Del,PyObject_GC_Del,PyObject_FREE,PyObject_DEL";

/* Was the slot given a value other than NULL? */
static const char *
heap_slot(const struct type_info *type, const char *name)
{
    const char *value = type_slot(type, name);
    return value && *value && !str_same(value, "null") && !str_same(value, "const:0") ? value
                                                                                      : NULL;
}

static const struct fact *
heap_place(const struct type_info *type)
{
    return type->spec ? &type->spec->at : type->variable ? &type->variable->at : NULL;
}

static const struct fact *
heap_slot_place(const struct type_info *type, const char *name)
{
    for (size_t i = 0; i < type->slots.n; i++) {
        if (str_ends(type->slots.at[i]->name, name)) {
            return &type->slots.at[i]->at;
        }
    }
    for (size_t i = 0; i < type->fields.n; i++) {
        if (str_same(type->fields.at[i]->field, name)) {
            return &type->fields.at[i]->at;
        }
    }
    return heap_place(type);
}

/* Is the type given a base other than object, by a slot or by an argument of the call? Then what
 * it lacks itself may be inherited. */
static bool
heap_has_base(struct program *p, const struct type_info *type)
{
    if (heap_slot(type, "Py_tp_base") || heap_slot(type, "Py_tp_bases")) {
        return true;
    }
    const struct fact_list *args = program_list(&p->args_naming, type->id);
    for (size_t i = 0; args && i < args->all.n; i++) {
        const struct fact_arg *arg = (const struct fact_arg *)(const void *)args->all.at[i];
        if (!value_of(arg->value, "addr")) {
            continue;
        }
        const struct body *b = scan_body(p, arg->func);
        if (!b) {
            return true;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq != arg->seq) {
                continue;
            }
            if (!heap_is_maker(call)) {
                return true; /* a helper of the project: it may add bases */
            }
            const char *bases = call_arg(b, call, (int)arg->index + 1);
            if (bases && !str_same(bases, "null") && !str_same(bases, "const:0")) {
                return true;
            }
        }
    }
    return false;
}

/* Does the spec say anything about its instances? An array that could not be read says nothing. */
static bool
heap_has_slots(const struct type_info *type)
{
    for (size_t i = 0; i < type->slots.n; i++) {
        if (str_starts(type->slots.at[i]->name, "Py_")) {
            return true;
        }
    }
    return false;
}

/* Does anything allocate instances by hand? Then a type without a constructor may have some. */
static bool
heap_allocates(const struct program *p)
{
    STR_WORDS_EACH(heap_allocators, word)
    {
        if (program_list(&p->calls_named, intern_n(&p->facts->strings, word.at, word.n))) {
            return true;
        }
    }
    FACTS_EACH(p->facts, call, call)
    {
        const struct body *b = scan_body(p, call->func);
        if (b && scan_call_member(b, call, "tp_alloc")) {
            return true;
        }
    }
    return false;
}

/* What keeps an instance out of every cycle that its module is part of. */
enum heap_leaf { HEAP_NO_LEAF, HEAP_LEAF_NO_OBJECTS, HEAP_LEAF_NO_MODULE };
enum { HEAP_MOST_NESTED = 4 };

/* Is the spec only ever given to functions that know no module? */
static bool
heap_knows_no_module(struct program *p, const struct type_info *type)
{
    bool any = false;
    const struct fact_list *args = program_list(&p->args_naming, type->id);
    for (size_t i = 0; args && i < args->all.n; i++) {
        const struct fact_arg *arg = (const struct fact_arg *)(const void *)args->all.at[i];
        const struct body *b = value_of(arg->value, "addr") ? scan_body(p, arg->func) : NULL;
        if (!b) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq == arg->seq &&
                !scan_call_is(call, "PyType_FromSpec,PyType_FromSpecWithBases")) {
                return false;
            }
            any = any || call->seq == arg->seq;
        }
    }
    return any;
}

/* Do all members of the struct, those of structs inside it included, lead to no object? */
static bool
heap_record_is_leaf(struct program *p, const char *record, int depth)
{
    bool known = false;
    record = str_starts(record, "struct ") ? record + strlen("struct ") : record;
    FACTS_EACH(p->facts, member, m)
    {
        if (!str_same(m->record, record)) {
            continue;
        }
        const char *type = m->type ? m->type : "void";
        bool header = str_same(m->class, "object-struct") && m->index == 0 && depth == 0;
        bool plain = str_list_has("scalar,lock,string,function-pointer,file", m->class) ||
                     (str_same(m->class, "pointer") && !strstr(type, "void"));
        bool inner = str_same(m->class, "struct") && depth < HEAP_MOST_NESTED &&
                     heap_record_is_leaf(p, type, depth + 1);
        if (!header && !plain && !inner) {
            return false;
        }
        known = true;
    }
    return known;
}

static enum heap_leaf
heap_leaf(struct program *p, const struct type_info *type)
{
    return heap_record_is_leaf(p, type->spec->size, 0) ? HEAP_LEAF_NO_OBJECTS
           : heap_knows_no_module(p, type)             ? HEAP_LEAF_NO_MODULE
                                                       : HEAP_NO_LEAF;
}

static void
heap_check_spec(struct program *p, const struct type_info *type, bool allocates)
{
    const struct fact *where = heap_place(type);
    if (type_lacks_flag(type, TYPE_IMMUTABLE)) {
        type_flaw(p, where, NULL, "heap-type-mutable", type, NULL);
    }
    bool inert = type_has_flag(type, TYPE_DISALLOW_INSTANTIATION) && !allocates;
    if (type_lacks_flag(type, TYPE_HAVE_GC) && heap_has_slots(type) &&
        !heap_slot(type, "Py_tp_traverse") && !inert && !heap_has_base(p, type)) {
        struct fact_flaw *flaw = type_flaw(p, where, NULL, "heap-type-no-gc", type, NULL);
        flaw->number = heap_leaf(p, type);
    }
}

/* Does a deallocator of the project end in one of the right functions after all? */
static bool
heap_frees_right(struct program *p, const char *value)
{
    const char *name = value_of(value, "func");
    if (!name || str_list_has(heap_frees, name)) {
        return true;
    }
    struct body *b = program_body(p, name);
    return b && scan_reach_named(p, b, heap_frees);
}

/* Is an instance made in memory of malloc() and the like? Then free() is right, and what is wrong
 * is said of the place that makes it (ALC02). */
static bool
heap_made_raw(struct program *p, const struct type_info *type)
{
    static const char *const inits[] = {"PyObject_Init", "PyObject_InitVar"};
    for (size_t k = 0; k < 2; k++) {
        const struct fact_list *calls = program_list(&p->calls_named, inits[k]);
        for (size_t i = 0; calls && i < calls->all.n; i++) {
            const struct fact_call *c = (const struct fact_call *)(const void *)calls->all.at[i];
            const struct body *b = scan_body(p, c->func);
            const char *maker = b ? value_of(scan_arg(b, c, 0), "call") : NULL;
            if (maker && !str_starts(maker, "PyObject_") &&
                type_of_value(p, type_index_of(p), b, call_arg(b, c, 1), c->seq) == type) {
                return true;
            }
        }
    }
    return false;
}

/* TYP14, and the same mistake in a static type. */
static void
heap_check_free(struct program *p, const struct type_info *type)
{
    const char *value = heap_slot(type, "Py_tp_free");
    if (!value || heap_frees_right(p, value) || heap_made_raw(p, type)) {
        return;
    }
    type_flaw(p, heap_slot_place(type, "tp_free"), NULL,
              type->spec ? "heap-type-tp-free" : "static-type-tp-free", type,
              value_of(value, "func"));
}

static bool
heap_test_alloc(struct program *p, const struct body *b, const struct fact_call *call,
                void *context)
{
    (void)p;
    (void)context;
    return scan_call_is(call, heap_allocators) || scan_call_member(b, call, "tp_alloc") ||
           scan_call_member(b, call, "tp_new") || scan_asks_slot(b, call, SLOT_TP_ALLOC);
}

/* TYP21: instances come from somewhere else than Python's object allocator. */
static void
heap_check_alloc(struct program *p, const struct type_info *type)
{
    struct body *b = program_value_body(p, heap_slot(type, "Py_tp_alloc"));
    if (b && !scan_reach(p, b, heap_test_alloc, NULL, NULL)) {
        struct fact_flaw *flaw = type_flaw(p, heap_slot_place(type, "tp_alloc"), b,
                                           "type-custom-alloc", type, b->fact->name);
        flaw_relate(p, flaw, &b->fact->at, "this allocator never reaches Python's own");
    }
}

/* TYP27: instances of variable size. */
static void
heap_check_itemsize(struct program *p, const struct type_info *type)
{
    if (type->spec) {
        if (type->spec->itemsize) {
            type_flaw(p, heap_place(type), NULL, "type-itemsize", type, NULL);
        }
        return;
    }
    for (size_t i = 0; i < type->fields.n; i++) {
        const struct fact_typefield *field = type->fields.at[i];
        if (str_same(field->field, "tp_itemsize") && field->number) {
            type_flaw(p, &field->at, NULL, "type-itemsize", type, NULL);
        }
    }
}

void
pass_heap_types(struct program *p)
{
    bool allocates = p->types.n && heap_allocates(p);
    for (size_t i = 0; i < p->types.n; i++) {
        const struct type_info *type = p->types.at[i];
        if (!heap_place(type) || !type_is_used(p, type)) {
            continue;
        }
        if (type->spec) {
            heap_check_spec(p, type, allocates);
        }
        heap_check_free(p, type);
        heap_check_alloc(p, type);
        heap_check_itemsize(p, type);
    }
    heap_check_calls(p);
}
