/* Sets of locks, as comma lists, and the names in them. */
#include <string.h>

#include "passes/flow/locks.h"
#include "passes/program/link.h"

const char *
locks_remove(struct program *p, const char *list, const char *name)
{
    if (!list || !name || !str_list_has(list, name)) {
        return list;
    }
    struct str s = {0};
    STR_WORDS_EACH(list, word)
    {
        if (word.n != strlen(name) || strncmp(word.at, name, word.n) != 0) {
            str_addf(&s, "%s%.*s", s.n ? "," : "", (int)word.n, word.at);
        }
    }
    const char *kept = s.n ? facts_intern(p->facts, s.s) : NULL;
    str_free(&s);
    return kept;
}

const char *
locks_union(struct program *p, const char *a, const char *b)
{
    STR_WORDS_EACH(b, word)
    {
        link_add_word(p, &a, intern_n(&p->facts->strings, word.at, word.n));
    }
    return a;
}

/* As one name of a comma list. */
static const char *
set_keep(struct program *p, struct str *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->s[i] = s->s[i] == ',' ? ';' : s->s[i];
    }
    const char *kept = facts_intern(p->facts, s->s);
    str_free(s);
    return kept;
}

const char *
locks_name(struct lock_walk *w, const char *value)
{
    const char *inner = value_of(value, "addr");
    inner = inner ? inner : value_of(value, "field");
    inner = inner ? inner : value;
    if (!inner) {
        return "lock";
    }
    const char *id = value_of(inner, "var");
    const struct fact_variable *v = program_variable(w->p, id);
    if (v) {
        return v->name;
    }
    if (value_of(inner, "immortal")) {
        struct str whole = {0};
        str_addf(&whole, "%s", value_of(inner, "immortal"));
        return set_keep(w->p, &whole);
    }
    const char *arrow = strrchr(inner, '>'), *dot = strrchr(inner, '.');
    const char *member = arrow > dot ? arrow + 1 : dot ? dot + 1 : NULL;
    struct str s = {0};
    str_addf(&s, "%s%s", member ? "->" : "", member ? member : inner);
    return set_keep(w->p, &s);
}

const char *
locks_critical_name(struct lock_walk *w, const char *text)
{
    struct str s = {0};
    str_addf(&s, "critical(%s)", text ? text : "");
    return set_keep(w->p, &s);
}

void
locks_acquire(struct lock_walk *w, const char *name)
{
    link_add_word(w->p, &w->held, name);
}

void
locks_release(struct lock_walk *w, const char *name)
{
    if (!str_list_has(w->held, name)) {
        link_add_word(w->p, &w->state->releases, name);
    }
    w->held = locks_remove(w->p, w->held, name);
}
