/* Questions about values, names and critical sections; see flow.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/shim_names.h"

enum { GUARD_MAX_DEPTH = 2 };

bool
flow_mentions(const char *value, const char *part)
{
    size_t n = part ? strlen(part) : 0;
    for (const char *at = value; n && at && (at = strstr(at, part)) != NULL; at++) {
        bool begins = at == value || at[-1] == ':' || at[-1] == '(' || at[-1] == ',';
        if (begins && (!at[n] || strchr(".,)[ ", at[n]) || at[n] == '-')) {
            return true;
        }
    }
    return false;
}

bool
flow_locked(struct program *p, const struct body *b, long seq)
{
    const char *held = locks_at(p, b, seq);
    STR_WORDS_EACH(held, word)
    {
        if (!str_starts(word.at, "critical(")) {
            return true;
        }
    }
    return false;
}

/* Word number `index` of a comma list, in the program's arena; NULL when there are fewer. */
static const char *
flow_word(struct program *p, const char *list, long index)
{
    for (; list && index > 0; index--) {
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    size_t n = list ? strcspn(list, ",") : 0;
    return n ? arena_copy(&p->arena, list, n) : NULL;
}

/* What stands behind the last '#' (and the function's name) of an id. */
static const char *
flow_short_id(const char *id)
{
    const char *hash = strrchr(id, '#');
    return hash ? hash + 1 : id;
}

const char *
flow_text(struct program *p, const struct body *b, const char *value)
{
    static const char *const wrappers[] = {"field:", "index:", "addr:", "deref:"};
    for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
        if (str_starts(value, wrappers[i])) {
            const char *inner = flow_text(p, b, value + strlen(wrappers[i]));
            return i < 2 || !inner ? inner
                                   : arena_printf(&p->arena, "%s%s", i == 2 ? "&" : "*", inner);
        }
    }
    const char *number = value_of(value, "param");
    if (number) {
        char *path;
        long index = strtol(number, &path, 10);
        const char *name = flow_word(p, b ? b->fact->param_names : NULL, index);
        return name ? arena_printf(&p->arena, "%s%s", name, path) : NULL;
    }
    const char *name = value_of(value, "local");
    const char *call = value_of(value, "call");
    const char *id = value_of(value, "var");
    return name   ? name
           : call ? arena_printf(&p->arena, "%s(...)", flow_short_id(call))
           : id   ? flow_short_id(id)
                  : NULL;
}

bool
flow_is_object_record(const struct program *p, const char *record)
{
    if (!record) {
        return false;
    }
    FACTS_EACH(p->facts, member, m)
    {
        if (m->index == 0 && str_same(m->record, record)) {
            return str_same(m->class, "object-struct") || str_same(m->name, "ob_base") ||
                   str_same(m->name, "ob_refcnt");
        }
    }
    return false;
}

bool
flow_takes_reference(const char *callee)
{
    return callee &&
           str_list_has("Py_INCREF,Py_XINCREF,Py_NewRef,Py_XNewRef,_Py_NewRef,_Py_XNewRef,"
                        "Py_IncRef,PyUnstable_TryIncRef",
                        callee);
}

bool
flow_runs(const struct body *b)
{
    return (b->entry & (ENTRY_RUN | ENTRY_FOREIGN)) != 0;
}

const char *
flow_cell(const struct program *p, const char *table, const char *key, const char *column)
{
    const struct api_table *t = p->rules && key ? ruleset_table(p->rules, table) : NULL;
    return t ? api_table_cell(t, key, column) : NULL;
}

bool
flow_is_python(const struct fact_call *call)
{
    const char *name = call->callee;
    return name && (str_starts(name, "Py") || str_starts(name, "_Py")) &&
           (str_same(call->origin, "python") || str_same(call->origin, "macro") ||
            str_same(call->origin, "system"));
}

/* Private helpers that are known to touch objects. */
static const char *const flow_private[] = {"_PyObject_", "_PyUnicode_", "_PyBytes_", "_PyErr_",
                                           "_PyLong_",   "_PyDict_",    "_PyList_",  "_PyTuple_",
                                           "_PyArg_",    "_PyImport_",  "_PyType_"};

bool
flow_needs_state(const struct program *p, const struct fact_call *call)
{
    if (shim_is_name(call->callee)) {
        return str_same(flow_cell(p, "shim", call->callee, "thread_state"), "attached");
    }
    if (!flow_is_python(call) || str_same(call->origin, "macro")) {
        return false;
    }
    const char *effect = flow_cell(p, "api_no_tstate", call->callee, "effect");
    if (effect) {
        return str_starts(effect, "needs");
    }
    if (call->callee[0] != '_') {
        return !str_starts(call->callee, "PyThread_"); /* locks and threads of the system */
    }
    for (size_t i = 0; i < sizeof(flow_private) / sizeof(*flow_private); i++) {
        if (str_starts(call->callee, flow_private[i])) {
            return true;
        }
    }
    return false;
}

/* The macro that opens a critical section, when the block stands for one in a parse that does not
 * expand it to calls. */
static bool
flow_section_block(const struct fact_block *block)
{
    return str_starts(block->macro, "Py_BEGIN_CRITICAL_SECTION");
}

static bool
flow_section_on(const struct body *b, const struct fact_call *begin, const char *value)
{
    if (!value || !*value) {
        return true;
    }
    for (int i = 0; i < 3; i++) {
        const char *object = call_arg(b, begin, i);
        if (object && (str_same(object, value) || str_same(scan_resolve(b, object, begin->seq),
                                                           scan_resolve(b, value, begin->seq)))) {
            return true;
        }
    }
    return false;
}

static bool
flow_section_begins(const struct fact_call *call)
{
    return call->callee && strstr(call->callee, "CRITICAL_SECTION") != NULL
               ? str_starts(call->callee, "Py_BEGIN_")
               : str_starts(call->callee, "PyCriticalSection") &&
                     strstr(call->callee, "_Begin") != NULL;
}

static bool
flow_section_ends(const struct fact_call *call)
{
    return str_starts(call->callee, "PyCriticalSection")
               ? str_ends(call->callee, "_End")
               : str_starts(call->callee, "Py_END_CRITICAL_SECTION");
}

/* `if (is_list) PyCriticalSection_Begin(&cs, seq); ... if (is_list) PyCriticalSection_End(&cs);`:
 * what stands in between is in the section whenever there is anything to guard. */
static bool
flow_section_is_conditional(const struct body *b, const struct fact_call *one,
                            const struct fact_block *block)
{
    if (!str_same(block->kind, "then") || !str_starts(block->cond, "nonzero(local:")) {
        return false;
    }
    SCAN_CALLS(b, other)
    {
        bool partner =
            flow_section_begins(one) ? flow_section_ends(other) : flow_section_begins(other);
        const struct fact_block *where = partner ? flow_block(b, other->block) : NULL;
        if (where && where != block && str_same(where->kind, "then") &&
            str_same(where->cond, block->cond)) {
            return true;
        }
    }
    return false;
}

/* The block in which a section begins or ends: the macros open one of their own, and the end stands
 * in it. */
static long
flow_section_scope(const struct body *b, const struct fact_call *call)
{
    const struct fact_block *block = flow_block(b, call->block);
    bool outer = block && (flow_section_block(block) ? flow_section_ends(call)
                                                     : flow_section_is_conditional(b, call, block));
    return outer ? block->parent : call->block;
}

/* Is there an end of a section between the two events, in a block that holds the later one? */
static bool
flow_section_ended(const struct body *b, long from, long to, long block)
{
    SCAN_CALLS(b, call)
    {
        if (flow_section_ends(call) && call->seq > from && call->seq < to &&
            flow_inside(b, block, flow_section_scope(b, call))) {
            return true;
        }
    }
    return false;
}

static const struct body *
flow_callee(const struct body *b, const struct fact_call *call)
{
    for (size_t i = 0; call->id && *call->id && i < b->callees.n; i++) {
        if (str_same(b->callees.at[i]->fact->id, call->id)) {
            return b->callees.at[i];
        }
    }
    return NULL;
}

/* `Section guard(self);`: does the constructor of a class of the project begin a section on what
 * it is given, which its destructor ends? */
static bool
flow_guard_on(const struct body *b, const struct fact_call *call, const char *value, int depth)
{
    bool is_cpp = call->id && strstr(call->id, "::") != NULL && depth < GUARD_MAX_DEPTH;
    const struct body *constructor = is_cpp ? flow_callee(b, call) : NULL;
    if (!constructor || constructor == b) {
        return false;
    }
    SCAN_CALLS(constructor, inner)
    {
        const char *number =
            value_of(call_arg(constructor, inner, inner->nargs > 1 ? 1 : 0), "param");
        const char *given = number ? call_arg(b, call, (int)strtol(number, NULL, 10)) : NULL;
        const char *wanted = value && *value ? scan_resolve(b, value, call->seq) : NULL;
        bool same = !wanted || str_same(given, value) ||
                    str_same(scan_resolve(b, given, call->seq), wanted);
        if (flow_section_begins(inner) && same) {
            return !flow_section_ended(constructor, inner->seq, LONG_MAX, inner->block);
        }
        /* A constructor that leaves it to another one of the class. */
        if (same && number &&
            flow_guard_on(constructor, inner, wanted ? number - 6 : NULL, depth + 1)) {
            return true;
        }
    }
    return false;
}

bool
flow_in_critical_section(const struct body *b, long seq, long block, const char *value)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq >= seq) {
            break;
        }
        bool inside = flow_inside(b, block, call->block);
        if (flow_section_begins(call) && flow_inside(b, block, flow_section_scope(b, call)) &&
            flow_section_on(b, call, value) && !flow_section_ended(b, call->seq, seq, block)) {
            return true;
        }
        if (inside && str_starts(call->into, "local:") && flow_guard_on(b, call, value, 0)) {
            return true;
        }
    }
    for (size_t i = 0; i < b->blocks.n && (!value || !*value); i++) {
        const struct fact_block *section = b->blocks.at[i];
        if (flow_section_block(section) && flow_inside(b, block, section->id)) {
            return true;
        }
    }
    return false;
}
