#include "source/parse.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "source/precompiled.h"
#include "source/stubs.h"
#include "source/twin.h"
#include "source/unit.h"
#include "source/workers.h"

struct args {
    VEC(const char *) at;
    struct arena arena;
};

/* shared: for a header that a group of units shares, without what only the first unit defines. */
static void
parse_base_args(struct parser *parser, const struct plan_unit *unit, enum flavour flavour,
                bool abi3t, bool shared, struct args *args)
{
    static const char *const quiet[] = {"-w",
                                        "-ferror-limit=0",
                                        "-D__EXTCHECK__=1",
                                        "-Wno-implicit-function-declaration",
                                        "-Wno-int-conversion",
                                        "-Wno-implicit-int",
                                        "-Wno-incompatible-function-pointer-types",
                                        "-Wno-incompatible-pointer-types",
                                        "-fno-caret-diagnostics"};
    const struct source_headers *headers = &parser->plan->options->headers;
    bool has_std = false;
    vec_push(&args->at, "-DNDEBUG"); /* in front: the build's own -UNDEBUG wins */
    for (size_t i = 0; i < unit->args.at.n; i++) {
        bool define = str_starts(unit->args.at.at[i], "-D");
        if (!shared || !define || prefix_flag_matters(unit, unit->args.at.at[i])) {
            vec_push(&args->at, unit->args.at.at[i]);
        }
        has_std |= str_starts(unit->args.at.at[i], "-std=");
    }
    if (!has_std) {
        vec_push(&args->at, unit->is_cxx ? "-std=gnu++17" : "-std=gnu17");
    }
    for (const char *const *flag = headers->flags; flag && *flag && !unit->python_from_args;
         flag++) {
        vec_push(&args->at, *flag);
    }
    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
        vec_push(&args->at, quiet[i]);
    }
    vec_push(&args->at, parser->resource_flag);
    if (strcmp(parser->resource_flag, "-nobuiltininc") == 0) {
        vec_push(&args->at, "-isystem");
    }
    vec_push(&args->at, parser->resource_dir);
    if (flavour == FLAVOUR_FT) {
        vec_push(&args->at, "-DPy_GIL_DISABLED=1");
    }
    if (abi3t) {
        vec_push(&args->at, "-DPy_TARGET_ABI3T=0x030f0000");
    }
    if (parser->stubs && parser->stubs->prelude) {
        vec_push(&args->at, "-include");
        vec_push(&args->at, parser->stubs->prelude);
        vec_push(&args->at, "-idirafter");
        vec_push(&args->at, parser->stubs->include_dir);
    }
}

/* pyconfig.h of a free-threaded build defines Py_GIL_DISABLED: for the GIL flavour its text is
 * replaced, at its real path, by one that undefines it again. */
static unsigned
parse_unsaved(struct parser *parser, enum flavour flavour, struct args *args,
              struct CXUnsavedFile *file, struct str *text)
{
    const struct source_headers *headers = &parser->plan->options->headers;
    if (flavour != FLAVOUR_GIL || !headers->gil_disabled) {
        return 0;
    }
    for (const char *const *flag = headers->flags; flag && *flag; flag++) {
        char *path = arena_printf(&args->arena, "%s/pyconfig.h", *flag + 2);
        if (str_starts(*flag, "-I") && str_read_file(text, path)) {
            str_add(text, "\n#undef Py_GIL_DISABLED\n");
            *file =
                (struct CXUnsavedFile){.Filename = path, .Contents = text->s, .Length = text->n};
            return 1;
        }
    }
    return 0;
}

static const char *
parse_header_path(struct parser *parser, int group, struct arena *arena)
{
    return arena_printf(arena, "%s/group%d.pch", parser->scratch, group);
}

/* What the header includes, for the workers that did not build it: `D path` lines. */
static const char *
parse_files_path(struct parser *parser, int group, struct arena *arena)
{
    return arena_printf(arena, "%s/group%d.files", parser->scratch, group);
}

static bool
parse_write_files(const char *path, const char *lines)
{
    FILE *out = fopen(path, "we");
    bool good = out && fputs(lines, out) >= 0;
    return out && fclose(out) == 0 && good;
}

struct diagnostics {
    int errors;
    bool limited; /* "limited API is not supported in the free-threaded build" */
    bool missing_header;
    bool own; /* the first one is an #error that stands outside Python's headers */
    const char *first, *message; /* "message at line 12"; the message alone */
};

/* Does the line read `#error ...`? Without that the message could be about anything. */
static bool
parse_is_error_line(struct parser *parser, CXFile file, unsigned line)
{
    struct str path = {0}, text = {0};
    cx_add(parser->cx, &path, parser->cx->getFileName(file));
    for (const char *const *root = parser->paths.python_roots; *root; root++) {
        if (str_starts(path.s, *root)) {
            str_clear(&path);
        }
    }
    const char *at = path.n && str_read_file(&text, path.s) ? text.s : NULL;
    for (; at && line > 1; line--) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    at = at ? at + strspn(at, " \t") : NULL;
    bool yes = at && *at == '#' && str_starts(at + 1 + strspn(at + 1, " \t"), "error");
    str_free(&path);
    str_free(&text);
    return yes;
}

/* From "'foo.h' file not found". */
static void
parse_absent(struct str *out, const char *message)
{
    const char *name = strchr(message, '\'');
    size_t n = name ? strcspn(name + 1, "'") : 0;
    if (n) {
        str_addf(out, "N %.*s\n", (int)n, name + 1);
    }
}

static void
parse_diagnostics(struct parser *parser, CXTranslationUnit tu, struct arena *arena,
                  struct diagnostics *out)
{
    const struct cx *cx = parser->cx;
    unsigned n = cx->getNumDiagnostics(tu);
    for (unsigned i = 0; i < n; i++) {
        CXDiagnostic diagnostic = cx->getDiagnostic(tu, i);
        if (cx->getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error) {
            struct str text = {0};
            cx_add(cx, &text, cx->getDiagnosticSpelling(diagnostic));
            const char *message = text.s ? text.s : "";
            out->errors++;
            out->limited |=
                strstr(message, "imited API") != NULL && strstr(message, "ree-threaded") != NULL;
            bool missing = strstr(message, "file not found") != NULL;
            if (!out->first || (missing && !out->missing_header)) {
                unsigned line = 0, column = 0;
                CXFile file = NULL;
                cx->getExpansionLocation(cx->getDiagnosticLocation(diagnostic), &file, &line,
                                         &column, NULL);
                bool help = missing && !strstr(message, "'Python.h'");
                out->first = arena_printf(arena, "%s at line %u%s", message, line,
                                          help ? "; pass its folder: -- -I DIR" : "");
                out->message = arena_string(arena, message);
                out->own = file && parse_is_error_line(parser, file, line);
            }
            out->missing_header |= missing;
            if (missing) {
                parse_absent(&parser->absent, message);
            }
            str_free(&text);
        }
        cx->disposeDiagnostic(diagnostic);
    }
}

struct attempt {
    CXTranslationUnit tu;
    struct diagnostics diagnostics;
};

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

/* It says nothing about why; a language or standard that it does not know is one reason. */
static const char *
parse_refusal(const struct plan_unit *unit, struct arena *arena)
{
    for (size_t i = unit->args.at.n; i-- > 0;) {
        const char *arg = unit->args.at.at[i];
        if (str_starts(arg, "-std=") || (str_starts(arg, "-x") && arg[2])) {
            return arena_printf(arena, "libclang could not parse it; does it know '%s'?", arg);
        }
        if (strcmp(arg, "-x") == 0 && i + 1 < unit->args.at.n) {
            return arena_printf(arena, "libclang could not parse it; does it know '-x %s'?",
                                unit->args.at.at[i + 1]);
        }
    }
    return "libclang could not parse it";
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
    unsigned options = CXTranslationUnit_KeepGoing;
    enum CXErrorCode code =
        parser->cx->parseTranslationUnit2(parser->index, unit->path, args.at.at, (int)args.at.n,
                                          unsaved.at, (unsigned)unsaved.n, options, &attempt.tu);
    if (code != CXError_Success) {
        attempt.tu = NULL;
        attempt.diagnostics.errors = 1;
        int memory = parser->plan->options->memory_mb;
        attempt.diagnostics.first = code != CXError_Crashed ? parse_refusal(unit, arena)
                                    : workers_memory_short(memory)
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

static void
parse_dispose(struct parser *parser, struct attempt *attempt)
{
    if (attempt->tu) {
        parser->cx->disposeTranslationUnit(attempt->tu);
        attempt->tu = NULL;
    }
}

static bool
parse_looks_cxx(const struct plan_unit *unit)
{
    static const char *const marks[] = {"\nclass ", "\ntemplate",          "\nnamespace ",
                                        "std::",    "#include <iostream>", "\nusing "};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        if (unit->lexed.text.s && strstr(unit->lexed.text.s, marks[i])) {
            return true;
        }
    }
    return false;
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

struct included_sources {
    struct unit *u;
    struct str list;
};

static void
parse_included_source(CXFile handle, CXSourceLocation *stack, unsigned n, CXClientData data)
{
    (void)stack;
    struct included_sources *walk = data;
    if (!n || !handle) {
        return; /* the unit itself */
    }
    const char *name = cx_text(walk->u->cx, walk->u->strings, walk->u->cx->getFileName(handle));
    if (str_ends(name, ".c") || str_ends(name, ".cc") || str_ends(name, ".cpp") ||
        str_ends(name, ".cxx")) {
        const struct unit_file *file = unit_file(walk->u, handle);
        if (file->whose == FILE_PROJECT) {
            str_addf(&walk->list, "%s%s", walk->list.n ? "," : "", file->path);
        }
    }
}

/* Some projects include their other .c files into one: those are no units of their own. */
static const char *
parse_included_sources(struct unit *u)
{
    struct included_sources walk = {.u = u};
    u->cx->getInclusions(u->tu, parse_included_source, &walk);
    const char *kept = walk.list.n ? facts_intern(u->facts, walk.list.s) : NULL;
    str_free(&walk.list);
    return kept;
}

/* The other flavour is next: what is equal there? */
static void
parse_prepare_twin(struct parser *parser, struct unit *u)
{
    if (!parser->differs) {
        parser->differs = differs_new();
    }
    struct str headers = {0};
    struct arena arena = {0};
    int group = parser->twin->group;
    if (group >= 0 && !str_read_file(&headers, parse_files_path(parser, group, &arena))) {
        str_clear(&headers);
    }
    twin_prepare(parser->twin, u, parser->differs, headers.s);
    str_free(&headers);
    arena_free(&arena);
}

static void
parse_facts(struct parser *parser, struct plan_unit *unit, const struct attempt *attempt,
            enum flavour flavour, const char *limited, bool as_cxx, struct facts *facts)
{
    const struct cx *cx = parser->cx;
    struct lexer_macros macros = parser->plan->macros; /* known and user macros so far */
    struct unit_paths paths = parser->paths;
    paths.project_root = unit->root;
    struct cx_memo memo = {.generation = 1};
    struct cx remembering = *cx;
    remembering.memo = &memo;
    struct unit u = {.cx = &remembering,
                     .paths = &paths,
                     .tu = attempt->tu,
                     .path = unit->path,
                     .is_cxx = unit->is_cxx || as_cxx,
                     .facts = facts,
                     .strings = &facts->strings,
                     .macros = &macros,
                     .main_lexed = &unit->lexed};
    u.main_file = cx->getFile(attempt->tu, unit->path);
    facts->file = facts_intern(facts, unit->path);
    struct fact_unit *fact = facts_new_unit(facts, 1, 1, 0);
    fact->path = facts_intern(facts, unit->path);
    fact->lang = u.is_cxx ? "c++" : "c";
    struct str version = {0};
    str_addf(&version, "%d.%d", unit->python_hex >> 8, unit->python_hex & 0xff);
    fact->python = facts_intern(facts, version.s);
    str_free(&version);
    fact->flavour = flavour == FLAVOUR_FT ? "ft" : "gil";
    fact->status = attempt->diagnostics.missing_header ? "missing-header"
                   : attempt->diagnostics.errors       ? "errors"
                                                       : "ok";
    fact->message = facts_intern(facts, attempt->diagnostics.first);
    fact->errors = attempt->diagnostics.errors;
    fact->output = facts_intern(facts, unit->output);
    fact->generator = unit->lexed.generator;
    fact->banner = facts_intern(facts, unit->lexed.banner);
    fact->limited = facts_intern(facts, limited);
    fact->mentions_gil = unit->mentions_gil;
    u.twin = parser->twin;
    decls_walk(&u);
    fact->includes = parse_included_sources(&u);
    for (size_t i = 0; i < unit->headers.n; i++) {
        facts_new_header(facts, 0, 0, 0)->path = facts_intern(facts, unit->headers.at[i]);
    }
    if (u.twin && !u.twin->ready) {
        parse_prepare_twin(parser, &u);
    }
    unit_free(&u);
    cx_memo_free(&memo);
}

/* Parses one flavour with the precompiled header, and again without when that gave errors. */
static struct attempt
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

/* Does the parse lack headers of libraries only? Without Python's own there is nothing to see. */
static bool
parse_wants_stubs(const struct attempt *attempt)
{
    const char *message = attempt->diagnostics.message;
    return attempt->tu && attempt->diagnostics.errors && message &&
           !strstr(message, "'Python.h'") && !strstr(message, "'pyconfig.h'");
}

/* Parses again with stand-ins for what missing headers would have declared, at most three times.
 * What is said about the unit stays what the first parse said. */
static void
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

static void
parse_status(struct str *result, const struct attempt *attempt)
{
    const struct diagnostics *d = &attempt->diagnostics;
    if (!attempt->tu) {
        str_addf(result, "S failed %s\n", d->first ? d->first : "not parsed");
    }
    else if (d->errors) {
        str_addf(result, "S partial %s%s\n", d->first, d->errors > 1 ? " (and more)" : "");
    }
    else {
        str_add(result, "S ok\n");
    }
}

/* From 3.15 on the limited API of a free-threaded build is abi3t, which hides what objects look
 * like: a source that was written for abi3 may not compile for it. */
static const char *
parse_abi3t(const struct attempt *attempt, struct arena *arena)
{
    return attempt->diagnostics.errors
               ? arena_printf(arena, "no-abi3t: %s", attempt->diagnostics.first)
               : "abi3t";
}

/* Is an #error of the unit's own all that is wrong? The rest of it was understood. */
static bool
parse_is_refusal(const struct diagnostics *d)
{
    return d->errors == 1 && d->own;
}

/* C++ in a file that is none by its name: analysed as what it is, and said. */
static void
parse_name_language(struct diagnostics *d, struct arena *arena)
{
    static const char what[] = "this is C++, not C: give the file a C++ ending, or `-x c++` behind "
                               "the files and `--`";
    d->first = d->errors ? arena_printf(arena, "%s; %s", what, d->first) : what;
    d->errors += d->errors == 0;
}

void
parse_unit(struct parser *parser, int index, const bool use_header[FLAVOURS], struct str *result)
{
    struct plan_unit *unit = parser->plan->units.at[index];
    struct arena arena = {0};
    struct facts facts = {0};
    bool limited = unit->limited, as_cxx = false, ft_errors = false, refused = false;
    const char *limited_text = limited ? "yes" : NULL;
    struct str status = {0}, files = {0};
    struct stubs stubs = {.folder = arena_printf(&arena, "%s/unseen%d", parser->scratch, index)};
    struct twin twin = {.group = use_header[FLAVOUR_FT] ? unit->group[FLAVOUR_FT] : -1};
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    str_clear(&parser->absent);
    for (int flavour = 0; flavour < FLAVOURS; flavour++) {
        /* A source may refuse one flavour with an #error of its own: the other is seen as well. */
        bool second = flavour == FLAVOUR_GIL && (limited || ft_errors);
        if (!unit->wanted[flavour] && !second) {
            continue;
        }
        struct attempt attempt = parse_flavour(parser, unit, (enum flavour)flavour,
                                               use_header[flavour], as_cxx, false, &arena);
        bool same = refused && parse_is_refusal(&attempt.diagnostics);
        if (attempt.diagnostics.errors && parser->twin && !same) {
            parser->twin = NULL; /* errors are for the whole text to tell */
            parse_dispose(parser, &attempt);
            attempt = parse_flavour(parser, unit, (enum flavour)flavour, use_header[flavour],
                                    as_cxx, false, &arena);
        }
        if (flavour == FLAVOUR_FT && attempt.diagnostics.limited) {
            /* The headers refuse this flavour: not a failure of ours to analyse it. */
            limited = true;
            limited_text = "yes";
            parse_dispose(parser, &attempt);
            if (unit->python_hex < 0x030f) {
                continue;
            }
            attempt = parse_flavour(parser, unit, FLAVOUR_FT, false, as_cxx, true, &arena);
        }
        if (flavour == FLAVOUR_FT && unit->asks_limited && unit->python_hex >= 0x030f &&
            !attempt.diagnostics.missing_header) {
            limited_text = parse_abi3t(&attempt, &arena);
            limited = attempt.diagnostics.errors > 0;
            if (limited) {
                parse_dispose(parser, &attempt);
                continue;
            }
        }
        if (attempt.diagnostics.errors && !unit->is_cxx && !as_cxx && parse_looks_cxx(unit)) {
            struct attempt again =
                parse_flavour(parser, unit, (enum flavour)flavour, false, true, false, &arena);
            as_cxx = again.tu && again.diagnostics.errors < attempt.diagnostics.errors;
            parse_dispose(parser, as_cxx ? &attempt : &again);
            attempt = as_cxx ? again : attempt;
        }
        if (parse_wants_stubs(&attempt)) {
            parse_with_stubs(parser, unit, (enum flavour)flavour, as_cxx,
                             flavour == FLAVOUR_FT && limited, &start, &stubs, &attempt, &arena);
        }
        /* A missing header is missing in both flavours. */
        ft_errors |= flavour == FLAVOUR_FT && attempt.diagnostics.errors &&
                     !attempt.diagnostics.missing_header;
        if (as_cxx) {
            parse_name_language(&attempt.diagnostics, &arena);
        }
        if (!status.n || !attempt.diagnostics.errors) {
            str_clear(&status);
            parse_status(&status, &attempt);
        }
        refused = parse_is_refusal(&attempt.diagnostics);
        bool both = flavour == FLAVOUR_FT && (unit->wanted[FLAVOUR_GIL] || refused) && !as_cxx &&
                    !unit->is_cxx;
        parser->twin = both && (!attempt.diagnostics.errors || refused) ? &twin : parser->twin;
        if (attempt.tu) {
            struct inclusions walk = {.parser = parser, .result = &files};
            parser->cx->getInclusions(attempt.tu, parse_inclusion, &walk);
            parse_facts(parser, unit, &attempt, (enum flavour)flavour, limited_text, as_cxx,
                        &facts);
        }
        parse_dispose(parser, &attempt);
    }
    str_add(result, status.n ? status.s : "S failed not parsed\n");
    str_addn(result, files.s ? files.s : "", files.n);
    str_addn(result, parser->absent.n ? parser->absent.s : "", parser->absent.n);
    str_add(result, "F\n");
    facts_write_short(&facts, result);
    parser->twin = NULL;
    twin_free(&twin);
    stubs_free(&stubs);
    str_free(&status);
    str_free(&files);
    facts_free(&facts);
    arena_free(&arena);
}

/* Parses the header and saves it. included receives `D path` lines. */
static bool
parse_build_header(struct parser *parser, const struct plan_group *group, int index,
                   struct args *args, struct str *included)
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
    const char *out = parse_header_path(parser, index, &args->arena);
    bool ok = tu && !diagnostics.errors && cx->saveTranslationUnit(tu, out, 0) == CXSaveError_None;
    if (ok) {
        struct inclusions walk = {.parser = parser, .result = included};
        cx->getInclusions(tu, parse_inclusion, &walk);
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
    str_addf(key, "%s\x1f%s\x1f%d\x1f%d", parser->library, parser->plan->working_directory,
             (int)group->flavour, parser->plan->options->headers.gil_disabled);
    flags_add_environment(key);
    for (size_t i = 0; i < args->at.n; i++) {
        str_addf(key, "\x1f%s", args->at.at[i]);
    }
    str_addf(key, "\x1e%s", group->header.s);
}

void
parse_group(struct parser *parser, int index, struct str *result)
{
    const struct plan_group *group = parser->plan->groups.at[index];
    const struct plan_unit *unit = parser->plan->units.at[group->first_unit];
    const char *dir = parser->plan->options->cache_dir;
    struct args args = {{0}, {0}};
    vec_push(&args.at, unit->is_cxx ? "-xc++-header" : "-xc-header");
    parse_base_args(parser, unit, group->flavour, false, true, &args);
    const char *out = parse_header_path(parser, index, &args.arena);
    struct str included = {0}, key = {0};
    parse_header_key(parser, group, &args, &key);
    bool known = precompiled_recall(dir, &key, out, &included);
    bool ok = known || parse_build_header(parser, group, index, &args, &included);
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
