#include "report/shared.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "report/text.h"

static int
shown_compare(const void *a, const void *b)
{
    return finding_compare(*(const struct finding *const *)a, *(const struct finding *const *)b);
}

static int
shown_compare_severity(const void *a, const void *b)
{
    const struct finding *left = *(const struct finding *const *)a;
    const struct finding *right = *(const struct finding *const *)b;
    if (left->worst != right->worst) {
        return left->worst > right->worst ? -1 : 1;
    }
    return finding_compare(left, right);
}

static int
shown_compare_failed(const void *a, const void *b)
{
    const struct failed_file *left = a, *right = b;
    int order = strcmp(left->file, right->file);
    return order ? order
                 : strcmp(left->reason ? left->reason : "", right->reason ? right->reason : "");
}

void
shown_select(struct shown *shown, const struct findings *findings, bool suppressed)
{
    for (size_t i = 0; i < findings->all.n; i++) {
        const struct finding *f = findings->all.at[i];
        if (f->worst != SEVERITY_NONE && (suppressed || f->suppression == NOT_SUPPRESSED)) {
            vec_push(&shown->all, f);
        }
    }
    for (size_t i = 0; i < findings->failed.n; i++) {
        vec_push(&shown->failed, findings->failed.at[i]);
    }
    if (shown->all.n) {
        qsort(shown->all.at, shown->all.n, sizeof(shown->all.at[0]), shown_compare);
    }
    if (shown->failed.n) {
        qsort(shown->failed.at, shown->failed.n, sizeof(shown->failed.at[0]), shown_compare_failed);
    }
}

void
shown_sort_by_severity(struct shown *shown)
{
    if (shown->all.n) {
        qsort(shown->all.at, shown->all.n, sizeof(shown->all.at[0]), shown_compare_severity);
    }
}

void
shown_free(struct shown *shown)
{
    vec_free(&shown->all);
    vec_free(&shown->failed);
}

void
counts_take(struct counts *counts, const struct findings *findings)
{
    for (size_t i = 0; i < findings->all.n; i++) {
        const struct finding *f = findings->all.at[i];
        if (f->worst == SEVERITY_NONE) {
            continue;
        }
        size_t *count = f->suppression == SUPPRESSED_IN_SOURCE     ? &counts->suppressed
                        : f->suppression == SUPPRESSED_BY_BASELINE ? &counts->baseline
                        : f->worst == SEVERITY_BLOCKER             ? &counts->blockers
                        : f->worst == SEVERITY_HAZARD              ? &counts->hazards
                                                                   : &counts->advice;
        (*count)++;
    }
}

bool
report_asked(const struct report_options *options, enum target t)
{
    return !options->targets || options->targets[t];
}

void
report_add_targets(struct str *out, const struct finding *f, enum severity severity)
{
    const char *between = "";
    for (int t = 0; t < TARGETS; t++) {
        enum severity s = f->severity[t];
        /* Where port was not asked for it is said as advice, whatever the rule calls it. */
        if (t == TARGET_PORT && s > f->worst) {
            s = f->worst;
        }
        if (s == severity) {
            str_addf(out, "%s%s", between, target_name((enum target)t));
            between = ", ";
        }
    }
}

void
report_add_count(struct str *out, size_t n, const char *noun)
{
    str_addf(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

void
report_columns(const struct place *place, const char *line, int *start, int *end)
{
    int last = line ? (int)strlen(line) + 1 : INT_MAX;
    *start = *end = 0;
    if (place->column < 1 || place->column > last) {
        return;
    }
    *start = text_column(line, place->column);
    if (place->end_column > place->column) {
        *end = text_column(line, place->end_column < last ? place->end_column : last);
        *end = *end > *start ? *end : 0;
    }
}

const char *
report_level(enum severity severity)
{
    return severity == SEVERITY_BLOCKER  ? "error"
           : severity == SEVERITY_HAZARD ? "warning"
                                         : "note";
}

const char *
occurrence_of(struct occurrences *o, const struct finding *f, const char *root, int *number)
{
    /* Not f->fingerprint: that one has the path as the user wrote it, which differs between two
     * machines and two working directories. */
    struct finding copy = *f;
    struct str file = {0};
    path_add(&file, f->place.file, root);
    finding_fingerprint(&copy, file.s);
    str_free(&file);
    const char *fingerprint = arena_string(&o->arena, copy.fingerprint);
    void **slot = map_slot(&o->seen, fingerprint);
    if (!*slot) {
        *slot = arena_alloc(&o->arena, sizeof(int));
    }
    *number = ++*(int *)*slot;
    return fingerprint;
}

void
occurrences_free(struct occurrences *o)
{
    map_free(&o->seen);
    arena_free(&o->arena);
}
