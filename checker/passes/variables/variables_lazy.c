/* First-use initialisation: a variable that is tested and then filled at run time. */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/link.h"

/* Does the condition say that the variable is still empty? word: null, zero, eq, lt ... */
static bool
lazy_tests(const char *cond, const char *word, const char *id)
{
    struct str pattern = {0}, turned = {0};
    str_addf(&pattern, "%s(var:%s", word, id);
    const char *at = cond ? strstr(cond, pattern.s) : NULL;
    /* `if (-1 == x)` asks the same. */
    str_addf(&turned, ",var:%s)", id);
    const char *end = cond ? strstr(cond, turned.s) : NULL;
    bool found = end && str_starts(cond, word) && cond[strlen(word)] == '(' &&
                 !memchr(cond + strlen(word) + 1, '(', (size_t)(end - cond) - strlen(word) - 1);
    str_free(&turned);
    while (at && !found) {
        bool start = at == cond || at[-1] == ' ';
        char next = at[pattern.n];
        found = start && (next == ')' || next == ',' || next == '[' || next == '.');
        at = strstr(at + 1, pattern.s);
    }
    str_free(&pattern);
    return found;
}

static bool
lazy_is_empty_test(const char *cond, const char *id)
{
    return lazy_tests(cond, "null", id) || lazy_tests(cond, "zero", id) ||
           lazy_tests(cond, "eq", id) || lazy_tests(cond, "lt", id);
}

static bool
lazy_is_full_test(const char *cond, const char *id)
{
    return lazy_tests(cond, "nonnull", id) || lazy_tests(cond, "nonzero", id) ||
           lazy_tests(cond, "ne", id) || lazy_tests(cond, "gt", id);
}

static bool
lazy_returns_inside(const struct body *b, const struct fact_block *block)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *j = (const struct fact_jump *)(void *)b->events.at[i];
        if (j->at.kind == FACT_jump && j->seq >= block->first && j->seq <= block->last &&
            (str_same(j->kind, "return") || str_same(j->kind, "goto"))) {
            return true;
        }
    }
    return false;
}

/* The branch that decides whether the write happens: `if (!x) { x = ... }`, or the else of
 * `if (x)`, or an earlier `if (x) return`. */
static const struct fact_block *
lazy_guard(const struct body *b, const struct variable_use *use, const char *id)
{
    /* The outermost test counts: in double-checked locking it is the one without the lock. */
    const struct fact_block *outermost = NULL;
    for (const struct fact_block *block = flow_block(b, use->access->block); block;
         block = flow_block(b, block->parent)) {
        bool then = str_same(block->kind, "then");
        if ((then && lazy_is_empty_test(block->cond, id)) ||
            (str_same(block->kind, "else") && lazy_is_full_test(block->cond, id))) {
            outermost = block;
        }
    }
    if (outermost) {
        return outermost;
    }
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        if (block->last < use->seq && str_same(block->kind, "then") &&
            lazy_is_full_test(block->cond, id) && lazy_returns_inside(b, block)) {
            return block;
        }
    }
    return NULL;
}

bool
variables_import_tests(const struct fact_variable *v, const struct variable_uses *uses)
{
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        bool import = use->body && (use->kind & USE_WRITE) && use->body->entry == ENTRY_INIT &&
                      use->access->at.kind == FACT_access;
        if (import && lazy_guard(use->body, use, v->id)) {
            return true;
        }
    }
    return false;
}

/* Are other statics filled where the flag is set? Then the flag guards them. */
static bool
lazy_guards_others(const struct program *p, const struct body *b, const struct fact_block *guard,
                   const struct fact_variable *v, long seq)
{
    bool earlier_return = guard->last < seq;
    long first = earlier_return ? guard->last : guard->first;
    long last = earlier_return ? seq + 1000000 : guard->last;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *event = b->events.at[i];
        if (event->kind == FACT_access) {
            const struct fact_access *a = (const struct fact_access *)(const void *)event;
            bool other =
                !str_same(a->var, v->id) && program_variable(p, a->var) &&
                (str_same(a->how, "write") || str_same(a->how, "rmw") || str_same(a->how, "addr"));
            if (other && a->seq >= first && a->seq <= last) {
                return true;
            }
        }
        else if (event->kind == FACT_call) {
            const struct fact_call *c = (const struct fact_call *)(const void *)event;
            struct body *callee = c->id ? program_body(p, c->id) : NULL;
            if (callee && c->seq >= first && c->seq <= last && str_same(c->result, "discarded")) {
                return true; /* init_tables(); flag = 1; */
            }
        }
    }
    return false;
}

static bool
lazy_is_constant_write(const struct variable_use *use)
{
    return use->value && strncmp(use->value, "const:", 6) == 0;
}

static const char *
lazy_word(struct program *p, const struct fact_variable *v, const struct variable_use *use,
          const struct fact_block *guard)
{
    const char *held = locks_at(p, use->body, use->seq);
    if (held && strncmp(held, "critical(", 9) != 0) {
        const char *at_test = locks_at(p, use->body, guard->first - 1);
        return str_list_has(held, "once") ? "once" : at_test ? "locked" : "double-checked";
    }
    bool scalar = str_same(v->class, "scalar") && !v->is_array;
    if (!scalar) {
        return "null-check";
    }
    if (lazy_is_constant_write(use) && lazy_guards_others(p, use->body, guard, v, use->seq)) {
        return "flag";
    }
    return "probe";
}

/* `(x >= 0 ? x : (x = probe()))`: tested and filled in one expression, from a function of the
 * project that is given nothing to depend on. */
static bool
lazy_is_inline_probe(const struct program *p, const struct fact_variable *v,
                     const struct variable_use *use)
{
    const char *maker = value_of(use->value, "call");
    bool probes = false, tested = false;
    SCAN_CALLS(use->body, call)
    {
        probes |= call->seq < use->seq && call->at.line == use->access->at.line &&
                  str_same(call->id, maker) && call->nargs == 0;
    }
    SCAN_ACCESSES(use->body, a)
    {
        tested |= a->seq < use->seq && a->at.line == use->access->at.line &&
                  str_same(a->how, "read") && str_same(a->var, v->id);
    }
    return probes && tested && program_body(p, maker) && str_same(v->class, "scalar") &&
           !v->is_array;
}

void
variables_lazy(struct program *p, struct fact_variable *v, const struct variable_uses *uses)
{
    static const char *const strength[] = {"locked",         "once",       "probe",
                                           "double-checked", "null-check", "flag"};
    int best = -1;
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        bool live = use->body && (use->body->entry & (ENTRY_RUN | ENTRY_FOREIGN));
        if (!live || !(use->kind & USE_WRITE) || str_same(use->value, "null") ||
            use->access->at.kind != FACT_access || (use->kind & USE_ATOMIC)) {
            continue;
        }
        const struct fact_block *guard = lazy_guard(use->body, use, v->id);
        if (!guard && !lazy_is_inline_probe(p, v, use)) {
            continue;
        }
        const char *word = guard ? lazy_word(p, v, use, guard) : "probe";
        for (int k = 0; k < (int)(sizeof(strength) / sizeof(*strength)); k++) {
            if (k > best && strcmp(word, strength[k]) == 0) {
                best = k;
            }
        }
    }
    v->lazy = best >= 0 ? strength[best] : NULL;
}
