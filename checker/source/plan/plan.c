#include "source/plan/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
plan_is_cxx(const char *path)
{
    static const char *const endings[] = {".cc", ".cpp", ".cxx", ".c++",
                                          ".C",  ".hpp", ".hh",  ".hxx"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        if (str_ends(path, endings[i])) {
            return true;
        }
    }
    return false;
}

/* A database made for clang may say `-x c++`; that wins over the file's ending. */
static bool
plan_language_flag(const struct plan_args *args, bool is_cxx)
{
    for (size_t i = 0; i < args->at.n; i++) {
        const char *arg = args->at.at[i];
        const char *language = str_starts(arg, "-x") && arg[2]                ? arg + 2
                               : strcmp(arg, "-x") == 0 && i + 1 < args->at.n ? args->at.at[i + 1]
                                                                              : NULL;
        if (language) {
            is_cxx = str_starts(language, "c++");
        }
    }
    return is_cxx;
}

/* One list of flags often serves C and C++ files alike; gcc then ignores the other language's
 * standard with a warning, libclang reads nothing at all. */
static void
plan_drop_standard(struct plan_unit *unit)
{
    size_t kept = 0;
    for (size_t i = 0; i < unit->args.at.n; i++) {
        const char *arg = unit->args.at.at[i];
        bool cxx = str_starts(arg, "-std=c++") || str_starts(arg, "-std=gnu++");
        bool c = !cxx && (str_starts(arg, "-std=c") || str_starts(arg, "-std=gnu") ||
                          str_starts(arg, "-std=iso9899:"));
        if (unit->is_cxx ? !c : !cxx) {
            unit->args.at.at[kept++] = arg;
        }
    }
    unit->args.at.n = kept;
}

static void
plan_unit_flags(struct plan *plan, struct plan_unit *unit)
{
    const struct source_options *options = plan->options;
    const struct database_entry *entry = database_find(plan->database, unit->real);
    if (entry) {
        unit->output = entry->output;
        flags_filter(plan, unit, entry->directory, entry->args.at + (entry->args.n > 0),
                     entry->args.n - (entry->args.n > 0));
        flags_choose_python(plan, unit, false);
    }
    size_t n = 0;
    while (options->flags && options->flags[n]) {
        n++;
    }
    if (n) {
        flags_filter(plan, unit, NULL, options->flags, n);
        flags_choose_python(plan, unit, true);
    }
    if (!entry && !n) {
        unit->python_hex = options->headers.hex;
    }
    unit->is_cxx = plan_language_flag(&unit->args, plan_is_cxx(unit->path));
    plan_drop_standard(unit);
}

/* Files of several projects may be given at once; a folder inside the first one's project belongs
 * to it, even if it looks like a project itself. */
static const char *
plan_unit_root(struct plan *plan, const struct plan_unit *unit)
{
    size_t n = strlen(plan->project_root);
    bool inside = strncmp(unit->real, plan->project_root, n) == 0 && unit->real[n] == '/';
    return plan->options->project_root || inside ? plan->project_root
                                                 : includes_project_root(plan, unit->real);
}

static struct plan_unit *
plan_add_unit(struct plan *plan, const char *path)
{
    struct plan_unit *unit = arena_alloc(&plan->arena, sizeof(*unit));
    char real[PATH_MAX];
    unit->path = intern(&plan->strings, path);
    unit->real = intern(&plan->strings, realpath(path, real) ? real : path);
    unit->root = plan_unit_root(plan, unit);
    for (int flavour = 0; flavour < FLAVOURS; flavour++) {
        unit->group[flavour] = -1;
    }
    vec_push(&plan->units, unit);
    return unit;
}

static void
plan_roots(struct plan *plan)
{
    const struct source_options *options = plan->options;
    char real[PATH_MAX];
    plan->working_directory = intern(&plan->strings, getcwd(real, sizeof(real)) ? real : ".");
    for (const char *const *flag = options->headers.flags; flag && *flag; flag++) {
        if (str_starts(*flag, "-I")) {
            vec_push(&plan->python_roots,
                     intern(&plan->strings, realpath(*flag + 2, real) ? real : *flag + 2));
        }
    }
    if (options->project_root && realpath(options->project_root, real)) {
        plan->project_root = intern(&plan->strings, real);
    }
    else if (options->files[0] && realpath(options->files[0], real)) {
        plan->project_root = includes_project_root(plan, intern(&plan->strings, real));
    }
    else {
        plan->project_root = plan->working_directory;
    }
}

bool
plan_build(struct plan *plan, const struct source_options *options)
{
    *plan = (struct plan){.options = options};
    lexer_macros_init(&plan->macros, &plan->strings);
    bool failed = false;
    plan->database = database_open(plan, options->database_dir, &failed);
    if (failed) {
        return false;
    }
    plan_roots(plan);
    for (const char *const *file = options->files; *file; file++) {
        plan_unit_flags(plan, plan_add_unit(plan, *file));
    }
    vec_push(&plan->python_roots, NULL);
    plan->python_roots.n--;
    return true;
}

/* Is the limited API asked for in every flavour: on the command line, or by a #define that nothing
 * but "not yet defined" guards? */
static bool
plan_is_limited(const struct plan_unit *unit)
{
    for (size_t i = 0; i < unit->lexed.defines.n; i++) {
        const struct define_site *site = &unit->lexed.defines.at[i];
        if (strcmp(site->name, "Py_LIMITED_API") == 0 &&
            (!site->guard || strcmp(site->guard, "!defined(Py_LIMITED_API)") == 0)) {
            return true;
        }
    }
    return unit->limited;
}

/* Does the unit ask for the stable ABI of free-threaded builds itself? */
static bool
plan_targets_abi3t(const struct plan_unit *unit)
{
    for (size_t i = 0; i < unit->lexed.defines.n; i++) {
        if (strcmp(unit->lexed.defines.at[i].name, "Py_TARGET_ABI3T") == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < unit->args.at.n; i++) {
        if (str_starts(unit->args.at.at[i], "-DPy_TARGET_ABI3T")) {
            return true;
        }
    }
    return false;
}

void
plan_prepare(struct plan *plan)
{
    for (size_t i = 0; i < plan->units.n; i++) {
        struct plan_unit *unit = plan->units.at[i];
        if (unit->cached || unit->failure) {
            continue;
        }
        unit->lexed_ok = lexer_read(&unit->lexed, unit->path, &plan->macros);
        if (!unit->lexed_ok) {
            unit->failure = intern(&plan->strings, strerror(errno));
            continue;
        }
        includes_resolve(plan, unit);
        bool ft = plan->options->both_flavours;
        /* Headers before 3.15 refuse the limited API in the free-threaded flavour. */
        unit->asks_limited = plan_is_limited(unit) || plan_targets_abi3t(unit);
        bool refused = plan_is_limited(unit) && unit->python_hex < 0x030f;
        unit->limited = refused;
        unit->wanted[FLAVOUR_FT] = ft && !refused;
        unit->wanted[FLAVOUR_GIL] = !ft || refused || unit->mentions_gil;
    }
    groups_form(plan);
}

void
plan_forget_texts(struct plan *plan)
{
    for (size_t i = 0; i < plan->units.n; i++) {
        lexed_free(&plan->units.at[i]->lexed);
    }
    includes_forget_texts(plan);
}

void
plan_free(struct plan *plan)
{
    plan_forget_texts(plan);
    for (size_t i = 0; i < plan->units.n; i++) {
        struct plan_unit *unit = plan->units.at[i];
        vec_free(&unit->args.at);
        vec_free(&unit->headers);
        vec_free(&unit->candidates);
        str_free(&unit->prefix);
    }
    for (size_t i = 0; i < plan->groups.n; i++) {
        str_free(&plan->groups.at[i]->header);
    }
    vec_free(&plan->units);
    vec_free(&plan->groups);
    vec_free(&plan->python_roots);
    includes_free(plan);
    database_free(plan->database);
    lexer_macros_free(&plan->macros);
    interner_free(&plan->strings);
    arena_free(&plan->arena);
}
