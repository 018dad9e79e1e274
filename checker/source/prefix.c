/* What stands before Python.h, reduced to what can change it: conditions whose answer is known are
 * answered, so that units which differ only in how they ask share a precompiled header. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "source/plan.h"

enum truth { UNKNOWN, YES, NO };

/* One #if. A literal one is copied, since its answer is not known. */
struct prefix_if {
    bool literal, outer_live; /* is the code around it read at all? */
    enum truth now, taken;    /* is this branch, or was one before it, the one that is read? */
};

struct prefix_walk {
    const struct plan_unit *unit;
    enum flavour flavour;
    struct map macros; /* name -> enum truth, of those that a flag or a line decided */
    struct interner strings;
    VEC(struct prefix_if) ifs;
    VEC(const char *) out;
    int literal; /* how many of ifs are */
    int depth;   /* of the condition that is being read */
};

enum { PREFIX_MAX_DEPTH = 100 };

/* A macro of another system's compiler. */
static bool
prefix_is_foreign(const char *name)
{
    static const char *const systems[] = {
        "__APPLE__",  "_WIN32",      "_WIN64",       "_MSC_VER",     "MS_WIN32",    "_AIX",
        "MS_WINDOWS", "__VMS",       "__sun",        "__CYGWIN__",   "__MINGW32__", "__OpenBSD__",
        "__NetBSD__", "__FreeBSD__", "__SUNPRO_C",   "__hpux",       "__MINGW64__", "__ICC",
        "__sgi",      "__WATCOMC__", "__BORLANDC__", "__DragonFly__"};
    for (size_t i = 0; i < sizeof(systems) / sizeof(*systems); i++) {
        if (strcmp(name, systems[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The three that say "part of the core": Python.h makes the first of either of the others. */
static bool
prefix_is_core(const char *name)
{
    return strcmp(name, "Py_BUILD_CORE") == 0 || strcmp(name, "Py_BUILD_CORE_BUILTIN") == 0 ||
           strcmp(name, "Py_BUILD_CORE_MODULE") == 0;
}

/* pyconfig.h asks the C library for everything, so that asking for a part of it adds nothing. */
static bool
prefix_asks_library(const char *name)
{
    static const char *const names[] = {"_GNU_SOURCE",     "_DEFAULT_SOURCE", "_BSD_SOURCE",
                                        "_POSIX_C_SOURCE", "_XOPEN_SOURCE",   "_SVID_SOURCE",
                                        "_POSIX_SOURCE",   "_NETBSD_SOURCE",  "__BSD_VISIBLE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Can defining the macro change what Python's and the C library's headers say? Others only matter
 * to headers that are never precompiled for C. */
static bool
prefix_macro_matters(const char *name)
{
    if (prefix_is_core(name) || prefix_asks_library(name) ||
        strcmp(name, "_PY_DATETIME_IMPL") == 0) {
        return false;
    }
    return *name == '_' || str_starts(name, "Py") || str_starts(name, "PY_") ||
           str_starts(name, "HAVE_") || str_starts(name, "NDEBUG") || str_starts(name, "NPY_") ||
           str_starts(name, "WIN") || str_starts(name, "MS_");
}

static size_t
prefix_word(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_') {
        n++;
    }
    return n;
}

static const char *
prefix_name(struct prefix_walk *w, const char *s)
{
    s += strspn(s, " \t");
    return intern_n(&w->strings, s, prefix_word(s));
}

static void
prefix_set(struct prefix_walk *w, const char *name, enum truth value)
{
    map_set(&w->macros, name, (void *)((size_t)value + 1));
}

static enum truth
prefix_get(struct prefix_walk *w, const char *name)
{
    size_t known = (size_t)map_get(&w->macros, name);
    if (known) {
        return (enum truth)(known - 1);
    }
    if (strcmp(name, "Py_GIL_DISABLED") == 0) {
        return w->flavour == FLAVOUR_FT ? YES : NO;
    }
    if (prefix_is_foreign(name) || prefix_is_core(name) || strcmp(name, "Py_LIMITED_API") == 0) {
        return NO;
    }
    /* Compilers, pyconfig.h and the C library define the others that matter. */
    return prefix_macro_matters(name) || *name == '_' ? UNKNOWN : NO;
}

/* ---- conditions ---- */

static enum truth prefix_or(struct prefix_walk *w, const char **s);

static void
prefix_blanks(const char **s)
{
    *s += strspn(*s, " \t\r");
}

/* `( condition )`. *s becomes NULL where the rest is not understood, as in the others. */
static enum truth
prefix_parentheses(struct prefix_walk *w, const char **s)
{
    (*s)++;
    w->depth++;
    enum truth inner = w->depth < PREFIX_MAX_DEPTH ? prefix_or(w, s) : UNKNOWN;
    w->depth--;
    if (*s) {
        prefix_blanks(s);
    }
    if (!*s || **s != ')') {
        *s = NULL;
        return UNKNOWN;
    }
    (*s)++;
    return inner;
}

static enum truth
prefix_primary(struct prefix_walk *w, const char **s)
{
    bool negated = false;
    prefix_blanks(s);
    while (**s == '!' && (*s)[1] != '=') {
        (*s)++;
        negated = !negated;
        prefix_blanks(s);
    }
    if (negated) {
        enum truth inner = prefix_primary(w, s);
        return inner == YES ? NO : inner == NO ? YES : UNKNOWN;
    }
    if (**s == '(') {
        return prefix_parentheses(w, s);
    }
    if (strncmp(*s, "defined", 7) != 0) {
        *s = NULL;
        return UNKNOWN;
    }
    *s += 7;
    prefix_blanks(s);
    bool open = **s == '(';
    *s += open;
    prefix_blanks(s);
    size_t n = prefix_word(*s);
    enum truth value = prefix_get(w, intern_n(&w->strings, *s, n));
    *s += n;
    prefix_blanks(s);
    if (!n || (open && **s != ')')) {
        *s = NULL;
        return UNKNOWN;
    }
    *s += open;
    return value;
}

static enum truth
prefix_and(struct prefix_walk *w, const char **s)
{
    enum truth value = prefix_primary(w, s);
    while (*s) {
        prefix_blanks(s);
        if (strncmp(*s, "&&", 2) != 0) {
            break;
        }
        *s += 2;
        enum truth right = prefix_primary(w, s);
        value = value == NO || right == NO ? NO : value == YES && right == YES ? YES : UNKNOWN;
    }
    return value;
}

static enum truth
prefix_or(struct prefix_walk *w, const char **s)
{
    enum truth value = prefix_and(w, s);
    while (*s) {
        prefix_blanks(s);
        if (strncmp(*s, "||", 2) != 0) {
            break;
        }
        *s += 2;
        enum truth right = prefix_and(w, s);
        value = value == YES || right == YES ? YES : value == NO && right == NO ? NO : UNKNOWN;
    }
    return value;
}

/* What follows `#if`, `#ifdef` ...: only questions of the form defined(X) have an answer. */
static enum truth
prefix_condition(struct prefix_walk *w, const char *word, size_t n, const char *rest)
{
    bool ifdef = n == 5 && strncmp(word, "ifdef", 5) == 0;
    if (ifdef || (n == 6 && strncmp(word, "ifndef", 6) == 0)) {
        enum truth value = prefix_get(w, prefix_name(w, rest));
        return ifdef || value == UNKNOWN ? value : value == YES ? NO : YES;
    }
    enum truth value = prefix_or(w, &rest);
    return rest && !rest[strspn(rest, " \t\r")] ? value : UNKNOWN;
}

/* ---- lines ---- */

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
    size_t n = define ? prefix_word(flag + 2) : 0;
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
