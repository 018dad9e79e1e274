/* Heap types, judged by their specs and by the calls that make them
 * (TYP08-10, 14, 16, 19, 21, 27). */
#include <string.h>

#include "passes/type_scan.h"

static const char heap_makers[] =
    "PyType_FromSpec,PyType_FromSpecWithBases,PyType_FromModuleAndSpec,PyType_FromMetaclass";
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
            if (!scan_call_is(call, heap_makers)) {
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

static enum heap_leaf
heap_leaf(struct program *p, const struct type_info *type)
{
    bool known = false;
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->record, type->spec->size)) {
            bool header = str_same(m->class, "object-struct") && m->index == 0;
            if (!header && !str_list_has("scalar,lock,string,function-pointer,file", m->class) &&
                !(str_same(m->class, "pointer") && !strstr(m->type ? m->type : "void", "void"))) {
                return heap_knows_no_module(p, type) ? HEAP_LEAF_NO_MODULE : HEAP_NO_LEAF;
            }
            known = true;
        }
    }
    return known                           ? HEAP_LEAF_NO_OBJECTS
           : heap_knows_no_module(p, type) ? HEAP_LEAF_NO_MODULE
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

/* Does any module of the program keep state that its types might want? */
static bool
heap_has_state(const struct program *p)
{
    FACTS_EACH(p->facts, moduledef, def)
    {
        if (def->size && *def->size && !str_same(def->size, "0") && def->size[0] != '-') {
            return true;
        }
    }
    FACTS_EACH(p->facts, slot, slot)
    {
        if (str_same(slot->name, "Py_mod_state_size")) {
            return true;
        }
    }
    return false;
}

/* TYP19: the bases of an immutable type must be immutable, too. */
static void
heap_check_base(struct program *p, const struct type_index *index, const struct body *b,
                const struct fact_call *call, const struct type_info *type, const char *base)
{
    const struct type_info *parent = type_of_value(p, index, b, base, call->seq);
    if (parent && parent->spec && parent != type && type_lacks_flag(parent, TYPE_IMMUTABLE)) {
        struct fact_flaw *flaw =
            type_flaw(p, &call->at, b, "immutable-type-mutable-base", type, parent->name);
        flaw_relate(p, flaw, &parent->spec->at, "the mutable base is defined here");
    }
}

/* The bases argument is one type or a tuple of some, made a little earlier. */
static void
heap_check_bases(struct program *p, const struct type_index *index, const struct body *b,
                 const struct fact_call *call, const struct type_info *type, const char *bases)
{
    const char *value = scan_resolve(b, bases, call->seq);
    if (!str_same(value, "call:PyTuple_Pack")) {
        heap_check_base(p, index, b, call, type, bases);
        return;
    }
    SCAN_CALLS(b, pack)
    {
        if (scan_call_is(pack, "PyTuple_Pack") && pack->seq < call->seq &&
            (!pack->into || !*pack->into || str_same(pack->into, bases))) {
            for (int i = 1; i < pack->nargs; i++) {
                heap_check_base(p, index, b, call, type, call_arg(b, pack, i));
            }
        }
    }
}

static struct type_info *
heap_spec_of(const struct type_index *index, const struct body *b, const struct fact_call *call,
             int at)
{
    const char *target = value_of(scan_arg(b, call, at), "addr");
    const char *id = target ? value_of(target, "var") : NULL;
    return id ? map_get(&index->by_id, id) : NULL;
}

/* TYP16 and TYP19: a call that makes a type. */
static void
heap_check_call(struct program *p, const struct type_index *index, const struct body *b,
                const struct fact_call *call, bool has_state)
{
    bool module = scan_call_is(call, "PyType_FromModuleAndSpec");
    bool metaclass = scan_call_is(call, "PyType_FromMetaclass");
    int at = metaclass ? 2 : module ? 1 : 0;
    const struct type_info *type = heap_spec_of(index, b, call, at);
    if (!module && !metaclass && has_state && (b->entry & ENTRY_INIT)) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "heap-type-no-module",
                                              type && type->name ? type->name : call->callee);
        flaw->detail = call->callee;
    }
    if (type && type->spec && type_has_flag(type, TYPE_IMMUTABLE) &&
        !scan_call_is(call, "PyType_FromSpec")) {
        const char *bases = call_arg(b, call, at + 1);
        if (bases && !str_same(bases, "null")) {
            heap_check_bases(p, index, b, call, type, bases);
        }
    }
}

static const struct fact_block *
heap_block(const struct body *b, long id)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        if (b->blocks.at[i]->id == id) {
            return b->blocks.at[i];
        }
    }
    return NULL;
}

/* Is the statement only reached while the variable is still NULL? */
static bool
heap_once(struct program *p, const struct body *b, const struct fact_access *a)
{
    const char *empty = arena_printf(&p->arena, "null(var:%s)", a->var);
    const char *full = arena_printf(&p->arena, "nonnull(var:%s)", a->var);
    for (const struct fact_block *block = heap_block(b, a->block); block;
         block = heap_block(b, block->parent)) {
        const char *cond = block->cond ? block->cond : "";
        const char *at = strstr(cond, empty);
        bool tested = at && (at == cond || at[-1] != 'n');
        if ((tested && str_same(block->kind, "then")) ||
            (strstr(cond, full) && str_same(block->kind, "else"))) {
            return true;
        }
    }
    return false;
}

/* TYP08: a type in a static variable that is made once for the process. */
static void
heap_check_singleton(struct program *p, const struct body *b, const struct fact_access *a)
{
    bool whole = str_same(a->how, "write") && (!a->path || !*a->path);
    struct fact_variable *v =
        whole && !str_starts(a->var, "local:") ? program_variable(p, a->var) : NULL;
    const char *api = v ? value_of(scan_resolve(b, a->value, a->seq), "call") : NULL;
    if (str_starts(api, "PyType_From") && !v->is_tls && heap_once(p, b, a)) {
        v->shape = facts_intern(p->facts, "heap-type-singleton");
    }
}

void
pass_heap_types(struct program *p)
{
    const struct type_index *index = type_index_of(p);
    bool has_state = heap_has_state(p);
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
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_CALLS(b, call)
        {
            if (scan_call_is(call, heap_makers)) {
                heap_check_call(p, index, b, call, has_state);
            }
        }
        SCAN_ACCESSES(b, a)
        {
            heap_check_singleton(p, b, a);
        }
    }
}
