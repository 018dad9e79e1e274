/* Initialisers: module definitions, slot arrays, method tables, type specs, static types.
 *
 * libclang shows initialiser lists as written: positional children without the implicit zeros,
 * designators as an unexposed node with a member reference and the value. So positions are counted
 * along the fields of the struct. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "source/ops.h"
#include "source/unit.h"

enum { MAX_FIELDS = 96 };

struct inits_fields {
    struct unit *u;
    const char *names[MAX_FIELDS];
    int n;
};

static enum CXVisitorResult
inits_field_name(CXCursor c, CXClientData data)
{
    struct inits_fields *fields = data;
    if (fields->n < MAX_FIELDS) {
        fields->names[fields->n++] =
            cx_text(fields->u->cx, fields->u->strings, fields->u->cx->getCursorSpelling(c));
    }
    return CXVisit_Continue;
}

static void
inits_list_fields(struct unit *u, CXCursor list, struct inits_fields *fields)
{
    fields->u = u;
    fields->n = 0;
    CXType type = u->cx->getCanonicalType(u->cx->getCursorType(list));
    if (type.kind == CXType_Record) {
        u->cx->Type_visitFields(type, inits_field_name, fields);
    }
}

/* Splits a designated element into its field name (NULL for an index) and its value. */
static CXCursor
inits_designated(struct unit *u, CXCursor c, const char **name, bool *designated)
{
    *name = NULL;
    *designated = false;
    if (c.kind != CXCursor_UnexposedExpr) {
        return c;
    }
    struct cx_children parts;
    cx_children(u->cx, c, &parts);
    CXCursor value = c;
    if (parts.n >= 2) {
        *designated = true;
        value = parts.at[parts.n - 1];
        if (parts.at[0].kind == CXCursor_MemberRef) {
            *name = cx_text(u->cx, u->strings, u->cx->getCursorSpelling(parts.at[0]));
        }
    }
    cx_children_free(&parts);
    return value;
}

typedef void inits_value_fn(struct unit *u, const char *field, CXCursor value, void *data);

/* Calls back with each field of a struct's initialiser list. */
static void
inits_each_field(struct unit *u, CXCursor list, inits_value_fn *call, void *data)
{
    struct inits_fields fields;
    inits_list_fields(u, list, &fields);
    struct cx_children values;
    cx_children(u->cx, list, &values);
    int index = 0;
    for (unsigned i = 0; i < values.n; i++) {
        const char *name;
        bool designated;
        CXCursor value = inits_designated(u, values.at[i], &name, &designated);
        bool own = !name; /* false for a member of an anonymous union inside */
        for (int k = 0; name && k < fields.n; k++) {
            if (strcmp(fields.names[k], name) == 0) {
                index = k;
                own = true;
            }
        }
        const char *field = !own ? name : index < fields.n ? fields.names[index] : "";
        call(u, field, value, data);
        index++;
    }
    cx_children_free(&values);
}

/* ---- PyModuleDef ---- */

struct inits_type_ref {
    struct unit *u;
    const char *record;
};

static enum CXChildVisitResult
inits_find_type(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct inits_type_ref *walk = data;
    if (c.kind != CXCursor_TypeRef) {
        return CXChildVisit_Recurse;
    }
    struct type_facts facts;
    types_classify(walk->u, walk->u->cx->getCursorType(c), &facts);
    walk->record = facts.record;
    return CXChildVisit_Break;
}

/* The struct inside sizeof(...): from the AST, so that a typedef's name becomes the struct's. */
static const char *
inits_sizeof_text(struct unit *u, CXCursor value)
{
    struct inits_type_ref walk = {.u = u};
    u->cx->visitChildren(value, inits_find_type, &walk);
    CXCursor inner = cx_strip(u->cx, value);
    if (!walk.record && inner.kind == CXCursor_UnaryExpr) {
        u->cx->visitChildren(inner, inits_find_type, &walk);
    }
    if (walk.record) {
        return walk.record;
    }
    const char *text = unit_text(u, value, 80);
    const char *open = text ? strstr(text, "sizeof") : NULL;
    open = open ? strchr(open, '(') : NULL;
    const char *close = open ? strchr(open, ')') : NULL;
    if (!close) {
        return NULL;
    }
    open++;
    while (*open == ' ') {
        open++;
    }
    if (str_starts(open, "struct ")) {
        open += 7;
    }
    while (close > open && close[-1] == ' ') {
        close--;
    }
    return intern_n(u->strings, open, (size_t)(close - open));
}

static void
inits_moduledef_field(struct unit *u, const char *field, CXCursor value, void *data)
{
    struct fact_moduledef *def = data;
    if (strcmp(field, "m_name") == 0) {
        def->name = describe_string(u, value);
    }
    else if (strcmp(field, "m_size") == 0) {
        long n;
        if (describe_integer(u, value, &n)) {
            struct str text = {0};
            str_addf(&text, "%ld", n);
            def->size = intern(u->strings, text.s);
            str_free(&text);
        }
        def->state = inits_sizeof_text(u, value);
    }
    else {
        static const struct {
            const char *field;
            size_t offset;
        } slots[] = {{"m_methods", offsetof(struct fact_moduledef, methods)},
                     {"m_slots", offsetof(struct fact_moduledef, slots)},
                     {"m_traverse", offsetof(struct fact_moduledef, traverse)},
                     {"m_clear", offsetof(struct fact_moduledef, clear)},
                     {"m_free", offsetof(struct fact_moduledef, free)}};
        for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
            if (strcmp(field, slots[i].field) == 0) {
                const char *text = describe(u, value);
                memcpy((char *)def + slots[i].offset, &text, sizeof(text));
            }
        }
    }
}

/* ---- slot arrays ---- */

static const char *
inits_slot_by_number(const char *table, long number)
{
    static const struct {
        long number;
        const char *name;
    } names[] = {{1, "Py_mod_create"},
                 {2, "Py_mod_exec"},
                 {3, "Py_mod_multiple_interpreters"},
                 {4, "Py_mod_gil"},
                 {84, "Py_mod_create"},
                 {85, "Py_mod_exec"},
                 {86, "Py_mod_multiple_interpreters"},
                 {87, "Py_mod_gil"},
                 {92, "Py_slot_subslots"},
                 {94, "Py_mod_slots"},
                 {100, "Py_mod_name"},
                 {101, "Py_mod_doc"},
                 {102, "Py_mod_state_size"},
                 {103, "Py_mod_methods"},
                 {104, "Py_mod_state_traverse"},
                 {105, "Py_mod_state_clear"},
                 {106, "Py_mod_state_free"},
                 {109, "Py_mod_abi"},
                 {110, "Py_mod_token"}};
    for (size_t i = 0; strcmp(table, "type") != 0 && i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return NULL;
}

/* The slot's name as written: the word itself, or the first argument of PySlot_DATA(...). */
static const char *
inits_slot_word(struct unit *u, CXCursor id)
{
    struct unit_place place = unit_place(u, id);
    const char *word = unit_word_at(u, &place);
    if (word && str_starts(word, "PySlot_") && place.lexed) {
        const char *open = memchr(place.lexed->text.s + place.offset, '(', 40);
        if (!open) {
            return word;
        }
        for (open++; isspace((unsigned char)*open); open++) {}
        place.offset = (unsigned)(open - place.lexed->text.s);
        word = unit_word_at(u, &place);
    }
    return word;
}

/* Py_mod_gil and Py_mod_multiple_interpreters take small numbers cast to pointers. */
static const char *
inits_constant_slot(struct unit *u, const char *name, CXCursor value)
{
    static const char *const multi[] = {"Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED",
                                        "Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED",
                                        "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED"};
    static const char *const gil[] = {"Py_MOD_GIL_USED", "Py_MOD_GIL_NOT_USED"};
    bool is_gil = str_same(name, "Py_mod_gil");
    if (!is_gil && !str_same(name, "Py_mod_multiple_interpreters")) {
        return NULL;
    }
    struct unit_place place = unit_place(u, value);
    const char *word = unit_word_at(u, &place);
    if (str_starts(word, "Py_MOD_")) {
        return word;
    }
    long number;
    if (!describe_integer(u, cx_strip(u->cx, value), &number) || number < 0 ||
        number > (is_gil ? 1 : 2)) {
        return NULL;
    }
    return is_gil ? gil[number] : multi[number];
}

struct inits_slot {
    struct fact_slot *slot;
    bool has_id, has_value;
};

static void
inits_slot_field(struct unit *u, const char *field, CXCursor value, void *data)
{
    struct inits_slot *s = data;
    bool is_id = strcmp(field, "slot") == 0 || strcmp(field, "sl_id") == 0;
    if (is_id && !s->has_id) {
        s->has_id = true;
        long number = 0;
        describe_integer(u, value, &number);
        s->slot->number = number;
        const char *word = inits_slot_word(u, value);
        s->slot->name =
            word && str_starts(word, "Py_") ? word : inits_slot_by_number(s->slot->table, number);
        return;
    }
    bool other = strcmp(field, "sl_flags") == 0 || strcmp(field, "sl_reserved") == 0;
    if (is_id || other || (s->has_value && !*field)) {
        return;
    }
    /* PySlot keeps its value in an anonymous union. */
    const char *text = value.kind == CXCursor_InitListExpr ? NULL : describe(u, value);
    if (!text) {
        struct cx_children inner;
        cx_children(u->cx, value, &inner);
        if (inner.n) {
            const char *name;
            bool designated;
            value = inits_designated(u, inner.at[inner.n - 1], &name, &designated);
            text = describe(u, value);
        }
        cx_children_free(&inner);
    }
    const char *constant = inits_constant_slot(u, s->slot->name, value);
    const char *record =
        str_same(s->slot->name, "Py_mod_state_size") ? inits_sizeof_text(u, value) : NULL;
    if (record) {
        struct str size = {0};
        str_addf(&size, "sizeof:%s", record);
        constant = intern(u->strings, size.s);
        str_free(&size);
    }
    s->slot->value = constant ? constant : text;
    s->has_value = true;
}

static void
inits_slot(struct unit *u, CXCursor element, const char *array, const char *table, int index)
{
    struct unit_place place = unit_place(u, element);
    unit_set_file(u, &place);
    struct fact_slot *slot = facts_new_slot(u->facts, place.line, place.column, place.end_column);
    slot->array = array;
    slot->table = table;
    slot->index = index;
    slot->guard = place.lexed ? lexed_guard(place.lexed, (unsigned)place.line) : NULL;
    struct inits_slot state = {.slot = slot};
    inits_each_field(u, element, inits_slot_field, &state);
}

/* ---- method, getset and member tables ---- */

static void
inits_row_field(struct unit *u, const char *field, CXCursor value, void *data)
{
    struct fact_row *row = data;
    if (strcmp(field, "ml_name") == 0 || strcmp(field, "name") == 0) {
        row->name = describe_string(u, value);
    }
    else if (strcmp(field, "ml_meth") == 0 || strcmp(field, "get") == 0) {
        row->func = describe(u, value);
    }
    else if (strcmp(field, "set") == 0) {
        row->setter = describe(u, value);
    }
    else if (strcmp(field, "ml_flags") == 0 || strcmp(field, "flags") == 0) {
        describe_integer(u, value, &row->bits);
        row->flags = unit_text(u, value, 80);
    }
    else if (strcmp(field, "type") == 0) {
        struct unit_place place = unit_place(u, value);
        row->flags = unit_word_at(u, &place);
    }
    else if (strcmp(field, "offset") == 0) {
        const char *text = unit_text(u, value, 100);
        row->field = text;
    }
}

static void
inits_row(struct unit *u, CXCursor element, const char *array, const char *table, int index)
{
    struct unit_place place = unit_place(u, element);
    unit_set_file(u, &place);
    struct fact_row *row = facts_new_row(u->facts, place.line, place.column, place.end_column);
    row->array = array;
    row->table = table;
    row->index = index;
    inits_each_field(u, element, inits_row_field, row);
}

/* ---- types ---- */

static void
inits_typespec_field(struct unit *u, const char *field, CXCursor value, void *data)
{
    struct fact_typespec *spec = data;
    long number = 0;
    if (strcmp(field, "name") == 0) {
        spec->name = describe_string(u, value);
    }
    else if (strcmp(field, "basicsize") == 0) {
        spec->size = inits_sizeof_text(u, value);
    }
    else if (strcmp(field, "itemsize") == 0) {
        describe_integer(u, value, &number);
        spec->itemsize = number;
    }
    else if (strcmp(field, "flags") == 0) {
        spec->flags_known = describe_integer(u, value, &number);
        spec->flags = number;
        spec->flag_text = unit_text(u, value, 200);
    }
    else if (strcmp(field, "slots") == 0) {
        spec->slots = describe(u, value);
    }
}

static void
inits_typefield(struct unit *u, const char *field, CXCursor value, void *data)
{
    const char *text = describe(u, value);
    bool nothing = strcmp(text, "null") == 0 || strcmp(text, "const:0") == 0;
    if (nothing || strcmp(field, "ob_base") == 0 || !*field) {
        return;
    }
    struct unit_place place = unit_place(u, value);
    unit_set_file(u, &place);
    struct fact_typefield *f =
        facts_new_typefield(u->facts, place.line, place.column, place.end_column);
    f->var = data;
    f->field = field;
    f->value = text;
    describe_integer(u, value, &f->number);
    if (strcmp(field, "tp_flags") == 0 || strcmp(field, "tp_basicsize") == 0) {
        f->text = unit_text(u, value, 200);
    }
}

/* ---- any other initialiser: the functions and variables it refers to ---- */

struct inits_references {
    struct unit *u;
    const char *id;
};

static enum CXChildVisitResult
inits_reference(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct inits_references *walk = data;
    struct unit *u = walk->u;
    if (c.kind != CXCursor_DeclRefExpr) {
        return c.kind == CXCursor_LambdaExpr ? CXChildVisit_Continue : CXChildVisit_Recurse;
    }
    CXCursor target = u->cx->getCursorReferenced(c);
    if (u->cx->Cursor_isNull(target) || u->cx->isInvalid(target.kind)) {
        return CXChildVisit_Continue;
    }
    struct decl *d = unit_decl(u, target);
    bool ours = d->whose == FILE_MAIN || d->whose == FILE_PROJECT;
    if (!ours || (d->sort != DECL_FUNCTION && d->sort != DECL_STATIC)) {
        return CXChildVisit_Continue;
    }
    struct unit_place place = unit_place(u, c);
    unit_set_file(u, &place);
    struct fact_access *a = facts_new_access(u->facts, place.line, place.column, place.end_column);
    struct str context = {0};
    str_addf(&context, "init:%s", walk->id);
    a->how = "addr";
    a->var = d->sort == DECL_FUNCTION ? d->ref : d->id;
    a->context = intern(u->strings, context.s);
    str_free(&context);
    return CXChildVisit_Continue;
}

static void
inits_array(struct unit *u, CXCursor list, const char *id, const char *class)
{
    struct cx_children elements;
    cx_children(u->cx, list, &elements);
    int index = 0;
    for (unsigned i = 0; i < elements.n; i++) {
        const char *name;
        bool designated;
        CXCursor element = inits_designated(u, elements.at[i], &name, &designated);
        if (element.kind != CXCursor_InitListExpr) {
            /* A macro that gives a compound literal, or a bare 0 as the end. */
            element = cx_strip(u->cx, element);
        }
        if (strcmp(class, "moduleslot") == 0) {
            inits_slot(u, element, id, "module", index);
        }
        else if (strcmp(class, "pyslot") == 0) {
            inits_slot(u, element, id, "pyslot", index);
        }
        else if (strcmp(class, "typeslot") == 0) {
            inits_slot(u, element, id, "type", index);
        }
        else {
            const char *table = strcmp(class, "methoddef") == 0   ? "method"
                                : strcmp(class, "getsetdef") == 0 ? "getset"
                                                                  : "member";
            inits_row(u, element, id, table, index);
        }
        index++;
    }
    cx_children_free(&elements);
}

/* Length of the name at a line and column. */
static unsigned
inits_name_length(const struct unit_place *place, unsigned line, unsigned column)
{
    bool known = place->lexed && line && line <= place->lexed->lines.n;
    return known ? lexed_word(place->lexed, place->lexed->lines.at[line - 1] + column - 1) : 0;
}

/* Numbers and text refer to nothing; tables of them can be long. */
static bool
inits_is_plain(const struct type_facts *type)
{
    bool numbers = str_same(type->holds, "scalar") || !type->holds;
    return str_same(type->class, "scalar") || str_same(type->class, "string") ||
           (str_same(type->class, "struct") && numbers);
}

void
inits_variable(struct unit *u, CXCursor c, const char *id, const struct type_facts *type)
{
    CXCursor list = u->cx->Cursor_getVarDeclInitializer(c);
    if (u->cx->Cursor_isNull(list)) {
        return;
    }
    bool is_list = list.kind == CXCursor_InitListExpr;
    static const char *const tables[] = {"moduleslot", "pyslot",    "typeslot",
                                         "methoddef",  "getsetdef", "memberdef"};
    for (size_t i = 0; is_list && i < sizeof(tables) / sizeof(*tables); i++) {
        if (str_same(type->class, tables[i])) {
            if (type->is_array) {
                inits_array(u, list, id, tables[i]);
            }
            else {
                inits_row(u, list, id, strcmp(tables[i], "methoddef") == 0 ? "method" : "getset",
                          0);
            }
            return;
        }
    }
    struct unit_place place = unit_place(u, c);
    unsigned line = 0, column = 0;
    u->cx->getExpansionLocation(u->cx->getCursorLocation(c), NULL, &line, &column, NULL);
    place.line = (int)line; /* at the name, not at `static` */
    place.column = (int)column;
    place.end_column = (int)(column + inits_name_length(&place, line, column));
    unit_set_file(u, &place);
    if (is_list && str_same(type->class, "moduledef")) {
        struct fact_moduledef *def =
            facts_new_moduledef(u->facts, place.line, place.column, place.end_column);
        def->var = id;
        inits_each_field(u, list, inits_moduledef_field, def);
    }
    else if (is_list && str_same(type->class, "typespec") && !type->is_array) {
        struct fact_typespec *spec =
            facts_new_typespec(u->facts, place.line, place.column, place.end_column);
        spec->var = id;
        inits_each_field(u, list, inits_typespec_field, spec);
    }
    else if (is_list && !type->is_array &&
             (str_same(type->class, "type-object") || str_same(type->class, "suite"))) {
        inits_each_field(u, list, inits_typefield, (void *)(size_t)id);
    }
    else if (!inits_is_plain(type)) {
        struct inits_references walk = {.u = u, .id = id};
        u->cx->visitChildren(c, inits_reference, &walk);
    }
}

const char *
inits_kind(struct unit *u, CXCursor c, const char **value)
{
    CXCursor init = u->cx->Cursor_getVarDeclInitializer(c);
    if (u->cx->Cursor_isNull(init)) {
        return "none";
    }
    *value = describe(u, init);
    static const struct {
        const char *prefix, *kind;
    } kinds[] = {{"null", "null"},      {"const:0", "zero"},  {"const", "constant"},
                 {"string:", "string"}, {"list", "list"},     {"call:", "dynamic"},
                 {"func:", "address"},  {"addr:", "address"}, {"immortal:", "address"},
                 {"var:", "address"},   {"new", "dynamic"}};
    if (strcmp(*value, "const:0") == 0) {
        return "zero";
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (i != 1 && str_starts(*value, kinds[i].prefix)) {
            return kinds[i].kind;
        }
    }
    return "value";
}
