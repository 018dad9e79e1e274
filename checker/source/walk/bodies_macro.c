/* Uses of macros that matter, found by the lexer, put among the events where they happen. */
#include <ctype.h>
#include <string.h>

#include "source/walk/bodies.h"

static const char *
macro_name_ref(struct body_walk *b, const char *name)
{
    for (size_t i = b->names.n; i > 0; i--) {
        if (strcmp(b->names.at[i - 1].name, name) == 0) {
            return b->names.at[i - 1].ref;
        }
    }
    FACTS_EACH(b->u->facts, variable, v)
    {
        if (v->at.unit == b->u->facts->unit && !v->func && strcmp(v->name, name) == 0) {
            struct str ref = {0};
            str_addf(&ref, "var:%s", v->id);
            const char *kept = intern(b->u->strings, ref.s);
            str_free(&ref);
            return kept;
        }
    }
    return NULL;
}

/* Skips `(Type *)` casts and opening parentheses. */
static const char *
macro_skip_casts(const char *s)
{
    for (;;) {
        while (isspace((unsigned char)*s)) {
            s++;
        }
        if (*s != '(') {
            return s;
        }
        const char *close = strchr(s, ')');
        if (close && (isalpha((unsigned char)close[1]) || close[1] == '_' || close[1] == '(') &&
            memchr(s, '*', (size_t)(close - s))) {
            s = close + 1;
        }
        else {
            s++;
        }
    }
}

/* The descriptor of an argument that is only text: names, members and subscripts of names. */
static const char *
macro_describe(struct body_walk *b, const char *s)
{
    s = macro_skip_casts(s);
    bool address = *s == '&';
    if (address) {
        s = macro_skip_casts(s + 1);
    }
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_') {
        n++;
    }
    const char *ref = n ? macro_name_ref(b, intern_n(b->u->strings, s, n)) : NULL;
    if (!ref) {
        return "expr";
    }
    struct str path = {0};
    for (const char *p = s + n; *p; p++) {
        if (*p == '[') {
            str_add(&path, "[]");
            const char *close = strchr(p, ']');
            p = close ? close : p;
        }
        else if (*p == '(') {
            str_clear(&path);
            ref = "expr";
            break;
        }
        else if (!isspace((unsigned char)*p) && *p != ')') {
            str_addc(&path, *p);
        }
    }
    struct str out = {0};
    str_addf(&out, "%s%s%s", address ? "addr:" : path.n ? "field:" : "", ref, path.n ? path.s : "");
    const char *kept = intern(b->u->strings, out.s);
    str_free(&path);
    str_free(&out);
    return kept;
}

static void
macro_argument(struct body_walk *b, const char *start, const char *end, int index, long seq)
{
    while (start < end && isspace((unsigned char)*start)) {
        start++;
    }
    const char *text = intern_n(b->u->strings, start, (size_t)(end - start));
    struct fact_arg *arg = facts_new_arg(b->u->facts, 0, 0, 0);
    arg->func = b->func;
    arg->value = macro_describe(b, text);
    arg->text = strlen(text) <= 80 ? text : NULL;
    arg->seq = seq;
    arg->index = index;
}

static int
macro_arguments(struct body_walk *b, const char *args, long seq)
{
    int depth = 0, index = 0;
    const char *start = args;
    for (const char *p = args;; p++) {
        if (*p == '(' || *p == '[' || *p == '{') {
            depth++;
        }
        else if (*p == ')' || *p == ']' || *p == '}') {
            depth--;
        }
        if (!*p || (*p == ',' && depth == 0)) {
            macro_argument(b, start, p, index++, seq);
            start = p + 1;
        }
        if (!*p) {
            return index;
        }
    }
}

const char *
bodies_macro_value(struct body_walk *b, const struct macro_site *site, int index)
{
    int depth = 0;
    const char *p = site->args ? site->args : "";
    for (; *p && index > 0; p++) {
        depth += *p == '(' || *p == '[' ? 1 : *p == ')' || *p == ']' ? -1 : 0;
        index -= *p == ',' && depth == 0;
    }
    size_t n = 0;
    while (p[n] && (p[n] != ',' || depth)) {
        depth += p[n] == '(' ? 1 : p[n] == ')' ? -1 : 0;
        n++;
    }
    const char *text = intern_n(b->u->strings, p, n);
    const char *inner = text + strspn(text, " ");
    if (str_starts(inner, "Py_NewRef(") || str_starts(inner, "Py_XNewRef(")) {
        inner =
            intern_n(b->u->strings, strchr(inner, '(') + 1, strcspn(strchr(inner, '(') + 1, ")"));
    }
    return macro_describe(b, inner);
}

static void
macro_emit(struct body_walk *b, const struct macro_site *site, const char *path)
{
    unsigned column = 0;
    unsigned line = lexed_line(b->lexed, site->offset, &column);
    b->u->facts->file = path;
    struct fact_call *call = facts_new_call(b->u->facts, (int)line, (int)column,
                                            (int)(column + site->end - site->offset));
    call->func = b->func;
    call->callee = site->name;
    call->origin = "macro";
    call->macro = site->used;
    call->result = "used";
    call->seq = ++b->seq;
    call->block = b->block;
    call->guard = lexed_guard(b->lexed, line);
    if (site->args && *site->args) {
        call->nargs = macro_arguments(b, site->args, call->seq);
    }
}

/* Does the macro or call that starts at `offset` reach over the site? Nodes inside a macro's
 * arguments all stand at the macro's own name. */
static bool
macro_covers(const struct body_walk *b, unsigned offset, unsigned site)
{
    unsigned n = lexed_word(b->lexed, offset);
    const char *s = b->lexed->text.s;
    size_t at = offset + n;
    while (at < b->lexed->text.n && isspace((unsigned char)s[at])) {
        at++;
    }
    if (!n || at >= b->lexed->text.n || s[at] != '(' || at > site) {
        return false;
    }
    int depth = 0;
    for (; at < b->lexed->text.n; at++) {
        depth += s[at] == '(' ? 1 : s[at] == ')' ? -1 : 0;
        if (depth == 0) {
            break;
        }
    }
    return at > site;
}

static bool
macro_is_end(const char *name)
{
    return str_starts(name, "Py_END_") || strcmp(name, "Py_UNBLOCK_THREADS") == 0 ||
           strcmp(name, "Py_TRASHCAN_END") == 0;
}

void
bodies_enter(struct body_walk *b, CXCursor c, const struct unit_place *place)
{
    if (!b->lexed || place->lexed != b->lexed) {
        return;
    }
    const char *path = place->file->path;
    while (b->site < b->lexed->sites.n) {
        const struct macro_site *site = &b->lexed->sites.at[b->site];
        if (site->offset > place->offset) {
            break;
        }
        bool here = site->offset == place->offset;
        if (here && site->used && !unit_place(b->u, c).in_macro) {
            /* A function of that name: the macro belongs to an #if branch that is not taken. */
            b->site++;
            continue;
        }
        if (here || macro_is_end(site->name) || macro_covers(b, b->last_offset, site->offset)) {
            macro_emit(b, site, path);
        }
        if (here) {
            b->use = site;
        }
        b->site++;
        /* Sites among the arguments have no node of their own. */
        while (here && b->site < b->lexed->sites.n &&
               b->lexed->sites.at[b->site].offset < site->end) {
            macro_emit(b, &b->lexed->sites.at[b->site++], path);
        }
    }
    b->last_offset = place->offset;
}

void
bodies_finish_macros(struct body_walk *b, unsigned end)
{
    if (!b->lexed) {
        return;
    }
    for (; b->site < b->lexed->sites.n && b->lexed->sites.at[b->site].offset < end; b->site++) {
        const struct macro_site *site = &b->lexed->sites.at[b->site];
        if (macro_is_end(site->name) || macro_covers(b, b->last_offset, site->offset)) {
            macro_emit(b, site, b->u->facts->file);
        }
    }
}
