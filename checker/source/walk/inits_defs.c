/* Definitions that Python reads: PyModuleDef, PyType_Spec, static types and the rows of method,
 * getset and member tables. */
#include <stddef.h>
#include <string.h>

#include "source/walk/inits.h"

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

void
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

void
inits_moduledef(struct unit *u, CXCursor list, const struct unit_place *place, const char *id)
{
    struct fact_moduledef *def =
        facts_new_moduledef(u->facts, place->line, place->column, place->end_column);
    def->var = id;
    inits_each_field(u, list, inits_moduledef_field, def);
}

void
inits_typespec(struct unit *u, CXCursor list, const struct unit_place *place, const char *id)
{
    struct fact_typespec *spec =
        facts_new_typespec(u->facts, place->line, place->column, place->end_column);
    spec->var = id;
    inits_each_field(u, list, inits_typespec_field, spec);
}

void
inits_type(struct unit *u, CXCursor list, const char *id)
{
    inits_each_field(u, list, inits_typefield, (void *)(size_t)id);
}
