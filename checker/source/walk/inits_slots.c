/* Slot arrays: PyModuleDef_Slot, PySlot and PyType_Slot. */
#include <ctype.h>
#include <string.h>

#include "source/walk/inits.h"

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

void
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
