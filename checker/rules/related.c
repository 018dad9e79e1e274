/* Related places of a finding: where a variable is written, where its address leaves. */
#include <string.h>

#include "rules/match.h"

enum { MOST_WRITES = 4, MOST_ESCAPES = 2 };

static bool
related_is_write(const struct fact_access *a)
{
    static const char *const writes[] = {"write", "rmw", "atomic-store", "atomic-rmw",
                                         "atomic-cas"};
    /* Behind a pointer it is not the variable that is written. */
    bool own = !a->path || !strstr(a->path, "->");
    for (size_t i = 0; own && i < sizeof(writes) / sizeof(*writes); i++) {
        if (str_same(a->how, writes[i])) {
            return true;
        }
    }
    return false;
}

static bool
related_known(const struct finding *finding, const struct fact *at)
{
    for (size_t i = 0; i < finding->related.n; i++) {
        const struct place *place = &finding->related.at[i].place;
        if (str_same(place->file, at->file) && place->line == at->line &&
            place->column == at->column) {
            return true;
        }
    }
    return str_same(finding->place.file, at->file) && finding->place.line == at->line &&
           finding->place.column == at->column;
}

static void
related_push(struct finding *finding, const struct fact *at, const char *text)
{
    struct related r = {{at->file, at->line, at->column, at->end_column}, text};
    vec_push(&finding->related, r);
}

static const char *
related_text(struct arena *arena, const char *what, const struct fact_access *a)
{
    const char *where = message_entry(a->entry);
    if (!a->func) {
        return what;
    }
    return arena_printf(arena, "%s in '%s'%s%s", what, message_name(arena, a->func),
                        where ? ", " : "", where ? where : "");
}

/* Run-time writes first, because they are the ones that race. */
static void
related_add_writes(const struct match_context *ctx, const char *var, struct finding *finding,
                   struct arena *arena)
{
    const char *note = finding->rule->note ? finding->rule->note : "written";
    size_t most = finding->related.n + MOST_WRITES;
    for (int run = 1; run >= 0; run--) {
        for (struct access_chain *l = map_get(&ctx->accesses, var); l; l = l->next) {
            const struct fact_access *a = l->access;
            bool at_run_time = str_list_has(a->entry ? a->entry : "", "run");
            if (finding->related.n < most && related_is_write(a) && at_run_time == (run == 1) &&
                !related_known(finding, &a->at)) {
                related_push(finding, &a->at, related_text(arena, note, a));
            }
        }
    }
    most = finding->related.n + MOST_ESCAPES;
    for (struct access_chain *l = map_get(&ctx->accesses, var); l; l = l->next) {
        const struct fact_access *a = l->access;
        if (finding->related.n < most && str_same(a->how, "addr") &&
            !related_known(finding, &a->at)) {
            related_push(finding, &a->at, related_text(arena, "its address is taken", a));
        }
    }
}

void
related_add(const struct match_context *ctx, const struct fact *f, struct finding *finding,
            struct arena *arena)
{
    const char *file = match_field(f, "rel_file");
    long line = match_number(f, "rel_line");
    if (line > 0) {
        const char *text = match_field(f, "rel_text");
        struct fact at = {
            .file = file ? file : f->file, .line = (int)line, .column = 1, .end_column = 1};
        text = text ? text : finding->rule->note;
        related_push(finding, &at, text ? text : "see here");
    }
    if (f->kind == FACT_variable) {
        const char *id = match_field(f, "id");
        if (id) {
            related_add_writes(ctx, id, finding, arena);
        }
    }
    else if (f->kind == FACT_flaw && match_field(f, "subject")) {
        const struct fact_variable *v = map_get(&ctx->variables, match_field(f, "subject"));
        if (v && !related_known(finding, &v->at)) {
            related_push(finding, &v->at,
                         arena_printf(arena, "'%s' is declared here", v->name ? v->name : v->id));
        }
    }
}
