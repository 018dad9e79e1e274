#include "source/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "source/lexer_comment.h"

/* The scanner's position and what it has seen so far. */
struct lexer {
    struct lexed *out;
    struct lexer_macros *macros;
    const char *s, *end, *at;
    unsigned line;
    bool line_has_code; /* something other than space and comments stands on this line */
    bool seen_define;
    VEC(const char *) conditions;
};

/* Most words of a source are no macros that matter: one bit spares their look-up. */
static size_t
lexer_bit(const char *name, size_t n)
{
    return ((size_t)(unsigned char)name[0] * 31 + (size_t)(unsigned char)name[n - 1] * 7 + n) %
           4096;
}

static void
lexer_note(struct lexer_macros *macros, const char *name)
{
    size_t bit = lexer_bit(name, strlen(name));
    macros->maybe[bit / 8] |= (unsigned char)(1U << (bit % 8));
}

void
lexer_macros_init(struct lexer_macros *macros, struct interner *strings)
{
    *macros = (struct lexer_macros){.strings = strings};
#define MACRO(name)                                                                                \
    map_set(&macros->known, #name, (void *)(size_t) #name);                                        \
    lexer_note(macros, #name);
#include "source/macros.def"
#undef MACRO
}

void
lexer_macros_free(struct lexer_macros *macros)
{
    map_free(&macros->known);
    map_free(&macros->user);
}

static bool
lexer_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static void
lexer_newline(struct lexer *lx, const char *behind)
{
    lx->line++;
    lx->line_has_code = false;
    vec_push(&lx->out->lines, (unsigned)(behind - lx->s));
}

/* Behind a comment that starts at lx->at; records those addressed to the checker. */
static void
lexer_skip_comment(struct lexer *lx)
{
    const char *start = lx->at;
    unsigned first = lx->line;
    bool alone = !lx->line_has_code;
    bool block = start[1] == '*';
    const char *p = start + 2;
    while (p < lx->end) {
        if (block && *p == '*' && p + 1 < lx->end && p[1] == '/') {
            p += 2;
            break;
        }
        if (!block && *p == '\n' && p[-1] != '\\') {
            break;
        }
        if (*p++ == '\n') {
            lexer_newline(lx, p);
        }
    }
    lx->at = p;
    struct checker_comment comment = {.first_line = first, .end_line = lx->line, .alone = alone};
    if (lexer_comment_parse(start, (size_t)(p - start), lx->macros->strings, &comment)) {
        vec_push(&lx->out->comments, comment);
    }
    if (!lx->out->generator && first < 40) {
        lexer_banner_parse(start, (size_t)(p - start), lx->macros->strings, &lx->out->generator,
                           &lx->out->banner);
    }
}

/* Behind a string or character constant. */
static void
lexer_skip_string(struct lexer *lx)
{
    char quote = *lx->at++;
    while (lx->at < lx->end && *lx->at != quote) {
        if (*lx->at == '\n') {
            return; /* unterminated: an apostrophe in an #error line, or broken code */
        }
        if (*lx->at == '\\' && lx->at + 1 < lx->end) {
            lx->at++;
            if (*lx->at == '\n') {
                lexer_newline(lx, lx->at + 1);
            }
        }
        lx->at++;
    }
    if (lx->at < lx->end) {
        lx->at++;
    }
}

/* C++ R"tag( ... )tag". */
static bool
lexer_skip_raw_string(struct lexer *lx)
{
    const char *open = lx->at + 1, *p = open + 1;
    while (p < lx->end && *p != '(' && *p != '"' && *p != '\n' && p - open < 18) {
        p++;
    }
    if (p >= lx->end || *p != '(') {
        return false;
    }
    struct str close = {0};
    str_addc(&close, ')');
    str_addn(&close, open + 1, (size_t)(p - open - 1));
    str_addc(&close, '"');
    const char *stop = memmem(p, (size_t)(lx->end - p), close.s, close.n);
    const char *behind = stop ? stop + close.n : lx->end;
    str_free(&close);
    for (p = lx->at; p < behind; p++) {
        if (*p == '\n') {
            lexer_newline(lx, p + 1);
        }
    }
    lx->at = behind;
    return true;
}

static const char *
lexer_guard_text(struct lexer *lx)
{
    struct str text = {0};
    for (size_t i = 0; i < lx->conditions.n; i++) {
        if (*lx->conditions.at[i]) {
            str_addf(&text, "%s%s", text.n ? " && " : "", lx->conditions.at[i]);
        }
    }
    const char *kept = text.n ? intern(lx->macros->strings, text.s) : NULL;
    str_free(&text);
    return kept;
}

static void
lexer_push_guard(struct lexer *lx)
{
    struct guard_span span = {.line = lx->line + 1, .guard = lexer_guard_text(lx)};
    vec_push(&lx->out->guards, span);
}

static const char *
lexer_trimmed(struct lexer *lx, const char *s, size_t n)
{
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1])) {
        n--;
    }
    return intern_n(lx->macros->strings, s, n);
}

static void
lexer_condition(struct lexer *lx, const char *word, const char *rest, size_t n)
{
    struct interner *strings = lx->macros->strings;
    const char *text = lexer_trimmed(lx, rest, n);
    struct str wrapped = {0};
    if (strcmp(word, "ifdef") == 0 || strcmp(word, "ifndef") == 0) {
        str_addf(&wrapped, "%sdefined(%s)", word[2] == 'n' ? "!" : "", text);
    }
    else if (strcmp(word, "if") == 0 || strncmp(word, "elif", 4) == 0) {
        str_add(&wrapped, text);
    }
    if (strcmp(word, "endif") == 0) {
        if (lx->conditions.n) {
            lx->conditions.n--;
        }
    }
    else if (word[0] == 'e') {
        if (lx->conditions.n) {
            const char **top = &lx->conditions.at[lx->conditions.n - 1];
            struct str other = {0};
            str_addf(&other, "!(%s)%s%s", *top, wrapped.n ? " && " : "",
                     wrapped.n ? wrapped.s : "");
            *top = intern(strings, other.s);
            str_free(&other);
        }
    }
    else {
        /* The whole file stands inside its include guard: not a condition worth showing. */
        bool guard = word[2] == 'n' && lx->out->includes.n == 0 && lx->conditions.n == 0 &&
                     (str_ends(text, "_H") || str_ends(text, "_H_") || str_ends(text, "_INCLUDED"));
        vec_push(&lx->conditions, guard ? "" : intern(strings, wrapped.n ? wrapped.s : ""));
    }
    str_free(&wrapped);
    lexer_push_guard(lx);
}

static void
lexer_include(struct lexer *lx, const char *rest, size_t n)
{
    const char *open = memchr(rest, '<', n);
    const char *quote = memchr(rest, '"', n);
    bool angled = open && (!quote || open < quote);
    const char *start = angled ? open : quote;
    if (!start) {
        return;
    }
    const char *stop = memchr(start + 1, angled ? '>' : '"', n - (size_t)(start + 1 - rest));
    if (!stop) {
        return;
    }
    bool conditional = false;
    for (size_t i = 0; i < lx->conditions.n; i++) {
        conditional |= lx->conditions.at[i][0] != '\0';
    }
    struct include_site site = {
        .name = intern_n(lx->macros->strings, start + 1, (size_t)(stop - start - 1)),
        .line = lx->line,
        .angled = angled,
        .conditional = conditional,
        .after_define = lx->seen_define && lx->out->includes_python};
    vec_push(&lx->out->includes, site);
    if (strcmp(site.name, "Python.h") == 0 || str_ends(site.name, "/Python.h")) {
        lx->out->includes_python = true;
        lx->seen_define = false;
    }
}

/* Does a macro's body use a macro that matters? Then its own uses matter too. */
static void
lexer_define(struct lexer *lx, const char *rest, size_t n)
{
    const char *end = rest + n;
    while (rest < end && isspace((unsigned char)*rest)) {
        rest++;
    }
    const char *name_end = rest;
    while (name_end < end && lexer_is_word(*name_end)) {
        name_end++;
    }
    if (name_end == rest) {
        return;
    }
    struct interner *strings = lx->macros->strings;
    struct define_site site = {.name = intern_n(strings, rest, (size_t)(name_end - rest)),
                               .value = lexer_trimmed(lx, name_end, (size_t)(end - name_end)),
                               .guard = lexer_guard_text(lx),
                               .line = lx->line};
    vec_push(&lx->out->defines, site);
    lx->seen_define = true;
    for (const char *p = name_end; p < end;) {
        if (!lexer_is_word(*p)) {
            p++;
            continue;
        }
        const char *word = p;
        while (p < end && lexer_is_word(*p)) {
            p++;
        }
        const char *key = intern_n(strings, word, (size_t)(p - word));
        const char *known = map_get(&lx->macros->known, key);
        if (!known) {
            known = map_get(&lx->macros->user, key);
        }
        if (!known && (strstr(key, "atomic_") || str_starts(key, "__sync_"))) {
            known = key;
            lx->macros->hide_atomics = true;
        }
        if (known && !map_get(&lx->macros->user, site.name)) {
            map_set(&lx->macros->user, site.name, (void *)(size_t)known);
            lexer_note(lx->macros, site.name);
        }
    }
}

/* One preprocessor line with its continuations; lx->at stands on '#'. */
static void
lexer_directive(struct lexer *lx)
{
    struct str joined = {0};
    const char *p = lx->at + 1;
    while (p < lx->end && *p != '\n') {
        if (*p == '\\' && p + 1 < lx->end && (p[1] == '\n' || p[1] == '\r')) {
            p += p[1] == '\r' && p + 2 < lx->end && p[2] == '\n' ? 3 : 2;
            lexer_newline(lx, p);
            str_addc(&joined, ' ');
            continue;
        }
        if (*p == '/' && p + 1 < lx->end && (p[1] == '*' || p[1] == '/')) {
            lx->at = p;
            lexer_skip_comment(lx);
            p = lx->at;
            str_addc(&joined, ' ');
            continue;
        }
        str_addc(&joined, *p++);
    }
    lx->at = p;
    const char *text = joined.n ? joined.s : "";
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = 0;
    while (isalpha((unsigned char)text[length])) {
        length++;
    }
    const char *word = intern_n(lx->macros->strings, text, length);
    const char *rest = text + length;
    bool is_python = false;
    if (strcmp(word, "include") == 0) {
        bool before = lx->out->includes_python;
        lexer_include(lx, rest, strlen(rest));
        is_python = !before && lx->out->includes_python;
    }
    else if (strcmp(word, "define") == 0) {
        lexer_define(lx, rest, strlen(rest));
    }
    else if (str_starts(word, "if") || strncmp(word, "el", 2) == 0 || strcmp(word, "endif") == 0) {
        lexer_condition(lx, word, rest, strlen(rest));
    }
    if (!lx->out->includes_python && !is_python && length) {
        vec_push(&lx->out->directives, intern(lx->macros->strings, text));
    }
    str_free(&joined);
}

/* The end of a parenthesised argument list that starts at p, or NULL. */
static const char *
lexer_arguments_end(const struct lexer *lx, const char *p)
{
    int depth = 0;
    for (; p < lx->end; p++) {
        if (*p == '"' || *p == '\'') {
            char quote = *p++;
            while (p < lx->end && *p != quote && *p != '\n') {
                p += *p == '\\' && p + 1 < lx->end ? 2 : 1;
            }
        }
        else if (*p == '(') {
            depth++;
        }
        else if (*p == ')' && --depth == 0) {
            return p;
        }
        else if (*p == ';' || *p == '{') {
            return NULL;
        }
    }
    return NULL;
}

static void
lexer_word(struct lexer *lx)
{
    const char *start = lx->at;
    while (lx->at < lx->end && lexer_is_word(*lx->at)) {
        lx->at++;
    }
    size_t n = (size_t)(lx->at - start);
    size_t bit = lexer_bit(start, n);
    if (n > 60 || !(lx->macros->maybe[bit / 8] >> (bit % 8) & 1)) {
        return;
    }
    const char *key = intern_n(lx->macros->strings, start, n);
    const char *known = map_get(&lx->macros->known, key);
    const char *user = known ? NULL : map_get(&lx->macros->user, key);
    if (!known && (!user || strstr(user, "atomic_") || str_starts(user, "__sync_"))) {
        return;
    }
    struct macro_site site = {.offset = (unsigned)(start - lx->s),
                              .end = (unsigned)(lx->at - lx->s),
                              .name = known ? known : user,
                              .used = known ? NULL : key};
    const char *p = lx->at;
    while (p < lx->end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    if (p < lx->end && *p == '(') {
        const char *close = lexer_arguments_end(lx, p);
        if (close) {
            site.args = lexer_trimmed(lx, p + 1, (size_t)(close - p - 1));
            site.end = (unsigned)(close + 1 - lx->s);
        }
    }
    vec_push(&lx->out->sites, site);
}

static void
lexer_scan(struct lexer *lx)
{
    bool line_start = true;
    while (lx->at < lx->end) {
        char c = *lx->at;
        if (c == '\n') {
            lx->at++;
            lexer_newline(lx, lx->at);
            line_start = true;
            continue;
        }
        if (c == '/' && lx->at + 1 < lx->end && (lx->at[1] == '/' || lx->at[1] == '*')) {
            lexer_skip_comment(lx);
            continue;
        }
        if (c == '#' && line_start) {
            lexer_directive(lx);
            continue;
        }
        if (isspace((unsigned char)c)) {
            lx->at++;
            continue;
        }
        line_start = false;
        lx->line_has_code = true;
        if (c == '"' || c == '\'') {
            lexer_skip_string(lx);
        }
        else if (c == 'R' && lx->at + 1 < lx->end && lx->at[1] == '"' &&
                 lexer_skip_raw_string(lx)) {
            continue;
        }
        else if (isdigit((unsigned char)c)) {
            /* Numbers: 1'000 in C++ must not open a character constant. */
            while (lx->at < lx->end && (lexer_is_word(*lx->at) || *lx->at == '\'')) {
                lx->at++;
            }
        }
        else if (lexer_is_word(c)) {
            lexer_word(lx);
        }
        else {
            lx->at++;
        }
    }
}

/* Does a line say no more than what the module declares about the GIL, or which API it uses? Then
 * both flavours show the same code. */
static bool
lexer_line_only_declares(const char *s, size_t n)
{
    static const char *const words[] = {"PyUnstable_Module_SetGIL", "Py_mod_gil", "Py_LIMITED_API"};
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (memmem(s, n, words[i], strlen(words[i]))) {
            return true;
        }
    }
    bool comment = n > 1 && *s == '/' && (s[1] == '*' || s[1] == '/');
    bool directive = n > 1 && *s == '#' && s[1] != 'd';
    bool brace = strspn(s, "{};") >= strcspn(s, "\r\n");
    return n == 0 || comment || *s == '*' || brace || directive;
}

static bool
lexer_gil_matters(const struct lexed *lexed)
{
    for (unsigned line = 1; line <= lexed->lines.n; line++) {
        const char *guard = lexed_guard(lexed, line);
        if (!guard || !strstr(guard, "Py_GIL_DISABLED")) {
            continue;
        }
        unsigned from = lexed->lines.at[line - 1];
        size_t to = line < lexed->lines.n ? lexed->lines.at[line] : lexed->text.n;
        if (!lexer_line_only_declares(lexed->text.s + from, to - from)) {
            return true;
        }
    }
    return false;
}

bool
lexer_read(struct lexed *out, const char *path, struct lexer_macros *macros)
{
    *out = (struct lexed){.path = path};
    if (!str_read_file(&out->text, path)) {
        return false;
    }
    if (out->text.n > 0x7fffffff) {
        errno = EFBIG;
        return false;
    }
    const char *text = out->text.s;
    struct lexer lx = {
        .out = out, .macros = macros, .s = text, .at = text, .end = text + out->text.n, .line = 1};
    vec_push(&out->lines, 0U);
    lexer_scan(&lx);
    out->mentions_atomics = memmem(text, out->text.n, "atomic", 6) != NULL ||
                            memmem(text, out->text.n, "__sync_", 7) != NULL ||
                            memmem(text, out->text.n, "ATOMIC", 6) != NULL;
    out->mentions_gil =
        memmem(text, out->text.n, "Py_GIL_DISABLED", 15) != NULL && lexer_gil_matters(out);
    vec_free(&lx.conditions);
    return true;
}

void
lexed_free(struct lexed *lexed)
{
    str_free(&lexed->text);
    vec_free(&lexed->lines);
    vec_free(&lexed->sites);
    vec_free(&lexed->guards);
    vec_free(&lexed->includes);
    vec_free(&lexed->defines);
    vec_free(&lexed->comments);
    vec_free(&lexed->directives);
}

unsigned
lexed_line(const struct lexed *lexed, unsigned offset, unsigned *column)
{
    size_t low = 0, high = lexed->lines.n;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (lexed->lines.at[middle] <= offset) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    if (column) {
        *column = offset - lexed->lines.at[low] + 1;
    }
    return (unsigned)low + 1;
}

const char *
lexed_guard(const struct lexed *lexed, unsigned line)
{
    const char *guard = NULL;
    size_t low = 0, high = lexed->guards.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (lexed->guards.at[middle].line <= line) {
            guard = lexed->guards.at[middle].guard;
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return guard;
}

unsigned
lexed_word(const struct lexed *lexed, unsigned offset)
{
    unsigned n = 0;
    while (offset + n < lexed->text.n && lexer_is_word(lexed->text.s[offset + n])) {
        n++;
    }
    return n;
}
