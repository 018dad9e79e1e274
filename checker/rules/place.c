#include "rules/place.h"

#include <string.h>

const char *
place_symbol(const struct rule *rule, const struct fact *f, struct arena *arena)
{
    static const char *const names[] = {"symbol", "name", "subject", "callee", "var",
                                        "id",     "func", "array",   "path"};
    const char *s = rule->symbol ? match_field(f, rule->symbol) : NULL;
    if (!s && f->kind == FACT_variable && match_field(f, "func")) {
        s = match_field(f, "name"); /* local statics: the function is named apart */
    }
    for (size_t i = 0; !s && i < sizeof(names) / sizeof(*names); i++) {
        s = match_field(f, names[i]);
    }
    return message_name(arena, s);
}

const char *
place_function(const struct fact *f, struct arena *arena)
{
    const char *func = match_field(f, f->kind == FACT_function ? "name" : "func");
    /* In a method table `func` is what the row names, not where it stands. */
    return f->kind == FACT_row || f->kind == FACT_entry ? NULL : message_name(arena, func);
}

static const char *
place_modules_of(const struct match_context *ctx, const struct fact *f)
{
    static const char *const links[] = {"var", "array", "subject"};
    const char *modules = match_field(f, "modules");
    if (modules || f->kind == FACT_module) {
        return modules ? modules : match_field(f, "name");
    }
    const char *func = match_field(f, "func");
    const struct fact_function *function = func ? map_get(&ctx->functions, func) : NULL;
    if (function && function->modules && *function->modules) {
        return function->modules;
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        const char *id = match_field(f, links[i]);
        const struct fact_variable *v = id ? map_get(&ctx->variables, id) : NULL;
        if (v && v->modules && *v->modules) {
            return v->modules;
        }
    }
    const struct fact_unit *unit = match_unit(ctx, f);
    return unit && unit->path ? map_get(&ctx->unit_modules, unit->path) : NULL;
}

const char *
place_modules(const struct match_context *ctx, const struct fact *f, struct arena *arena)
{
    const char *modules = place_modules_of(ctx, f);
    return modules ? arena_string(arena, modules) : NULL;
}

bool
place_is_test(const struct match_context *ctx, const struct fact *f, const char *modules)
{
    if (match_number(f, "test_code")) {
        return true;
    }
    STR_WORDS_EACH(modules, word)
    {
        const struct fact_module *module = NULL;
        for (size_t i = 0; i < ctx->facts->by_kind[FACT_module].n && !module; i++) {
            const struct fact_module *m =
                (const struct fact_module *)(const void *)ctx->facts->by_kind[FACT_module].at[i];
            bool same =
                m->name && strlen(m->name) == word.n && strncmp(m->name, word.at, word.n) == 0;
            module = same ? m : NULL;
        }
        if (!module || !module->test_code) {
            return false;
        }
    }
    return modules && *modules;
}

const char *
place_join(struct arena *arena, const char *a, const char *b)
{
    if (!a || !*a || !b || !*b) {
        return a && *a ? a : b;
    }
    const char *all = a;
    STR_WORDS_EACH(b, item)
    {
        const char *word = arena_copy(arena, item.at, item.n);
        if (!str_list_has(all, word)) {
            all = arena_printf(arena, "%s,%s", all, word);
        }
    }
    return all;
}

struct place_file {
    struct str text;
    const char *at; /* the start of `line` */
    int line;
};

/* Lines are asked for in rising order, so one walk over each file is enough. */
static const char *
place_line(struct place_file *file, int line, struct arena *arena)
{
    while (file->at && file->line < line) {
        const char *end = strchr(file->at, '\n');
        file->at = end ? end + 1 : NULL;
        file->line++;
    }
    if (!file->at || file->line != line) {
        return NULL;
    }
    return arena_copy(arena, file->at, strcspn(file->at, "\r\n"));
}

void
place_read_lines(struct findings *out)
{
    struct place_file file = {0};
    const char *path = NULL;
    for (size_t i = 0; i < out->all.n; i++) {
        struct finding *f = out->all.at[i];
        if (!f->place.file || f->place.line < 1) {
            continue;
        }
        if (!path || strcmp(path, f->place.file) != 0) {
            path = f->place.file;
            str_clear(&file.text);
            bool ok = str_read_file(&file.text, path) && file.text.n;
            file.at = ok ? file.text.s : NULL;
            file.line = 1;
        }
        f->line_text = place_line(&file, f->place.line, &out->arena);
    }
    str_free(&file.text);
}
