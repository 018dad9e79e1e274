/* Units with the same flags and the same directives before Python.h share a precompiled header. */
#include "source/plan/common.h"

/* A precompiled Python.h costs about as much as two units that read it themselves; C++ headers pay
 * from two users on, and pybind11 and its like at once: what is precompiled has no function bodies,
 * so that the unit need not make their templates' instances. */
enum { MIN_USERS_C = 3, MIN_USERS_CXX = 2, MIN_SHARE_PERCENT = 10 };

static const char *
groups_key(struct plan *plan, const struct plan_unit *unit, enum flavour flavour)
{
    struct str key = {0};
    str_addf(&key, "%d%c%s", (int)flavour, unit->is_cxx ? '+' : 'c', unit->limited ? "L" : "");
    for (size_t i = 0; i < unit->args.at.n; i++) {
        if (prefix_flag_matters(unit, unit->args.at.at[i])) {
            str_addf(&key, "\x1f%s", unit->args.at.at[i]);
        }
    }
    str_addc(&key, '\x1e');
    prefix_settle(unit, flavour, &key);
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
    size_t few = group->users > 1 ? 2 : 1;
    for (size_t i = 0; i < order.n; i++) {
        size_t n = (size_t)map_get(&counts, order.at[i]);
        if (n >= few && n * 100 >= (size_t)group->users * MIN_SHARE_PERCENT) {
            str_addf(text, "#include %s\n", order.at[i]);
        }
    }
    vec_free(&order);
    map_free(&counts);
}

/* A group that is too small to build a header for itself. */
static void
groups_find_common(struct plan *plan, int g)
{
    struct plan_group *group = plan->groups.at[g];
    const struct plan_unit *first = plan->units.at[group->first_unit];
    group->common = plan->options->cache_dir && common_is_possible(first);
    for (size_t i = 0; i < plan->units.n && group->common; i++) {
        const struct plan_unit *unit = plan->units.at[i];
        group->common = unit->group[group->flavour] != g ||
                        (common_is_possible(unit) && common_is_same(first, unit));
    }
    if (group->common) {
        prefix_settle(first, group->flavour, &group->header);
        str_add(&group->header, "#include <Python.h>\n");
    }
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
        int least = !first->is_cxx ? MIN_USERS_C : first->binds ? 1 : MIN_USERS_CXX;
        if (group->users < least) {
            groups_find_common(plan, (int)g);
            continue;
        }
        prefix_settle(first, group->flavour, &group->header);
        str_add(&group->header, "#include <Python.h>\n");
        groups_common_headers(plan, (int)g, &group->header);
    }
}
