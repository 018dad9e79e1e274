/* Objects that others can hold too; see reached.h. */
#include "passes/references/reached.h"

#include "passes/objects/given.h"
#include "passes/references/private.h"

/* Did the function store something into the field itself, other than NULL? */
static bool
reached_is_refilled(const struct body *b, const struct root_field *where, long seq)
{
    SCAN_ACCESSES(b, a)
    {
        const char *name = a->path ? scan_field_name(a->path) : NULL;
        bool same = name ? str_same(name, where->field) : str_ends(a->path, where->field);
        if (a->seq < seq && str_same(a->how, "write") && a->path && same &&
            !str_same(a->value, "null")) {
            return true;
        }
    }
    return false;
}

bool
reached_value(struct program *p, const struct shared_roots *roots, const struct body *b,
              const char *value, long seq)
{
    const char *resolved = value ? scan_resolve(b, value, seq) : NULL;
    struct root_field where;
    if (!resolved || private_value(p, b, value, seq, 0)) {
        return false;
    }
    if (str_starts(resolved, "param:")) {
        return roots_shared(roots, b, resolved, seq, NULL) != NULL &&
               !private_value(p, b, resolved, seq, 0);
    }
    if (str_starts(resolved, "var:")) {
        return true;
    }
    if (roots_value_field(p, roots, b, resolved, seq, &where)) {
        return !reached_is_refilled(b, &where, seq);
    }
    return given_source(p, b, value, seq) != NULL;
}
