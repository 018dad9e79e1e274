/* Helpers of the passes about types that look at values and calls; see type_scan.h. */
#include "passes/program/type_scan.h"

#include <string.h>

enum { SCAN_MAX_HOPS = 8, SCAN_MAX_DEPTH = 24 };

static const struct {
    long bit;
    const char *name;
} scan_flags[] = {
    {TYPE_DISALLOW_INSTANTIATION, "Py_TPFLAGS_DISALLOW_INSTANTIATION"},
    {TYPE_IMMUTABLE, "Py_TPFLAGS_IMMUTABLETYPE"},
    {TYPE_BASETYPE, "Py_TPFLAGS_BASETYPE"},
    {TYPE_HAVE_GC, "Py_TPFLAGS_HAVE_GC"},
};

bool
type_flag_named(const char *text, long bit)
{
    for (size_t i = 0; text && i < sizeof(scan_flags) / sizeof(*scan_flags); i++) {
        if (scan_flags[i].bit == bit && strstr(text, scan_flags[i].name)) {
            return true;
        }
    }
    return false;
}

static const char *
type_flag_text(const struct type_info *type)
{
    if (type->spec) {
        return type->spec->flag_text;
    }
    for (size_t i = 0; i < type->fields.n; i++) {
        if (str_same(type->fields.at[i]->field, "tp_flags")) {
            return type->fields.at[i]->text;
        }
    }
    return NULL;
}

bool
type_has_flag(const struct type_info *type, long bit)
{
    return type->flags_known ? (type->flags & bit) != 0
                             : type_flag_named(type_flag_text(type), bit);
}

bool
type_lacks_flag(const struct type_info *type, long bit)
{
    return type->flags_known && !(type->flags & bit);
}

/* The same in a body whose accesses are not sorted: the first later one ends the search. */
static const char *
scan_last_write_unordered(const struct body *b, const char *local, long seq)
{
    const char *value = NULL;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq > seq) {
            break;
        }
        if (a->seq < seq && str_same(a->how, "write") && (!a->path || !*a->path) &&
            str_same(a->var, local)) {
            value = a->value;
        }
    }
    return value;
}

/* The value last written to a whole local before seq, or NULL. */
static const char *
scan_last_write(const struct body *b, const char *local, long seq)
{
    if (b->unordered) {
        return scan_last_write_unordered(b, local, seq);
    }
    const char *value = NULL;
    for (size_t i = 0; i < b->writes.n && b->writes.at[i]->seq < seq; i++) {
        if (str_same(b->writes.at[i]->var, local)) {
            value = b->writes.at[i]->value;
        }
    }
    return value;
}

const char *
scan_resolve(const struct body *b, const char *value, long seq)
{
    for (int hops = 0; hops < SCAN_MAX_HOPS && str_starts(value, "local:"); hops++) {
        const char *written = scan_last_write(b, value, seq);
        if (!written || !*written || str_same(written, value)) {
            break;
        }
        value = written;
    }
    return value;
}

const char *
scan_arg(const struct body *b, const struct fact_call *call, int index)
{
    return scan_resolve(b, call_arg(b, call, index), call->seq);
}

/* Where the last step of a descriptor's path starts (its '.' or "->"), or NULL. */
static const char *
scan_last_step(const char *value)
{
    const char *dot = strrchr(value, '.'), *arrow = strrchr(value, '>');
    const char *step = dot && (!arrow || dot > arrow) ? dot : arrow ? arrow - 1 : NULL;
    const char *name = step ? step + (*step == '.' ? 1 : 2) : NULL;
    return name && *name && !strpbrk(name, "[]*#()/ ") ? step : NULL;
}

const char *
scan_field_name(const char *value)
{
    const char *step = str_starts(value, "field:") ? scan_last_step(value) : NULL;
    return step ? step + (*step == '.' ? 1 : 2) : NULL;
}

const char *
scan_field_base(struct program *p, const char *value)
{
    if (!scan_field_name(value)) {
        return NULL;
    }
    const char *from = value + strlen("field:");
    return arena_copy(&p->arena, from, (size_t)(scan_last_step(value) - from));
}

bool
scan_call_is(const struct fact_call *call, const char *words)
{
    /* Asked of every call many times: one search of the C library is faster than word by word. */
    const char *name = call->callee;
    size_t n = name ? strlen(name) : 0;
    for (const char *at = n ? strstr(words, name) : NULL; at; at = strstr(at + n, name)) {
        if ((at == words || at[-1] == ',') && (!at[n] || at[n] == ',')) {
            return true;
        }
    }
    return false;
}

/* Does a path or descriptor end in the member? */
static bool
scan_ends_in(const char *value, const char *name)
{
    if (!str_ends(value, name)) {
        return false;
    }
    size_t n = strlen(value) - strlen(name);
    return n == 0 || value[n - 1] == '.' || value[n - 1] == '>';
}

bool
scan_call_member(const struct body *b, const struct fact_call *call, const char *name)
{
    if (!str_same(call->origin, "indirect")) {
        return false;
    }
    if (scan_ends_in(call->callee, name) || scan_ends_in(call->id, name)) {
        return true;
    }
    /* The function pointer was read just before the arguments. */
    const struct fact_access *read = NULL;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq >= call->seq) {
            break;
        }
        read = str_same(a->context, "called") ? a : read;
    }
    return read && scan_ends_in(read->path, name);
}

bool
scan_asks_slot(const struct body *b, const struct fact_call *call, int number)
{
    const char *asked = str_same(call->callee, "PyType_GetSlot") ? call_arg(b, call, 1) : NULL;
    const char *digits = value_of(asked, "const");
    return digits && strtol(digits, NULL, 10) == number;
}

const char *
scan_member_class(const struct program *p, const char *record, const char *name)
{
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->name, name) && str_same(m->record, record)) {
            return m->class;
        }
    }
    return NULL;
}

bool
scan_is_type_of(const struct body *b, const char *value, const char *text, long seq)
{
    const char *resolved = scan_resolve(b, value, seq);
    const char *api = value_of(resolved, "call");
    if ((api && str_list_has("Py_TYPE,_Py_TYPE,_Py_TYPE_impl,PyObject_Type", api)) ||
        str_same(scan_field_name(resolved), "ob_type")) {
        return true;
    }
    return text && (strstr(text, "Py_TYPE") || strstr(text, "ob_type"));
}

static const struct fact_call *
scan_visit(struct program *p, struct body *b, scan_test *test, void *context, int depth,
           const struct body **where)
{
    if (b->mark == (unsigned)p->next_mark || depth > SCAN_MAX_DEPTH) {
        return NULL;
    }
    b->mark = (unsigned)p->next_mark;
    SCAN_CALLS(b, call)
    {
        if (test(p, b, call, context)) {
            if (where) {
                *where = b;
            }
            return call;
        }
    }
    for (size_t i = 0; i < b->callees.n; i++) {
        const struct fact_call *found =
            scan_visit(p, b->callees.at[i], test, context, depth + 1, where);
        if (found) {
            return found;
        }
    }
    return NULL;
}

const struct fact_call *
scan_reach(struct program *p, struct body *b, scan_test *test, void *context,
           const struct body **where)
{
    p->next_mark++;
    return scan_visit(p, b, test, context, 0, where);
}

static bool
scan_test_named(struct program *p, const struct body *b, const struct fact_call *call,
                void *context)
{
    (void)p;
    (void)b;
    return scan_call_is(call, *(const char *const *)context);
}

const struct fact_call *
scan_reach_named(struct program *p, struct body *b, const char *words)
{
    return scan_reach(p, b, scan_test_named, &words, NULL);
}

struct fact_variable *
scan_static_type(const struct program *p, const struct body *b, const char *value, long seq)
{
    const char *resolved = b ? scan_resolve(b, value, seq) : value;
    const char *target = value_of(resolved, "addr");
    const char *id = target ? value_of(target, "var") : NULL;
    struct fact_variable *v = id ? program_variable(p, id) : NULL;
    return v && str_same(v->class, "type-object") ? v : NULL;
}

bool
scan_is_constant(const char *value)
{
    return str_same(value, "null") || str_starts(value, "string") || str_starts(value, "const:") ||
           str_starts(value, "func:") || str_starts(value, "immortal:") ||
           str_starts(value, "addr:var:");
}

struct fact_flaw *
type_flaw(struct program *p, const struct fact *where, const struct body *b, const char *what,
          const struct type_info *type, const char *detail)
{
    const char *known = type->variable ? type->variable->name : type->id;
    const char *name = type->name && *type->name ? type->name : known;
    struct fact_flaw *flaw = program_flaw(p, where, b, what, name);
    flaw->detail = facts_intern(p->facts, detail);
    if (type->variable) {
        /* A spec is only the recipe: what is wrong is the type that Python sees. */
        flaw->symbol = type->spec && type->name ? type->name : type->variable->name;
        flaw->test_code = flaw->test_code || type->variable->test_code;
        if (!flaw->modules || !*flaw->modules) {
            flaw->modules = type->variable->modules;
        }
    }
    return flaw;
}

void
flaw_relate(struct program *p, struct fact_flaw *flaw, const struct fact *where, const char *text)
{
    flaw->rel_file = facts_intern(p->facts, where->file);
    flaw->rel_line = where->line;
    flaw->rel_text = facts_intern(p->facts, text);
}
