#include "source/differs.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

/* A name as such, or one that changes whatever is declared with it (a macro or a type). */
enum { LEVEL_NAME = 1, LEVEL_TYPE = 2 };

/* A word, a condition, a file or a statement. Once it may differ, so may what hangs on it. */
struct node {
    int level;
    bool is_count; /* Py_INCREF, Py_DECREF: other arguments in debug builds, always the same call */
    VEC(struct edge) out;
};
struct edge {
    struct node *to;
    int give, need;
};

struct differs {
    struct arena arena;
    struct interner strings;
    struct map words; /* -> struct node; "#name" is the file of that name */
    struct map files; /* paths read before */
    VEC(struct node *) nodes;
    VEC(struct node *) work;
};

static struct node *
differs_node(struct differs *d)
{
    struct node *node = arena_alloc(&d->arena, sizeof(*node));
    vec_push(&d->nodes, node);
    return node;
}

static struct node *
differs_word(struct differs *d, const char *s, size_t n)
{
    void **cell = map_slot(&d->words, intern_n(&d->strings, s, n));
    if (!*cell) {
        *cell = differs_node(d);
    }
    return *cell;
}

static void
differs_mark(struct differs *d, struct node *node, int level)
{
    if (node->level >= level) {
        return;
    }
    node->level = level;
    vec_push(&d->work, node);
    while (d->work.n) {
        struct node *next = d->work.at[--d->work.n];
        for (size_t i = 0; i < next->out.n; i++) {
            struct edge *e = &next->out.at[i];
            if (next->level >= e->need && e->to->level < e->give) {
                e->to->level = e->give;
                vec_push(&d->work, e->to);
            }
        }
    }
}

static void
differs_link(struct differs *d, struct node *from, struct node *to, int need, int give)
{
    struct edge edge = {to, give, need};
    vec_push(&from->out, edge);
    if (from->level >= need) {
        differs_mark(d, to, give);
    }
}

struct differs *
differs_new(void)
{
    struct differs *d = xcalloc(1, sizeof(*d));
    differs_mark(d, differs_word(d, "Py_GIL_DISABLED", 15), LEVEL_TYPE);
    differs_word(d, "Py_INCREF", 9)->is_count = true;
    differs_word(d, "Py_DECREF", 9)->is_count = true;
    return d;
}

void
differs_free(struct differs *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < d->nodes.n; i++) {
        vec_free(&d->nodes.at[i]->out);
    }
    vec_free(&d->nodes);
    vec_free(&d->work);
    map_free(&d->words);
    map_free(&d->files);
    interner_free(&d->strings);
    arena_free(&d->arena);
    free(d);
}

/* ---- text ---- */

static bool
differs_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Behind the comment, string or character constant at s; s itself when there is none. */
static const char *
differs_skip(const char *s, const char *end)
{
    if (*s == '/' && s + 1 < end && s[1] == '*') {
        const char *close = memmem(s + 2, (size_t)(end - s - 2), "*/", 2);
        return close ? close + 2 : end;
    }
    if (*s == '/' && s + 1 < end && s[1] == '/') {
        const char *line = memchr(s, '\n', (size_t)(end - s));
        return line ? line : end;
    }
    if (*s != '"' && *s != '\'') {
        return s;
    }
    char quote = *s++;
    while (s < end && *s != quote && *s != '\n') {
        s += *s == '\\' && s + 1 < end ? 2 : 1;
    }
    return s < end && *s == quote ? s + 1 : s;
}

/* The next word in [*at, end); numbers are passed over. Returns NULL at the end. */
static const char *
differs_next_word(const char **at, const char *end, size_t *n)
{
    while (*at < end) {
        const char *behind = differs_skip(*at, end);
        if (behind > *at) {
            *at = behind;
        }
        else if (differs_is_word(**at)) {
            const char *word = *at;
            while (*at < end && differs_is_word(**at)) {
                (*at)++;
            }
            *n = (size_t)(*at - word);
            if (!isdigit((unsigned char)*word)) {
                return word;
            }
        }
        else {
            (*at)++;
        }
    }
    return NULL;
}

/* ---- one file ---- */

/* A macro that one branch of an #if defines. */
struct definition {
    struct node *macro;
    size_t depth; /* of the #if */
    uint64_t body;
    bool has_parameters, same; /* same: every branch that defines it says the same */
    int times;
};

struct condition {
    struct node *node;
    int braces; /* where its #if stands: each branch starts with as many */
};

struct scan {
    struct differs *d;
    const char *at, *end;
    bool declarations;
    VEC(struct condition) conditions; /* the first stands for the file */
    VEC(struct definition) definitions;
    int braces;     /* open ones of the function body or the values that are passed over */
    bool in_values; /* it is values: the statement goes on behind them */
    /* the statement outside functions that is being read */
    VEC(struct node *) words, declared;
    struct node *pending; /* the word just read */
    bool has_parameters, is_type;
    int parentheses;
    bool star_opens;
    char before, before_word; /* the last character that is no blank; 'w' for a word */
};

static struct node *
scan_condition(const struct scan *s)
{
    return s->conditions.at[s->conditions.n - 1].node;
}

static void
scan_link_words(struct scan *s, const char *text, const char *end, struct node *to)
{
    size_t n;
    for (const char *word; (word = differs_next_word(&text, end, &n));) {
        if (n != 7 || memcmp(word, "defined", 7) != 0) {
            differs_link(s->d, differs_word(s->d, word, n), to, LEVEL_NAME, LEVEL_TYPE);
        }
    }
}

/* A function-like macro that several branches define alike is the same in all. */
static void
scan_note_definition(struct scan *s, struct node *macro, uint64_t body, bool has_parameters)
{
    size_t depth = s->conditions.n;
    for (size_t i = s->definitions.n; i > 0 && s->definitions.at[i - 1].depth == depth; i--) {
        struct definition *known = &s->definitions.at[i - 1];
        if (known->macro == macro) {
            known->same &= known->body == body;
            known->times++;
            return;
        }
    }
    struct definition fresh = {macro, depth, body, has_parameters, true, 1};
    vec_push(&s->definitions, fresh);
}

/* At the end of an #if, or of the file: what its condition decides about. */
static void
scan_settle_definitions(struct scan *s)
{
    size_t depth = s->conditions.n;
    while (s->definitions.n && s->definitions.at[s->definitions.n - 1].depth >= depth) {
        const struct definition *known = &s->definitions.at[--s->definitions.n];
        bool alike = known->same && known->times > 1 && known->has_parameters;
        if (!alike && !known->macro->is_count) {
            differs_link(s->d, scan_condition(s), known->macro, LEVEL_NAME, LEVEL_TYPE);
        }
    }
}

static uint64_t
scan_hash(const char *text, const char *end)
{
    uint64_t hash = 14695981039346656037U;
    while (text < end) {
        const char *behind = *text == '/' ? differs_skip(text, end) : text;
        if (behind > text) {
            text = behind;
            continue;
        }
        if (!isspace((unsigned char)*text) && *text != '\\') {
            hash = (hash ^ (unsigned char)*text) * 1099511628211U;
        }
        text++;
    }
    return hash;
}

static void
scan_define(struct scan *s, const char *text, const char *end)
{
    size_t n;
    const char *name = differs_next_word(&text, end, &n);
    if (!name) {
        return;
    }
    struct node *macro = differs_word(s->d, name, n);
    scan_note_definition(s, macro, scan_hash(text, end), text < end && *text == '(');
    const char *parameters = text, *body = text;
    if (text < end && *text == '(') {
        const char *close = memchr(text, ')', (size_t)(end - text));
        body = close ? close + 1 : end;
    }
    const char *parameters_end = body;
    for (const char *word; (word = differs_next_word(&body, end, &n));) {
        bool parameter = false;
        size_t m;
        const char *at = parameters;
        for (const char *p; !parameter && (p = differs_next_word(&at, parameters_end, &m));) {
            parameter = m == n && memcmp(p, word, n) == 0;
        }
        if (!parameter) {
            differs_link(s->d, differs_word(s->d, word, n), macro, LEVEL_NAME, LEVEL_TYPE);
        }
    }
}

/* What a conditional include brings is as conditional. */
static void
scan_include(struct scan *s, const char *text, const char *end)
{
    const char *last = text;
    for (const char *p = text; p < end; p++) {
        if (*p == '/' || *p == '<' || *p == '"') {
            last = p + 1 < end && p[1] != '\n' ? p + 1 : last;
        }
    }
    size_t n = 0;
    while (last + n < end && last[n] != '>' && last[n] != '"' && !isspace((unsigned char)last[n])) {
        n++;
    }
    struct str key = {0};
    str_addc(&key, '#');
    str_addn(&key, last, n);
    differs_link(s->d, scan_condition(s), differs_word(s->d, key.s, key.n), LEVEL_NAME, LEVEL_TYPE);
    str_free(&key);
}

static void
scan_directive(struct scan *s)
{
    const char *text = s->at + 1, *end = text;
    while (end < s->end && *end != '\n') {
        if (*end == '\\' && end + 1 < s->end) {
            end += end[1] == '\r' && end + 2 < s->end ? 3 : 2;
            continue;
        }
        const char *behind = *end == '/' ? differs_skip(end, s->end) : end;
        end = behind > end ? behind : end + 1;
    }
    end = end < s->end ? end : s->end;
    s->at = end;
    while (text < end && isblank((unsigned char)*text)) {
        text++;
    }
    size_t n = 0;
    while (text + n < end && isalpha((unsigned char)text[n])) {
        n++;
    }
    const char *rest = text + n;
    if (n >= 2 && memcmp(text, "if", 2) == 0) {
        struct condition fresh = {differs_node(s->d), s->braces};
        differs_link(s->d, scan_condition(s), fresh.node, LEVEL_NAME, LEVEL_TYPE);
        scan_link_words(s, rest, end, fresh.node);
        vec_push(&s->conditions, fresh);
    }
    else if (n >= 4 && memcmp(text, "el", 2) == 0 && s->conditions.n > 1) {
        s->braces = s->conditions.at[s->conditions.n - 1].braces;
        if (text[2] == 'i') {
            scan_link_words(s, rest, end, scan_condition(s));
        }
    }
    else if (n == 5 && memcmp(text, "endif", 5) == 0) {
        scan_settle_definitions(s);
        s->conditions.n -= s->conditions.n > 1;
    }
    else if ((n == 6 && memcmp(text, "define", 6) == 0) ||
             (n == 5 && memcmp(text, "undef", 5) == 0)) {
        scan_define(s, rest, end);
    }
    else if (n == 7 && memcmp(text, "include", 7) == 0) {
        scan_include(s, rest, end);
    }
}

/* ---- declarations ---- */

static void
scan_end_statement(struct scan *s)
{
    int give = s->is_type ? LEVEL_TYPE : LEVEL_NAME;
    if (s->declared.n) {
        struct node *statement = differs_node(s->d);
        differs_link(s->d, scan_condition(s), statement, LEVEL_NAME, LEVEL_TYPE);
        for (size_t i = 0; i < s->words.n && !s->has_parameters; i++) {
            differs_link(s->d, s->words.at[i], statement, LEVEL_TYPE, LEVEL_TYPE);
        }
        for (size_t i = 0; i < s->declared.n; i++) {
            differs_link(s->d, statement, s->declared.at[i], LEVEL_TYPE, give);
        }
    }
    s->words.n = s->declared.n = 0;
    s->pending = NULL;
    s->has_parameters = s->is_type = false;
    s->parentheses = 0;
}

/* One character of what is passed over. */
static void
scan_pass_over(struct scan *s)
{
    s->braces += *s->at == '{' ? 1 : *s->at == '}' ? -1 : 0;
    s->at++;
    if (s->braces == 0 && !s->in_values) {
        scan_end_statement(s);
    }
}

static void
scan_word(struct scan *s)
{
    static const char *const types[] = {"typedef", "struct", "union", "enum", "class", "using"};
    const char *word = s->at;
    while (s->at < s->end && differs_is_word(*s->at)) {
        s->at++;
    }
    size_t n = (size_t)(s->at - word);
    if (isdigit((unsigned char)*word)) {
        s->pending = NULL;
        s->before = '0';
        return;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        s->is_type |= n == strlen(types[i]) && memcmp(word, types[i], n) == 0;
    }
    s->pending = differs_word(s->d, word, n);
    vec_push(&s->words, s->pending);
    s->before_word = s->before;
    s->before = 'w';
}

static void
scan_punctuation(struct scan *s)
{
    char c = *s->at;
    bool pointer = c == ')' && s->parentheses == 1 && s->star_opens && s->before_word == '*';
    if (c == '*' || c == '(') {
        s->star_opens = c == '*' && s->before == '('; /* (*name)(...) */
    }
    if (s->pending && (pointer || (!s->parentheses && strchr(";,=[:({", c)))) {
        vec_push(&s->declared, s->pending);
    }
    s->parentheses += c == '(' ? 1 : c == ')' && s->parentheses ? -1 : 0;
    bool body = c == '{' && s->has_parameters && (s->before == ')' || s->before == 'w');
    bool values = c == '{' && s->before == '=';
    s->has_parameters |= c == '(';
    s->pending = NULL;
    s->before = c;
    if (values || body) {
        s->in_values = values;
        s->braces = 1;
        s->at++;
        return;
    }
    if (c == ';' || c == '{' || c == '}') {
        scan_end_statement(s);
    }
    s->at++;
}

static void
scan_text(struct scan *s)
{
    bool line_start = true;
    while (s->at < s->end) {
        char c = *s->at;
        const char *behind = differs_skip(s->at, s->end);
        if (behind > s->at) {
            s->at = behind;
        }
        else if (c == '#' && line_start) {
            scan_directive(s);
        }
        else if (isspace((unsigned char)c)) {
            line_start |= c == '\n';
            s->at++;
            continue;
        }
        else if (!s->declarations) {
            s->at++;
        }
        else if (s->braces > 0) {
            scan_pass_over(s);
        }
        else if (differs_is_word(c)) {
            scan_word(s);
        }
        else {
            scan_punctuation(s);
        }
        line_start = false;
    }
}

static void
differs_scan(struct differs *d, const char *path, const char *text, size_t n, bool declarations)
{
    struct scan s = {.d = d, .at = text, .end = text + n, .declarations = declarations};
    struct str key = {0};
    const char *slash = strrchr(path, '/');
    str_addf(&key, "#%s", slash ? slash + 1 : path);
    struct condition whole = {differs_word(d, key.s, key.n), 0};
    vec_push(&s.conditions, whole);
    scan_text(&s);
    scan_end_statement(&s);
    while (s.conditions.n > 1) {
        scan_settle_definitions(&s);
        s.conditions.n--;
    }
    scan_settle_definitions(&s);
    vec_free(&s.definitions);
    vec_free(&s.conditions);
    vec_free(&s.words);
    vec_free(&s.declared);
    str_free(&key);
}

static bool
differs_is_new(struct differs *d, const char *path)
{
    void **cell = map_slot(&d->files, intern(&d->strings, path));
    bool fresh = !*cell;
    *cell = d;
    return fresh;
}

void
differs_add_header(struct differs *d, const char *path)
{
    struct str text = {0};
    if (differs_is_new(d, path) && str_read_file(&text, path)) {
        differs_scan(d, path, text.s, text.n, false);
    }
    str_free(&text);
}

void
differs_add_source(struct differs *d, const char *path, const char *text, size_t n)
{
    if (differs_is_new(d, path)) {
        differs_scan(d, path, text, n, true);
    }
}

/* Python's structs are larger in one flavour. Of others, and of what only an expression names, the
 * size is a number that nothing asks for. */
static bool
differs_is_object_size(const char *s, const char *end)
{
    const char *close = memchr(s, ')', (size_t)(end - s));
    size_t n;
    for (const char *word; close && (word = differs_next_word(&s, close, &n));) {
        bool python = n > 2 && memcmp(word, "Py", 2) == 0 && memcmp(word, "Py_", 3) != 0;
        if (python || (n > 6 && memcmp(word + n - 6, "Object", 6) == 0)) {
            return memchr(word, '*', (size_t)(close - word)) == NULL; /* no pointer's */
        }
    }
    return close == NULL;
}

bool
differs_in(const struct differs *d, const char *text, size_t n)
{
    const char *end = text + n;
    size_t length;
    for (const char *word; (word = differs_next_word(&text, end, &length));) {
        const struct node *node = NULL;
        char name[128];
        if (length < sizeof(name)) {
            memcpy(name, word, length);
            name[length] = '\0';
            node = map_get(&d->words, name);
        }
        bool size = length == 6 && memcmp(word, "sizeof", 6) == 0;
        if ((node && node->level) || length >= sizeof(name) ||
            (size && differs_is_object_size(text, end))) {
            return true;
        }
    }
    return false;
}
