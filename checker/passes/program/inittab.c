/* Modules that the program itself adds to the table of built-in modules: their init functions have
 * any name (INI02). */
#include <stdlib.h>
#include <string.h>

#include "passes/program/type_scan.h"

void pass_inittab(struct program *p);

static const char inittab_makers[] = "PyModule_Create,PyModule_Create2,PyModule_FromDefAndSpec";

/* Does the access hand a function to PyImport_AppendInittab(), or put it into a table of them? */
static bool
inittab_names(const struct program *p, const struct fact_access *a)
{
    const char *context = a->context ? a->context : "";
    if (str_starts(context, "arg:PyImport_AppendInittab:")) {
        return true;
    }
    const char *id = value_of(context, "init");
    const struct fact_variable *v = id ? program_variable(p, id) : NULL;
    return v && v->type && strstr(v->type, "_inittab") != NULL;
}

static bool
inittab_is_maker(struct program *p, const struct body *b, const struct fact_call *call,
                 void *context)
{
    (void)p;
    (void)b;
    (void)context;
    return scan_call_is(call, inittab_makers);
}

static const struct fact_moduledef *
inittab_definition(struct program *p, struct body *init)
{
    const struct body *where = NULL;
    const struct fact_call *made = scan_reach(p, init, inittab_is_maker, NULL, &where);
    const char *target = made ? value_of(scan_arg(where, made, 0), "addr") : NULL;
    const char *id = target ? value_of(target, "var") : NULL;
    FACTS_EACH(p->facts, moduledef, def)
    {
        if (id && str_same(def->var, id)) {
            return def;
        }
    }
    return NULL;
}

void
pass_inittab(struct program *p)
{
    FACTS_EACH(p->facts, access, a)
    {
        struct body *init = inittab_names(p, a) ? program_value_body(p, a->var) : NULL;
        bool own =
            init && !str_same(init->binding, "pyinit") && !str_same(init->binding, "modexport");
        const struct fact_moduledef *def = own ? inittab_definition(p, init) : NULL;
        if (def && def->size && strtol(def->size, NULL, 10) < 0) {
            struct fact_flaw *flaw = program_flaw(p, &def->at, NULL, "m-size-negative", def->var);
            flaw->symbol = def->name && *def->name ? def->name : init->fact->name;
            flaw_relate(p, flaw, &a->at, "becomes a built-in module here");
        }
    }
}
