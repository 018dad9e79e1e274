/* Locks that cover less than they seem to: an outer critical section while a nested one waits
 * (LCK03), a lock of one object around what all objects share (LCK06, LCK13). */
#include <string.h>

#include "passes/locks/lock_ops.h"

void pass_lock_scope(struct program *p);

/* ---- LCK03 ---- */

/* The object that the critical section of a block locks, locals followed back; NULL in the flavour
 * that leaves nothing of the macro, and for sections on two objects or on a mutex. */
static const char *
scope_object(const struct body *b, const struct fact_block *block)
{
    if (!str_same(block->macro, "Py_BEGIN_CRITICAL_SECTION")) {
        return NULL;
    }
    SCAN_CALLS(b, call)
    {
        if (call->block == block->id && scan_call_is(call, "PyCriticalSection_Begin")) {
            return scan_arg(b, call, 1);
        }
    }
    return NULL;
}

static bool
scope_is_member(const struct program *p, const struct fact_access *a)
{
    return a->class && str_starts(a->path, "->") && !strpbrk(a->path + 2, ".->[*") &&
           flow_is_object_record(p, a->class) && !strstr(a->path, "ob_");
}

/* Does code that runs after import write the member? What nobody changes needs no lock. */
static bool
scope_is_changed(struct program *p, const struct fact_access *seen)
{
    FACTS_EACH(p->facts, access, a)
    {
        bool same = str_same(a->class, seen->class) && str_same(a->path, seen->path);
        if (!same || (!str_same(a->how, "write") && !str_same(a->how, "rmw"))) {
            continue;
        }
        const struct body *b = scan_body(p, a->func);
        bool born = b && b->binding && str_list_has("tp_new,tp_init,tp_alloc", b->binding);
        if (b && flow_runs(b) && !born) {
            return true;
        }
    }
    return false;
}

/* Two objects of one type that the function is given: OBJ10 tells of them. */
static bool
scope_is_pair(const struct body *b, const char *first, const char *second, const char *record)
{
    bool given = str_starts(first, "param:") && str_starts(second, "param:");
    SCAN_ACCESSES(b, a)
    {
        if (given && str_same(a->class, record) && str_starts(a->path, "->") &&
            str_same(scan_resolve(b, a->var, a->seq), second)) {
            return true;
        }
    }
    return false;
}

static void
scope_nested(struct program *p, const struct body *b, const struct fact_block *inner)
{
    const char *second = scope_object(b, inner);
    for (const struct fact_block *outer = second ? flow_block(b, inner->parent) : NULL; outer;
         outer = outer->parent == outer->id ? NULL : flow_block(b, outer->parent)) {
        const char *first = scope_object(b, outer);
        if (!first || str_same(first, second)) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            if (a->seq <= inner->first || a->seq > inner->last || !scope_is_member(p, a) ||
                !str_same(scan_resolve(b, a->var, a->seq), first) || !scope_is_changed(p, a) ||
                scope_is_pair(b, first, second, a->class)) {
                continue;
            }
            struct fact_flaw *flaw = program_flaw(p, &a->at, b, "section-nested", outer->cond);
            flaw->detail = inner->cond;
            flaw->detail2 = a->path + 2;
            flaw->symbol = a->path + 2;
            flaw_relate(p, flaw, &inner->at, "the second section begins here");
            return;
        }
    }
}

/* ---- LCK06, LCK13 ---- */

/* Is it a function of a type, whose first parameter is one of many objects? */
static bool
scope_is_method(struct program *p, struct body *b)
{
    if (b->binding && !str_list_has("method,getter,setter", b->binding)) {
        return str_starts(b->binding, "tp_") || str_starts(b->binding, "nb_") ||
               str_starts(b->binding, "sq_") || str_starts(b->binding, "mp_");
    }
    SCAN_ACCESSES(b, a)
    {
        if (a->class && str_starts(a->path, "->") && flow_is_object_record(p, a->class) &&
            str_same(scan_resolve(b, a->var, a->seq), "param:0")) {
            return b->binding != NULL;
        }
    }
    return b->binding && types_reaching(p, type_index_of(p), b) != NULL;
}

/* The object whose lock a word of the lock list names, as the function names it. */
static const char *
scope_owner(struct program *p, struct body *b, const char *word, long seq)
{
    if (str_starts(word, "critical(")) {
        for (size_t i = 0; i < b->blocks.n; i++) {
            const struct fact_block *block = b->blocks.at[i];
            if (block->first <= seq && block->last >= seq && scope_object(b, block)) {
                return scope_object(b, block);
            }
        }
        return NULL;
    }
    struct lock_ops ops = {{0}};
    const char *owner = NULL;
    lock_ops_of(p, b, &ops);
    for (size_t i = 0; i < ops.all.n && !owner; i++) {
        const struct lock_op *op = &ops.all.at[i];
        const char *name = scan_field_name(op->value);
        if (op->what == LOCK_TAKE && op->call->seq < seq && name && str_same(name, word + 2) &&
            !strchr(op->value, '[')) {
            owner = scan_field_base(p, op->value);
        }
    }
    vec_free(&ops.all);
    return owner;
}

/* Every lock there is one of the object that the method was called for. */
static const char *
scope_object_lock(struct program *p, struct body *b, long seq)
{
    const char *held = locks_at(p, b, seq), *shown = NULL;
    STR_WORDS_EACH(held, found)
    {
        const char *word = intern_n(&p->facts->strings, found.at, found.n);
        bool own = str_starts(word, "->") || str_starts(word, "critical(");
        const char *owner = own && scope_is_method(p, b) ? scope_owner(p, b, word, seq) : NULL;
        if (!str_same(owner, "param:0")) {
            return NULL;
        }
        shown = word;
    }
    return shown;
}

static void
scope_variable(struct program *p, const struct fact_variable *v)
{
    const struct access_list *list = map_get(&p->accesses_of, v->id);
    const struct fact_access *written = NULL;
    const char *lock = NULL;
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        struct body *b = scan_body(p, a->func);
        if (!b || !flow_runs(b)) {
            continue;
        }
        lock = scope_object_lock(p, b, a->seq);
        if (!lock) {
            return;
        }
        written = str_same(a->how, "write") || str_same(a->how, "rmw") ? a : written;
    }
    if (!written) {
        return;
    }
    bool section = str_starts(lock, "critical(");
    struct fact_flaw *flaw =
        program_flaw(p, &v->at, NULL, section ? "section-per-object" : "lock-per-object", v->name);
    flaw->symbol = v->name;
    flaw->modules = v->modules;
    flaw->test_code = v->test_code;
    size_t n = strlen(lock);
    flaw->detail = section ? arena_copy(&p->arena, lock + 9, n - 10) : lock + 2;
    flaw_relate(p, flaw, &written->at, "changed here");
}

void
pass_lock_scope(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        for (size_t k = 0; flow_runs(b) && k < b->blocks.n; k++) {
            scope_nested(p, b, b->blocks.at[k]);
        }
    }
    FACTS_EACH(p->facts, variable, v)
    {
        bool locked = v->locked && str_list_has("all,ft", v->locked);
        if (locked && v->written && !v->is_tls && !v->is_const && !v->is_atomic) {
            scope_variable(p, v);
        }
    }
}
