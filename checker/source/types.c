/* What a type means for a module: types are sorted into the classes of facts/kinds.def. */
#include <string.h>

#include "source/unit.h"

struct type_name {
    const char *name, *class;
};

/* Names of structs and typedefs, as canonical clang spells them (without "struct "). */
static const struct type_name record_classes[] = {
    {"PyModuleDef", "moduledef"},
    {"PyMethodDef", "methoddef"},
    {"PyGetSetDef", "getsetdef"},
    {"PyMemberDef", "memberdef"},
    {"PyModuleDef_Slot", "moduleslot"},
    {"PySlot", "pyslot"},
    {"PyType_Slot", "typeslot"},
    {"PyType_Spec", "typespec"},
    {"PyStructSequence_Field", "structseq-field"},
    {"PyStructSequence_Desc", "structseq-desc"},
    {"PyABIInfo", "abiinfo"},
    {"_PyArg_Parser", "arg-parser"},
    {"PyNumberMethods", "suite"},
    {"PySequenceMethods", "suite"},
    {"PyMappingMethods", "suite"},
    {"PyAsyncMethods", "suite"},
    {"PyBufferProcs", "suite"},
    {"PyMutex", "lock"},
    {"pthread_mutex_t", "lock"},
    {"pthread_rwlock_t", "lock"},
    {"pthread_spinlock_t", "lock"},
    {"pthread_cond_t", "lock"},
    {"mtx_t", "lock"},
    {"cnd_t", "lock"},
    {"sem_t", "lock"},
    {"std::mutex", "lock"},
    {"std::recursive_mutex", "lock"},
    {"std::shared_mutex", "lock"},
    {"std::timed_mutex", "lock"},
    {"std::condition_variable", "lock"},
    {"std::atomic_flag", "lock"},
    {"PyThread_type_lock", "lock"},
    {"_PyOnceFlag", "once"},
    {"pthread_once_t", "once"},
    {"once_flag", "once"},
    {"std::once_flag", "once"},
    {"pthread_key_t", "tss"},
    {"Py_tss_t", "tss"},
    {"_Py_tss_t", "tss"},
    {"tss_t", "tss"},
    {"Tcl_ThreadDataKey", "tss"},
    {"ExtShim_Handle", "shim-handle"},
    {"ExtShim_Type", "shim-type"},
    {"ExtShim_Mutex", "lock"},
    {"ExtShim_Once", "once"},
    {"_typeobject", "type-object"},
    {"PyTypeObject", "type-object"},
    {"PyGILState_STATE", "thread-state"},
};

static const struct type_name pointee_classes[] = {
    {"_ts", "thread-state"},
    {"PyThreadState", "thread-state"},
    {"_is", "thread-state"},
    {"PyInterpreterState", "thread-state"},
    {"PyInterpreterGuard", "thread-state"},
    {"_IO_FILE", "file"},
    {"FILE", "file"},
    {"__dirstream", "file"},
    {"_object", "object-pointer"},
    {"PyObject", "object-pointer"},
    {"_typeobject", "object-pointer"},
    {"PyVarObject", "object-pointer"},
    {"PyModuleDef", "moduledef-pointer"},
};

static const char *
types_look_up(const struct type_name *table, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].class;
        }
    }
    return NULL;
}

static const char *
types_known_record(const char *name)
{
    return types_look_up(record_classes, sizeof(record_classes) / sizeof(*record_classes), name);
}

static const char *
types_unnamed(struct unit *u, const char *s, const char *at)
{
    struct str out = {0};
    str_addn(&out, s, (size_t)(at - s));
    /* The line tells two of them apart; the column and the folder do not. */
    const char *colon = strchr(at, ':');
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    str_addf(&out, " %.*s)", (int)digits, colon ? colon + 1 : "");
    const char *kept = intern(u->strings, out.s);
    str_free(&out);
    return kept;
}

/* Spelling of a record or enum type without const, struct and the like. */
static const char *
types_plain_name(struct unit *u, CXType type)
{
    struct str name = {0};
    str_add(&name, unit_type_text(u, type));
    const char *s = name.s ? name.s : "";
    static const char *const words[] = {"const ", "volatile ", "struct ",
                                        "union ", "enum ",     "class "};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words);) {
        if (str_starts(s, words[i])) {
            s += strlen(words[i]);
            i = 0;
        }
        else {
            i++;
        }
    }
    /* "(unnamed struct at FILE:12:3)": the place differs between versions of clang. */
    const char *at = strstr(s, " at ");
    const char *open = strstr(s, "(unnamed");
    open = open ? open : strstr(s, "(anonymous");
    const char *kept = open && at > open ? types_unnamed(u, s, at) : intern(u->strings, s);
    str_free(&name);
    return kept;
}

static void
types_add_word(struct unit *u, const char **list, const char *word)
{
    if (!word || !*word || str_list_has(*list, word)) {
        return;
    }
    struct str s = {0};
    str_addf(&s, "%s%s%s", *list ? *list : "", *list ? "," : "", word);
    *list = intern(u->strings, s.s);
    str_free(&s);
}

static void
types_add_list(struct unit *u, const char **list, const char *more)
{
    for (const char *at = more; at && *at;) {
        const char *end = strchr(at, ',');
        size_t n = end ? (size_t)(end - at) : strlen(at);
        types_add_word(u, list, intern_n(u->strings, at, n));
        at = end ? end + 1 : NULL;
    }
}

struct types_fields {
    struct unit *u;
    struct record_info *record;
    int index;
    bool first_only; /* of others' structs only what says whether they are objects */
};

static enum CXVisitorResult
types_visit_field(CXCursor c, CXClientData data)
{
    struct types_fields *walk = data;
    struct type_facts field;
    types_classify(walk->u, walk->u->cx->getCursorType(c), &field);
    if (walk->index++ == 0 && str_same(field.class, "object-struct") && !field.is_array) {
        walk->record->is_object = true;
    }
    if (walk->first_only) {
        return CXVisit_Break;
    }
    types_add_word(walk->u, &walk->record->holds, field.class);
    types_add_list(walk->u, &walk->record->holds, field.holds);
    return CXVisit_Continue;
}

struct types_class_walk {
    const struct cx *cx;
    bool nontrivial, base_object, base_handle;
    struct unit *u;
};

static enum CXChildVisitResult
types_visit_class(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct types_class_walk *walk = data;
    if (c.kind == CXCursor_Destructor || c.kind == CXCursor_Constructor) {
        walk->nontrivial = true;
    }
    else if (c.kind == CXCursor_CXXBaseSpecifier) {
        CXType base = walk->cx->getCanonicalType(walk->cx->getCursorType(c));
        struct type_facts facts;
        types_classify(walk->u, base, &facts);
        walk->base_object |= str_same(facts.class, "object-struct");
        walk->base_handle |= str_same(facts.class, "python-handle");
        walk->nontrivial |= facts.is_nontrivial;
    }
    return CXChildVisit_Continue;
}

/* Library classes with constructors and destructors, whatever the declarations at hand show. */
static bool
types_owns_memory(const char *name)
{
    static const char *const names[] = {
        "basic_string<",   "vector<",     "map<",        "unordered_", "set<",
        "multimap<",       "multiset<",   "deque<",      "list<",      "forward_list<",
        "function<",       "shared_ptr<", "unique_ptr<", "queue<",     "stack<",
        "priority_queue<", "optional<",   "any",         "thread",     "basic_ostringstream<"};
    const char *plain = str_starts(name, "std::") ? name + 5 : "";
    plain = str_starts(plain, "__cxx11::") ? plain + 9 : plain;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_starts(plain, names[i])) {
            return true;
        }
    }
    return false;
}

static bool
types_is_handle(const char *name)
{
    static const char *const handles[] = {"pybind11::object",     "pybind11::handle",
                                          "pybind11::function",   "pybind11::module_",
                                          "pybind11::dict",       "pybind11::list",
                                          "pybind11::str",        "pybind11::tuple",
                                          "pybind11::type",       "pybind11::exception<",
                                          "nanobind::object",     "nanobind::handle",
                                          "nanobind::callable",   "boost::python::api::object",
                                          "boost::python::object"};
    for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++) {
        if (str_starts(name, handles[i])) {
            return true;
        }
    }
    return false;
}

static bool
types_is_foreign(struct unit *u, CXType type)
{
    CXFile handle = NULL;
    u->cx->getExpansionLocation(u->cx->getCursorLocation(u->cx->getTypeDeclaration(type)), &handle,
                                NULL, NULL, NULL);
    enum file_class whose = unit_file(u, handle)->whose;
    return whose == FILE_PYTHON || whose == FILE_SYSTEM;
}

/* Declared by a stand-in for a missing header: it can be anything. */
static bool
types_is_unseen(struct unit *u, CXType type)
{
    CXFile handle = NULL;
    cx_offset(u->cx, u->cx->getTypeDeclaration(type), &handle);
    return unit_file(u, handle)->unseen;
}

/* by_pointer: what others' structs hold does not matter behind a pointer, and following it would
 * lead through half of Python's headers. */
static void
types_fill_record(struct unit *u, CXType type, struct record_info *record, bool by_pointer)
{
    record->shallow = by_pointer && types_is_foreign(u, type);
    record->busy = true;
    record->name = types_plain_name(u, type);
    record->class = types_known_record(record->name);
    if (!record->class && types_is_unseen(u, type)) {
        record->class = "unseen";
    }
    bool known_object = str_same(record->name, "_object") || str_same(record->name, "PyObject") ||
                        str_same(record->name, "PyVarObject");
    if (known_object) {
        record->is_object = true;
    }
    else if (!record->class || str_same(record->class, "type-object")) {
        if (u->is_cxx) {
            struct types_class_walk walk = {.cx = u->cx, .u = u};
            CXCursor decl = u->cx->getTypeDeclaration(type);
            CXCursor generic = u->cx->getSpecializedCursorTemplate(decl);
            u->cx->visitChildren(u->cx->Cursor_isNull(generic) ? decl : generic, types_visit_class,
                                 &walk);
            record->is_object = walk.base_object;
            record->is_nontrivial = types_owns_memory(record->name);
            record->is_nontrivial |= walk.nontrivial && !str_starts(record->name, "std::atomic") &&
                                     !str_starts(record->name, "std::array");
            if (walk.base_handle || types_is_handle(record->name)) {
                record->class = "python-handle";
            }
        }
        struct types_fields walk = {.u = u, .record = record, .first_only = record->shallow};
        u->cx->Type_visitFields(type, types_visit_field, &walk);
    }
    if (!record->class) {
        record->class = record->is_object                         ? "object-struct"
                        : str_same(record->holds, "lock")         ? "lock" /* several in one */
                        : str_starts(record->name, "std::atomic") ? "scalar"
                        : record->is_nontrivial                   ? "cpp-object"
                                                                  : "struct";
    }
    if (!str_same(record->class, "struct") && !str_same(record->class, "cpp-object")) {
        record->holds = NULL;
    }
    record->busy = false;
}

/* An atomic pointer to an object is shared as much as a plain one. */
static void
types_classify_atomic(struct unit *u, CXType value, struct type_facts *out)
{
    struct type_facts inner = {0};
    if (u->cx->getCanonicalType(value).kind == CXType_Pointer) {
        types_classify(u, value, &inner);
    }
    bool object = str_same(inner.class, "object-pointer");
    out->is_atomic = true;
    out->class = object ? inner.class : "scalar";
    out->holds = object ? inner.holds : NULL;
    out->record = object ? inner.record : out->record;
}

static void
types_classify_record(struct unit *u, CXType type, struct type_facts *out, bool by_pointer)
{
    struct record_info *record = types_record(u, type);
    if ((!record->name || (record->shallow && !by_pointer)) && !record->busy) {
        types_fill_record(u, type, record, by_pointer);
    }
    out->record = record->name;
    out->class = record->class ? record->class : "struct";
    out->holds = record->holds;
    out->is_nontrivial = record->is_nontrivial;
    if (str_same(record->name, "std::atomic_flag")) {
        out->is_atomic = true;
    }
    else if (str_starts(record->name, "std::atomic")) {
        types_classify_atomic(u, u->cx->Type_getTemplateArgumentAsType(type, 0), out);
    }
}

static void
types_classify_pointer(struct unit *u, CXType pointee, struct type_facts *out)
{
    const struct cx *cx = u->cx;
    out->class = "pointer";
    if (pointee.kind == CXType_FunctionProto || pointee.kind == CXType_FunctionNoProto) {
        out->class = "function-pointer";
    }
    else if (pointee.kind == CXType_Char_S || pointee.kind == CXType_SChar ||
             pointee.kind == CXType_UChar || pointee.kind == CXType_Char_U ||
             pointee.kind == CXType_WChar) {
        out->class = "string";
    }
    else if (pointee.kind == CXType_Record) {
        struct type_facts inner = {0};
        types_classify_record(u, pointee, &inner, true);
        const char *known = types_look_up(
            pointee_classes, sizeof(pointee_classes) / sizeof(*pointee_classes), inner.record);
        bool object =
            str_same(inner.class, "object-struct") || str_same(inner.class, "type-object");
        out->class = known ? known : object ? "object-pointer" : "pointer";
        out->record = inner.record;
        if (inner.holds && str_list_has(inner.holds, "object-pointer")) {
            out->holds = "via-object-pointer";
        }
    }
    else if (pointee.kind == CXType_Pointer) {
        struct type_facts inner = {0};
        types_classify_pointer(u, cx->getCanonicalType(cx->getPointeeType(pointee)), &inner);
        if (str_same(inner.class, "object-pointer")) {
            out->holds = "via-object-pointer";
        }
    }
    if (str_same(out->class, "object-pointer")) {
        out->holds = "object-pointer";
    }
}

/* The class a typedef's own name decides (PyThread_type_lock is a void pointer underneath). */
static const char *
types_typedef_class(struct unit *u, CXType type)
{
    for (int depth = 0; type.kind == CXType_Typedef || type.kind == CXType_Elaborated; depth++) {
        if (depth > 16) {
            break;
        }
        if (type.kind == CXType_Elaborated) {
            type = u->cx->Type_getNamedType(type);
            continue;
        }
        const char *name = cx_text(u->cx, u->strings, u->cx->getTypedefName(type));
        const char *class = types_known_record(name);
        if (class) {
            return class;
        }
        type = u->cx->getTypedefDeclUnderlyingType(u->cx->getTypeDeclaration(type));
    }
    return NULL;
}

static bool
types_is_array(CXType type)
{
    return type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray ||
           type.kind == CXType_VariableArray || type.kind == CXType_DependentSizedArray;
}

void
types_classify(struct unit *u, CXType type, struct type_facts *out)
{
    const struct cx *cx = u->cx;
    *out = (struct type_facts){0};
    CXType sugared = type;
    type = cx->getCanonicalType(type);
    /* Canonical arrays hoist the qualifier, so it is looked for at every level on the way down. */
    while (types_is_array(type)) {
        out->is_array = true;
        out->is_const |= cx->isConstQualifiedType(type) != 0;
        sugared = types_is_array(sugared) ? cx->getArrayElementType(sugared)
                                          : cx->getArrayElementType(type);
        type = cx->getCanonicalType(cx->getArrayElementType(type));
    }
    out->is_const |= cx->isConstQualifiedType(type) != 0;
    out->is_volatile = cx->isVolatileQualifiedType(type) != 0;
    if (type.kind == CXType_LValueReference || type.kind == CXType_RValueReference) {
        type = cx->getCanonicalType(cx->getPointeeType(type));
    }
    const char *by_typedef = types_typedef_class(u, sugared);
    if (type.kind == CXType_Record) {
        types_classify_record(u, type, out, false);
    }
    else if (type.kind == CXType_Pointer) {
        types_classify_pointer(u, cx->getCanonicalType(cx->getPointeeType(type)), out);
    }
    else if (type.kind == CXType_Atomic) {
        types_classify_atomic(u, cx->Type_getValueType(type), out);
    }
    else if (type.kind == CXType_Enum && types_known_record(types_plain_name(u, type))) {
        out->class = types_known_record(types_plain_name(u, type));
    }
    else {
        out->class = "scalar";
        if (out->is_array && (type.kind == CXType_Char_S || type.kind == CXType_SChar ||
                              type.kind == CXType_UChar || type.kind == CXType_WChar)) {
            out->class = "string";
        }
    }
    if (by_typedef) {
        out->class = by_typedef;
        out->holds = NULL;
    }
}
