/* Where the values written to a variable come from, through locals, parameters and returns. */
#include <string.h>

#include "passes/program/link.h"

enum { MAX_SOURCE_DEPTH = 4 };

struct sources_walk {
    struct program *p;
    const char **list;
};

static void sources_value(struct sources_walk *w, const struct body *b, const char *value,
                          int depth);

static void
sources_local(struct sources_walk *w, const struct body *b, const char *ref, int depth)
{
    bool any = false;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_access *a = (const struct fact_access *)(void *)b->events.at[i];
        if (a->at.kind == FACT_access && str_same(a->var, ref) && str_same(a->how, "write") &&
            !a->path && !str_same(a->value, ref)) {
            sources_value(w, b, a->value, depth + 1);
            any = true;
        }
    }
    /* Filled in through its address: PyArg_ParseTuple(args, "O", &x) and the like. */
    struct str address = {0};
    str_addf(&address, "addr:%s", ref);
    for (size_t i = 0; i < b->args.n; i++) {
        if (!str_same(b->args.at[i]->value, address.s)) {
            continue;
        }
        for (size_t k = 0; k < b->events.n; k++) {
            const struct fact_call *c = (const struct fact_call *)(void *)b->events.at[k];
            if (c->at.kind == FACT_call && c->seq == b->args.at[i]->seq) {
                bool parse = str_starts(c->callee, "PyArg_") || str_starts(c->callee, "_PyArg_");
                link_add_word(w->p, w->list, parse ? "args" : c->callee);
                any = true;
            }
        }
    }
    str_free(&address);
    if (!any) {
        link_add_word(w->p, w->list, "expr");
    }
}

/* C values of Python objects: what they come from matters as well. */
static bool
sources_converts(const char *callee)
{
    return str_starts(callee, "PyLong_As") || str_starts(callee, "PyFloat_As") ||
           str_starts(callee, "PyUnicode_As") || str_starts(callee, "PyBytes_As") ||
           strcmp(callee, "PyObject_IsTrue") == 0 || strcmp(callee, "PyNumber_AsSsize_t") == 0;
}

static void
sources_converted(struct sources_walk *w, const struct body *b, const char *callee, int depth)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_call *c = (const struct fact_call *)(void *)b->events.at[i];
        const char *inner =
            c->at.kind == FACT_call && str_same(c->callee, callee) ? call_arg(b, c, 0) : NULL;
        if (inner) {
            sources_value(w, b, inner, depth + 1);
        }
    }
}

/* What a project function returns; an API under its name. */
static void
sources_call(struct sources_walk *w, const struct body *b, const char *callee, int depth)
{
    const struct body *target = program_body(w->p, callee);
    if (target && depth < MAX_SOURCE_DEPTH) {
        for (size_t i = 0; i < target->events.n; i++) {
            const struct fact_jump *j = (const struct fact_jump *)(void *)target->events.at[i];
            if (j->at.kind == FACT_jump && str_same(j->kind, "return") && j->value) {
                sources_value(w, target, j->value, depth + 1);
            }
        }
        return;
    }
    if (sources_converts(callee) && depth < MAX_SOURCE_DEPTH) {
        sources_converted(w, b, callee, depth);
    }
    bool passes_on = strcmp(callee, "Py_NewRef") == 0 || strcmp(callee, "Py_XNewRef") == 0 ||
                     strcmp(callee, "_Py_NewRef") == 0 || strcmp(callee, "_Py_XNewRef") == 0;
    for (size_t i = 0; passes_on && i < b->events.n; i++) {
        const struct fact_call *c = (const struct fact_call *)(void *)b->events.at[i];
        if (c->at.kind == FACT_call && str_ends(c->callee, "NewRef")) {
            const char *inner = call_arg(b, c, 0);
            if (inner && depth < MAX_SOURCE_DEPTH) {
                sources_value(w, b, inner, depth + 1);
            }
        }
    }
    const struct api_table *aliases = ruleset_table(w->p->rules, "ast_aliases");
    const char *spelling = aliases ? api_table_cell(aliases, callee, "spelling") : NULL;
    link_add_word(w->p, w->list, spelling ? spelling : callee);
}

static bool
sources_is_module_param(const struct body *b, const char *index)
{
    return strcmp(index, "0") == 0 && b->binding && strcmp(b->binding, "exec") == 0;
}

/* A helper whose callers can all be seen: what they hand over. */
static bool
sources_of_callers(struct sources_walk *w, const struct body *b, const char *index, int depth)
{
    if (b->binding || b->address_taken || !b->callers.n || depth >= MAX_SOURCE_DEPTH) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        for (size_t k = 0; k < caller->calls.n; k++) {
            const struct fact_call *c = caller->calls.at[k];
            if (caller != b && str_same(c->id, b->fact->id)) {
                sources_value(w, caller, call_arg(caller, c, index[0] - '0'), depth + 1);
            }
        }
    }
    return true;
}

static void
sources_param(struct sources_walk *w, const struct body *b, const char *index, int depth)
{
    if (sources_of_callers(w, b, index, depth)) {
        return;
    }
    bool self = strcmp(index, "0") == 0 && b->binding && strcmp(b->binding, "callback") != 0;
    bool method =
        b->binding && (strcmp(b->binding, "method") == 0 || strcmp(b->binding, "setter") == 0);
    link_add_word(w->p, w->list,
                  sources_is_module_param(b, index) ? "module"
                  : self                            ? "self"
                  : method                          ? "args"
                                                    : "param");
}

static void
sources_value(struct sources_walk *w, const struct body *b, const char *value, int depth)
{
    if (depth > MAX_SOURCE_DEPTH) {
        return;
    }
    static const struct {
        const char *prefix, *word;
    } plain[] = {{"null", "null"},      {"const", "const"}, {"immortal:", "immortal"},
                 {"string:", "string"}, {"addr:", "addr"},  {"func:", "addr"},
                 {"args", "args"},      {"list", "const"}};
    if (!value) {
        link_add_word(w->p, w->list, "expr");
        return;
    }
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        if (str_starts(value, plain[i].prefix)) {
            link_add_word(w->p, w->list, plain[i].word);
            return;
        }
    }
    const char *callee = value_of(value, "call"), *param = value_of(value, "param");
    if (callee) {
        sources_call(w, b, callee, depth);
    }
    else if (value_of(value, "local")) {
        sources_local(w, b, value, depth);
    }
    else if (param) {
        sources_param(w, b, param, depth);
    }
    else {
        link_add_word(w->p, w->list, "expr");
    }
}

void
variables_sources(struct program *p, struct fact_variable *v, const struct variable_uses *uses)
{
    struct sources_walk w = {.p = p, .list = &v->sources};
    for (size_t i = 0; i < uses->all.n; i++) {
        const struct variable_use *use = &uses->all.at[i];
        bool live = use->body && use->body->entry;
        if (live && (use->kind & (USE_WRITE | USE_RMW))) {
            sources_value(&w, use->body, use->value, 0);
        }
    }
}
