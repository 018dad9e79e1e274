/* The header that a group of units shares: built once, kept for later runs. */
#include <stdio.h>

#include "source/parse/parse_parts.h"
#include "source/plan/common.h"
#include "source/plan/precompiled.h"

static bool
parse_write_files(const char *path, const char *lines)
{
    FILE *out = fopen(path, "we");
    bool good = out && fputs(lines, out) >= 0;
    return out && fclose(out) == 0 && good;
}

/* Parses the header and saves it as `out`. included receives `D path` lines. */
static bool
parse_build_header(struct parser *parser, const struct plan_group *group, int index,
                   struct args *args, const char *out, struct str *included)
{
    const struct cx *cx = parser->cx;
    char *path = arena_printf(&args->arena, "%s/group%d.h", parser->scratch, index);
    struct str pyconfig = {0};
    struct CXUnsavedFile files[2];
    unsigned n = parse_unsaved(parser, group->flavour, args, &files[0], &pyconfig);
    files[n++] = (struct CXUnsavedFile){
        .Filename = path, .Contents = group->header.s, .Length = group->header.n};
    CXTranslationUnit tu = NULL;
    /* Facts are taken from no body in it; with them, every C++ unit would make the instances of the
     * standard library's and pybind11's templates. */
    unsigned options = CXTranslationUnit_Incomplete | CXTranslationUnit_ForSerialization |
                       CXTranslationUnit_SkipFunctionBodies;
    enum CXErrorCode code = cx->parseTranslationUnit2(parser->index, path, args->at.at,
                                                      (int)args->at.n, files, n, options, &tu);
    struct diagnostics diagnostics = {.errors = code != CXError_Success};
    if (tu) {
        parse_diagnostics(parser, tu, &args->arena, &diagnostics);
    }
    bool ok = tu && !diagnostics.errors && cx->saveTranslationUnit(tu, out, 0) == CXSaveError_None;
    if (ok) {
        parse_list_files(parser, tu, included);
    }
    if (tu) {
        cx->disposeTranslationUnit(tu);
    }
    str_free(&pyconfig);
    return ok;
}

static void
parse_header_key(const struct parser *parser, const struct plan_group *group,
                 const struct args *args, struct str *key)
{
    struct str environment = {0};
    flags_add_environment(&environment);
    bool anywhere = group->common && !environment.s[strspn(environment.s, "\x1f")];
    str_addf(key, "%s\x1f%s\x1f%d\x1f%d%s", parser->library,
             anywhere ? "" : parser->plan->working_directory, (int)group->flavour,
             parser->plan->options->headers.gil_disabled, environment.s);
    str_free(&environment);
    for (size_t i = 0; i < args->at.n; i++) {
        str_addf(key, "\x1f%s", args->at.at[i]);
    }
    str_addf(key, "\x1e%s", group->header.s);
}

/* What the header is built with; the folders of the project are no part of one that others share.
 */
static void
parse_header_args(struct parser *parser, const struct plan_group *group, struct args *args)
{
    const struct plan_unit *unit = parser->plan->units.at[group->first_unit];
    vec_push(&args->at, unit->is_cxx ? "-xc++-header" : "-xc-header");
    parse_base_args(parser, unit, group->flavour, false, true, args);
    size_t kept = 0;
    for (size_t i = 0; i < args->at.n; i++) {
        if (!group->common || !common_is_own_folder(args->at.at[i])) {
            args->at.at[kept++] = args->at.at[i];
        }
    }
    args->at.n = kept;
}

/* Would a unit of the group read other files than the header was made of? */
static bool
parse_is_hidden(const struct parser *parser, int index, const char *included)
{
    const struct plan *plan = parser->plan;
    enum flavour flavour = plan->groups.at[index]->flavour;
    for (size_t i = 0; i < plan->units.n; i++) {
        const struct plan_unit *unit = plan->units.at[i];
        if (unit->group[flavour] == index && common_is_hidden(unit, included)) {
            return true;
        }
    }
    return false;
}

void
parse_group(struct parser *parser, int index, struct str *result)
{
    const struct plan_group *group = parser->plan->groups.at[index];
    const char *dir = parser->plan->options->cache_dir;
    struct args args = {{0}, {0}};
    parse_header_args(parser, group, &args);
    const char *out = parse_header_path(parser, index, &args.arena);
    struct str included = {0}, key = {0};
    parse_header_key(parser, group, &args, &key);
    bool known = precompiled_recall(dir, &key, out, &included);
    bool ok = group->common
                  ? known && included.n && !parse_is_hidden(parser, index, included.s)
                  : known || parse_build_header(parser, group, index, &args, out, &included);
    if (ok && !known) {
        precompiled_keep(dir, &key, out, &included, args.at.at, args.at.n);
    }
    ok = ok && parse_write_files(parse_files_path(parser, index, &args.arena),
                                 included.n ? included.s : "");
    str_add(result, ok ? "S ok\n" : "S failed\n");
    str_add(result, ok && included.n ? included.s : "");
    str_free(&included);
    str_free(&key);
    vec_free(&args.at);
    arena_free(&args.arena);
}

void
parse_keep_common(struct parser *parser, int index)
{
    const struct plan_group *group = parser->plan->groups.at[index];
    struct args args = {{0}, {0}};
    parse_header_args(parser, group, &args);
    const char *out = arena_printf(&args.arena, "%s/common%d.pch", parser->scratch, index);
    struct str included = {0}, key = {0};
    parse_header_key(parser, group, &args, &key);
    if (parse_build_header(parser, group, index, &args, out, &included)) {
        precompiled_keep(parser->plan->options->cache_dir, &key, out, &included, args.at.at,
                         args.at.n);
    }
    str_free(&included);
    str_free(&key);
    vec_free(&args.at);
    arena_free(&args.arena);
}
