/* Units with the same flags and the same directives before Python.h share a precompiled header. */
#include <stdlib.h>
#include <string.h>

#include "source/plan.h"

/* A precompiled Python.h costs about as much as two units that read it themselves; C++ headers
 * such as pybind11's pay from two users on. */
enum { MIN_USERS_C = 3, MIN_USERS_CXX = 2, MIN_SHARE_PERCENT = 10 };

/* #if without #endif before Python.h: closed at the end of the precompiled header. */
static void
groups_close_conditions(struct str *text)
{
    int depth = 0;
    for (const char *line = text->s; line && *line;) {
        depth += strncmp(line, "#if", 3) == 0 ? 1 : strncmp(line, "#endif", 6) == 0 ? -1 : 0;
        const char *end = strchr(line, '\n');
        line = end ? end + 1 : NULL;
    }
    while (depth-- > 0) {
        str_add(text, "#endif\n");
    }
}

/* Can defining the macro change what Python's and the C library's headers say? Others only matter
 * to headers that are never precompiled for C. */
static bool
groups_macro_matters(const char *name)
{
    return *name == '_' || str_starts(name, "Py") || str_starts(name, "PY") ||
           str_starts(name, "HAVE_") || str_starts(name, "NDEBUG") || str_starts(name, "NPY_") ||
           str_starts(name, "WIN") || str_starts(name, "MS_");
}

bool
groups_flag_matters(const struct plan_unit *unit, const char *flag)
{
    if (unit->is_cxx) {
        return true;
    }
    bool define = str_starts(flag, "-D") || str_starts(flag, "-U");
    return define ? groups_macro_matters(flag + 2) : !str_starts(flag, "-I");
}

static bool
groups_is_if(const char *line)
{
    return strncmp(line, "#if", 3) == 0;
}

/* A condition that no machine this runs on fulfils. */
static bool
groups_is_foreign(const char *line)
{
    static const char *const systems[] = {"__APPLE__",  "_WIN32",      "_MSC_VER",   "MS_WIN32",
                                          "_AIX",       "MS_WINDOWS",  "__VMS",      "__sun",
                                          "__CYGWIN__", "__MINGW32__", "__OpenBSD__"};
    bool defined = strncmp(line, "#ifdef ", 7) == 0 || strncmp(line, "#if defined(", 12) == 0;
    const char *name = defined ? line + (line[3] == 'd' ? 7 : 12) : "";
    for (size_t i = 0; defined && i < sizeof(systems) / sizeof(*systems); i++) {
        size_t n = strlen(systems[i]);
        char next = strncmp(name, systems[i], n) == 0 ? name[n] : 'x';
        if (next == '\n' || (next == ')' && name[n + 1] == '\n')) {
            return true;
        }
    }
    return false;
}

typedef VEC(const char *) line_list;

/* Index behind the #endif of the #if at i; lines->n when it has none. *plain: no #else inside. */
static size_t
groups_block_end(const line_list *lines, size_t i, bool *plain)
{
    int depth = 0;
    *plain = true;
    for (; i < lines->n; i++) {
        const char *line = lines->at[i];
        depth += groups_is_if(line) ? 1 : strncmp(line, "#endif", 6) == 0 ? -1 : 0;
        *plain &= !(depth == 1 && strncmp(line, "#el", 3) == 0);
        if (depth == 0) {
            return i + 1;
        }
    }
    return lines->n;
}

/* Drops blocks with nothing in them and blocks for other systems. Returns whether any was. */
static bool
groups_drop_blocks(line_list *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        bool plain;
        size_t end = groups_is_if(lines->at[i]) ? groups_block_end(lines, i, &plain) : 0;
        bool closed = end && strncmp(lines->at[end - 1], "#endif", 6) == 0;
        bool empty = closed && end == i + 2;
        if (empty || (closed && plain && groups_is_foreign(lines->at[i]))) {
            memmove(&lines->at[i], &lines->at[end], (lines->n - end) * sizeof(*lines->at));
            lines->n -= end - i;
            return true;
        }
    }
    return false;
}

/* The prefix without what does not matter: definitions only other headers look at, empty blocks. */
void
groups_prefix(const struct plan_unit *unit, struct str *out)
{
    line_list lines = {0};
    for (const char *line = unit->prefix.n ? unit->prefix.s : ""; *line;) {
        const char *end = strchr(line, '\n');
        const char *name = line + 7; /* behind "#define" */
        bool define = strncmp(line, "#define", 7) == 0;
        name += define ? strspn(name, " \t") : 0;
        if (unit->is_cxx || !define || groups_macro_matters(name)) {
            vec_push(&lines, line);
        }
        line = end ? end + 1 : line + strlen(line);
    }
    while (!unit->is_cxx && groups_drop_blocks(&lines)) {}
    for (size_t i = 0; i < lines.n; i++) {
        str_addn(out, lines.at[i], strcspn(lines.at[i], "\n"));
        str_addc(out, '\n');
    }
    vec_free(&lines);
}

static const char *
groups_key(struct plan *plan, const struct plan_unit *unit, enum flavour flavour)
{
    struct str key = {0};
    str_addf(&key, "%d%c%s", (int)flavour, unit->is_cxx ? '+' : 'c', unit->limited ? "L" : "");
    for (size_t i = 0; i < unit->args.at.n; i++) {
        if (groups_flag_matters(unit, unit->args.at.at[i])) {
            str_addf(&key, "\x1f%s", unit->args.at.at[i]);
        }
    }
    str_addc(&key, '\x1e');
    groups_prefix(unit, &key);
    const char *kept = intern(&plan->strings, key.s);
    str_free(&key);
    return kept;
}

static int
groups_join(struct plan *plan, int index, enum flavour flavour)
{
    const char *key = groups_key(plan, plan->units.at[index], flavour);
    for (size_t g = 0; g < plan->groups.n; g++) {
        if (plan->groups.at[g]->key == key) {
            plan->groups.at[g]->users++;
            return (int)g;
        }
    }
    struct plan_group *group = arena_alloc(&plan->arena, sizeof(*group));
    group->key = key;
    group->first_unit = index;
    group->users = 1;
    group->flavour = flavour;
    vec_push(&plan->groups, group);
    return (int)plan->groups.n - 1;
}

/* The headers that at least a tenth of the group's units include, in order of first use. */
static void
groups_common_headers(struct plan *plan, int g, struct str *text)
{
    struct plan_group *group = plan->groups.at[g];
    struct map counts = {0};
    VEC(const char *) order = {0};
    for (size_t i = 0; i < plan->units.n; i++) {
        struct plan_unit *unit = plan->units.at[i];
        if (unit->group[group->flavour] != g) {
            continue;
        }
        struct map seen = {0};
        for (size_t k = 0; k < unit->candidates.n; k++) {
            const char *name = unit->candidates.at[k];
            if (map_get(&seen, name)) {
                continue;
            }
            map_set(&seen, name, unit);
            void **count = map_slot(&counts, name);
            if (!*count) {
                vec_push(&order, name);
            }
            *count = (char *)*count + 1;
        }
        map_free(&seen);
    }
    for (size_t i = 0; i < order.n; i++) {
        size_t n = (size_t)map_get(&counts, order.at[i]);
        if (n >= 2 && n * 100 >= (size_t)group->users * MIN_SHARE_PERCENT) {
            str_addf(text, "#include %s\n", order.at[i]);
        }
    }
    vec_free(&order);
    map_free(&counts);
}

void
groups_form(struct plan *plan)
{
    for (size_t i = 0; i < plan->units.n; i++) {
        struct plan_unit *unit = plan->units.at[i];
        for (int flavour = 0; flavour < FLAVOURS; flavour++) {
            bool usable = unit->lexed_ok && unit->has_prefix && !unit->cached && !unit->failure &&
                          unit->wanted[flavour];
            unit->group[flavour] = usable ? groups_join(plan, (int)i, (enum flavour)flavour) : -1;
        }
    }
    for (size_t g = 0; g < plan->groups.n; g++) {
        struct plan_group *group = plan->groups.at[g];
        const struct plan_unit *first = plan->units.at[group->first_unit];
        if (group->users < (first->is_cxx ? MIN_USERS_CXX : MIN_USERS_C)) {
            continue;
        }
        groups_prefix(first, &group->header);
        str_add(&group->header, "#include <Python.h>\n");
        groups_close_conditions(&group->header);
        groups_common_headers(plan, (int)g, &group->header);
    }
}
