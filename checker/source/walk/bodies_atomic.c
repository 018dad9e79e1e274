/* Atomic operations of a function body: nameless nodes whose name stands in the text, and methods
 * of std::atomic. */
#include <string.h>

#include "source/walk/bodies_expr.h"
#include "source/walk/ops.h"

const char *
bodies_atomic_how(const char *name)
{
    if (!name || (!strstr(name, "atomic") && !str_starts(name, "__sync_"))) {
        return NULL;
    }
    if (strstr(name, "compare_exchange") || strstr(name, "compare_and_swap")) {
        return "atomic-cas";
    }
    if (strstr(name, "load")) {
        return "atomic-load";
    }
    if (strstr(name, "store") || strstr(name, "_clear") || strstr(name, "release")) {
        return "atomic-store";
    }
    if (strstr(name, "exchange") || strstr(name, "fetch") || strstr(name, "test_and_set") ||
        strstr(name, "atomic_add") || strstr(name, "atomic_or") || strstr(name, "atomic_and")) {
        return "atomic-rmw";
    }
    return NULL;
}

/* The atomic operation an unexposed node stands for, or NULL. */
const char *
bodies_atomic_at(struct body_walk *b, CXCursor c)
{
    /* Such macros come from anywhere; the word atomic stands here or in the macro's name. */
    if (b->lexed && !b->lexed->mentions_atomics && !b->u->macros->hide_atomics) {
        return NULL;
    }
    struct unit_place place = unit_spot(b->u, c);
    const char *word = unit_word_at(b->u, &place);
    const char *how = bodies_atomic_how(word);
    if (!how && word) {
        how = bodies_atomic_how(map_get(&b->u->macros->user, word));
    }
    return how;
}

void
bodies_atomic(struct body_walk *b, const struct cx_children *parts, const char *how)
{
    for (unsigned i = 0; i < parts->n; i++) {
        CXCursor inner = cx_strip(b->u->cx, parts->at[i]);
        CXCursor operand = inner;
        bool address = inner.kind == CXCursor_UnaryOperator &&
                       ops_unary(b->u->cx, inner, &operand) == UNARY_ADDRESS;
        if (i == 0 && address) {
            struct usage usage = {
                .how = how, .value = parts->n > 1 ? describe(b->u, parts->at[parts->n - 1]) : NULL};
            bodies_lvalue(b, operand, &usage);
        }
        else if (!address || i > 0) {
            bodies_expression(b, parts->at[i], &usage_read);
        }
    }
}

const char *
bodies_atomic_method(const char *class, const char *method)
{
    static const char *const words[][2] = {{"compare_exchange", "atomic-cas"},
                                           {"load", "atomic-load"},
                                           {"store", "atomic-store"},
                                           {"operator=", "atomic-store"},
                                           {"operator", "atomic-rmw"},
                                           {"exchange", "atomic-rmw"},
                                           {"fetch", "atomic-rmw"}};
    if (!strstr(class, "atomic")) {
        return NULL;
    }
    const char *how = bodies_atomic_how(method);
    for (size_t i = 0; !how && i < sizeof(words) / sizeof(*words); i++) {
        bool whole = strcmp(words[i][0], "operator=") == 0;
        bool fits = whole ? strcmp(method, words[i][0]) == 0 : strstr(method, words[i][0]) != NULL;
        how = fits ? words[i][1] : NULL;
    }
    return how;
}
