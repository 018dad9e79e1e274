#include "source/parse/parse.h"

#include <string.h>

#include "source/parse/parse_parts.h"
#include "source/parse/stubs.h"
#include "source/parse/tables.h"
#include "source/walk/twin.h"

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

/* A unit while its flavours are parsed, one after the other. */
struct parse_work {
    struct parser *parser;
    struct plan_unit *unit;
    const bool *use_header;
    struct arena arena;
    struct facts facts;
    struct stubs stubs;
    struct twin twin;
    struct table_files tables;
    struct timespec start;
    struct str status, files;
    const char *limited_text;
    bool limited, as_cxx, ft_errors;
    bool refused; /* the flavour before ended with an #error of the unit's own */
};

static struct attempt
parse_again(struct parse_work *w, enum flavour flavour, bool use_header, bool abi3t)
{
    return parse_flavour(w->parser, w->unit, flavour, use_header, w->as_cxx, abi3t, &w->arena);
}

/* The free-threaded flavour and the limited API. Returns whether there is something to see. */
static bool
parse_limited(struct parse_work *w, struct attempt *attempt)
{
    bool newer = w->unit->python_hex >= 0x030f;
    if (attempt->diagnostics.limited) {
        /* The headers refuse this flavour: not a failure of ours to analyse it. */
        w->limited = true;
        w->limited_text = "yes";
        parse_dispose(w->parser, attempt);
        if (!newer) {
            return false;
        }
        *attempt = parse_again(w, FLAVOUR_FT, false, true);
    }
    if (w->unit->asks_limited && newer && !attempt->diagnostics.missing_header) {
        w->limited_text = parse_abi3t(attempt, &w->arena);
        w->limited = attempt->diagnostics.errors > 0;
        if (w->limited) {
            parse_dispose(w->parser, attempt);
            return false;
        }
    }
    return true;
}

static void
parse_try_cxx(struct parse_work *w, enum flavour flavour, struct attempt *attempt)
{
    struct attempt again =
        parse_flavour(w->parser, w->unit, flavour, false, true, false, &w->arena);
    w->as_cxx = again.tu && again.diagnostics.errors < attempt->diagnostics.errors;
    parse_dispose(w->parser, w->as_cxx ? attempt : &again);
    *attempt = w->as_cxx ? again : *attempt;
}

/* The parse that shows most of a flavour. Returns false when the flavour is not to be seen. */
static bool
parse_best(struct parse_work *w, enum flavour flavour, struct attempt *attempt)
{
    bool use_header = w->use_header[flavour];
    *attempt = parse_again(w, flavour, use_header, false);
    bool same = w->refused && parse_is_refusal(&attempt->diagnostics);
    /* Behind an #error of its own a source need not make sense, whatever its tables hold. */
    bool told = flavour == FLAVOUR_FT && attempt->tu && attempt->diagnostics.own;
    bool whole = !w->parser->twin && !w->parser->tables;
    if (attempt->diagnostics.errors && !whole && !same && !told) {
        w->parser->twin = NULL; /* errors are for the whole text to tell */
        w->parser->tables = NULL;
        parse_dispose(w->parser, attempt);
        *attempt = parse_again(w, flavour, use_header, false);
    }
    if (flavour == FLAVOUR_FT && !parse_limited(w, attempt)) {
        return false;
    }
    if (attempt->diagnostics.errors && !w->unit->is_cxx && !w->as_cxx && parse_looks_cxx(w->unit)) {
        parse_try_cxx(w, flavour, attempt);
    }
    if (parse_wants_stubs(attempt)) {
        parse_with_stubs(w->parser, w->unit, flavour, w->as_cxx,
                         flavour == FLAVOUR_FT && w->limited, &w->start, &w->stubs, attempt,
                         &w->arena);
    }
    return true;
}

static void
parse_take(struct parse_work *w, enum flavour flavour, struct attempt *attempt)
{
    struct diagnostics *d = &attempt->diagnostics;
    /* A missing header is missing in both flavours. */
    w->ft_errors |= flavour == FLAVOUR_FT && d->errors && !d->missing_header;
    if (w->as_cxx) {
        parse_name_language(d, &w->arena);
    }
    if (!w->status.n || !d->errors) {
        str_clear(&w->status);
        parse_status(&w->status, attempt);
    }
    w->refused = parse_is_refusal(d);
    bool both = flavour == FLAVOUR_FT && (w->unit->wanted[FLAVOUR_GIL] || w->refused) &&
                !w->as_cxx && !w->unit->is_cxx;
    w->parser->twin = both && (!d->errors || w->refused) ? &w->twin : w->parser->twin;
    if (attempt->tu) {
        parse_list_files(w->parser, attempt->tu, &w->files);
        parse_facts(w->parser, w->unit, attempt, flavour, w->limited_text, w->as_cxx, &w->facts);
    }
    parse_dispose(w->parser, attempt);
}

static void
parse_find_tables(struct parse_work *w)
{
    const struct plan_unit *unit = w->unit;
    if (unit->is_cxx) {
        return; /* which has no designators for arrays */
    }
    tables_add(&w->tables, unit->path, unit->real, &unit->lexed.text);
    for (size_t i = 0; i < unit->headers.n; i++) {
        const char *real = unit->headers.at[i];
        const struct str *text = includes_text(w->parser->plan, real);
        if (text) {
            tables_add(&w->tables, real, real, text);
        }
    }
    w->parser->tables = w->tables.at.n ? &w->tables : NULL;
}

void
parse_unit(struct parser *parser, int index, const bool use_header[FLAVOURS], struct str *result)
{
    struct plan_unit *unit = parser->plan->units.at[index];
    struct parse_work w = {.parser = parser,
                           .unit = unit,
                           .use_header = use_header,
                           .limited = unit->limited,
                           .limited_text = unit->limited ? "yes" : NULL};
    w.stubs.folder = arena_printf(&w.arena, "%s/unseen%d", parser->scratch, index);
    w.twin.group = use_header[FLAVOUR_FT] ? unit->group[FLAVOUR_FT] : -1;
    clock_gettime(CLOCK_MONOTONIC, &w.start);
    str_clear(&parser->absent);
    parse_find_tables(&w);
    for (int flavour = 0; flavour < FLAVOURS; flavour++) {
        /* A source may refuse one flavour with an #error of its own: the other is seen as well. */
        bool second = flavour == FLAVOUR_GIL && (w.limited || w.ft_errors);
        struct attempt attempt;
        if ((unit->wanted[flavour] || second) && parse_best(&w, (enum flavour)flavour, &attempt)) {
            parse_take(&w, (enum flavour)flavour, &attempt);
        }
    }
    str_add(result, w.status.n ? w.status.s : "S failed not parsed\n");
    str_addn(result, w.files.s ? w.files.s : "", w.files.n);
    str_addn(result, parser->absent.n ? parser->absent.s : "", parser->absent.n);
    str_add(result, "F\n");
    facts_write_short(&w.facts, result);
    parser->twin = NULL;
    parser->tables = NULL;
    tables_free(&w.tables);
    twin_free(&w.twin);
    stubs_free(&w.stubs);
    str_free(&w.status);
    str_free(&w.files);
    facts_free(&w.facts);
    arena_free(&w.arena);
}
