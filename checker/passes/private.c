/* Is a container visible to one thread only? Shared by the passes about borrowed references. */
#include "passes/private.h"

#include <string.h>

enum { PRIVATE_MAX_DEPTH = 4 };

static bool
private_is_deep(int depth)
{
    return (depth & (PRIVATE_DICT - 1)) >= PRIVATE_MAX_DEPTH;
}

/* Functions whose result nobody else has a reference to. */
static const char private_makers[] =
    "PyDict_New,PyDict_Copy,_PyDict_NewPresized,PyDictProxy_New,PyDict_Keys,PyDict_Values,"
    "PyDict_Items,PyList_New,PyList_GetSlice,PyList_AsTuple,PySequence_List,PySequence_Tuple,"
    "PyMapping_Keys,PyMapping_Values,PyMapping_Items,PyObject_Dir,PyTuple_New,PyTuple_Pack,"
    "PyTuple_GetSlice,Py_BuildValue,PySet_New,PyFrozenSet_New,PyUnicode_Split,PyUnicode_RSplit,"
    "PyUnicode_Splitlines,PyThreadState_GetDict,_PyThreadState_GetDict";
/* What code that is called returns is new as a rule; what it keeps, it hands out as an attribute.
 */
static const char *const private_callers[] = {"PyObject_Call", "_PyObject_Call",
                                              "PyObject_Vectorcall", "_PyObject_Vectorcall",
                                              "PyObject_FastCall"};
/* Calls that keep their first argument to themselves, whatever it is. */
static const char *const private_families[] = {"PyDict_",
                                               "PyList_",
                                               "PySet_",
                                               "PyTuple_",
                                               "PyObject_Length",
                                               "PyObject_Size",
                                               "PyMapping_",
                                               "PySequence_",
                                               "Py_INCREF",
                                               "Py_DECREF",
                                               "Py_XDECREF",
                                               "Py_XINCREF",
                                               "Py_CLEAR",
                                               "PyObject_GetItem",
                                               "PyObject_SetItem",
                                               "PyObject_DelItem",
                                               "_PyDict_",
                                               "_PyList_",
                                               "Py_TYPE",
                                               "Py_SIZE",
                                               "Py_SET_SIZE",
                                               "Py_REFCNT",
                                               "_Py_REFCNT",
                                               "Py_IS_TYPE",
                                               "PyObject_TypeCheck",
                                               "PyArg_",
                                               "_PyArg_",
                                               "PyCriticalSection",
                                               "PyObject_GetIter",
                                               "PyObject_Call",
                                               "PyObject_Vectorcall",
                                               "PyErr_"};

static bool
private_keeps(const struct fact_call *call, long index)
{
    /* The project's own helpers get the benefit of the doubt: storing an argument is rare. */
    if (!str_starts(call->callee, "Py") && !str_starts(call->callee, "_Py")) {
        return true;
    }
    if (str_starts(call->callee, "PyObject_Call") ||
        str_starts(call->callee, "PyObject_Vectorcall") || str_starts(call->callee, "PyArg_") ||
        str_starts(call->callee, "_PyArg_")) {
        return true;
    }
    for (size_t i = 0; index == 0 && i < sizeof(private_families) / sizeof(*private_families);
         i++) {
        if (str_starts(call->callee, private_families[i])) {
            return true;
        }
    }
    return str_starts(call->callee, "PyCriticalSection");
}

static bool private_is_maker(struct program *p, const char *value, int depth);
static bool private_local(struct program *p, const struct body *b, const char *local, long seq,
                          int depth);

/* Does a project function return nothing but NULL and containers it made? */
static bool
private_makes(struct program *p, const struct body *b, int depth)
{
    bool any = false;
    for (size_t i = 0; i < b->events.n && !private_is_deep(depth); i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || !str_same(jump->kind, "return") ||
            str_same(jump->value, "null")) {
            continue;
        }
        if (!private_is_maker(p, jump->value, depth + 1) &&
            !(str_starts(jump->value, "local:") &&
              private_local(p, b, jump->value, jump->seq, depth + 1))) {
            return false;
        }
        any = true;
    }
    return any;
}

static bool
private_is_maker(struct program *p, const char *value, int depth)
{
    const char *maker = value_of(value, "call");
    if (!maker || str_list_has(private_makers, maker)) {
        return maker != NULL;
    }
    for (size_t i = 0; i < sizeof(private_callers) / sizeof(*private_callers); i++) {
        if (str_starts(maker, private_callers[i])) {
            return true;
        }
    }
    const struct body *b = !private_is_deep(depth) ? program_body(p, maker) : NULL;
    return b && private_makes(p, b, depth + 1);
}

/* An item of a tuple that a call just returned: `annotations = PyTuple_GET_ITEM(info, 0)`. */
static bool
private_tuple_item(struct program *p, const struct body *b, const struct fact_access *a, int depth)
{
    bool item = str_starts(a->value, "index:") && str_ends(a->value, "->ob_item[]");
    if (private_is_deep(depth) || (!item && !str_same(a->value, "call:PyTuple_GetItem"))) {
        return false;
    }
    SCAN_CALLS(b, call)
    {
        const char *tuple =
            call->at.line == a->at.line && scan_call_is(call, "PyTuple_GET_ITEM,PyTuple_GetItem")
                ? call_arg(b, call, 0)
                : NULL;
        if (str_starts(tuple, "local:")) {
            return private_local(p, b, tuple, a->seq, depth + 1);
        }
    }
    return false;
}

/* The annotations in the namespace of a class that is being made: the class body filled them. */
static bool
private_annotations(struct program *p, const struct body *b, const struct fact_access *a, int depth)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq < a->seq && str_same(call->into, a->var) && !private_is_deep(depth) &&
            scan_call_is(call, "PyDict_GetItemString") && call->at.line <= a->at.line &&
            str_same(call_arg(b, call, 1), "string:__annotations__")) {
            return private_value(p, b, call_arg(b, call, 0), call->seq, depth + 1);
        }
    }
    return false;
}

/* Is the local handed to somebody who may keep it, before seq? */
static bool
private_escapes(const struct body *b, const char *local, long seq)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (arg->seq >= seq || !str_same(arg->value, local)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq == arg->seq && !private_keeps(call, arg->index)) {
                return true;
            }
        }
    }
    SCAN_ACCESSES(b, a)
    {
        bool to_local = str_starts(a->var, "local:") && !strstr(a->path ? a->path : "", "->");
        if (a->seq < seq && str_same(a->how, "write") && str_same(a->value, local) && !to_local) {
            return true;
        }
    }
    return false;
}

/* `x = n <= 8 ? PyDict_New() : _PyDict_NewPresized(n)`: the calls whose result the write takes. */
static bool
private_is_choice(const struct body *b, const struct fact_access *a)
{
    bool any = false;
    SCAN_CALLS(b, call)
    {
        if (call->at.line != a->at.line || !str_same(call->result, "stored") ||
            !str_same(call->into, a->var) || call->seq > a->seq) {
            continue;
        }
        if (!str_list_has(private_makers, call->callee)) {
            return false;
        }
        any = true;
    }
    return any && str_same(a->value, "expr");
}

/* The write that filled the temporary whose value another write takes. */
static const struct fact_access *
private_source(const struct body *b, const struct fact_access *store)
{
    const struct fact_access *source = store;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq < store->seq && str_same(a->how, "write") && str_same(a->var, store->value) &&
            (!a->path || !*a->path)) {
            source = a;
        }
    }
    return source;
}

/* Only makers and NULL are ever stored in the local in front of seq, and at least one maker. */
static bool
private_local(struct program *p, const struct body *b, const char *local, long seq, int depth)
{
    bool made = false;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq >= seq || !str_same(a->var, local) || (a->path && *a->path)) {
            continue;
        }
        if (str_same(a->how, "addr")) {
            return false;
        }
        if (!str_same(a->how, "write")) {
            continue;
        }
        /* Generated code passes everything through temporaries. */
        const char *value = scan_resolve(b, a->value, a->seq);
        bool maker = private_is_maker(p, value, depth) || private_tuple_item(p, b, a, depth) ||
                     private_is_choice(b, private_source(b, a)) ||
                     private_annotations(p, b, a, depth);
        if (!maker && !str_same(value, "null") && !str_same(value, "const:0")) {
            return false;
        }
        made = made || maker;
    }
    return made && !private_escapes(b, local, seq);
}

/* `kwargs`, but also `py_kwargs` and `__pyx_kwds`. */
static bool
private_is_keyword_word(const char *name, size_t n)
{
    static const char *const words[] = {"kwargs", "kwds", "kw", "keywords", "kwdict", "kws"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t length = strlen(words[i]);
        if (n >= length && strncmp(name + n - length, words[i], length) == 0 &&
            (n == length || name[n - length - 1] == '_')) {
            return true;
        }
    }
    return false;
}

static bool
private_keyword_name(const struct body *b, long index)
{
    const char *names = b->fact->param_names;
    for (long i = 0; names && i < index; i++) {
        names = strchr(names, ',');
        names = names ? names + 1 : NULL;
    }
    return names && private_is_keyword_word(names, strcspn(names, ","));
}

/* The third parameter of tp_new, tp_init, tp_call and METH_KEYWORDS functions is a dict that the
 * interpreter made for this one call. */
static bool
private_keywords(const struct body *b, long index)
{
    if (index == 2 && b->binding && str_list_has("tp_new,tp_init,tp_call", b->binding)) {
        return true;
    }
    /* Where callers cannot be followed, the name that everybody gives such a dict decides. */
    bool unseen = b->binding || b->address_taken || !b->callers.n;
    return unseen && private_keyword_name(b, index);
}

/* How well is the argument of a call guarded? */
enum private_guard { GUARD_NONE, GUARD_SOME_LOCK, GUARD_FULL };

/* Does the call stand where a test has said that the value is no dict? */
static bool
private_is_no_dict(const struct body *b, const struct fact_call *call, const char *value)
{
    SCAN_CALLS(b, test)
    {
        bool named = scan_call_is(test, "PyDict_Check,PyDict_CheckExact") ||
                     (test->macro && str_list_has("PyDict_Check,PyDict_CheckExact", test->macro));
        if (test->seq >= call->seq || !named || !str_same(test->result, "tested") ||
            !str_same(call_arg(b, test, 0), value)) {
            continue;
        }
        for (const struct fact_block *block = flow_block(b, call->block); block;
             block = block->parent != block->id ? flow_block(b, block->parent) : NULL) {
            if (str_same(block->kind, "else") && block->parent == test->block &&
                str_starts(block->cond, "nonzero(call:") && block->first > test->seq) {
                return true;
            }
        }
    }
    return false;
}

static enum private_guard
private_given(struct program *p, const struct body *caller, const struct fact_call *call,
              const char *value, bool *locked, int depth)
{
    if (((depth & PRIVATE_DICT) && private_is_no_dict(caller, call, value)) ||
        private_value(p, caller, value, call->seq, depth)) {
        return GUARD_FULL;
    }
    if (flow_in_critical_section(caller, call->seq, call->block, value)) {
        *locked = true;
        return GUARD_FULL;
    }
    return flow_in_critical_section(caller, call->seq, call->block, NULL) ? GUARD_SOME_LOCK
                                                                          : GUARD_NONE;
}

/* A parameter is private when every call hands over something private, or holds its lock. A helper
 * that is only called under locks, and under that of the argument too, may have parts that run only
 * then: `source == FROM_DICT`. */
static bool
private_param(struct program *p, const struct body *b, long index, int depth)
{
    if (private_keywords(b, index)) {
        return true;
    }
    if (b->binding || b->address_taken || !b->callers.n || private_is_deep(depth)) {
        return false;
    }
    enum private_guard worst = GUARD_FULL;
    bool locked = false;
    for (size_t i = 0; i < b->callers.n && worst != GUARD_NONE; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (str_same(call->id, b->fact->id)) {
                enum private_guard guard = private_given(
                    p, caller, call, call_arg(caller, call, (int)index), &locked, depth + 1);
                worst = guard < worst ? guard : worst;
            }
        }
    }
    return worst == GUARD_FULL || (worst == GUARD_SOME_LOCK && locked);
}

/* Is the parameter, in every call, the address of a caller's local struct (or the caller's own such
 * parameter)? Then the struct lives for one call only. */
static bool
private_struct(const struct body *b, long index, int depth)
{
    if (b->binding || b->address_taken || !b->callers.n || private_is_deep(depth)) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            const char *given = str_same(call->id, b->fact->id) ? call_arg(caller, call, (int)index)
                                                                : "addr:local:";
            const char *outer = value_of(given, "param");
            if (!str_starts(given, "addr:local:") &&
                !(outer && caller != b &&
                  private_struct(caller, strtol(outer, NULL, 10), depth + 1)) &&
                !(outer && caller == b && strtol(outer, NULL, 10) == index)) {
                return false;
            }
        }
    }
    return true;
}

/* The struct that parameter `number` points to, as far as accesses say. */
static const char *
private_record(const struct body *b, const char *number)
{
    size_t n = number ? strspn(number, "0123456789") : 0;
    SCAN_ACCESSES(b, a)
    {
        const char *param = value_of(a->var, "param");
        if (n && param && strncmp(param, number, n) == 0 && !param[n] && a->class &&
            str_starts(a->path, "->") && !strstr(a->path + 2, "->")) {
            return a->class;
        }
    }
    return NULL;
}

/* A struct of C's that no object, other struct or static variable keeps: it stands on the stack,
 * and functions hand it on. */
static bool
private_is_transient(const struct program *p, const char *record)
{
    if (!record || flow_is_object_record(p, record)) {
        return false;
    }
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->record, record)) {
            return false;
        }
    }
    bool known = false;
    FACTS_EACH(p->facts, member, m)
    {
        const char *type = str_starts(m->type, "struct ") ? m->type + 7 : m->type;
        size_t n = strlen(record);
        known |= str_same(m->record, record);
        if (str_starts(type, record) && (!type[n] || strchr(" *[", type[n]) != NULL)) {
            return false;
        }
    }
    return known;
}

/* A member of a struct that lives for one call, into which only new containers are ever stored. */
static bool
private_field(struct program *p, const struct body *b, const char *value)
{
    const char *root = value_of(value, "field");
    const char *number = value_of(root, "param");
    const char *step = root ? strpbrk(root, ".-") : NULL;
    bool own = str_starts(root, "local:")
                   ? step && *step == '.'
                   : number && (private_struct(b, strtol(number, NULL, 10), 0) ||
                                private_is_transient(p, private_record(b, number)));
    const char *name = own && step ? step + (*step == '.' ? 1 : 2) : NULL;
    bool made = false;
    if (!name || strpbrk(name, ".-[")) {
        return false;
    }
    FACTS_EACH(p->facts, access, a)
    {
        const char *path = str_same(a->how, "write") && a->path ? a->path : "";
        const char *last = path + strspn(path, "->.");
        if (!str_same(last, name) || str_same(a->value, "null")) {
            continue;
        }
        const struct body *writer = scan_body(p, a->func);
        bool local = writer && str_starts(a->value, "local:") &&
                     private_local(p, writer, a->value, a->seq, 0);
        if (!local && !private_is_maker(p, a->value, 0)) {
            return false;
        }
        made = true;
    }
    return made;
}

/* `*dict`, where every caller hands over the address of a local with a private container. */
static bool
private_pointee(struct program *p, const struct body *b, const char *value, int depth)
{
    long index = strtol(value + strlen("deref:param:"), NULL, 10);
    if (b->binding || b->address_taken || !b->callers.n || private_is_deep(depth)) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            const char *given =
                str_same(call->id, b->fact->id) ? call_arg(caller, call, (int)index) : NULL;
            const char *local = value_of(given, "addr");
            const char *made = local ? scan_resolve(caller, local, call->seq) : NULL;
            if (str_same(call->id, b->fact->id) &&
                (!str_starts(local, "local:") || !private_is_maker(p, made, depth + 1))) {
                return false;
            }
        }
    }
    return true;
}

/* Was the parameter overwritten with a container of the function's own, on every way to seq?
 * `if (!(seq = PySequence_List(seq))) return NULL;` */
static bool
private_replaced(struct program *p, const struct body *b, const char *param, long seq, int depth)
{
    bool made = false;
    SCAN_ACCESSES(b, a)
    {
        bool here = a->seq < seq && str_same(a->var, param) && (!a->path || !*a->path);
        if (!here || str_same(a->how, "read")) {
            continue;
        }
        bool maker = str_same(a->how, "write") &&
                     private_is_maker(p, scan_resolve(b, a->value, a->seq), depth);
        const struct fact_block *block = flow_block(b, a->block);
        made = maker && (made || (block && str_same(block->kind, "body")));
    }
    return made && !private_escapes(b, param, seq);
}

bool
private_value(struct program *p, const struct body *b, const char *value, long seq, int depth)
{
    if (!value) {
        return false;
    }
    if (private_is_maker(p, value, depth) || str_same(value, "null")) {
        return true;
    }
    if (str_starts(value, "local:")) {
        if (private_local(p, b, value, seq, depth)) {
            return true;
        }
        const char *source = scan_resolve(b, value, seq);
        return !str_same(source, value) && str_starts(source, "param:") &&
               private_value(p, b, source, seq, depth);
    }
    const char *number = value_of(value, "param");
    if (number && private_replaced(p, b, value, seq, depth)) {
        return true;
    }
    if (number) {
        return private_param(p, b, strtol(number, NULL, 10), depth);
    }
    return str_starts(value, "deref:param:")
               ? private_pointee(p, b, value, depth)
               : str_starts(value, "field:") && private_field(p, b, value);
}

bool
private_is_called(struct program *p, const struct fact_call *call)
{
    for (size_t i = 0; i < sizeof(private_callers) / sizeof(*private_callers); i++) {
        if (str_starts(call->callee, private_callers[i])) {
            return true;
        }
    }
    const struct body *helper = scan_body(p, call->id);
    if (!helper) {
        return false;
    }
    SCAN_CALLS(helper, inner)
    {
        bool passed_on = str_same(inner->result, "returned") || str_same(inner->result, "stored");
        if (passed_on && !inner->id && private_is_called(p, inner)) {
            return true;
        }
    }
    return false;
}
