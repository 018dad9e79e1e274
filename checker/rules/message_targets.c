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

/* Length of `TARGET|TARGET?` behind a bracket, or 0 when it is plain text, such as `a[0]`. */
static size_t
targets_head(const char *text)
{
    size_t n = *text == '!';
    n += strspn(text + n, "abcdefghijklmnopqrstuvwxyz-|");
    return n > 1 && text[n] == '?' && strchr(text + n, ']') ? n + 1 : 0;
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
        size_t n = targets_head(open + 1);
        const char *end = open + n;
        for (const char *word = open + 1 + (n && open[1] == '!'); n && word < end;) {
            size_t length = strcspn(word, "|?");
            bool known = false;
            for (int t = 0; t < TARGETS; t++) {
                known = known || targets_word_is(word, length, (enum target)t);
            }
            if (!known) {
                return arena_copy(arena, word, length);
            }
            word += length + 1;
        }
    }
    return NULL;
}
