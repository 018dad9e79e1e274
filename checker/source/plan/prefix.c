/* What stands before Python.h, reduced to what can change it: conditions whose answer is known are
 * answered, so that units which differ only in how they ask share a precompiled header. */
#include <ctype.h>
#include <string.h>

#include "source/plan/prefix_macros.h"

static bool
prefix_live(const struct prefix_walk *w)
{
    const struct prefix_if *top = w->ifs.n ? &w->ifs.at[w->ifs.n - 1] : NULL;
    return !top || (top->outer_live && (top->literal || top->now == YES));
}

static void
prefix_keep(struct prefix_walk *w, const char *word, const char *rest)
{
    struct str line = {0};
    str_addf(&line, "#%s%s\n", word, rest);
    vec_push(&w->out, intern(&w->strings, line.s));
    str_free(&line);
}

static void
prefix_open(struct prefix_walk *w, const char *word, size_t n, const char *rest)
{
    struct prefix_if fresh = {.outer_live = prefix_live(w)};
    fresh.now = fresh.outer_live ? prefix_condition(w, word, n, rest) : NO;
    fresh.taken = fresh.now;
    fresh.literal = fresh.now == UNKNOWN;
    if (fresh.literal) {
        w->literal++;
        prefix_keep(w, word, "");
    }
    vec_push(&w->ifs, fresh);
}

static void
prefix_else(struct prefix_walk *w, const char *word, size_t n, const char *rest)
{
    struct prefix_if *top = w->ifs.n ? &w->ifs.at[w->ifs.n - 1] : NULL;
    if (!top || !top->outer_live) {
        return;
    }
    if (top->literal) {
        prefix_keep(w, word, "");
        return;
    }
    if (top->taken == YES) {
        top->now = NO;
        return;
    }
    bool plain = n == 4 && strncmp(word, "else", 4) == 0;
    top->now = plain ? YES : prefix_condition(w, "if", 2, rest);
    top->taken = top->now;
    if (top->now == UNKNOWN) {
        top->literal = true;
        w->literal++;
        prefix_keep(w, "if", rest);
    }
}

static void
prefix_close(struct prefix_walk *w)
{
    if (!w->ifs.n) {
        return; /* of an #if behind Python.h */
    }
    struct prefix_if top = w->ifs.at[--w->ifs.n];
    if (!top.literal) {
        return;
    }
    w->literal--;
    /* A block that holds nothing says nothing. */
    size_t first = w->out.n;
    while (first > 0 && str_starts(w->out.at[first - 1], "#el")) {
        first--;
    }
    if (first > 0 && str_starts(w->out.at[first - 1], "#if")) {
        w->out.n = first - 1;
        return;
    }
    prefix_keep(w, "endif", "");
}

static void
prefix_define(struct prefix_walk *w, const char *word, bool define, const char *rest)
{
    const char *name = prefix_name(w, rest);
    if (!prefix_live(w)) {
        return;
    }
    if (w->literal) {
        prefix_set(w, name, UNKNOWN);
    }
    else {
        enum truth before = prefix_get(w, name);
        prefix_set(w, name, define ? YES : NO);
        if (!define && before == NO) {
            return;
        }
    }
    if (w->unit->is_cxx || prefix_macro_matters(name) || (w->literal && prefix_is_core(name))) {
        prefix_keep(w, word, "");
    }
}

static void
prefix_line(struct prefix_walk *w, const char *line)
{
    const char *word = line + 1;
    size_t n = 0;
    while (isalpha((unsigned char)word[n])) {
        n++;
    }
    const char *rest = word + n;
    if (str_starts(word, "if")) {
        prefix_open(w, word, n, rest);
    }
    else if (str_starts(word, "el")) {
        prefix_else(w, word, n, rest);
    }
    else if (str_starts(word, "endif")) {
        prefix_close(w);
    }
    else if (str_starts(word, "define") || str_starts(word, "undef")) {
        prefix_define(w, word, *word == 'd', rest);
    }
    else if (prefix_live(w)) {
        prefix_keep(w, word, "");
    }
}

static void
prefix_flags(struct prefix_walk *w)
{
    const struct plan_args *args = &w->unit->args;
    for (size_t i = 0; i < args->at.n; i++) {
        const char *arg = args->at.at[i];
        bool define = str_starts(arg, "-D");
        if (define || str_starts(arg, "-U")) {
            const char *name = arg[2] ? arg + 2 : i + 1 < args->at.n ? args->at.at[i + 1] : "";
            prefix_set(w, prefix_name(w, name), define ? YES : NO);
        }
    }
}

bool
prefix_flag_matters(const struct plan_unit *unit, const char *flag)
{
    if (unit->is_cxx) {
        return true;
    }
    bool define = str_starts(flag, "-D") || str_starts(flag, "-U");
    size_t n = define ? str_name_length(flag + 2) : 0;
    char name[64];
    if (!define || n == 0 || n >= sizeof(name)) {
        return define || !str_starts(flag, "-I");
    }
    memcpy(name, flag + 2, n);
    name[n] = '\0';
    return prefix_macro_matters(name);
}

void
prefix_settle(const struct plan_unit *unit, enum flavour flavour, struct str *out)
{
    struct prefix_walk w = {.unit = unit, .flavour = flavour};
    prefix_flags(&w);
    for (const char *line = unit->prefix.n ? unit->prefix.s : ""; *line;) {
        const char *end = strchr(line, '\n');
        size_t n = end ? (size_t)(end - line) : strlen(line);
        prefix_line(&w, intern_n(&w.strings, line, n));
        line += n + (end != NULL);
    }
    while (w.ifs.n) {
        prefix_close(&w); /* Python.h stands inside it */
    }
    bool core = prefix_get(&w, "Py_BUILD_CORE") == YES ||
                prefix_get(&w, "Py_BUILD_CORE_BUILTIN") == YES ||
                prefix_get(&w, "Py_BUILD_CORE_MODULE") == YES;
    if (core && !unit->is_cxx) {
        str_add(out, "#define Py_BUILD_CORE 1\n");
    }
    /* Python.h itself begins with pyconfig.h. */
    while (w.out.n && str_starts(w.out.at[w.out.n - 1], "#include \"pyconfig.h\"")) {
        w.out.n--;
    }
    for (size_t i = 0; i < w.out.n; i++) {
        str_add(out, w.out.at[i]);
    }
    vec_free(&w.out);
    vec_free(&w.ifs);
    map_free(&w.macros);
    interner_free(&w.strings);
}
