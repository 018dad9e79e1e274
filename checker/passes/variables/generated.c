/* Cython's output: one finding for what the generator keeps in statics, findings by name only for
 * what the author wrote (GEN03). Everything else the generator declares gets the shape "generated",
 * which rules that do not ask for a shape leave alone. */
#include <string.h>

#include "passes/program/type_scan.h"

static bool
generated_by(const struct program *p, const struct fact_variable *v, const char *generator)
{
    int unit = v->at.unit;
    if (unit < 0 || (size_t)unit >= p->facts->by_kind[FACT_unit].n) {
        return false;
    }
    const struct fact *f = p->facts->by_kind[FACT_unit].at[unit];
    return str_same(((const struct fact_unit *)(const void *)f)->generator, generator);
}

/* SWIG's own: Swig_This_global, swig_module, `static PyTypeObject *type` in SwigPyObject_type(). */
static bool
generated_is_swig(const struct fact_variable *v)
{
    const char *func = v->func && strrchr(v->func, '#') ? strrchr(v->func, '#') + 1 : v->func;
    const char *names[] = {v->name, func};
    for (size_t i = 0; i < 2; i++) {
        if (names[i] && (str_starts(names[i], "Swig") || str_starts(names[i], "swig") ||
                         str_starts(names[i], "SWIG_") || str_starts(names[i], "_SWIG_"))) {
            return true;
        }
    }
    return false;
}

/* Cython prefixes all its own names; those of the author's module globals go on with "v_". */
static bool
generated_is_internal(const char *name)
{
    return (str_starts(name, "__pyx_") || str_starts(name, "__Pyx")) &&
           !str_starts(name, "__pyx_v_");
}

static bool
generated_holds_objects(const struct fact_variable *v)
{
    return str_same(v->class, "object-pointer") ||
           str_list_has(v->holds ? v->holds : "", "object-pointer");
}

static bool
generated_is_written(const struct program *p, const struct fact_variable *v)
{
    const struct access_list *list = map_get(&p->accesses_of, v->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = str_same(a->how, "read") ? NULL : scan_body(p, a->func);
        if (b && b->entry) {
            return true;
        }
    }
    return false;
}

/* Does the unit carry the check that turns every interpreter but the first away (GEN02)? Then no
 * second one ever sees the static types or fills the C globals again. */
static bool
generated_is_single(const struct program *p, int unit)
{
    FACTS_EACH(p->facts, function, f)
    {
        if (f->at.unit == unit && str_same(f->name, "__Pyx_check_single_interpreter")) {
            return true;
        }
    }
    return false;
}

/* A C variable that only the import fills: harmless for threads, and there is no second import. */
static bool
generated_is_constant(const struct fact_variable *v)
{
    return v->written && !str_list_has(v->written, "run") && !str_list_has(v->written, "foreign") &&
           !generated_holds_objects(v);
}

/* One finding for what SWIG's runtime keeps in statics: the first that holds objects. */
static void
generated_swig(struct program *p)
{
    int reported = -1;
    FACTS_EACH(p->facts, variable, v)
    {
        if (!scan_is_defined(v) || v->is_const || !generated_by(p, v, "swig") ||
            !generated_is_swig(v) || str_same(v->class, "methoddef")) {
            continue;
        }
        bool objects = str_same(v->class, "type-object") || generated_holds_objects(v);
        bool first = objects && reported != v->at.unit && generated_is_written(p, v);
        v->shape = facts_intern(p->facts, first ? "swig-runtime" : "generated");
        reported = first ? v->at.unit : reported;
    }
}

void
pass_generated(struct program *p)
{
    generated_swig(p);
    int reported = -1, asked = -1; /* variables come unit by unit */
    bool single = false;
    FACTS_EACH(p->facts, variable, v)
    {
        if (!scan_is_defined(v) || !generated_by(p, v, "cython")) {
            continue;
        }
        if (v->at.unit != asked) {
            asked = v->at.unit;
            single = generated_is_single(p, asked);
        }
        bool type = str_same(v->class, "type-object") && !scan_is_closure_type(v);
        if (single && (type || generated_is_constant(v))) {
            v->shape = facts_intern(p->facts, "generated");
            continue;
        }
        if (type) {
            continue;
        }
        bool internal = generated_is_internal(v->name);
        bool shared = !v->is_const && !v->immortal_only && generated_holds_objects(v) &&
                      generated_is_written(p, v);
        const char *shape = internal ? "generated" : NULL;
        if (shared && (!internal || reported != v->at.unit)) {
            shape = single ? "cython-single" : internal ? "cython-static" : "cython-global";
            reported = internal ? v->at.unit : reported;
        }
        if (shape) {
            v->shape = facts_intern(p->facts, shape);
        }
    }
}
