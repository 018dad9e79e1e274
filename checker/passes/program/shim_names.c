#include "passes/program/shim_names.h"

bool
shim_is_handle(const struct fact_variable *v)
{
    return v && (str_same(v->class, "shim-handle") || str_same(v->class, "shim-type"));
}

bool
shim_in_handle(const struct program *p, const char *context)
{
    const char *id = value_of(context, "init");
    return id && shim_is_handle(program_variable(p, id));
}

bool
shim_is_template(const struct program *p, const struct fact_variable *type)
{
    const struct access_list *list = map_get(&p->accesses_of, type->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const char *id = value_of(a->context, "init");
        const struct fact_variable *v = id ? program_variable(p, id) : NULL;
        if (v && str_same(v->class, "shim-type")) {
            return true;
        }
    }
    return false;
}
