/* Fields that are replaced under a lock, or by Python itself (a writable PyMemberDef), and read
 * without it (OBJ14, TYP22): the reader can be left with what the writer has freed. */
#include <string.h>

#include "passes/objects/shared_roots.h"

struct read_site {
    const struct fact *at;
    const struct body *body;
};

struct read_field {
    const struct fact_member *member;
    struct read_site replaced; /* where a lock is held and the old content goes */
    struct read_site initial;  /* the same, where only __init__ comes by */
    const struct fact *row;    /* the PyMemberDef by which Python code replaces it */
    struct read_site read;     /* the first place without a lock */
    bool exposed;              /* other code changes it without a lock, which OBJ01 and REF07 say */
};

struct reads {
    struct program *p;
    const struct shared_roots *roots;
    struct map by_key;  /* "record member" -> struct read_field, of those that are replaced */
    struct map names;   /* names of such members */
    struct map members; /* "record member" -> struct fact_member, of objects */
    VEC(struct read_field *) fields;
};

enum { READS_MAX_DEPTH = 4 };

/* Nobody else holds the object yet, or any more. */
static const char reads_unshared[] = "tp_new,tp_alloc,tp_dealloc,tp_clear,tp_traverse,tp_finalize,"
                                     "tp_del,tp_free,exec,create,pyinit,m_clear,m_free,m_traverse";
static const char reads_releases[] =
    "free,realloc,PyMem_Free,PyMem_Realloc,PyMem_RawFree,PyMem_RawRealloc,PyObject_Free,"
    "PyObject_Realloc,PyMem_FREE,PyMem_REALLOC,PyMem_Resize,PyMem_RESIZE,PyMem_Del,PyMem_DEL";
/* Take their own care of objects that are on their way out. */
static const char reads_careful[] =
    "PyUnstable_TryIncRef,_Py_TryIncref,_Py_TryIncrefCompare,_Py_TryXGetRef,_Py_XGetRef";

static const char *
reads_key(struct reads *all, const char *record, const char *name)
{
    return arena_printf(&all->p->arena, "%s %s", record, name);
}

static const struct fact_member *
reads_member(struct reads *all, const char *record, const char *name)
{
    return record && name ? map_get(&all->members, reads_key(all, record, name)) : NULL;
}

/* Do only __init__ and what it calls lead here? */
static bool
reads_initial(const struct body *b, int depth)
{
    if (b->binding || b->address_taken || !b->callers.n || depth > READS_MAX_DEPTH) {
        return str_same(b->binding, "tp_init");
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        if (!reads_initial(b->callers.at[i], depth + 1)) {
            return false;
        }
    }
    return true;
}

/* The member that "base.item" names, from the struct on that holds the first of them. A struct
 * inside counts when it is the base of the object. */
static const struct fact_member *
reads_descend(struct reads *all, const char *record, const char *path)
{
    struct arena *arena = &all->p->arena;
    const struct fact_member *m = NULL;
    for (const char *at = path; record && *at;) {
        size_t n = strcspn(at, ".");
        m = reads_member(all, record, arena_copy(arena, at, n));
        at += n + (at[n] == '.');
        if (*at) {
            const char *type = m && str_same(m->class, "object-struct") ? m->type : NULL;
            record = type && str_starts(type, "struct ") ? type + strlen("struct ") : type;
        }
    }
    return record ? m : NULL;
}

/* --- who replaces ----------------------------------------------------------------------------- */

/* `if (self->cache == NULL) self->cache = ...`: nothing goes away. */
static bool
reads_fills(const struct body *b, const struct fact_access *a)
{
    char wanted[160];
    const struct fact_block *block = flow_block(b, a->block);
    if (snprintf(wanted, sizeof(wanted), "null(field:%s%s)", a->var, a->path) >=
        (int)sizeof(wanted)) {
        return false;
    }
    for (size_t hops = 0; block && hops <= b->blocks.n; hops++) {
        const char *found =
            block->cond && str_same(block->kind, "then") ? strstr(block->cond, wanted) : NULL;
        if (found && (found == block->cond || found[-1] == ' ')) {
            return true;
        }
        block = block->parent == block->id ? NULL : flow_block(b, block->parent);
    }
    return false;
}

static struct read_field *
reads_field(struct reads *all, const struct fact_member *m)
{
    void **slot = map_slot(&all->by_key, reads_key(all, m->record, m->name));
    struct read_field *field = *slot;
    if (!field) {
        *slot = field = arena_alloc(&all->p->arena, sizeof(*field));
        field->member = m;
        vec_push(&all->fields, field);
        map_set(&all->names, m->name, field);
    }
    return field;
}

static void
reads_replaced(struct reads *all, const struct body *b, const struct fact_member *m,
               const struct fact *at)
{
    struct read_field *field = reads_field(all, m);
    struct read_site *site = reads_initial(b, 0) ? &field->initial : &field->replaced;
    if (!site->at) {
        *site = (struct read_site){at, b};
    }
}

/* `{"hook", Py_T_OBJECT_EX, offsetof(struct box, hook), 0, NULL}`: box.hook = x stores under a lock
 * of the object and drops what was there. */
static void
reads_row(struct reads *all, const struct fact_row *row)
{
    const char *open = str_same(row->table, "member") ? row->field : NULL;
    open = str_starts(open, "offsetof(") ? open + strlen("offsetof(") : NULL;
    const char *comma = open ? strchr(open, ',') : NULL;
    if (!comma || (row->flags && strstr(row->flags, "READONLY")) || (row->bits & 1)) {
        return;
    }
    open += str_starts(open, "struct ") ? strlen("struct ") : 0;
    const char *record = arena_copy(&all->p->arena, open, (size_t)(comma - open));
    const char *name = comma + 1 + strspn(comma + 1, " ");
    name = arena_copy(&all->p->arena, name, strcspn(name, ") "));
    const struct fact_member *m = reads_member(all, record, name);
    if (m && str_same(m->class, "object-pointer")) {
        reads_field(all, m)->row = &row->at;
    }
}

/* The object is one that a caller handed over. */
static bool
reads_is_handed(const struct body *b, const char *var, long seq)
{
    return str_starts(scan_resolve(b, var, seq), "param:");
}

static void
reads_write(struct reads *all, const struct body *b, const struct fact_access *a)
{
    bool plain =
        str_same(a->how, "write") && str_starts(a->path, "->") && !strpbrk(a->path + 2, "[>*(");
    if (!plain || !reads_is_handed(b, a->var, a->seq)) {
        return;
    }
    const char *last = strrchr(a->path, '.');
    const struct fact_member *m = reads_member(all, a->class, last ? last + 1 : a->path + 2);
    if (m && str_same(m->class, "object-pointer") && !reads_fills(b, a) &&
        !roots_unlocked(all->p, b, a->seq, a->block)) {
        reads_replaced(all, b, m, &a->at);
    }
}

/* `free(self->buf)`, `self->buf = realloc(self->buf, n)` with the lock held. */
static void
reads_release(struct reads *all, const struct body *b, const struct fact_call *call)
{
    const char *value = scan_call_is(call, reads_releases) ? call_arg(b, call, 0) : NULL;
    const char *path = value_of(value ? scan_resolve(b, value, call->seq) : NULL, "field");
    const char *arrow = path ? strstr(path, "->") : NULL;
    if (!arrow || strpbrk(arrow + 2, "[>*(.") || str_same(call->origin, "local")) {
        return;
    }
    const char *base = arena_copy(&all->p->arena, path, (size_t)(arrow - path));
    const char *object = scan_resolve(b, base, call->seq);
    const char *record = str_starts(object, "param:")
                             ? roots_record_of(all->p, all->roots, b, object, arrow + 2)
                             : NULL;
    const struct fact_member *m = reads_member(all, record, arrow + 2);
    if (m && !roots_unlocked(all->p, b, call->seq, call->block)) {
        reads_replaced(all, b, m, &call->at);
    }
}

static void
reads_collect(struct reads *all)
{
    struct program *p = all->p;
    FACTS_EACH(p->facts, member, m)
    {
        if (m->record && map_get(&all->roots->objects, m->record)) {
            map_set(&all->members, reads_key(all, m->record, m->name), m);
        }
    }
    FACTS_EACH(p->facts, row, r)
    {
        reads_row(all, r);
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || (b->binding && str_list_has(reads_unshared, b->binding)) ||
            roots_generated(p, &b->fact->at)) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            reads_write(all, b, a);
        }
        SCAN_CALLS(b, call)
        {
            reads_release(all, b, call);
        }
    }
}

/* --- who reads -------------------------------------------------------------------------------- */

/* "->item" of "field:local:self->item", and of "index:" and "addr:" with "->[]" behind it;
 * *base is the object. NULL: no member of an object. */
static const char *
reads_path(struct reads *all, const char *value, const char **base)
{
    static const char *const kinds[] = {"field", "index", "addr"};
    const char *rest = NULL, *arrow = NULL;
    for (size_t i = 0; i < 3 && !rest; i++) {
        rest = value_of(value, kinds[i]);
    }
    arrow = rest ? strstr(rest, "->") : NULL;
    if (!arrow || strchr(rest, '(')) {
        return NULL;
    }
    size_t n = strcspn(arrow + 2, "[>*-");
    bool whole = !arrow[2 + n] && str_starts(value, "field:");
    bool element = str_same(arrow + 2 + n, "->[]") && !str_starts(value, "field:");
    *base = arena_copy(&all->p->arena, rest, (size_t)(arrow - rest));
    return whole || element ? arena_copy(&all->p->arena, arrow + 2, n) : NULL;
}

static void
reads_value(struct reads *all, const struct body *b, const char *value, long seq, long block,
            const struct fact *at)
{
    const char *base = NULL, *path = reads_path(all, value, &base);
    const char *last = path ? strrchr(path, '.') : NULL;
    if (!path || !map_get(&all->names, last ? last + 1 : path)) {
        return;
    }
    bool initial = false;
    const char *root = roots_shared(all->roots, b, base, seq, &initial);
    const char *first = arena_copy(&all->p->arena, path, strcspn(path, "."));
    const char *record =
        root && !initial ? roots_record_of(all->p, all->roots, b, root, first) : NULL;
    const struct fact_member *m = reads_descend(all, record, path);
    struct read_field *field = m ? map_get(&all->by_key, reads_key(all, m->record, m->name)) : NULL;
    if (field && !field->read.at && roots_unlocked(all->p, b, seq, block)) {
        field->read = (struct read_site){at, b};
    }
}

/* A change without a lock, whatever the reads do. */
static void
reads_exposed(struct reads *all, const struct body *b, const struct fact_access *a)
{
    struct root_field where;
    const char *last = a->path ? strpbrk(a->path, ".>") : NULL;
    if (!last || str_same(a->how, "read") || str_same(a->how, "addr") ||
        !map_get(&all->names, a->path + strcspn(a->path, ">") + 1) ||
        !roots_field(all->p, all->roots, b, a->var, a->path, a->class, a->seq, &where) ||
        where.initial || !roots_unlocked(all->p, b, a->seq, a->block)) {
        return;
    }
    struct read_field *field = map_get(&all->by_key, reads_key(all, where.record, where.field));
    if (field) {
        field->exposed = true;
    }
}

static void
reads_scan(struct reads *all, const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        for (int i = 0; i < call->nargs && !scan_call_is(call, reads_careful); i++) {
            reads_value(all, b, call_arg(b, call, i), call->seq, call->block, &call->at);
        }
    }
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->how, "write") && a->value) {
            reads_value(all, b, a->value, a->seq, a->block, &a->at);
        }
        reads_exposed(all, b, a);
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind == FACT_jump && str_same(jump->kind, "return")) {
            reads_value(all, b, jump->value, jump->seq, jump->block, &jump->at);
        }
    }
}

static void
reads_report(struct reads *all, const struct read_field *field)
{
    const struct read_site *lock = field->replaced.at ? &field->replaced : &field->initial;
    if (!field->read.at || field->exposed) {
        return;
    }
    bool member = field->row && !field->replaced.at;
    struct fact_flaw *flaw =
        program_flaw(all->p, field->read.at, field->read.body,
                     member ? "member-read-unlocked" : "field-read-unlocked", field->member->name);
    flaw->detail = field->member->record;
    flaw->detail2 = field->read.body->fact->name;
    flaw->class = field->member->class;
    /* A second __init__() on an object that is in use is rare. */
    flaw->number = !member && !field->replaced.at;
    flaw_relate(all->p, flaw, member ? field->row : lock->at,
                member ? "Python code can assign to it by this"
                       : "replaced here, with a lock held");
}

void
pass_field_reads(struct program *p)
{
    struct reads all = {.p = p, .roots = roots_of(p)};
    reads_collect(&all);
    for (size_t i = 0; all.fields.n && i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (map_get(&all.roots->masks, b->fact->id)) {
            reads_scan(&all, b);
        }
    }
    for (size_t i = 0; i < all.fields.n; i++) {
        reads_report(&all, all.fields.at[i]);
    }
    vec_free(&all.fields);
    map_free(&all.by_key);
    map_free(&all.names);
    map_free(&all.members);
}
