/* Static types: which shape each has, and what code does to them at run time (TYP01-05, 07, 26). */
#include <string.h>

#include "passes/program/shim_names.h"
#include "passes/program/type_scan.h"

static const char static_ready[] =
    "PyType_Ready,PyStructSequence_InitType,PyStructSequence_InitType2";
static const char static_structseq[] = "PyStructSequence_InitType,PyStructSequence_InitType2";
static const char static_dict_writers[] =
    "PyDict_SetItem,PyDict_SetItemString,PyDict_DelItem,PyDict_DelItemString,PyDict_SetDefault,"
    "PyDict_SetDefaultRef,PyDict_Update,PyDict_Merge,PyDict_Clear,PyDict_Pop,PyDict_PopString";
static const char static_attribute_writers[] =
    "PyObject_SetAttrString,PyObject_SetAttr,PyObject_DelAttrString,PyObject_DelAttr,"
    "PyObject_GenericSetAttr";

static bool
static_in_use(const struct body *b)
{
    return b->entry != 0;
}

/* The call that makes a static type ready in b, at or behind seq 0; NULL when there is none. */
static const struct fact_call *
static_ready_call(const struct program *p, const struct body *b, const struct fact_variable *v)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, static_ready) &&
            scan_static_type(p, b, call_arg(b, call, 0), call->seq) == v) {
            return call;
        }
    }
    return NULL;
}

static bool
static_adds_flag(const struct fact_access *a, long bit)
{
    const char *number = value_of(a->value, "const");
    if (a->op && strchr(a->op, '&')) {
        return false; /* flags &= ~bits takes some away */
    }
    return number ? (strtol(number, NULL, 0) & bit) != 0 : type_flag_named(a->value, bit);
}

/* May Python code derive from the static type? Also when the flag is set by a statement. */
static bool
static_subclassable(const struct program *p, const struct type_info *type)
{
    if (type_has_flag(type, TYPE_BASETYPE)) {
        return true;
    }
    const struct access_list *list = map_get(&p->accesses_of, type->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        if (str_ends(a->path, "tp_flags") &&
            (str_same(a->how, "write") || str_same(a->how, "rmw")) &&
            static_adds_flag(a, TYPE_BASETYPE)) {
            return true;
        }
    }
    return false;
}

static void
static_mark_structseqs(struct program *p)
{
    FACTS_EACH(p->facts, call, call)
    {
        struct body *b = scan_call_is(call, static_structseq) ? program_body(p, call->func) : NULL;
        struct fact_variable *v =
            b ? scan_static_type(p, b, call_arg(b, call, 0), call->seq) : NULL;
        if (v) {
            v->shape = facts_intern(p->facts, "static-structseq");
        }
    }
}

/* A variable that is a PyTypeObject, or holds some by value. */
static bool
static_is_type(const struct fact_variable *v)
{
    if (!scan_is_defined(v) || v->is_const) {
        return false;
    }
    return str_same(v->class, "type-object") || (v->holds && str_list_has(v->holds, "type-object"));
}

static struct type_info *
static_info_of(const struct program *p, const struct fact_variable *v)
{
    for (size_t i = 0; i < p->types.n; i++) {
        if (!p->types.at[i]->spec && str_same(p->types.at[i]->id, v->id)) {
            return p->types.at[i];
        }
    }
    return NULL;
}

static void
static_mark_shapes(struct program *p)
{
    static_mark_structseqs(p);
    FACTS_EACH(p->facts, variable, v)
    {
        if (!static_is_type(v) || (v->shape && *v->shape) || scan_is_closure_type(v)) {
            continue;
        }
        const struct type_info *type = static_info_of(p, v);
        if (type && !type_is_used(p, type)) {
            continue;
        }
        if (shim_is_template(p, v)) {
            v->shape = "static-type-template";
            continue;
        }
        bool base = type && static_subclassable(p, type);
        v->shape = facts_intern(p->facts, base ? "static-type-basetype" : "static-type");
    }
}

/* Flaw of a statement about a static type; detail says what is written. */
static struct fact_flaw *
static_flaw(struct program *p, const struct fact *where, const struct body *b, const char *what,
            const struct fact_variable *v, const char *detail)
{
    struct fact_flaw *flaw = program_flaw(p, where, b, what, v->name ? v->name : v->id);
    flaw->detail = facts_intern(p->facts, detail);
    flaw->test_code = flaw->test_code || v->test_code;
    flaw_relate(p, flaw, &v->at, "the type is defined here");
    return flaw;
}

/* The static type whose dict a value is: T.tp_dict, or local->tp_dict with local = &T. */
static struct fact_variable *
static_dict_owner(struct program *p, const struct body *b, const char *value, long seq)
{
    const char *resolved = scan_resolve(b, value, seq);
    if (!str_same(scan_field_name(resolved), "tp_dict")) {
        return NULL;
    }
    const char *base = scan_field_base(p, resolved);
    const char *id = value_of(base, "var");
    struct fact_variable *v = id ? program_variable(p, id) : NULL;
    if (v && str_same(v->class, "type-object")) {
        return v;
    }
    return scan_static_type(p, b, base, seq);
}

/* TYP03: the attribute dict of a static type is changed behind the type's back. */
static void
static_check_dict_write(struct program *p, const struct body *b, const struct fact_call *call)
{
    struct fact_variable *v = NULL;
    if (scan_call_is(call, static_dict_writers)) {
        v = static_dict_owner(p, b, call_arg(b, call, 0), call->seq);
    }
    else if (scan_call_is(call, static_attribute_writers)) {
        v = scan_static_type(p, b, call_arg(b, call, 0), call->seq);
    }
    if (!v) {
        return;
    }
    const struct fact_call *ready = static_ready_call(p, b, v);
    bool before = b->entry == ENTRY_INIT && ready && ready->seq > call->seq;
    static_flaw(p, &call->at, b, "static-type-dict-write", v, call->callee)->detail2 =
        facts_intern(p->facts, before ? "before-ready" : "after-ready");
}

/* Is the value the same each time? Offsets and sizes are, also when they could not be computed. */
static bool
static_is_constant(const struct program *p, const struct fact_access *a)
{
    const char *id = value_of(a->value, "var");
    const struct fact_variable *array = id ? program_variable(p, id) : NULL;
    if (scan_is_constant(a->value) || str_same(a->value, "const") || (array && array->is_array)) {
        return true;
    }
    return str_same(a->value, "expr") &&
           (str_ends(a->path, "offset") || str_ends(a->path, "basicsize"));
}

/* Do all writes to the field store the same constant? Then repeating them changes nothing. */
static bool
static_same_constant(const struct program *p, const struct fact_access *first)
{
    const struct access_list *list = map_get(&p->accesses_of, first->var);
    if (!static_is_constant(p, first)) {
        return false;
    }
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        if (str_same(a->how, "write") && str_same(a->path, first->path) &&
            !str_same(a->value, first->value)) {
            return false;
        }
    }
    return true;
}

/* Does the value come from another module or from a type made at run time? */
static bool
static_is_foreign(const struct program *p, const char *value)
{
    const char *api = value_of(value, "call");
    if (api) {
        return str_starts(api, "PyImport_") || str_starts(api, "PyType_From") ||
               str_starts(api, "PyObject_GetAttr") || str_starts(api, "PyMapping_GetItem") ||
               str_starts(api, "PyDict_GetItem") || str_same(api, "PyErr_NewException") ||
               str_same(api, "PyErr_NewExceptionWithDoc") || str_same(api, "PyObject_Type") ||
               str_same(api, "PyStructSequence_NewType") || str_starts(api, "PyTuple_Pack");
    }
    const char *id = value_of(value, "var");
    const struct fact_variable *v = id ? program_variable(p, id) : NULL;
    return v && str_same(v->class, "object-pointer") && scan_is_defined(v) &&
           (v->sources && (strstr(v->sources, "PyImport_") || strstr(v->sources, "PyType_From") ||
                           strstr(v->sources, "PyObject_GetAttr")));
}

/* The static type whose field an access changes: T.field, or local->field with local = &T. */
static struct fact_variable *
static_written(const struct program *p, const struct body *b, const struct fact_access *a)
{
    if ((!str_same(a->how, "write") && !str_same(a->how, "rmw")) || !a->path) {
        return NULL;
    }
    size_t step = str_starts(a->path, "->") ? 2 : 0;
    if (strchr(a->path + step, '>')) {
        return NULL; /* what a field points to is not the type's own */
    }
    struct fact_variable *v = program_variable(p, a->var);
    if (v) {
        return str_same(v->class, "type-object") ? v : NULL;
    }
    return step ? scan_static_type(p, b, a->var, a->seq) : NULL;
}

static const char *
static_field(const char *path)
{
    const char *last = path;
    for (const char *s = path; *s; s++) {
        if (*s == '.' || *s == '>') {
            last = s + 1;
        }
    }
    return last;
}

/* TYP04, TYP07, TYP26: an assignment to a field of a static type. */
static void
static_check_field_write(struct program *p, const struct body *b, const struct fact_access *a)
{
    struct fact_variable *v = static_written(p, b, a);
    if (!v || !scan_is_defined(v)) {
        return;
    }
    const char *field = static_field(a->path);
    const struct fact_call *ready = static_ready_call(p, b, v);
    if (str_same(field, "tp_flags")) {
        if (ready && ready->seq < a->seq) {
            static_flaw(p, &a->at, b, "type-flags-write-after-ready", v, field);
        }
        return;
    }
    const char *value = scan_resolve(b, a->value, a->seq);
    if ((str_same(field, "tp_base") || str_same(field, "tp_bases")) &&
        static_is_foreign(p, value)) {
        static_flaw(p, &a->at, b, "static-type-static-base-heap", v, field);
        return;
    }
    bool own = str_starts(field, "tp_") || str_same(field, "ob_type");
    if (own && (str_same(a->how, "rmw") || !static_same_constant(p, a))) {
        static_flaw(p, &a->at, b, "static-type-field-write", v, field);
    }
}

void
pass_static_types(struct program *p)
{
    static_mark_shapes(p);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!static_in_use(b)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            static_check_dict_write(p, b, call);
        }
        SCAN_ACCESSES(b, a)
        {
            static_check_field_write(p, b, a);
        }
    }
}
