#include "rules/finding.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/str.h"
#include "rules/rule.h"

static const char *const target_names[TARGETS] = {
    [TARGET_OWN_GIL] = "own-gil",
    [TARGET_SHARED_GIL] = "shared-gil",
    [TARGET_FREE_THREADED] = "free-threaded",
    [TARGET_RELOAD] = "reload",
    [TARGET_PORT] = "port",
};

static const char *const severity_names[] = {
    [SEVERITY_NONE] = "none",
    [SEVERITY_ADVICE] = "advice",
    [SEVERITY_HAZARD] = "hazard",
    [SEVERITY_BLOCKER] = "blocker",
};

static const char *const confidence_names[] = {
    [CONFIDENCE_LOW] = "low",
    [CONFIDENCE_MEDIUM] = "medium",
    [CONFIDENCE_HIGH] = "high",
};

static const char *const verdict_names[] = {
    [VERDICT_READY] = "ready",
    [VERDICT_READY_WITH_WARNINGS] = "ready-with-warnings",
    [VERDICT_RUNS_WITH_GIL] = "runs-with-gil",
    [VERDICT_NOT_READY] = "not-ready",
    [VERDICT_UNKNOWN] = "unknown",
};

const char *
target_name(enum target t)
{
    return target_names[t];
}

const char *
severity_name(enum severity s)
{
    return severity_names[s];
}

const char *
confidence_name(enum confidence c)
{
    return confidence_names[c];
}

const char *
verdict_name(enum verdict v)
{
    return verdict_names[v];
}

enum target
target_named(const char *name)
{
    for (int t = 0; t < TARGETS; t++) {
        if (str_same(target_names[t], name)) {
            return (enum target)t;
        }
    }
    return TARGETS;
}

int
severity_named(const char *name)
{
    for (int s = SEVERITY_NONE; s <= SEVERITY_BLOCKER; s++) {
        if (str_same(severity_names[s], name)) {
            return s;
        }
    }
    return -1;
}

/* Adds s with every run of white space as one blank and none at the ends: a change of indentation
 * must not turn a known finding into a new one. */
static void
finding_add_squeezed(struct str *out, const char *s)
{
    bool pending = false, any = false;
    for (; *s; s++) {
        if (strchr(" \t\r\n\v\f", *s)) {
            pending = any;
            continue;
        }
        if (pending) {
            str_addc(out, ' ');
            pending = false;
        }
        str_addc(out, *s);
        any = true;
    }
}

void
finding_fingerprint(struct finding *f, const char *file)
{
    static const char hex[] = "0123456789abcdef";
    struct str key = {0};
    str_add(&key, f->rule ? f->rule->id : "");
    str_addc(&key, '\n');
    str_add(&key, file ? file : "");
    str_addc(&key, '\n');
    str_add(&key, f->symbol ? f->symbol : "");
    str_addc(&key, '\n');
    finding_add_squeezed(&key, f->line_text ? f->line_text : "");

    XXH128_canonical_t digest;
    XXH128_canonicalFromHash(&digest, XXH3_128bits(key.s, key.n));
    for (size_t i = 0; i < sizeof(digest.digest); i++) {
        f->fingerprint[2 * i] = hex[digest.digest[i] >> 4];
        f->fingerprint[2 * i + 1] = hex[digest.digest[i] & 15];
    }
    f->fingerprint[2 * sizeof(digest.digest)] = '\0';
    str_free(&key);
}

static int
finding_compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

int
finding_compare(const struct finding *a, const struct finding *b)
{
    int order = finding_compare_text(a->place.file, b->place.file);
    if (!order) {
        order = (a->place.line > b->place.line) - (a->place.line < b->place.line);
    }
    if (!order) {
        order = (a->place.column > b->place.column) - (a->place.column < b->place.column);
    }
    if (!order) {
        order = finding_compare_text(a->rule ? a->rule->id : NULL, b->rule ? b->rule->id : NULL);
    }
    if (!order) {
        order = finding_compare_text(a->symbol, b->symbol);
    }
    /* The whole text: the same finding for other targets differs in its parts for them only. */
    return order ? order
                 : finding_compare_text(a->message_text ? a->message_text : a->message,
                                        b->message_text ? b->message_text : b->message);
}

static int
finding_compare_cells(const void *a, const void *b)
{
    return finding_compare(*(struct finding *const *)a, *(struct finding *const *)b);
}

void
findings_sort(struct findings *findings)
{
    if (findings->all.n > 1) {
        qsort(findings->all.at, findings->all.n, sizeof(findings->all.at[0]),
              finding_compare_cells);
    }
}

void
findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->all.n; i++) {
        vec_free(&findings->all.at[i]->related);
    }
    for (size_t i = 0; i < findings->modules.n; i++) {
        vec_free(&findings->modules.at[i].units);
        vec_free(&findings->modules.at[i].missing);
    }
    vec_free(&findings->all);
    vec_free(&findings->modules);
    vec_free(&findings->failed);
    vec_free(&findings->binaries);
    vec_free(&findings->notes);
    arena_free(&findings->arena);
}
