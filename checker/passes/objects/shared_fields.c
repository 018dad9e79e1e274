/* Fields of objects that several threads can hold; see shared_roots.h. */
#include <string.h>

#include "passes/objects/shared_roots.h"

/* The struct that another access in the function names for the same member. */
static const char *
fields_part_record(const struct body *b, const char *base, const char *path)
{
    SCAN_ACCESSES(b, a)
    {
        if (a->class && str_same(a->path, path) &&
            str_same(scan_resolve(b, a->var, a->seq), base)) {
            return a->class;
        }
    }
    return NULL;
}

/* The object's struct as other accesses in the function name it, or as the types do whose methods
 * lead here; only one that has such a member. */
static const char *
fields_object_record(struct program *p, const struct body *b, const char *base, const char *member)
{
    SCAN_ACCESSES(b, a)
    {
        if (a->class && str_starts(a->path, "->") && !strpbrk(a->path + 2, ".[>*(") &&
            str_same(scan_resolve(b, a->var, a->seq), base) &&
            scan_member_class(p, a->class, member)) {
            return a->class;
        }
    }
    const struct type_link *link =
        str_same(base, "param:0")
            ? types_reaching(p, type_index_of(p), program_body(p, b->fact->id))
            : NULL;
    for (; link; link = link->next) {
        const char *size = link->type->spec ? link->type->spec->size : NULL;
        for (size_t i = 0; !link->type->spec && i < link->type->fields.n; i++) {
            const struct fact_typefield *f = link->type->fields.at[i];
            size = str_same(f->field, "tp_basicsize") ? f->text : size;
        }
        const char *name = str_starts(size, "sizeof(") ? size + strlen("sizeof(") : size;
        name += str_starts(name, "struct ") ? strlen("struct ") : 0;
        name = name ? arena_copy(&p->arena, name, strcspn(name, ")")) : NULL;
        if (name && scan_member_class(p, name, member)) {
            return name;
        }
    }
    return NULL;
}

/* Where the last "->" of a path stands, or NULL. */
static const char *
fields_last_arrow(const char *path)
{
    const char *last = NULL;
    for (const char *at = path; at && (at = strstr(at, "->")) != NULL; at += 2) {
        last = at;
    }
    return last;
}

/* The member that a path names behind its last arrow: "in" of "->in.q", "buf" of "->buf[]". */
static const char *
fields_member(struct program *p, const char *path)
{
    const char *arrow = fields_last_arrow(path);
    size_t n = arrow ? strcspn(arrow + 2, ".[>*(-") : 0;
    return n ? arena_copy(&p->arena, arrow + 2, n) : NULL;
}

/* "ctx.prec" of "->ctx.prec": structs inside an object hold several fields. */
static const char *
fields_inner(struct program *p, const char *path)
{
    const char *arrow = fields_last_arrow(path);
    size_t n = arrow ? strcspn(arrow + 2, "[>*(-") : 0;
    return n && memchr(arrow + 2, '.', n) ? arena_copy(&p->arena, arrow + 2, n) : NULL;
}

/* The struct the member belongs to. What the access says is the struct of the last step. */
static const char *
fields_record(const struct shared_roots *roots, const char *path, const char *member,
              const char *record)
{
    bool nested = strchr(fields_last_arrow(path), '.') != NULL;
    if (record && !nested) {
        return record;
    }
    const char *owner = map_get(&roots->owners, member);
    return owner && *owner ? owner : NULL;
}

bool
roots_field(struct program *p, const struct shared_roots *roots, const struct body *b,
            const char *var, const char *path, const char *record, long seq, struct root_field *out)
{
    if (!str_starts(path, "->")) {
        return false;
    }
    const struct root_mask *mask = map_get(&roots->masks, b->fact->id);
    const char *through = NULL, *value = scan_resolve(b, var, seq);
    const char *given = var;
    for (int hops = 0; hops < ROOTS_MAX_HOPS && str_starts(value, "field:"); hops++) {
        /* A local that was taken from the object: `node = self->head; node->n++`. */
        through = value + strlen("field:");
        const char *arrow = strstr(through, "->");
        if (!arrow) {
            return false;
        }
        given = arena_copy(&p->arena, through, (size_t)(arrow - through));
        value = scan_resolve(b, given, seq);
    }
    *out = (struct root_field){0};
    out->base = roots_shared(roots, b, value, seq, &out->initial);
    if (!out->base) {
        out->base = roots_given(p, mask, b, given, seq);
    }
    bool part = !out->base;
    if (part) {
        out->base = roots_shared_part(roots, b, value, seq, &out->initial);
        record = out->base && !record ? fields_part_record(b, out->base, path) : record;
    }
    if (!out->base) {
        return false;
    }
    out->direct = !through && fields_last_arrow(path) == path;
    out->field = fields_member(p, path);
    out->inner = out->field ? fields_inner(p, path) : NULL;
    out->record = out->field ? fields_record(roots, path, out->field, record) : NULL;
    return out->record && (map_get(&roots->objects, out->record) || !out->direct || part);
}

const char *
roots_record_of(struct program *p, const struct shared_roots *roots, const struct body *b,
                const char *base, const char *member)
{
    const char *owner = map_get(&roots->owners, member);
    return owner && *owner ? owner : owner ? fields_object_record(p, b, base, member) : NULL;
}

bool
roots_value_field(struct program *p, const struct shared_roots *roots, const struct body *b,
                  const char *value, long seq, struct root_field *out)
{
    const char *resolved = value_of(scan_resolve(b, value, seq), "field");
    const char *arrow = resolved ? strstr(resolved, "->") : NULL;
    if (!arrow) {
        return false;
    }
    const char *base = arena_copy(&p->arena, resolved, (size_t)(arrow - resolved));
    const char *path = arena_string(&p->arena, arrow);
    /* Which of the structs that have such a member it is, the access says. */
    const char *object = scan_resolve(b, base, seq);
    const char *record = fields_part_record(b, object, path);
    if (!record && !strpbrk(path + 2, ".[>*(")) {
        record = roots_record_of(p, roots, b, object, path + 2);
    }
    return roots_field(p, roots, b, base, path, record, seq, out) && out->direct;
}

const struct fact_member *
roots_field_member(const struct program *p, const struct root_field *where)
{
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->name, where->field) && str_same(m->record, where->record)) {
            return m;
        }
    }
    return NULL;
}
