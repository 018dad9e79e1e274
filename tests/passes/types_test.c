/* Runs the passes over small fact files and compares what those about types and objects find.
 *
 * A case is a fact file given as an argument; without arguments every file of the folder types
 * below the working directory. Its comment lines say what must come out, no less and no more:
 * `# flaw WHAT SUBJECT LINE`  and  `# shape SHAPE VARIABLE`. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passes/program/program.h"

/* The flaws these tests are about; other passes may find more in the same facts. */
static const char *const types_flaws[] = {"static-type-dict-write",
                                          "static-type-field-write",
                                          "static-type-static-base-heap",
                                          "type-flags-write-after-ready",
                                          "heap-type-mutable",
                                          "heap-type-no-gc",
                                          "heap-type-tp-free",
                                          "static-type-tp-free",
                                          "type-custom-alloc",
                                          "type-itemsize",
                                          "heap-type-no-module",
                                          "immutable-type-mutable-base",
                                          "heap-type-traverse-misses-type",
                                          "heap-type-dealloc-keeps-type",
                                          "type-dealloc-no-untrack",
                                          "heap-type-state-by-pytype",
                                          "traverse-side-effects",
                                          "object-domain-buffer",
                                          "object-from-raw-memory",
                                          "gc-type-pyobject-new",
                                          NULL};

static int
compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef VEC(char *) lines;

static void
lines_sort(lines *list, struct str *out)
{
    if (list->n) {
        qsort(list->at, list->n, sizeof(*list->at), compare_lines);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (i == 0 || strcmp(list->at[i - 1], list->at[i]) != 0) {
            str_addf(out, "    %s\n", list->at[i]);
        }
    }
}

/* The expectations of a case: its comments, without the leading "# ". */
static void
case_expected(struct arena *arena, const char *text, struct str *out)
{
    lines list = {0};
    for (const char *s = text; s && *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL) {
        size_t n = strcspn(s, "\n");
        if (strncmp(s, "# flaw ", 7) == 0 || strncmp(s, "# shape ", 8) == 0) {
            vec_push(&list, arena_copy(arena, s + 2, n - 2));
        }
    }
    lines_sort(&list, out);
    vec_free(&list);
}

static bool
is_ours(const char *what)
{
    for (size_t i = 0; types_flaws[i]; i++) {
        if (str_same(types_flaws[i], what)) {
            return true;
        }
    }
    return false;
}

static void
case_found(struct arena *arena, const struct facts *facts, struct str *out)
{
    lines list = {0};
    FACTS_EACH(facts, flaw, flaw)
    {
        if (is_ours(flaw->what)) {
            vec_push(&list, arena_printf(arena, "flaw %s %s %d", flaw->what,
                                         flaw->subject ? flaw->subject : "-", flaw->at.line));
        }
    }
    FACTS_EACH(facts, variable, v)
    {
        if (v->shape && *v->shape) {
            vec_push(&list, arena_printf(arena, "shape %s %s", v->shape, v->name));
        }
    }
    lines_sort(&list, out);
    vec_free(&list);
}

static bool
case_run(const char *path)
{
    struct str text = {0}, expected = {0}, found = {0};
    struct facts facts = {.unit = -1};
    struct program program = {0};
    struct ruleset rules = {0};
    struct arena arena = {0};
    const char *error = "cannot be read";
    bool ok = str_read_file(&text, path) && ruleset_load(&rules, NULL, NULL) &&
              facts_read_text(&facts, text.s, text.n, &error);
    if (ok) {
        passes_run(&program, &facts, &rules);
        case_expected(&arena, text.s, &expected);
        case_found(&arena, &facts, &found);
        ok = str_same(expected.s, found.s);
        printf("%s %s\n", ok ? "ok  " : "FAIL", path);
        if (!ok) {
            printf("  expected:\n%s  found:\n%s", expected.s ? expected.s : "",
                   found.s ? found.s : "");
        }
        program_free(&program);
    }
    else {
        printf("FAIL %s: %s\n", path, error);
    }
    ruleset_free(&rules);
    facts_free(&facts);
    arena_free(&arena);
    str_free(&text);
    str_free(&expected);
    str_free(&found);
    return ok;
}

int
main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        failed += !case_run(argv[i]);
    }
    if (argc > 1) {
        return failed ? 1 : 0;
    }
    glob_t cases;
    if (glob("types/*.facts", 0, NULL, &cases) != 0) {
        fputs("types_test: no types/*.facts in the working directory\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < cases.gl_pathc; i++) {
        failed += !case_run(cases.gl_pathv[i]);
    }
    globfree(&cases);
    return failed ? 1 : 0;
}
