/* What a parse said: errors that count, and the words that the unit's status has for them. */
#include <string.h>

#include "source/parse/parse_parts.h"

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

/* A name in capitals that nobody declares is most often a macro that the build passes. */
static bool
parse_is_macro(const char *message)
{
    static const char start[] = "use of undeclared identifier '";
    const char *name = strstr(message, start);
    name = name ? name + sizeof(start) - 1 : "";
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    return n > 1 && name[n] == '\'';
}

/* What to do about an error. One file of several may want a flag that the others must not have,
 * such as those for vector instructions, and says so with an #error. */
static const char *
parse_help(const char *message, bool missing, bool own)
{
    static const char *const words[] = {"-m", "-D", "avx", "sse", "neon", "define", "compile with"};
    if (missing) {
        return strstr(message, "'Python.h'") ? "" : "; pass its folder: -- -I DIR";
    }
    if (parse_is_macro(message)) {
        return "; where the build defines it, pass it: -- -DNAME=VALUE";
    }
    for (size_t i = 0; own && i < sizeof(words) / sizeof(*words); i++) {
        if (strcasestr(message, words[i]) && !strstr(message, "GIL")) {
            return "; pass the flag behind --, or in a compile_commands.json (-p DIR) when only "
                   "this "
                   "file is to have it";
        }
    }
    return "";
}

void
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
                out->own = file && parse_is_error_line(parser, file, line);
                out->first = arena_printf(arena, "%s at line %u%s", message, line,
                                          parse_help(message, missing, out->own));
                out->message = arena_string(arena, message);
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

/* It says nothing about why; a language or standard that it does not know is one reason. */
const char *
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

void
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
const char *
parse_abi3t(const struct attempt *attempt, struct arena *arena)
{
    return attempt->diagnostics.errors
               ? arena_printf(arena, "no-abi3t: %s", attempt->diagnostics.first)
               : "abi3t";
}

bool
parse_is_refusal(const struct diagnostics *d)
{
    return d->errors == 1 && d->own;
}

void
parse_name_language(struct diagnostics *d, struct arena *arena)
{
    static const char what[] = "this is C++, not C: give the file a C++ ending, or `-x c++` behind "
                               "the files and `--`";
    d->first = d->errors ? arena_printf(arena, "%s; %s", what, d->first) : what;
    d->errors += d->errors == 0;
}
