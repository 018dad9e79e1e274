#include "rules/finding_text.h"

#include <stdint.h>
#include <string.h>

/* ---- writing ---- */

static void
pack_number(struct str *out, long n)
{
    str_addn(out, (const char *)&n, sizeof(n));
}

/* Its length and one more, 0 for none; then the bytes and a NUL. */
static void
pack_string(struct str *out, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    pack_number(out, s ? (long)n + 1 : 0);
    if (s) {
        str_addn(out, s, n + 1);
    }
}

static void
pack_place(struct str *out, const struct place *p)
{
    pack_string(out, p->file);
    pack_number(out, p->line);
    pack_number(out, p->column);
    pack_number(out, p->end_column);
}

static void
pack_finding(struct str *out, const struct finding *f)
{
    pack_string(out, f->rule->id);
    pack_place(out, &f->place);
    for (int t = 0; t < TARGETS; t++) {
        pack_number(out, (long)f->severity[t]);
    }
    pack_number(out, (long)f->worst);
    const char *const strings[] = {f->message,  f->fix,     f->message_text, f->fix_text, f->symbol,
                                   f->function, f->modules, f->line_text,    f->reason};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        pack_string(out, strings[i]);
    }
    pack_number(out, (long)f->suppression);
    pack_string(out, f->fingerprint);
    pack_number(out, (long)f->related.n);
    for (size_t i = 0; i < f->related.n; i++) {
        pack_place(out, &f->related.at[i].place);
        pack_string(out, f->related.at[i].text);
    }
}

/* Findings by number; a verdict may rest on one that was merged into another and is not listed. */
struct pack_list {
    VEC(const struct finding *) all;
    struct map numbers; /* address as text -> number + 1 */
    struct interner names;
};

static long
pack_number_of(struct pack_list *list, const struct finding *f)
{
    if (!f) {
        return 0;
    }
    char name[32];
    size_t n = 0;
    for (size_t bits = (size_t)f; bits; bits >>= 4) {
        name[n++] = "0123456789abcdef"[bits & 15];
    }
    void **cell = map_slot(&list->numbers, intern_n(&list->names, name, n));
    if (!*cell) {
        vec_push(&list->all, f);
        *cell = (void *)(uintptr_t)list->all.n;
    }
    return (long)(uintptr_t)*cell;
}

static void
pack_module(struct str *out, struct pack_list *list, const struct module_result *m)
{
    pack_string(out, m->name);
    pack_string(out, m->python);
    for (int t = 0; t < TARGETS; t++) {
        pack_number(out, (long)m->verdict[t].verdict);
        pack_number(out, m->verdict[t].asked);
        pack_number(out, pack_number_of(list, m->verdict[t].deciding));
        pack_string(out, m->verdict[t].reason);
    }
    pack_number(out, (long)m->units.n);
    for (size_t i = 0; i < m->units.n; i++) {
        pack_string(out, m->units.at[i]);
    }
    pack_number(out, (long)m->missing.n);
    for (size_t i = 0; i < m->missing.n; i++) {
        pack_string(out, m->missing.at[i]);
    }
}

void
findings_pack(const struct findings *findings, struct str *out)
{
    struct pack_list list = {.all = {0}};
    for (size_t i = 0; i < findings->all.n; i++) {
        pack_number_of(&list, findings->all.at[i]);
    }
    struct str modules = {0};
    for (size_t i = 0; i < findings->modules.n; i++) {
        pack_module(&modules, &list, &findings->modules.at[i]);
    }
    pack_number(out, (long)list.all.n);
    pack_number(out, (long)findings->all.n);
    for (size_t i = 0; i < list.all.n; i++) {
        pack_finding(out, list.all.at[i]);
    }
    pack_number(out, (long)findings->modules.n);
    str_addn(out, modules.n ? modules.s : "", modules.n);
    pack_number(out, (long)findings->failed.n);
    for (size_t i = 0; i < findings->failed.n; i++) {
        pack_string(out, findings->failed.at[i].file);
        pack_string(out, findings->failed.at[i].reason);
        pack_number(out, findings->failed.at[i].partial);
    }
    pack_number(out, (long)findings->notes.n);
    for (size_t i = 0; i < findings->notes.n; i++) {
        pack_string(out, findings->notes.at[i]);
    }
    const int counts[] = {findings->files_total, findings->files_analysed,
                          findings->unused_suppressions, findings->stale_baseline};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        pack_number(out, counts[i]);
    }
    str_free(&modules);
    vec_free(&list.all);
    map_free(&list.numbers);
    interner_free(&list.names);
}

/* ---- reading ---- */

struct unpack {
    const char *at, *end;
    bool bad;
    struct arena *arena;
};

static long
unpack_number(struct unpack *u)
{
    long n = 0;
    if (u->bad || (size_t)(u->end - u->at) < sizeof(n)) {
        u->bad = true;
        return 0;
    }
    memcpy(&n, u->at, sizeof(n));
    u->at += sizeof(n);
    return n;
}

/* A number below `limit`. */
static long
unpack_below(struct unpack *u, long limit)
{
    long n = unpack_number(u);
    u->bad = u->bad || n < 0 || n >= limit;
    return u->bad ? 0 : n;
}

/* How many of something follow: each takes at least one number. */
static size_t
unpack_count(struct unpack *u)
{
    return (size_t)unpack_below(u, (long)((size_t)(u->end - u->at) / sizeof(long)) + 1);
}

static const char *
unpack_string(struct unpack *u)
{
    long n = unpack_below(u, (long)(u->end - u->at) + 1);
    if (n == 0) {
        return NULL;
    }
    const char *s = u->at;
    if ((size_t)n > (size_t)(u->end - u->at) || memchr(s, '\0', (size_t)n) != s + n - 1) {
        u->bad = true;
        return NULL;
    }
    u->at += n;
    return arena_copy(u->arena, s, (size_t)n - 1);
}

static struct place
unpack_place(struct unpack *u)
{
    struct place p = {.file = unpack_string(u)};
    p.line = (int)unpack_number(u);
    p.column = (int)unpack_number(u);
    p.end_column = (int)unpack_number(u);
    return p;
}

static void
unpack_finding(struct unpack *u, const struct ruleset *rules, struct finding *f)
{
    const char *id = unpack_string(u);
    f->rule = id ? map_get(&rules->by_id, id) : NULL;
    f->place = unpack_place(u);
    for (int t = 0; t < TARGETS; t++) {
        f->severity[t] = (enum severity)unpack_below(u, SEVERITY_BLOCKER + 1);
    }
    f->worst = (enum severity)unpack_below(u, SEVERITY_BLOCKER + 1);
    const char **const strings[] = {&f->message,  &f->fix,       &f->message_text,
                                    &f->fix_text, &f->symbol,    &f->function,
                                    &f->modules,  &f->line_text, &f->reason};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        *strings[i] = unpack_string(u);
    }
    f->suppression = (enum suppression)unpack_below(u, SUPPRESSED_BY_BASELINE + 1);
    const char *fingerprint = unpack_string(u);
    size_t n = fingerprint ? strlen(fingerprint) : sizeof(f->fingerprint);
    u->bad = u->bad || !f->rule || n >= sizeof(f->fingerprint);
    if (!u->bad) {
        memcpy(f->fingerprint, fingerprint, n);
    }
    size_t related = unpack_count(u);
    f->related.at = arena_alloc(u->arena, (related + 1) * sizeof(*f->related.at));
    for (f->related.n = 0; f->related.n < related && !u->bad; f->related.n++) {
        f->related.at[f->related.n].place = unpack_place(u);
        f->related.at[f->related.n].text = unpack_string(u);
    }
}

static void
unpack_module(struct unpack *u, struct finding *const *all, size_t n, struct module_result *m)
{
    m->name = unpack_string(u);
    m->python = unpack_string(u);
    for (int t = 0; t < TARGETS; t++) {
        struct module_verdict *v = &m->verdict[t];
        v->verdict = (enum verdict)unpack_below(u, VERDICT_UNKNOWN + 1);
        v->asked = unpack_below(u, 2);
        size_t deciding = (size_t)unpack_below(u, (long)n + 1);
        v->deciding = deciding ? all[deciding - 1] : NULL;
        v->reason = unpack_string(u);
    }
    size_t units = unpack_count(u);
    for (size_t i = 0; i < units && !u->bad; i++) {
        vec_push(&m->units, unpack_string(u));
    }
    size_t missing = unpack_count(u);
    for (size_t i = 0; i < missing && !u->bad; i++) {
        vec_push(&m->missing, unpack_string(u));
    }
}

static void
unpack_rest(struct unpack *u, struct findings *out)
{
    size_t failed = unpack_count(u);
    for (size_t i = 0; i < failed && !u->bad; i++) {
        struct failed_file f = {.file = unpack_string(u)};
        f.reason = unpack_string(u);
        f.partial = unpack_below(u, 2);
        vec_push(&out->failed, f);
    }
    size_t notes = unpack_count(u);
    for (size_t i = 0; i < notes && !u->bad; i++) {
        vec_push(&out->notes, unpack_string(u));
    }
    int *const counts[] = {&out->files_total, &out->files_analysed, &out->unused_suppressions,
                           &out->stale_baseline};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        *counts[i] = (int)unpack_number(u);
    }
    u->bad = u->bad || u->at != u->end;
}

bool
findings_unpack(struct findings *out, const struct ruleset *rules, const char *bytes, size_t n)
{
    struct unpack u = {bytes, bytes + n, false, &out->arena};
    size_t total = unpack_count(&u);
    size_t listed = (size_t)unpack_below(&u, (long)total + 1);
    struct finding **all = xcalloc(total + 1, sizeof(*all));
    for (size_t i = 0; i < total && !u.bad; i++) {
        all[i] = arena_alloc(&out->arena, sizeof(*all[i]));
        unpack_finding(&u, rules, all[i]);
        vec_push(&out->all, all[i]);
    }
    size_t modules = unpack_count(&u);
    for (size_t i = 0; i < modules && !u.bad; i++) {
        struct module_result m = {.name = NULL};
        unpack_module(&u, all, total, &m);
        vec_push(&out->modules, m);
    }
    unpack_rest(&u, out);
    free(all);
    out->all.n = u.bad ? 0 : listed; /* their lists live in the arena, too */
    if (u.bad) {
        findings_free(out);
        *out = (struct findings){.files_total = 0};
    }
    return !u.bad;
}
