/* One flavour of one unit: with the precompiled header, without it, with stand-ins. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "source/parse/parse_parts.h"
#include "source/parse/stubs.h"
#include "source/parse/tables.h"
#include "source/walk/twin.h"
#include "source/workers/worker_life.h"

typedef VEC(struct CXUnsavedFile) unsaved_list;

/* The texts of a twin's files take the place of the files. */
static void
parse_add_twin(const struct parser *parser, unsaved_list *unsaved)
{
    for (size_t i = 0; parser->twin && parser->twin->ready && i < parser->twin->files.n; i++) {
        const struct twin_file *file = &parser->twin->files.at[i];
        struct CXUnsavedFile text = {
            .Filename = file->name, .Contents = file->text.s, .Length = file->text.n};
        vec_push(unsaved, text);
    }
}

static bool
parse_is_twin(const struct parser *parser, const char *real)
{
    char path[PATH_MAX];
    for (size_t i = 0; parser->twin && parser->twin->ready && i < parser->twin->files.n; i++) {
        if (realpath(parser->twin->files.at[i].name, path) && strcmp(path, real) == 0) {
            return true;
        }
    }
    return false;
}

/* A twin's files have their tables shortened as well. */
static void
parse_add_tables(const struct parser *parser, unsaved_list *unsaved)
{
    for (size_t i = 0; parser->tables && i < parser->tables->at.n; i++) {
        const struct table_file *file = &parser->tables->at.at[i];
        if (!parse_is_twin(parser, file->real)) {
            struct CXUnsavedFile text = {
                .Filename = file->name, .Contents = file->text.s, .Length = file->text.n};
            vec_push(unsaved, text);
        }
    }
}

static struct attempt
parse_attempt(struct parser *parser, const struct plan_unit *unit, enum flavour flavour,
              const char *header, bool as_cxx, bool abi3t, struct arena *arena)
{
    struct args args = {{0}, {0}};
    struct attempt attempt = {.tu = NULL};
    if (as_cxx) {
        vec_push(&args.at, "-xc++");
    }
    parse_base_args(parser, unit, flavour, abi3t, false, &args);
    if (as_cxx) {
        vec_push(&args.at, "-std=gnu++17"); /* the last one counts */
    }
    if (header) {
        vec_push(&args.at, "-include-pch");
        vec_push(&args.at, header);
    }
    struct CXUnsavedFile pyconfig;
    unsaved_list unsaved = {0};
    struct str text = {0};
    if (parse_unsaved(parser, flavour, &args, &pyconfig, &text)) {
        vec_push(&unsaved, pyconfig);
    }
    parse_add_twin(parser, &unsaved);
    if (!as_cxx) {
        parse_add_tables(parser, &unsaved);
    }
    unsigned options = CXTranslationUnit_KeepGoing;
    enum CXErrorCode code =
        parser->cx->parseTranslationUnit2(parser->index, unit->path, args.at.at, (int)args.at.n,
                                          unsaved.at, (unsigned)unsaved.n, options, &attempt.tu);
    if (code != CXError_Success) {
        attempt.tu = NULL;
        attempt.diagnostics.errors = 1;
        int memory = parser->plan->options->memory_mb;
        attempt.diagnostics.first = code != CXError_Crashed ? parse_refusal(unit, arena)
                                    : worker_memory_short(memory)
                                        ? arena_printf(arena,
                                                       "needs more memory than %d MB "
                                                       "(--memory)",
                                                       memory)
                                        : "libclang crashed on it";
    }
    else {
        parse_diagnostics(parser, attempt.tu, arena, &attempt.diagnostics);
    }
    str_free(&text);
    vec_free(&unsaved);
    vec_free(&args.at);
    arena_free(&args.arena);
    return attempt;
}

void
parse_dispose(struct parser *parser, struct attempt *attempt)
{
    if (attempt->tu) {
        parser->cx->disposeTranslationUnit(attempt->tu);
        attempt->tu = NULL;
    }
}

struct inclusions {
    struct parser *parser;
    struct str *result;
};

static void
parse_inclusion(CXFile file, CXSourceLocation *stack, unsigned n, CXClientData data)
{
    (void)stack;
    (void)n;
    struct inclusions *walk = data;
    struct str name = {0};
    cx_add(walk->parser->cx, &name, walk->parser->cx->getFileName(file));
    /* Stand-ins are gone when the cache is asked. */
    if (name.n && !str_starts(name.s, walk->parser->scratch)) {
        str_addf(walk->result, "D %s\n", name.s);
    }
    str_free(&name);
}

struct attempt
parse_flavour(struct parser *parser, struct plan_unit *unit, enum flavour flavour, bool use_header,
              bool as_cxx, bool abi3t, struct arena *arena)
{
    struct attempt attempt = {.tu = NULL, .diagnostics = {.errors = 1}};
    int group = unit->group[flavour];
    if (use_header && group >= 0 && !as_cxx && !abi3t) {
        attempt = parse_attempt(parser, unit, flavour, parse_header_path(parser, group, arena),
                                false, false, arena);
    }
    /* A missing header, or an #error of the unit's own, is no fault of the precompiled header. */
    bool own = attempt.tu && (attempt.diagnostics.missing_header || attempt.diagnostics.own);
    if (attempt.diagnostics.errors && !attempt.diagnostics.limited && !own) {
        parse_dispose(parser, &attempt);
        attempt = parse_attempt(parser, unit, flavour, NULL, as_cxx, abi3t, arena);
    }
    return attempt;
}

/* Time left for one more parse like the first: the worker is killed at the time limit, and what
 * was already understood would be lost. */
static bool
parse_has_time(const struct parser *parser, const struct timespec *start, int rounds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double spent =
        (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
    int limit = parser->plan->options->timeout_seconds;
    return spent * (rounds + 3) < (limit > 0 ? limit : 60);
}

bool
parse_wants_stubs(const struct attempt *attempt)
{
    const char *message = attempt->diagnostics.message;
    return attempt->tu && attempt->diagnostics.errors && message &&
           !strstr(message, "'Python.h'") && !strstr(message, "'pyconfig.h'");
}

void
parse_with_stubs(struct parser *parser, const struct plan_unit *unit, enum flavour flavour,
                 bool as_cxx, bool abi3t, const struct timespec *start, struct stubs *stubs,
                 struct attempt *attempt, struct arena *arena)
{
    enum { ROUNDS = 3 };
    struct diagnostics first = attempt->diagnostics;
    for (int round = 0; round < ROUNDS && parse_has_time(parser, start, round); round++) {
        if (!stubs_collect(stubs, parser->cx, attempt->tu) || !stubs_write(stubs)) {
            break;
        }
        parser->stubs = stubs;
        struct attempt again = parse_attempt(parser, unit, flavour, NULL, as_cxx, abi3t, arena);
        parser->stubs = NULL;
        if (!again.tu) {
            break;
        }
        parse_dispose(parser, attempt);
        *attempt = again;
        if (!again.diagnostics.errors) {
            break;
        }
    }
    attempt->diagnostics = first;
}

void
parse_list_files(struct parser *parser, CXTranslationUnit tu, struct str *result)
{
    struct inclusions walk = {.parser = parser, .result = result};
    parser->cx->getInclusions(tu, parse_inclusion, &walk);
}
