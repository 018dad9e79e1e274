/* ABI03: modules built for the limited API, which free-threaded builds do not load as they are. */
#include <string.h>

#include "passes/modules/modules.h"

static const char limited_no_abi3t[] = "no-abi3t: ";

/* A unit of the module that free-threaded headers refuse; abi3t is what they take (3.15). */
static const struct fact_unit *
limited_unit(const struct program *p, const struct fact_module *m)
{
    FACTS_EACH(p->facts, unit, unit)
    {
        bool ours = unit->path && m->units && str_list_has(m->units, unit->path);
        if (ours && unit->limited && *unit->limited && !str_same(unit->limited, "abi3t")) {
            return unit;
        }
    }
    return NULL;
}

/* The #define, or NULL when it stands among the flags. */
static const struct fact *
limited_define(const struct program *p, const struct fact_unit *unit)
{
    FACTS_EACH(p->facts, define, d)
    {
        if (str_same(d->name, "Py_LIMITED_API") && d->at.unit == unit->at.unit) {
            return &d->at;
        }
    }
    return NULL;
}

void
module_check_limited(struct program *p, const struct module_info *info)
{
    const struct fact_unit *unit = limited_unit(p, info->fact);
    if (!unit) {
        return;
    }
    const struct fact *define = limited_define(p, unit);
    struct fact_flaw *flaw = module_flaw(p, info, define ? define : &info->fact->at, NULL,
                                         "limited-api-refused", unit->path);
    struct str detail = {0};
    if (str_starts(unit->limited, limited_no_abi3t)) {
        str_addf(&detail, "free-threaded 3.15 wants abi3t, for which it does not compile (%s)",
                 unit->limited + sizeof(limited_no_abi3t) - 1);
    }
    else {
        str_add(&detail, "headers of free-threaded 3.13 and 3.14 stop at it with an error");
    }
    flaw->detail = facts_intern(p->facts, detail.s);
    flaw->detail2 = define ? "defined here" : "among the flags";
    str_free(&detail);
}
