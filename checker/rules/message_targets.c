/* Parts of a text for some targets only: `[free-threaded?, or a critical section]`. A run that was
 * asked about interpreters must not read about builds that nobody asked for. */
#include <string.h>

#include "rules/match.h"

/* `interpreters`: what has several interpreters, or several imports, in one process. */
static bool
targets_word_is(const char *word, size_t n, enum target t)
{
    static const char group[] = "interpreters";
    if (n == sizeof(group) - 1 && strncmp(word, group, n) == 0) {
        return t == TARGET_OWN_GIL || t == TARGET_SHARED_GIL || t == TARGET_RELOAD;
    }
    const char *name = target_name(t);
    return strlen(name) == n && strncmp(word, name, n) == 0;
}

static bool
targets_word_is_any(const char *word, size_t n)
{
    for (int t = 0; t < TARGETS; t++) {
        if (targets_word_is(word, n, (enum target)t)) {
            return true;
        }
    }
    return false;
}

/* Length of `WORD|WORD?` behind a bracket, or 0 when it is plain text, such as `a[0]`. */
static size_t
targets_shape(const char *text)
{
    size_t n = *text == '!';
    n += strspn(text + n, "abcdefghijklmnopqrstuvwxyz-|");
    return n > 1 && text[n] == '?' && strchr(text + n, ']') ? n + 1 : 0;
}

/* The same where all words are targets: texts hold source text too (`a[found?x:y]`). */
static size_t
targets_head(const char *text)
{
    size_t n = targets_shape(text);
    for (size_t at = *text == '!'; at < n;) {
        size_t length = strcspn(text + at, "|?");
        if (!targets_word_is_any(text + at, length)) {
            return 0;
        }
        at += length + 1;
    }
    return n;
}

static bool
targets_named(const char *head, size_t n, const enum severity *severity)
{
    bool none = *head == '!', any = false;
    const char *end = head + n - 1;
    for (const char *word = head + none; word < end;) {
        size_t length = strcspn(word, "|?");
        for (int t = 0; t < TARGETS; t++) {
            any = any || (severity[t] && targets_word_is(word, length, (enum target)t));
        }
        word += length + 1;
    }
    return any != none;
}

const char *
message_for_targets(struct arena *arena, const char *text, const enum severity severity[TARGETS])
{
    if (!text || !strchr(text, '[')) {
        return text;
    }
    struct str out = {0};
    while (*text) {
        size_t n = *text == '[' ? targets_head(text + 1) : 0;
        if (!n) {
            str_addc(&out, *text++);
            continue;
        }
        const char *part = text + 1 + n, *end = strchr(part, ']');
        if (targets_named(text + 1, n, severity)) {
            str_addn(&out, part, (size_t)(end - part));
        }
        text = end + 1;
    }
    const char *kept = arena_copy(arena, out.s ? out.s : "", out.n);
    str_free(&out);
    return kept;
}

const char *
message_unknown_target(struct arena *arena, const char *text)
{
    for (const char *open = strchr(text, '['); open; open = strchr(open + 1, '[')) {
        size_t n = targets_shape(open + 1);
        if (n && !targets_head(open + 1)) {
            return arena_copy(arena, open + 1, n - 1);
        }
    }
    return NULL;
}

void
finding_set_texts(struct finding *f, struct arena *arena)
{
    f->message = message_for_targets(arena, f->message_text, f->severity);
    f->fix = message_for_targets(arena, f->fix_text, f->severity);
}
