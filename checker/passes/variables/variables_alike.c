/* Does every import leave the same in a variable? Then a second import writes what stands there
 * already, which no reader notices. Either all writes store one constant, or functions that nothing
 * outside can influence compute the values. */
#include <stdlib.h>
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/link.h"

enum { ALIKE_MAX_DEPTH = 3 };

static bool
alike_is_write(const struct variable_use *use)
{
    return (use->kind & (USE_WRITE | USE_RMW)) && use->body && use->body->entry;
}

/* Is the value a number, or the address of something that never moves? */
static bool
alike_is_constant(const char *value)
{
    static const char *const kinds[] = {"const:", "func:", "addr:var:", "immortal:", "string:"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (str_starts(value, kinds[i])) {
            return true;
        }
    }
    return false;
}

/* Is a text written that is made from constants only: snprintf(version, n, "%d.%d", 3, 4)? */
static bool
alike_is_printed(const struct variable_use *use)
{
    static const char printers[] = "sprintf,snprintf,PyOS_snprintf,strcpy,strncpy,memcpy";
    const char *name = value_of(use->value, "call");
    if (!name || !str_list_has(printers, name) || use->body->entry != ENTRY_INIT) {
        return false;
    }
    const struct fact_call *print = NULL;
    SCAN_CALLS(use->body, call)
    {
        print = !print && call->seq > use->seq && str_same(call->callee, name) ? call : print;
    }
    for (int i = 1; print && i < print->nargs; i++) {
        const char *value = call_arg(use->body, print, i);
        if (!str_starts(value, "const:") && !str_starts(value, "string:")) {
            return false;
        }
    }
    return print && str_same(value_of(call_arg(use->body, print, 0), "var"), use->access->var);
}

/* Is a number worked out from nothing but constants and local numbers that no call filled
 * (`int one = 1; big_endian = *(char *)&one == 0;`)? Local numbers leave no facts, so the function
 * must not get any from outside. */
static bool
alike_is_local_number(const struct fact_variable *v, const struct variable_use *use)
{
    const struct body *b = use->body;
    if (!str_same(use->value, "expr") || !str_same(v->class, "scalar") || use->access->path ||
        b->entry != ENTRY_INIT) {
        return false;
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *e = b->events.at[i];
        const struct fact_call *call = (const struct fact_call *)(const void *)e;
        bool fills = e->kind == FACT_call && !str_same(call->result, "discarded") &&
                     (call->at.line == use->access->at.line ||
                      (str_starts(call->into, "local:") && !flow_is_python(call)) ||
                      strstr(call->callee, "_As") || strstr(call->callee, "GetID"));
        bool reads = e->kind == FACT_access && e->line == use->access->at.line &&
                     (const struct fact_access *)(const void *)e != use->access;
        if (fills || reads) {
            return false;
        }
    }
    STR_WORDS_EACH(b->fact->params, word)
    {
        if (word.n != 14 || strncmp(word.at, "object-pointer", 14) != 0) {
            return false;
        }
    }
    return true;
}

/* Do all writes store the same constant (or NULL while another constant is the only value)? */
static bool
alike_constants(const struct fact_variable *v, const struct variable_uses *uses)
{
    const char *value = NULL;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!alike_is_write(use)) {
            continue;
        }
        /* Elements may get different constants, as long as only import fills them. */
        bool element = use->access->path && use->body->entry == ENTRY_INIT;
        /* A member set from another member of the same element: the same on every import. */
        bool derived = element && value_of(use->value, "field") &&
                       str_starts(use->value + 6, use->access->var);
        bool number = (element && str_starts(use->value, "const")) || derived;
        bool made = alike_is_printed(use) || alike_is_local_number(v, use);
        if ((use->kind & USE_RMW) || (!alike_is_constant(use->value) && !number && !made) ||
            (value && !str_same(value, use->value) && !element) ||
            (use->access->path && !element) || (value && made)) {
            return false;
        }
        value = use->value;
    }
    return value != NULL;
}

/* ---- values that are computed ---- */

static bool alike_is_closed(const struct program *p, const struct body *b,
                            const struct fact_variable *v, int depth);

/* Does the access bring in something that may differ from import to import? */
static bool
alike_brings_in(const struct program *p, const struct body *b, const struct fact_variable *v,
                const struct fact_access *a)
{
    const struct fact_variable *other = program_variable(p, a->var);
    if (!other) {
        return !str_starts(a->var, "local:") && !str_starts(a->var, "param:");
    }
    if (other == v || other->is_const || str_same(a->how, "write")) {
        return false;
    }
    bool filled = false; /* an array that the same function fills */
    SCAN_ACCESSES(b, fill)
    {
        filled |= other->is_array && str_same(fill->how, "write") && str_same(fill->var, a->var);
    }
    return !filled;
}

/* Are the parameters of the function numbers, but for the one that is the table? */
static bool
alike_takes_numbers(const struct body *b, long table)
{
    long index = 0;
    STR_WORDS_EACH(b->fact->params, word)
    {
        if (index++ != table && (word.n != 6 || strncmp(word.at, "scalar", 6) != 0)) {
            return false;
        }
    }
    return true;
}

static bool
alike_is_closed(const struct program *p, const struct body *b, const struct fact_variable *v,
                int depth)
{
    if (depth > ALIKE_MAX_DEPTH) {
        return false;
    }
    SCAN_CALLS(b, call)
    {
        const struct body *callee = scan_body(p, call->id);
        if (!callee || callee == b || !alike_takes_numbers(callee, -1) ||
            !alike_is_closed(p, callee, v, depth + 1)) {
            return false;
        }
    }
    SCAN_ACCESSES(b, a)
    {
        if (alike_brings_in(p, b, v, a)) {
            return false;
        }
    }
    return true;
}

/* Do all calls of the helper give it constants, but for the table? */
static bool
alike_called_with_constants(const struct body *helper, long table)
{
    for (size_t i = 0; i < helper->callers.n; i++) {
        const struct body *caller = helper->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            for (int k = 0; str_same(call->id, helper->fact->id) && k < call->nargs; k++) {
                if (k != table && !alike_is_constant(call_arg(caller, call, k))) {
                    return false;
                }
            }
        }
    }
    return !helper->address_taken && !helper->binding;
}

/* Is every element stored once? What is cleared first is wrong for a while. */
static bool
alike_stores_once(const struct body *b, const char *ref)
{
    int stores = 0;
    bool constant = false;
    SCAN_ACCESSES(b, a)
    {
        if (!str_same(a->var, ref) || str_same(a->how, "read") || str_same(a->how, "addr")) {
            continue;
        }
        if (!str_same(a->how, "write")) {
            return false;
        }
        stores++;
        constant |= str_starts(a->value, "const");
    }
    return stores == 1 || (stores > 1 && !constant);
}

/* The helper that a table is handed to, and the number of the argument. */
static const struct body *
alike_helper(const struct program *p, const struct variable_use *use, long *index)
{
    const char *context = value_of(use->access->context, "arg");
    const char *number = context ? strrchr(context, ':') : NULL;
    *index = number ? strtol(number + 1, NULL, 10) : -1;
    SCAN_CALLS(use->body, call)
    {
        if (number && call->seq > use->access->seq) {
            const char *given = call_arg(use->body, call, (int)*index);
            bool same = str_starts(given, "var:") && str_same(given + 4, use->access->var);
            return same ? scan_body(p, call->id) : NULL;
        }
    }
    return NULL;
}

static bool
alike_computed(struct program *p, const struct fact_variable *v, const struct variable_uses *uses)
{
    bool any = false;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!alike_is_write(use)) {
            continue;
        }
        long table = -1;
        bool handed = str_same(use->access->how, "addr");
        const struct body *writer = handed ? alike_helper(p, use, &table) : use->body;
        const char *ref = handed ? arena_printf(&p->arena, "param:%ld", table) : v->id;
        if (!writer || (use->kind & USE_RMW) || use->body->entry != ENTRY_INIT ||
            (!handed && writer->fact->nparams && !alike_called_with_constants(writer, -1)) ||
            (handed && !alike_called_with_constants(writer, table)) ||
            !alike_takes_numbers(writer, table) || !alike_stores_once(writer, ref) ||
            !alike_is_closed(p, writer, v, 0)) {
            return false;
        }
        any = true;
    }
    return any;
}

/* Are there writes that may not happen? */
static bool
alike_is_optional(const struct variable_uses *uses)
{
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        const struct fact_block *block =
            alike_is_write(use) ? flow_block(use->body, use->access->block) : NULL;
        if (block && !str_same(block->kind, "body") && !str_same(block->kind, "loop")) {
            return true;
        }
    }
    return false;
}

int
variables_alike(struct program *p, const struct fact_variable *v, const struct variable_uses *uses)
{
    if (!alike_constants(v, uses) && !alike_computed(p, v, uses)) {
        return 0;
    }
    return alike_is_optional(uses) || variables_import_tests(v, uses) ? 2 : 1;
}
