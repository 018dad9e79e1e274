/* Calls that take and give back locks; see lock_ops.h. */
#include "passes/locks/lock_ops.h"

#include <string.h>

/* Guards of C++ that the library defines, without the template arguments. */
static const char ops_guards[] = "lock_guard,unique_lock,scoped_lock,shared_lock";
static const char ops_methods[] = "lock,lock_shared,try_lock,try_lock_shared,try_lock_for,"
                                  "try_lock_until,unlock,unlock_shared";

/* A guard of this function and what it holds. */
struct ops_guard {
    const char *local;
    const char *values[LOCK_MOST];
    int n;
    bool shared;
};

struct ops_walk {
    struct program *p;
    struct body *b;
    const struct api_table *table;
    struct lock_ops *ops;
    VEC(struct ops_guard) guards;
    int depth;
};

/* The one struct that has a lock as a member called `name`, or NULL. */
static const char *
ops_record_of(const struct program *p, const char *name)
{
    const char *record = NULL;
    FACTS_EACH(p->facts, member, m)
    {
        if (!str_same(m->name, name) || (record && str_same(m->record, record))) {
            continue;
        }
        if (record) {
            return NULL;
        }
        record = m->record;
    }
    return record;
}

/* The struct whose member the call is given: the access in front of it names it. */
static const char *
ops_record_at(const struct body *b, const struct fact_call *call, const char *name)
{
    const char *record = NULL;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq >= call->seq) {
            break;
        }
        size_t n = a->path ? strlen(a->path) : 0, tail = strlen(name);
        if (a->seq + 6 > call->seq && a->class && n > tail && strchr(".>", a->path[n - tail - 1]) &&
            str_ends(a->path, name) && a->at.line == call->at.line) {
            record = a->class;
        }
    }
    return record;
}

static const char *
ops_key(struct ops_walk *w, const struct fact_call *call, const char *value)
{
    const char *inner = value_of(value, "field");
    inner = inner ? inner : value;
    if (str_starts(inner, "var:") && !strchr(inner, '[') && !strstr(inner, "->")) {
        return inner;
    }
    const char *name = scan_field_name(value);
    if (!name || strchr(value, '[')) {
        return NULL;
    }
    const char *record = ops_record_at(w->b, call, name);
    record = record ? record : ops_record_of(w->p, name);
    return record ? arena_printf(&w->p->arena, "%s.%s", record, name) : NULL;
}

static bool
ops_is_recursive(struct ops_walk *w, const char *value)
{
    const char *inner = value_of(value, "field");
    const char *id = value_of(inner ? inner : value, "var");
    const struct fact_variable *v = id ? program_variable(w->p, id) : NULL;
    if (v && ((v->type && strstr(v->type, "recursive")) ||
              (v->value && strstr(v->value, "RECURSIVE")) || str_same(v->init, "list"))) {
        /* A list may be PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP; PyMutex {0} is zero. */
        return !(v->type && strstr(v->type, "PyMutex"));
    }
    const char *name = scan_field_name(value);
    FACTS_EACH(w->p->facts, member, m)
    {
        if (name && str_same(m->name, name) && m->type && strstr(m->type, "recursive")) {
            return true;
        }
    }
    return program_list(&w->p->calls_named, "pthread_mutexattr_settype") != NULL;
}

static struct lock_op *
ops_add(struct ops_walk *w, const struct fact_call *call, enum lock_what what, const char *value)
{
    struct lock_op op = {.call = call, .what = what, .value = value};
    op.key = ops_key(w, call, value);
    vec_push(&w->ops->all, op);
    return &w->ops->all.at[w->ops->all.n - 1];
}

static void
ops_guard_begins(struct ops_walk *w, const struct fact_call *call)
{
    struct ops_guard guard = {.local = call->into};
    bool scoped = str_starts(call->callee, "scoped_lock"), defer = false, attempt = false;
    guard.shared = str_starts(call->callee, "shared_lock");
    for (int i = 0; i < (int)call->nargs && guard.n < LOCK_MOST; i++) {
        const char *value = call_arg(w->b, call, i);
        if (value && (strstr(value, "_lock_t") || strstr(value, "to_lock"))) {
            defer |= strstr(value, "defer") != NULL;
            attempt |= strstr(value, "try_to") != NULL;
        }
        else if (value && (i == 0 || scoped)) {
            guard.values[guard.n++] = lock_resolve(w->p, w->b, value, call->seq);
        }
    }
    bool moved = guard.n && value_of(guard.values[0], "local") &&
                 !scan_field_name(guard.values[0]); /* from another guard, or a lock of its own */
    if (!guard.local || !*guard.local || moved) {
        return;
    }
    for (int i = 0; i < guard.n && !defer; i++) {
        struct lock_op *op = ops_add(w, call, attempt ? LOCK_TRY : LOCK_TAKE, guard.values[i]);
        op->guard = true;
        op->shared = guard.shared;
        op->recursive = guard.n > 1 || ops_is_recursive(w, guard.values[i]);
    }
    vec_push(&w->guards, guard);
}

static bool
ops_is_guard_class(struct ops_walk *w, const char *callee)
{
    size_t n = strcspn(callee, "<");
    return str_list_has(ops_guards, intern_n(&w->p->facts->strings, callee, n));
}

/* The object of a method, as a descriptor: it names statics by their id alone. */
static const char *
ops_object(struct ops_walk *w, const struct fact_call *call)
{
    static const char *const roots[] = {
        "local:", "param:", "var:", "this", "call:", "index:", "addr:", "deref:", "expr", "field:"};
    const char *inner = value_of(call->on, "field");
    const char *root = inner ? inner : call->on;
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
        if (str_starts(root, roots[i])) {
            return lock_resolve(w->p, w->b, call->on, call->seq);
        }
    }
    return arena_printf(&w->p->arena, "%svar:%s", inner ? "field:" : "", root);
}

/* Methods of mutexes and of guards. */
static void
ops_method(struct ops_walk *w, const struct fact_call *call)
{
    bool gives = call->callee[0] == '~' || str_starts(call->callee, "unlock");
    bool attempt = str_starts(call->callee, "try_");
    enum lock_what what = gives ? LOCK_GIVE : attempt ? LOCK_TRY : LOCK_TAKE;
    for (size_t i = w->guards.n; i-- > 0;) {
        const struct ops_guard *guard = &w->guards.at[i];
        if (!str_same(guard->local, call->on)) {
            continue;
        }
        for (int k = 0; k < guard->n; k++) {
            struct lock_op *op = ops_add(w, call, what, guard->values[k]);
            op->guard = true;
            op->shared = guard->shared;
            op->recursive = guard->n > 1;
        }
        return;
    }
    if (call->callee[0] == '~' || !str_list_has(ops_methods, call->callee)) {
        return;
    }
    struct lock_op *op = ops_add(w, call, what, ops_object(w, call));
    op->shared = strstr(call->callee, "shared") != NULL;
    op->recursive = ops_is_recursive(w, op->value);
    /* A guard that this function was given holds what nobody here can name. */
    op->guard = str_starts(op->value, "local:");
}

/* PyThread_acquire_lock(lock, NOWAIT_LOCK) and relatives wait for nobody. */
static bool
ops_waits(struct ops_walk *w, const struct fact_call *call, const char *op)
{
    if (str_same(op, "try")) {
        return false;
    }
    if (!str_starts(call->callee, "PyThread_acquire_lock")) {
        return true;
    }
    const char *how = scan_arg(w->b, call, 1);
    return !str_same(how, "const:0") && !(how && str_starts(how, "param:"));
}

static bool
ops_table_call(struct ops_walk *w, const struct fact_call *call)
{
    const char *op = w->table ? api_table_cell(w->table, call->callee, "op") : NULL;
    const char *kind = op ? api_table_cell(w->table, call->callee, "kind") : NULL;
    if (!op) {
        return false;
    }
    bool native = str_same(kind, "native") || str_same(kind, "rwlock");
    bool mutex = str_same(kind, "pymutex"), thread = str_same(kind, "pythread");
    if ((!native && !mutex && !thread) || str_same(op, "wait") ||
        scan_call_is(call, "sem_wait,sem_trywait,sem_post,WaitForSingleObject,ReleaseMutex")) {
        return true; /* semaphores count, they do not exclude */
    }
    const char *value = call_arg(w->b, call, 0);
    if (!value || !*value || str_same(value, "expr") || str_starts(value, "call:")) {
        return true;
    }
    enum lock_what what = str_same(op, "release")  ? LOCK_GIVE
                          : ops_waits(w, call, op) ? LOCK_TAKE
                                                   : LOCK_TRY;
    struct lock_op *added = ops_add(w, call, what, lock_resolve(w->p, w->b, value, call->seq));
    added->kind = mutex ? LOCK_PYMUTEX : thread ? LOCK_PYTHREAD : LOCK_NATIVE;
    added->shared = strstr(call->callee, "rdlock") || strstr(call->callee, "Shared");
    added->recursive =
        str_ends(call->callee, "EnterCriticalSection") || (native && ops_is_recursive(w, value));
    return true;
}

/* `static void enter(struct thing *t) { PyThread_acquire_lock(t->lock, 1); }` */
static void
ops_helper(struct ops_walk *w, const struct fact_call *call)
{
    struct body *callee = call->id ? scan_body(w->p, call->id) : NULL;
    if (!callee || callee == w->b || w->depth > 2 || strchr(callee->fact->name, '~')) {
        return;
    }
    const char *scope = strstr(callee->fact->id, "::");
    if (scope && !callee->fact->ret) {
        return;
    }
    struct lock_ops inner = {{0}};
    struct ops_walk walk = {
        .p = w->p, .b = callee, .table = w->table, .ops = &inner, .depth = w->depth + 1};
    if (!lock_ops_any(w->p, callee) || callee->events.n > 60) {
        return;
    }
    SCAN_CALLS(callee, c)
    {
        if (c->on) {
            ops_method(&walk, c);
        }
        else if (ops_is_guard_class(w, c->callee)) {
            ops_guard_begins(&walk, c);
        }
        else if (!ops_table_call(&walk, c)) {
            ops_helper(&walk, c);
        }
    }
    bool takes = false, gives = false, waits = false, detached = true;
    for (size_t i = 0; i < inner.all.n; i++) {
        const struct lock_op *op = &inner.all.at[i];
        takes |= op->what != LOCK_GIVE;
        waits |= op->what == LOCK_TAKE;
        gives |= op->what == LOCK_GIVE;
        detached &=
            op->what != LOCK_TAKE || op->detached || lock_in_region(w->p, callee, op->call->seq);
    }
    const struct lock_op *one = NULL; /* what only its own helpers do is too far away */
    for (size_t i = 0; i < inner.all.n && !one; i++) {
        one = inner.all.at[i].helper ? NULL : &inner.all.at[i];
    }
    bool constructor = scope && one && one->guard;
    if (takes != gives && !constructor && one) {
        const char *value = lock_in_caller(w->p, w->b, call, callee, one->value);
        if (value) {
            struct lock_op *op = ops_add(w, call,
                                         gives   ? LOCK_GIVE
                                         : waits ? LOCK_TAKE
                                                 : LOCK_TRY,
                                         value);
            struct lock_op copy = *one;
            op->kind = copy.kind;
            op->key = copy.key ? copy.key : op->key;
            op->shared = copy.shared;
            op->recursive = copy.recursive;
            op->helper = true;
            op->detached = detached;
        }
    }
    vec_free(&inner.all);
    vec_free(&walk.guards);
}

bool
lock_ops_any(struct program *p, const struct body *b)
{
    const struct api_table *table = ruleset_table(p->rules, "locks");
    SCAN_CALLS(b, call)
    {
        if (!call->callee) {
            continue;
        }
        const char *kind = table ? api_table_cell(table, call->callee, "kind") : NULL;
        if (call->on || (kind && !str_same(kind, "critical") && !str_same(kind, "once"))) {
            return true;
        }
        const struct body *callee = call->id ? scan_body(p, call->id) : NULL;
        if (callee && callee != b && callee->events.n <= 60) {
            SCAN_CALLS(callee, c)
            {
                kind = table && c->callee ? api_table_cell(table, c->callee, "kind") : NULL;
                if (c->on || (kind && !str_same(kind, "critical") && !str_same(kind, "once"))) {
                    return true;
                }
            }
        }
    }
    return false;
}

void
lock_ops_of(struct program *p, struct body *b, struct lock_ops *ops)
{
    struct ops_walk w = {.p = p, .b = b, .table = ruleset_table(p->rules, "locks"), .ops = ops};
    SCAN_CALLS(b, call)
    {
        if (!call->callee) {
            continue;
        }
        if (call->on) {
            ops_method(&w, call);
        }
        else if (ops_is_guard_class(&w, call->callee)) {
            ops_guard_begins(&w, call);
        }
        else if (!ops_table_call(&w, call)) {
            ops_helper(&w, call);
        }
    }
    vec_free(&w.guards);
}
