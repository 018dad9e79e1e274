/* The facts of one parsed flavour: what is known of the unit as a whole, then the walk. */
#include <ctype.h>

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

/* Where the expression begins whose member is named at `at`: `((PyObject *)x)->ob_refcnt`. */
static unsigned
parse_expression_start(const char *s, unsigned at)
{
    while (at && (s[at - 1] == '.' || (at > 1 && s[at - 1] == '>' && s[at - 2] == '-'))) {
        at -= s[at - 1] == '.' ? 1 : 2;
        for (int depth = 0; at && (s[at - 1] == ')' || depth);) {
            at--;
            depth += (s[at] == ')') - (s[at] == '(');
        }
        while (at && (isalnum((unsigned char)s[at - 1]) || s[at - 1] == '_')) {
            at--;
        }
    }
    return at;
}

/* Free-threaded objects have no field 'ob_refcnt', and of an expression that names a missing member
 * the syntax tree keeps nothing: what the parser says of it is the fact. */
static void
parse_missing_counts(struct unit *u)
{
    const struct cx *cx = u->cx;
    unsigned n = cx->getNumDiagnostics(u->tu);
    for (unsigned i = 0; i < n; i++) {
        CXDiagnostic diagnostic = cx->getDiagnostic(u->tu, i);
        struct str text = {0};
        cx_add(cx, &text, cx->getDiagnosticSpelling(diagnostic));
        CXFile file = NULL;
        unsigned line = 0, column = 0, offset = 0;
        if (str_starts(text.s, "no member named 'ob_refcnt' in")) {
            cx->getExpansionLocation(cx->getDiagnosticLocation(diagnostic), &file, &line, &column,
                                     &offset);
        }
        struct unit_file *where = file ? unit_file(u, file) : NULL;
        if (where && (where->whose == FILE_MAIN || where->whose == FILE_PROJECT)) {
            static const char field[] = "ob_refcnt";
            const struct lexed *lexed = unit_lexed(u, where);
            unsigned back = lexed && offset < lexed->text.n
                                ? offset - parse_expression_start(lexed->text.s, offset)
                                : 0;
            u->facts->file = where->path;
            struct fact_access *a =
                facts_new_access(u->facts, (int)line, (int)(column - (back < column ? back : 0)),
                                 (int)(column + sizeof(field) - 1));
            a->how = "read";
            a->var = "expr";
            a->path = "->ob_refcnt";
        }
        str_free(&text);
        cx->disposeDiagnostic(diagnostic);
    }
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

/* A macro that build scripts define for nanobind, and its headers ask for. */
static void
parse_flag_defines(const struct plan_unit *unit, struct facts *facts)
{
    for (size_t i = 0; i < unit->args.at.n; i++) {
        if (str_starts(unit->args.at.at[i], "-DNB_FREE_THREADED")) {
            facts_new_define(facts, 1, 1, 0)->name = "NB_FREE_THREADED";
        }
    }
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
    parse_flag_defines(unit, facts);
    u.twin = parser->twin;
    decls_walk(&u);
    if (flavour == FLAVOUR_FT && attempt->diagnostics.errors) {
        parse_missing_counts(&u);
    }
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
