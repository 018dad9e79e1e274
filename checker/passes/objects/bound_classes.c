/* Fields of C++ classes whose methods pybind11, nanobind or Boost.Python bind: every thread that
 * has the Python object calls them on one instance (OBJ18). */
#include <stdint.h>
#include <string.h>

#include "passes/objects/shared_roots.h"

/* A function that works on a shared instance. */
struct bound_root {
    const struct body *body;
    const char *self;       /* what names the instance there: "this" or "param:0" */
    const char *owner;      /* its class, without template arguments */
    const struct fact *row; /* the .def() that leads here */
};

struct bound_field {
    const char *owner, *name;
    const struct fact_access *at;
    const struct bound_root *root;
    bool constants; /* every write stores a constant */
    bool rmw;
};

struct bound {
    struct program *p;
    struct map by_body, by_field, classes;
    VEC(struct bound_root *) roots;
    VEC(struct bound_field *) fields;
};

static const char bound_calls[] =
    "def,def_property,def_property_readonly,def_prop_rw,def_prop_ro,add_property";
/* Nobody else has the object yet. */
static const char bound_initial[] = "string:__init__,string:__new__,string:__setstate__";
/* Methods of the standard containers that change them. */
static const char bound_changes[] =
    "push_back,emplace_back,pop_back,push_front,emplace_front,pop_front,insert,emplace,erase,clear,"
    "resize,reserve,assign,append,swap,reset,push,pop,try_emplace,insert_or_assign,shrink_to_fit";

/* "a::Index" of "a::Index<float>" and of "a::Index::add(int)" (method); NULL: no class. */
static const char *
bound_class(struct program *p, const char *name, bool method)
{
    if (!name || strchr(name, '#')) {
        return NULL;
    }
    size_t end = strcspn(name, method ? "(" : "<"), last = 0;
    for (size_t i = 0; method && i + 1 < end; i++) {
        last = name[i] == ':' && name[i + 1] == ':' ? i : last;
    }
    end = method ? last : end;
    const char *owner = end ? arena_copy(&p->arena, name, end) : NULL;
    return owner && !strpbrk(owner, "<( ") ? owner : NULL;
}

/* The call of .def() that takes the function whose address is taken at `a`; NULL: none, or one that
 * locks the object (nb::lock_self()). */
static const struct fact_call *
bound_by(const struct body *in, const struct fact_access *a)
{
    if (str_starts(a->context, "arg:") && !str_starts(a->context, "arg:def") &&
        !str_starts(a->context, "arg:add_property")) {
        return NULL;
    }
    SCAN_CALLS(in, call)
    {
        if (call->seq <= a->seq || !str_list_has(bound_calls, call->callee)) {
            continue;
        }
        const char *name = call_arg(in, call, 0);
        if (!str_starts(name, "string:") || str_list_has(bound_initial, name)) {
            return NULL;
        }
        for (int i = 1; i < (int)call->nargs; i++) {
            if (str_same(call_arg(in, call, i), "call:lock_self")) {
                return NULL;
            }
        }
        return call;
    }
    return NULL;
}

/* Does the call stand in a chain that begins with py::class_<T>(m, "T")? */
static bool
bound_on_class(const struct body *in, const struct fact_call *def)
{
    SCAN_CALLS(in, call)
    {
        if (call->seq < def->seq && call->at.line == def->at.line &&
            call->at.column == def->at.column && str_starts(call->callee, "class_")) {
            return true;
        }
    }
    return false;
}

static void
bound_add(struct bound *all, const struct body *b, const char *self, const char *owner,
          const struct fact *row)
{
    void **slot = map_slot(&all->by_body, b->fact->id);
    if (!*slot && owner) {
        struct bound_root *root = arena_alloc(&all->p->arena, sizeof(*root));
        *root = (struct bound_root){b, self, owner, row};
        *slot = root;
        vec_push(&all->roots, root);
    }
}

/* A pure virtual method has no body: those that override it, by name and parameters, run instead.
 */
static void
bound_add_overrides(struct bound *all, const char *id, const struct fact *row)
{
    const char *base = bound_class(all->p, id, true);
    const char *method = base ? id + strlen(base) : NULL; /* "::lines(double)" */
    for (size_t i = 0; method && i < all->p->bodies.n; i++) {
        const struct body *b = all->p->bodies.at[i];
        const char *owner =
            str_ends(b->fact->id, method) ? bound_class(all->p, b->fact->id, true) : NULL;
        if (owner && b->fact->id[strlen(owner)] == ':' && !b->test_code) {
            map_set(&all->classes, owner, (void *)(uintptr_t)owner);
            bound_add(all, b, "this", owner, row);
        }
    }
}

/* Members first: what they belong to is a class that Python knows. */
static void
bound_seed(struct bound *all, const struct body *in, bool members)
{
    SCAN_ACCESSES(in, a)
    {
        const char *id = str_same(a->how, "addr") ? value_of(a->var, "func") : NULL;
        const struct body *b = scan_body(all->p, id);
        const struct fact_call *def = id ? bound_by(in, a) : NULL;
        if (def && !b && members) {
            bound_add_overrides(all, id, &a->at);
        }
        if (!def || !b) {
            continue;
        }
        const char *owner = bound_class(all->p, id, true);
        if (members && owner) {
            map_set(&all->classes, owner, (void *)(uintptr_t)owner);
            bound_add(all, b, "this", owner, &a->at);
        }
        else if (!members && strchr(id, '#') && bound_on_class(in, def)) {
            SCAN_ACCESSES(b, use)
            {
                const char *of = bound_class(all->p, use->class, false);
                bool known = of && map_get(&all->classes, of) && str_same(use->var, "param:0");
                bound_add(all, b, "param:0", known ? of : NULL, &a->at);
            }
        }
    }
}

/* Is some lock held, or taken earlier by a guard of a kind that is not known? */
static bool
bound_locked(struct program *p, const struct body *b, long seq, long block)
{
    static const char *const words[] = {"Lock", "_lock", "lock_",           "utex",
                                        "lock", "Guard", "critical_section"};
    SCAN_CALLS(b, call)
    {
        const char *unlock = call->callee ? strstr(call->callee, "unlock") : NULL;
        for (size_t i = 0; !unlock && i < sizeof(words) / sizeof(*words); i++) {
            const char *at =
                call->seq < seq && call->callee ? strstr(call->callee, words[i]) : NULL;
            bool other = at && (strstr(call->callee, "lock_free") ||
                                (at > call->callee && (at[-1] == 'b' || at[-1] == 'c')));
            if (at && !other && flow_inside(b, block, call->block)) {
                return true;
            }
        }
    }
    return !roots_unlocked(p, b, seq, block);
}

/* Can a call without a receiver in its facts only be one on `this`? `helper()` by its width; one
 * with arguments where the function has no other object at hand. */
static bool
bound_on_this(const struct body *b, const struct fact_call *call)
{
    if (!call->nargs) {
        return (size_t)(call->at.end_column - call->at.column) <= strlen(call->callee) + 2;
    }
    const char *params = b->fact->params ? b->fact->params : "";
    bool others = strstr(params, "pointer") || str_list_has(params, "cpp-object");
    SCAN_ACCESSES(b, a)
    {
        others |= str_starts(a->var, "local:");
    }
    for (size_t i = 0; i < b->blocks.n; i++) {
        others |= str_same(b->blocks.at[i]->kind, "loop");
    }
    return !others;
}

/* Helpers of the same class that are called on the same instance. */
static void
bound_follow(struct bound *all, const struct bound_root *root)
{
    const struct body *b = root->body;
    SCAN_CALLS(b, call)
    {
        const struct body *callee = scan_body(all->p, call->id);
        const char *owner = callee ? bound_class(all->p, call->id, true) : NULL;
        bool same = str_same(root->self, "this") && bound_on_this(b, call);
        if (!str_same(owner, root->owner) || callee == b || callee->fact->name[0] == '~') {
            continue;
        }
        const char *last = strrchr(owner, ':');
        if (str_starts(callee->fact->name, last ? last + 1 : owner)) {
            continue; /* a constructor */
        }
        SCAN_ACCESSES(b, a)
        {
            /* other.helper() */
            if (str_same(a->context, "called") && str_same(a->op, call->callee)) {
                same = str_same(a->var, root->self) && (!a->path || !*a->path);
            }
        }
        if (same && !call->on && !bound_locked(all->p, b, call->seq, call->block)) {
            bound_add(all, callee, "this", owner, root->row);
        }
    }
}

/* The member that a write changes: "n" of "->n", ".n" and "->n.low". */
static const char *
bound_member(struct bound *all, const struct bound_root *root, const struct fact_access *a)
{
    size_t lead = str_starts(a->path, "->") ? 2 : str_starts(a->path, ".") ? 1 : 0;
    bool plain = str_same(a->how, "write") || str_same(a->how, "rmw");
    if (!lead || !plain || !str_same(a->var, root->self) || !a->class ||
        strpbrk(a->path + lead, "[>*(")) {
        return NULL;
    }
    bool method = a->op && strpbrk(a->op, "abcdefghijklmnopqrstuvwxyz");
    size_t n = strcspn(a->path + lead, ".");
    if (method && (!str_list_has(bound_changes, a->op) || a->path[lead + n])) {
        return NULL;
    }
    return arena_copy(&all->p->arena, a->path + lead, n);
}

/* Atomic, a lock, or (of a method call) no container of the standard library. */
static bool
bound_is_ordered(const struct bound *all, const struct fact_access *a, const char *member)
{
    bool method = a->op && strpbrk(a->op, "abcdefghijklmnopqrstuvwxyz");
    FACTS_EACH(all->p->facts, member, m)
    {
        if (!str_same(m->name, member) || !str_same(m->record, a->class)) {
            continue;
        }
        const char *type = m->type ? m->type : "";
        return str_list_has("lock,once,tss", m->class ? m->class : "") || strstr(type, "tomic") ||
               strstr(type, "utex") || strstr(type, "thread_specific") ||
               (method && !str_starts(type, "std::"));
    }
    return method;
}

static void
bound_scan(struct bound *all, const struct bound_root *root)
{
    SCAN_ACCESSES(root->body, a)
    {
        const char *name = bound_member(all, root, a);
        if (!name || bound_is_ordered(all, a, name) ||
            bound_locked(all->p, root->body, a->seq, a->block)) {
            continue;
        }
        void **slot =
            map_slot(&all->by_field, arena_printf(&all->p->arena, "%s %s", root->owner, name));
        struct bound_field *field = *slot;
        bool rmw = str_same(a->how, "rmw");
        if (!field) {
            *slot = field = arena_alloc(&all->p->arena, sizeof(*field));
            *field = (struct bound_field){root->owner, name, a, root, true, rmw};
            vec_push(&all->fields, field);
        }
        /* The worst place is the one to show. */
        bool constant = !rmw && value_of(a->value, "const") != NULL;
        if ((rmw && !field->rmw) || (!constant && field->constants)) {
            field->at = a;
            field->root = root;
        }
        field->rmw |= rmw;
        field->constants &= constant;
    }
}

void
pass_bound_classes(struct program *p)
{
    struct bound all = {.p = p};
    for (int members = 1; members >= 0; members--) {
        for (size_t i = 0; i < p->bodies.n; i++) {
            if (!p->bodies.at[i]->test_code) {
                bound_seed(&all, p->bodies.at[i], members != 0);
            }
        }
    }
    for (size_t i = 0; i < all.roots.n; i++) {
        bound_follow(&all, all.roots.at[i]);
    }
    for (size_t i = 0; i < all.roots.n; i++) {
        bound_scan(&all, all.roots.at[i]);
    }
    for (size_t i = 0; i < all.fields.n; i++) {
        const struct bound_field *field = all.fields.at[i];
        struct fact_flaw *flaw =
            program_flaw(p, &field->at->at, field->root->body, "bound-field", field->name);
        flaw->detail = field->owner;
        flaw->detail2 = field->root->body->fact->name;
        flaw->number = field->constants;
        flaw_relate(p, flaw, field->root->row, "Python gets to it by this");
    }
    vec_free(&all.roots);
    vec_free(&all.fields);
    map_free(&all.by_body);
    map_free(&all.by_field);
    map_free(&all.classes);
}
