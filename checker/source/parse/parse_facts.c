/* The facts of one parsed flavour: what is known of the unit as a whole, then the walk. */
#include "source/parse/parse_parts.h"
#include "source/walk/twin.h"

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

/* Is the file compiled as a part of the interpreter? 2: by its flags. */
static int
parse_core(const struct plan_unit *unit)
{
    static const char macro[] = "Py_BUILD_CORE";
    for (size_t i = 0; i < unit->args.at.n; i++) {
        const char *arg = unit->args.at.at[i];
        if ((str_starts(arg, "-D") && str_starts(arg + 2, macro)) ||
            (str_starts(arg, macro) && i && strcmp(unit->args.at.at[i - 1], "-D") == 0)) {
            return 2;
        }
    }
    for (size_t i = 0; i < unit->lexed.defines.n; i++) {
        if (str_starts(unit->lexed.defines.at[i].name, macro)) {
            return 1;
        }
    }
    return 0;
}

void
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
    fact->core = parse_core(unit);
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
