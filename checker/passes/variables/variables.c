/* Derived fields of variables: who writes them when, from what, and under which lock. */
#include <stdlib.h>
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/link.h"
#include "passes/program/type_scan.h"

/* Storage of its own, as opposed to what a pointer points to. */
static bool
variables_shares_python(const struct fact_variable *v)
{
    return v->holds && str_list_has(v->holds, "object-pointer");
}

static unsigned
variables_entry(const struct variable_use *use)
{
    return use->body ? use->body->entry : 0;
}

static void
variables_writers(struct program *p, struct fact_variable *v, const struct variable_uses *uses)
{
    unsigned written = 0, read = 0;
    bool dead = false;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!use->body) {
            v->escapes += (use->kind & USE_ESCAPE) != 0;
            continue;
        }
        if (use->kind & (USE_WRITE | USE_RMW)) {
            bool main_only = main_only_at(p, use->body, use->seq);
            dead |= !variables_entry(use) || main_only;
            written |= main_only ? 0U : variables_entry(use);
            v->writes++;
            v->rmw += (use->kind & USE_RMW) != 0 && !(use->kind & USE_ATOMIC);
            if (variables_entry(use)) {
                link_add_word(p, &v->writers, use->body->fact->name);
            }
        }
        if (use->kind & (USE_READ | USE_RMW)) {
            read |= variables_entry(use);
            v->reads++;
        }
        v->escapes += (use->kind & USE_ESCAPE) != 0;
    }
    v->written = written ? entry_words(p, written) : dead ? "dead" : NULL;
    v->read = entry_words(p, read);
}

/* Objects that exist once in the process and never end, whoever asks for them. */
static bool
variables_is_singleton(const struct fact_call *call, const char *given)
{
    const char *number = value_of(given, "const");
    long n = number ? strtol(number, NULL, 10) : 1000;
    if (scan_call_is(call, "PyTuple_New")) {
        return number && n == 0;
    }
    return number && n >= -5 && n <= 256 &&
           scan_call_is(call, "PyLong_FromLong,PyLong_FromSsize_t,PyLong_FromUnsignedLong,"
                              "PyLong_FromSize_t,PyLong_FromLongLong,PyLong_FromUnsignedLongLong");
}

/* Is what is stored an immortal object: None, a builtin type, a small number, the empty tuple? */
static bool
variables_is_immortal(const struct variable_use *use)
{
    const char *maker = value_of(use->value, "call");
    const struct fact_call *call = NULL;
    SCAN_CALLS(use->body, c)
    {
        bool makes = maker && c->seq < use->seq && str_same(c->callee, maker);
        call = makes && str_same(value_of(c->into, "var"), use->access->var) ? c : call;
    }
    return call ? variables_is_singleton(call, call_arg(use->body, call, 0))
                : str_starts(use->value, "immortal:");
}

static bool
variables_all_immortal(const struct variable_uses *uses)
{
    bool any = false;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!(use->kind & (USE_WRITE | USE_RMW))) {
            continue;
        }
        bool immortal = use->body && variables_is_immortal(use);
        if (!immortal && !str_same(use->value, "null")) {
            return false;
        }
        any |= immortal;
    }
    return any;
}

static bool
variables_all_atomic(const struct fact_variable *v, const struct variable_uses *uses)
{
    bool any = false;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!use->body || !(variables_entry(use) & (ENTRY_RUN | ENTRY_FOREIGN))) {
            continue;
        }
        if (!(use->kind & USE_ATOMIC) && !v->is_atomic) {
            return false;
        }
        any = true;
    }
    return any || v->is_atomic;
}

/* Is it written by import alone, and with atomic stores only? */
static bool
variables_published(const struct variable_uses *uses)
{
    bool any = false;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!variables_entry(use) || !(use->kind & (USE_WRITE | USE_RMW))) {
            continue;
        }
        if (!(use->kind & USE_ATOMIC) || variables_entry(use) != ENTRY_INIT) {
            return false;
        }
        any = true;
    }
    return any;
}

/* Locks that also work in a GIL build: everything but critical sections. */
static bool
variables_works_everywhere(const char *list)
{
    STR_WORDS_EACH(list, word)
    {
        if (!str_starts(word.at, "critical(")) {
            return true;
        }
    }
    return false;
}

/* `lock(m); if (done) goto out; ... the write ... done = 1; out: unlock(m);` */
static bool
variables_behind_flag(struct program *p, const struct variable_use *use)
{
    const struct body *b = use->body;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (jump->at.kind != FACT_jump || jump->seq > use->seq ||
            !variables_works_everywhere(locks_at(p, b, jump->seq))) {
            continue;
        }
        const struct fact_block *block = flow_block(b, jump->block);
        const char *flag = block && str_same(block->kind, "then") && block->cond
                               ? value_of(block->cond, "nonzero(var")
                               : NULL;
        SCAN_ACCESSES(b, a)
        {
            size_t n = flag ? strcspn(flag, ")") : 0;
            if (n && a->seq >= use->seq && strncmp(a->var, flag, n) == 0 && !a->var[n] &&
                str_same(a->how, "write") && str_starts(a->value, "const") &&
                variables_works_everywhere(locks_at(p, b, a->seq))) {
                return true;
            }
        }
    }
    return false;
}

/* Do all writes happen inside a function that runs once per process? */
static bool
variables_written_once(struct program *p, const struct variable_uses *uses)
{
    bool any = false;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        bool counts = (use->kind & (USE_WRITE | USE_RMW)) &&
                      (variables_entry(use) & (ENTRY_INIT | ENTRY_RUN | ENTRY_FOREIGN));
        if (!counts) {
            continue;
        }
        if (!str_list_has(locks_at(p, use->body, use->seq), "once") &&
            !(variables_entry(use) == ENTRY_INIT && variables_behind_flag(p, use))) {
            return false;
        }
        any = true;
    }
    return any;
}

/* Is it used by anything but import? */
static bool
variables_run_time(const struct variable_uses *uses)
{
    for (size_t i = 0; i < uses->all.n; i++) {
        if (variables_entry(&uses->all.at[i]) & (ENTRY_RUN | ENTRY_FOREIGN)) {
            return true;
        }
    }
    return false;
}

static void
variables_lock_evidence(struct program *p, struct fact_variable *v,
                        const struct variable_uses *uses)
{
    const char *common = NULL;
    bool first = true, some = false;
    if (variables_written_once(p, uses)) {
        v->locked = "all"; /* readers go through the once function first */
        return;
    }
    unsigned entry = variables_run_time(uses) ? ENTRY_RUN | ENTRY_FOREIGN : ENTRY_INIT;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        if (!(variables_entry(use) & entry) || (use->kind & USE_ATOMIC)) {
            continue;
        }
        const char *held = locks_at(p, use->body, use->seq);
        some |= held != NULL;
        common = first ? held : link_common_words(p, common, held);
        first = false;
    }
    v->locked = !common ? some ? "some" : "no" : variables_works_everywhere(common) ? "all" : "ft";
}

/* A struct that is filled with addresses of our own static types or objects shares them just as an
 * assignment would: a C API table, for one. */
static void
variables_initialised_with_objects(struct program *p, struct fact_variable *v)
{
    const struct fact_list *list = program_list(&p->inits_of, v->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = (const struct fact_access *)(const void *)list->all.at[i];
        const struct fact_variable *target = program_variable(p, a->var);
        if (target &&
            (str_same(target->class, "type-object") || str_same(target->class, "object-struct"))) {
            link_add_word(p, &v->written, "init");
            link_add_word(p, &v->sources, "addr");
        }
    }
}

static void
variables_one(struct program *p, struct fact_variable *v)
{
    struct variable_uses uses = {{0}};
    variables_uses(p, v, &uses);
    variables_writers(p, v, &uses);
    variables_sources(p, v, &uses);
    v->idempotent = variables_alike(p, v, &uses);
    v->immortal_only = variables_shares_python(v) && variables_all_immortal(&uses);
    v->atomic_access = variables_all_atomic(v, &uses) || variables_published(&uses);
    variables_lock_evidence(p, v, &uses);
    variables_lazy(p, v, &uses);
    if (!v->written && variables_shares_python(v) && str_same(v->class, "struct") && !v->is_array &&
        !v->is_const) {
        variables_initialised_with_objects(p, v);
    }
    vec_free(&uses.all);
}

void
variables_run(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        variables_one(p, v);
    }
    variables_generators(p);
}
