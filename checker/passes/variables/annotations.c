/* Annotations: what the author says about a variable, checked against the code. A true one removes
 * the finding it explains, a false one is a finding itself (ANN01-05). */
#include <string.h>

#include "passes/flow/flow.h"

/* The name behind the last '#', '.', ':' or '>' of an id, descriptor or expression. */
static const char *
annotation_bare(const char *name)
{
    const char *bare = name;
    for (const char *at = name; at && *at; at++) {
        if (strchr("#.:>&", *at)) {
            bare = at + 1;
        }
    }
    return bare;
}

static bool
annotation_holds_lock(struct program *p, const struct body *b, long seq, const char *lock)
{
    const char *held = locks_at(p, b, seq);
    STR_WORDS_EACH(held, word)
    {
        const char *one = arena_copy(&p->arena, word.at, word.n);
        if (str_same(one, lock) || str_same(annotation_bare(one), annotation_bare(lock))) {
            return true;
        }
    }
    return false;
}

static void
annotation_idle(struct program *p, const struct fact_comment *c, const char *why)
{
    struct fact_flaw *flaw = program_flaw(p, &c->at, NULL, "annotation-idle",
                                          c->kind && *c->kind ? c->kind : "extcheck:");
    flaw->detail = why;
}

static bool
annotation_is_member(const struct program *p, const char *name)
{
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->name, name)) {
            return true;
        }
    }
    return false;
}

static bool
annotation_is_taken(struct program *p, const char *lock)
{
    FACTS_EACH(p->facts, call, call)
    {
        const struct body *b = call->locks ? program_body(p, call->func) : NULL;
        if (b && annotation_holds_lock(p, b, call->seq, lock)) {
            return true;
        }
    }
    return false;
}

/* Is it a variable, a member of a struct, or something that is locked somewhere? */
static bool
annotation_lock_exists(struct program *p, const char *lock)
{
    const char *bare = annotation_bare(lock);
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->name, bare)) {
            return true;
        }
    }
    return annotation_is_member(p, bare) || annotation_is_taken(p, lock);
}

static bool
annotation_stores(const struct fact_access *a)
{
    return str_same(a->how, "write") || str_same(a->how, "rmw") ||
           str_same(a->how, "atomic-store") || str_same(a->how, "atomic-rmw") ||
           str_same(a->how, "atomic-cas");
}

static void
annotation_false(struct program *p, const struct fact_comment *c, const struct fact_variable *v,
                 const struct fact *where, const struct body *b, const char *detail)
{
    struct str what = {0};
    str_addf(&what, "annotation-%s", c->kind);
    struct fact_flaw *flaw = program_flaw(p, where, b, arena_string(&p->arena, what.s), v->name);
    str_free(&what);
    flaw->symbol = v->name;
    flaw->detail = c->ids;
    flaw->detail2 = detail;
    flaw_relate(p, flaw, &c->at, "the annotation stands here");
}

static const struct access_list *
annotation_accesses(const struct program *p, const struct fact_variable *v)
{
    static const struct access_list none;
    const struct access_list *list = map_get(&p->accesses_of, v->id);
    return list ? list : &none;
}

/* Every access by code that runs after import must hold the lock. */
static void
annotation_guarded(struct program *p, const struct fact_comment *c, struct fact_variable *v)
{
    const struct access_list *list = annotation_accesses(p, v);
    bool broken = !c->ids;
    for (size_t i = 0; i < list->all.n && c->ids; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = program_body(p, a->func);
        if (b && flow_runs(b) && !annotation_holds_lock(p, b, a->seq, c->ids)) {
            annotation_false(p, c, v, &a->at, b, b->fact->name);
            broken = true;
        }
    }
    if (!broken && !annotation_lock_exists(p, c->ids)) {
        annotation_idle(p, c,
                        arena_printf(&p->arena, "none of the given files has a lock '%s'", c->ids));
        broken = true;
    }
    /* A critical section guards nothing in a build with a GIL: what the accesses hold decides. */
    if (!broken && !str_same(v->locked, "ft")) {
        v->locked = "all";
    }
}

static void
annotation_init_only(struct program *p, const struct fact_comment *c, struct fact_variable *v)
{
    const struct access_list *list = annotation_accesses(p, v);
    bool broken = false;
    for (size_t i = 0; i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = program_body(p, a->func);
        if (b && annotation_stores(a) && flow_runs(b)) {
            annotation_false(p, c, v, &a->at, b, b->fact->name);
            broken = true;
        }
    }
    if (!broken) {
        v->locked = "all"; /* nothing changes while others read */
    }
}

static bool
annotation_is_immortal(const struct body *b, const struct fact_access *a)
{
    const char *value = scan_resolve(b, a->value, a->seq);
    return str_starts(value, "immortal:") || str_same(value, "null") ||
           str_same(value_of(value, "call"), "Py_GetConstantBorrowed") ||
           str_same(value_of(value, "call"), "Py_GetConstant");
}

/* Is the variable, or the local that is stored in it, handed to a call that makes it immortal? */
static bool
annotation_made_immortal(const struct body *b, const struct fact_variable *v,
                         const struct fact_access *a)
{
    SCAN_CALLS(b, call)
    {
        const char *object = scan_call_is(call, "PyUnstable_SetImmortal,_Py_SetImmortal")
                                 ? call_arg(b, call, 0)
                                 : NULL;
        if (object && (str_same(object, a->value) || str_same(value_of(object, "var"), v->id) ||
                       str_same(object, v->id))) {
            return true;
        }
    }
    return false;
}

static void
annotation_immortal(struct program *p, const struct fact_comment *c, struct fact_variable *v)
{
    const struct access_list *list = annotation_accesses(p, v);
    bool broken = false;
    for (size_t i = 0; i < list->all.n && !v->immortal_only; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = program_body(p, a->func);
        if (b && b->entry && annotation_stores(a) && !annotation_is_immortal(b, a) &&
            !annotation_made_immortal(b, v, a)) {
            annotation_false(p, c, v, &a->at, b, a->value);
            broken = true;
        }
    }
    if (!broken) {
        v->immortal_only = 1;
    }
}

/* Can Python code reach the function on any thread? A function that a thread starts with is run,
 * but not called from Python; one that a method calls is. */
static bool
annotation_any_thread(struct body *b, unsigned mark)
{
    if (b->mark == mark) {
        return false;
    }
    b->mark = mark;
    bool starts_thread = (b->entry & ENTRY_FOREIGN) && str_same(b->binding, "callback");
    if (b->binding && !starts_thread) {
        return (b->entry & ENTRY_RUN) != 0;
    }
    if (!b->callers.n && !starts_thread) {
        return (b->entry & ENTRY_RUN) != 0;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        if (annotation_any_thread(b->callers.at[i], mark)) {
            return true;
        }
    }
    return false;
}

/* Thread-local, or used only by code that the start functions of threads reach. */
static void
annotation_confined(struct program *p, const struct fact_comment *c, struct fact_variable *v)
{
    const struct access_list *list = annotation_accesses(p, v);
    bool broken = false;
    for (size_t i = 0; i < list->all.n && !v->is_tls; i++) {
        const struct fact_access *a = list->all.at[i];
        struct body *b = program_body(p, a->func);
        if (b && annotation_any_thread(b, (unsigned)++p->next_mark)) {
            annotation_false(p, c, v, &a->at, b, b->fact->name);
            broken = true;
        }
    }
    if (!broken) {
        v->locked = "all";
    }
}

static const struct {
    const char *kind;
    void (*verify)(struct program *, const struct fact_comment *, struct fact_variable *);
} annotation_kinds[] = {
    {"guarded-by", annotation_guarded},
    {"init-only", annotation_init_only},
    {"immortal", annotation_immortal},
    {"thread-confined", annotation_confined},
};

static void
annotation_check(struct program *p, const struct fact_comment *c)
{
    for (size_t i = 0; i < sizeof(annotation_kinds) / sizeof(*annotation_kinds); i++) {
        if (!str_same(c->kind, annotation_kinds[i].kind)) {
            continue;
        }
        struct fact_variable *v = c->target ? program_variable(p, c->target) : NULL;
        if (!v) {
            annotation_idle(p, c, "no variable is declared on this line or the next");
        }
        else if (str_same(c->kind, "guarded-by") && !c->ids) {
            annotation_idle(p, c, "it does not name the lock: guarded-by(lock)");
        }
        else {
            annotation_kinds[i].verify(p, c, v);
            if (!c->reason) {
                annotation_idle(p, c, "it gives no reason");
            }
        }
        return;
    }
    /* Unknown words are META04's business. */
}

void
pass_annotations(struct program *p)
{
    FACTS_EACH(p->facts, comment, c)
    {
        if (!str_same(c->kind, "ignore")) {
            annotation_check(p, c);
        }
    }
}
