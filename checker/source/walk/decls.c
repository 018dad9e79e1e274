/* Top-level declarations of the user's files: variables, functions, structs, entry points. */
#include <string.h>

#include "source/walk/comments.h"
#include "source/walk/unit.h"

static const char *
decls_linkage(struct unit *u, CXCursor c)
{
    if (u->cx->getCursorLinkage(c) != CXLinkage_External) {
        return "internal";
    }
    return u->cx->getCursorVisibility(c) == CXVisibility_Hidden ? "hidden" : "external";
}

/* Does the declaration come out of PYBIND11_MODULE(...) or its like? */
static bool
decls_is_binding_macro(struct unit *u, const struct unit_place *place)
{
    const char *word = u->is_cxx ? unit_word_at(u, place) : NULL;
    return str_starts(word, "PYBIND11_") || str_starts(word, "NB_") ||
           str_starts(word, "BOOST_PYTHON_");
}

void
decls_variable(struct unit *u, CXCursor c, const char *func)
{
    const struct cx *cx = u->cx;
    struct unit_place place = unit_place(u, c);
    unsigned line = 0, column = 0;
    /* The name, not the start of the declaration, is what a report points at. */
    cx->getExpansionLocation(cx->getCursorLocation(c), NULL, &line, &column, NULL);
    struct type_facts type;
    types_classify(u, cx->getCursorType(c), &type);
    const char *id = unit_id(u, c);
    const char *name = cx_text(cx, u->strings, cx->getCursorSpelling(c));
    unit_set_file(u, &place);
    if (decls_is_binding_macro(u, &place)) {
        /* The library's own tables, which it fills under its own locks. */
        inits_variable(u, c, id, &type);
        return;
    }
    struct fact_variable *v =
        facts_new_variable(u->facts, (int)line, (int)column, (int)(column + strlen(name)));
    enum CX_StorageClass storage = cx->Cursor_getStorageClass(c);
    bool is_member = c.kind == CXCursor_FieldDecl ||
                     cx->getCursorSemanticParent(c).kind == CXCursor_ClassDecl ||
                     cx->getCursorSemanticParent(c).kind == CXCursor_StructDecl;
    v->id = id;
    v->name = name;
    v->func = func;
    v->storage = storage == CX_SC_Extern           ? "extern"
                 : is_member                       ? "member"
                 : storage == CX_SC_Static || func ? "static"
                                                   : "global";
    v->linkage = decls_linkage(u, c);
    v->type = unit_type_text(u, cx->getCursorType(c));
    v->class = type.class;
    v->holds = type.holds;
    v->record = type.record;
    v->is_const = type.is_const;
    v->is_array = type.is_array;
    v->is_atomic = type.is_atomic;
    v->is_volatile = type.is_volatile;
    v->is_nontrivial = type.is_nontrivial;
    v->is_tls = cx->getCursorTLSKind(c) != CXTLS_None;
    /* `static T x;` is a tentative definition, which libclang does not call one. */
    v->is_definition = storage != CX_SC_Extern && (!is_member || cx->isCursorDefinition(c));
    long long bytes = cx->Type_getSizeOf(cx->getCursorType(c));
    v->bytes = bytes > 0 ? (long)bytes : 0;
    v->guard = place.lexed ? lexed_guard(place.lexed, line) : NULL;
    const char *value = NULL;
    v->init = inits_kind(u, c, &value);
    v->value = value;
    inits_variable(u, c, id, &type);
}

static void
decls_params(struct unit *u, CXCursor c, struct fact_function *f)
{
    const struct cx *cx = u->cx;
    int n = cx->Cursor_getNumArguments(c);
    struct str classes = {0}, names = {0};
    for (int i = 0; i < n; i++) {
        CXCursor param = cx->Cursor_getArgument(c, (unsigned)i);
        struct type_facts type;
        types_classify(u, cx->getCursorType(param), &type);
        str_addf(&classes, "%s%s", i ? "," : "", type.class);
        str_addf(&names, "%s%s", i ? "," : "",
                 cx_text(cx, u->strings, cx->getCursorSpelling(param)));
    }
    f->nparams = n > 0 ? n : 0;
    f->params = classes.n ? intern(u->strings, classes.s) : NULL;
    f->param_names = names.n ? intern(u->strings, names.s) : NULL;
    str_free(&classes);
    str_free(&names);
}

/* What a binding macro was told: PYBIND11_MODULE(name, m, py::mod_gil_not_used()). */
static const struct macro_site *
decls_macro_site(const struct unit_place *place)
{
    for (size_t i = 0; place->lexed && i < place->lexed->sites.n; i++) {
        if (place->lexed->sites.at[i].offset == place->offset) {
            return &place->lexed->sites.at[i];
        }
    }
    return NULL;
}

static void
decls_entry(struct unit *u, const struct unit_place *place, const char *name, const char *id)
{
    static const char *const prefixes[] = {"PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_"};
    const char *module = NULL;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (str_starts(name, prefixes[i])) {
            module = name + strlen(prefixes[i]);
        }
    }
    if (!module) {
        return;
    }
    struct fact_entry *entry =
        facts_new_entry(u->facts, place->line, place->column, place->end_column);
    entry->kind = str_starts(name, "PyModExport") ? "modexport" : "pyinit";
    entry->name = intern(u->strings, module);
    entry->func = id;
    const struct macro_site *site = decls_macro_site(place);
    if (site) {
        entry->kind = str_starts(site->name, "PYBIND11") ? "pybind11"
                      : str_starts(site->name, "NB_")    ? "nanobind"
                      : str_starts(site->name, "BOOST")  ? "boost"
                                                         : entry->kind;
        entry->tags = site->args;
    }
}

/* Functions that the loader runs: __attribute__((constructor)) before or behind the name. */
static const char *
decls_attributes(struct unit *u, const struct unit_place *place, CXCursor c)
{
    if (!place->lexed) {
        return NULL;
    }
    const char *s = place->lexed->text.s;
    unsigned from = place->offset, to = place->offset;
    while (from > 0 && place->offset - from < 200 && s[from - 1] != ';' && s[from - 1] != '}') {
        from--;
    }
    unsigned end = cx_end_offset(u->cx, c);
    while (to < end && s[to] != '{') {
        to++;
    }
    bool constructor = memmem(s + from, to - from, "((constructor", 13) != NULL ||
                       memmem(s + from, to - from, "((__constructor", 15) != NULL;
    bool destructor = memmem(s + from, to - from, "((destructor", 12) != NULL ||
                      memmem(s + from, to - from, "((__destructor", 14) != NULL;
    return constructor  ? destructor ? "constructor,destructor" : "constructor"
           : destructor ? "destructor"
                        : NULL;
}

static void
decls_function(struct unit *u, CXCursor c)
{
    const struct cx *cx = u->cx;
    if (!cx->isCursorDefinition(c)) {
        return;
    }
    struct unit_place place = unit_place(u, c);
    unsigned line = 0, column = 0, end_line = 0;
    cx->getExpansionLocation(cx->getCursorLocation(c), NULL, &line, &column, NULL);
    cx->getExpansionLocation(cx->getRangeEnd(cx->getCursorExtent(c)), NULL, &end_line, NULL, NULL);
    const char *id = unit_id(u, c);
    const char *name = cx_text(cx, u->strings, cx->getCursorSpelling(c));
    unit_set_file(u, &place);
    struct fact_function *f =
        facts_new_function(u->facts, (int)line, (int)column, (int)(column + strlen(name)));
    f->id = id;
    f->name = name;
    f->linkage = decls_linkage(u, c);
    struct type_facts result;
    types_classify(u, cx->getResultType(cx->getCursorType(c)), &result);
    f->ret = result.class;
    f->end_line = end_line;
    f->in_header = place.file->whose != FILE_MAIN;
    f->attributes = decls_attributes(u, &place, c);
    decls_params(u, c, f);
    place.line = (int)line;
    place.column = (int)column;
    place.end_column = (int)(column + strlen(name));
    decls_entry(u, &place, name, id);
    bodies_function(u, c, id);
}

static void
decls_struct(struct unit *u, CXCursor c)
{
    const struct cx *cx = u->cx;
    CXType type = cx->getCanonicalType(cx->getCursorType(c));
    if (!cx->isCursorDefinition(c) || type.kind != CXType_Record) {
        return;
    }
    struct type_facts record;
    types_classify(u, type, &record);
    if (!record.record || map_get(&u->emitted, record.record)) {
        return;
    }
    map_set(&u->emitted, record.record, u);
    struct cx_children fields;
    cx_children(cx, c, &fields);
    int index = 0;
    for (unsigned i = 0; i < fields.n; i++) {
        if (fields.at[i].kind != CXCursor_FieldDecl) {
            continue;
        }
        struct type_facts field;
        types_classify(u, cx->getCursorType(fields.at[i]), &field);
        struct unit_place place = unit_place(u, fields.at[i]);
        unit_set_file(u, &place);
        struct fact_member *m =
            facts_new_member(u->facts, place.line, place.column, place.end_column);
        m->record = record.record;
        m->name = cx_text(cx, u->strings, cx->getCursorSpelling(fields.at[i]));
        m->type = unit_type_text(u, cx->getCursorType(fields.at[i]));
        m->class = field.class;
        m->index = index++;
    }
    cx_children_free(&fields);
}

static enum CXChildVisitResult decls_visit(CXCursor c, CXCursor parent, CXClientData data);

static void
decls_one(struct unit *u, CXCursor c)
{
    switch ((int)c.kind) {
    case CXCursor_VarDecl:
        decls_variable(u, c, NULL);
        break;
    case CXCursor_FunctionDecl:
    case CXCursor_CXXMethod:
    case CXCursor_Constructor:
    case CXCursor_Destructor:
    case CXCursor_ConversionFunction:
    case CXCursor_FunctionTemplate:
        decls_function(u, c);
        break;
    case CXCursor_StructDecl:
    case CXCursor_UnionDecl:
    case CXCursor_ClassDecl:
        decls_struct(u, c);
        if (u->is_cxx) {
            u->cx->visitChildren(c, decls_visit, u);
        }
        break;
    case CXCursor_Namespace:
    case CXCursor_LinkageSpec:
    case CXCursor_UnexposedDecl: /* extern "C" { } in LLVM 14 */
    case CXCursor_ClassTemplate:
    case CXCursor_ClassTemplatePartialSpecialization:
        u->cx->visitChildren(c, decls_visit, u);
        break;
    default:
        break;
    }
}

static enum CXChildVisitResult
decls_visit(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct unit *u = data;
    CXFile handle = NULL;
    u->cx->getExpansionLocation(u->cx->getCursorLocation(c), &handle, NULL, NULL, NULL);
    if (!handle) {
        return CXChildVisit_Continue;
    }
    struct unit_file *file =
        u->last_file && u->last_file->handle == handle ? u->last_file : unit_file(u, handle);
    u->last_file = file;
    if (file->whose == FILE_MAIN || file->whose == FILE_PROJECT) {
        decls_one(u, c);
        if (u->cx->memo && u->cx->memo->n) {
            cx_memo_reset(u->cx->memo);
        }
    }
    return CXChildVisit_Continue;
}

/* #defines that change what the headers or generated code do. */
static void
decls_defines(struct unit *u, const struct lexed *lexed, const char *path)
{
    static const char *const wanted[] = {"Py_LIMITED_API",
                                         "Py_GIL_DISABLED",
                                         "Py_BUILD_CORE",
                                         "Py_BUILD_CORE_MODULE",
                                         "Py_BUILD_CORE_BUILTIN",
                                         "Py_TARGET_ABI3T",
                                         "CYTHON_USE_MODULE_STATE",
                                         "CYTHON_HEX_VERSION",
                                         "CYTHON_ABI",
                                         "__Pyx_FREETHREADING_COMPATIBLE",
                                         "SWIGVERSION",
                                         "SWIG_VERSION",
                                         "NB_FREE_THREADED",
                                         "PYBIND11_INTERNALS_VERSION"};
    u->facts->file = path;
    for (size_t i = 0; i < lexed->defines.n; i++) {
        const struct define_site *site = &lexed->defines.at[i];
        for (size_t k = 0; k < sizeof(wanted) / sizeof(*wanted); k++) {
            if (strcmp(site->name, wanted[k]) == 0) {
                struct fact_define *d = facts_new_define(u->facts, (int)site->line, 1, 0);
                d->name = site->name;
                d->value = site->value;
                d->guard = site->guard;
            }
        }
    }
}

void
decls_walk(struct unit *u)
{
    u->cx->visitChildren(u->cx->getTranslationUnitCursor(u->tu), decls_visit, u);
    for (size_t i = 0; i < u->files.n; i++) {
        struct unit_file *file = u->files.at[i];
        if (file->lexed) {
            decls_defines(u, file->lexed, file->path);
            comments_write(u, file);
        }
    }
}
