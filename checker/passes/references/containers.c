/* Lists that other threads can change while they are walked or filled (CON03, CON04), and decisions
 * that rest on a reference count of one (REF01, REF02). */
#include <string.h>

#include "passes/objects/shared_roots.h"
#include "passes/references/private.h"

static const char container_items[] = "PyList_GET_ITEM,PyList_GetItem";
static const char container_sizes[] = "PyList_GET_SIZE,PyList_Size";
static const char container_counts[] = "Py_REFCNT,_Py_REFCNT";
/* Change an object in place, argument 0. */
static const char container_mutators[] =
    "PyTuple_SET_ITEM,PyTuple_SetItem,PyList_SET_ITEM,PyList_SetItem,PyList_Append,PyList_Insert,"
    "_PyTuple_Resize,_PyBytes_Resize,PyUnicode_Resize,PyUnicode_WRITE,PyUnicode_WriteChar,"
    "PyByteArray_Resize,PyDict_SetItem,PyDict_Clear";

/* Was the list taken out of the field: `list = self->items; self->items = NULL;`? */
static bool
container_is_taken(const struct body *b, const char *field, long seq)
{
    const char *arrow = strstr(field, "->");
    SCAN_ACCESSES(b, a)
    {
        if (a->seq < seq && str_same(a->how, "write") && str_same(a->path, arrow) &&
            str_same(a->value, "null")) {
            return true;
        }
    }
    return false;
}

/* Can code outside this function hold the list? A local that was not given one by a parameter, a
 * field or a variable counts as private, and so does what hangs on a struct that is no object. */
static bool
container_is_shared(struct program *p, const struct shared_roots *roots, const struct body *b,
                    const char *value, long seq)
{
    const char *resolved = scan_resolve(b, value, seq);
    if (str_starts(resolved, "param:")) {
        return roots_shared(roots, b, resolved, seq, NULL) != NULL &&
               !private_value(p, b, resolved, seq, 0);
    }
    struct root_field where;
    return str_starts(resolved, "var:") || (roots_value_field(p, roots, b, resolved, seq, &where) &&
                                            !container_is_taken(b, resolved, seq));
}

static bool
container_same(const struct body *b, const char *x, long x_seq, const char *y, long y_seq)
{
    return x && y && str_same(scan_resolve(b, x, x_seq), scan_resolve(b, y, y_seq));
}

/* The loop block around `id` whose bound is the size of the list, or NULL. */
static const struct fact_call *
container_bound(const struct body *b, long loop, const struct fact_call *item)
{
    const char *list = call_arg(b, item, 0);
    SCAN_CALLS(b, call)
    {
        if (call->seq < item->seq && scan_call_is(call, container_sizes) &&
            container_same(b, call_arg(b, call, 0), call->seq, list, item->seq)) {
            const struct fact_block *block = flow_block(b, loop);
            /* In the head of the loop, or kept in a local in front of it. */
            if (block && (call->block == loop || str_same(call->result, "stored"))) {
                return call;
            }
        }
    }
    return NULL;
}

static long
container_loop(const struct body *b, long id)
{
    for (size_t hops = 0; hops <= b->blocks.n; hops++) {
        const struct fact_block *block = flow_block(b, id);
        if (!block || str_same(block->kind, "loop")) {
            return block ? id : -1;
        }
        if (block->parent == id) {
            return -1;
        }
        id = block->parent;
    }
    return -1;
}

/* PyList_GetItem() checks the index; only a result that nobody tests is as bad. */
static bool
container_is_tested(const struct body *b, const struct fact_call *item)
{
    if (!str_same(item->callee, "PyList_GetItem")) {
        return false;
    }
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        if (cond && item->into && strstr(cond, "null(") && strstr(cond, item->into)) {
            return true;
        }
    }
    return str_same(item->result, "tested") || str_same(item->result, "returned");
}

static void
container_check_walk(struct program *p, const struct shared_roots *roots, const struct body *b,
                     const struct fact_call *item)
{
    const char *list = call_arg(b, item, 0), *index = call_arg(b, item, 1);
    long loop = container_loop(b, item->block);
    if (loop < 0 || !str_starts(index, "local:") || container_is_tested(b, item) ||
        !container_is_shared(p, roots, b, list, item->seq) ||
        !roots_unlocked(p, b, item->seq, item->block)) {
        return;
    }
    const struct fact_call *size = container_bound(b, loop, item);
    if (size) {
        struct fact_flaw *flaw = program_flaw(p, &item->at, b, "list-index-loop", item->callee);
        const char *text = flow_text(p, b, list);
        flaw->detail = text ? text : "list";
        flaw_relate(p, flaw, &size->at, "the size is read here");
    }
}

/* Was the list just put there by this function? `self->items = PyList_New(n)`. */
static bool
container_is_fresh(const struct body *b, const char *value, long seq)
{
    const char *arrow = strstr(value, "->");
    SCAN_ACCESSES(b, a)
    {
        bool whole = !a->path || !*a->path;
        bool same =
            arrow ? str_same(a->path, arrow) : whole && str_same(value_of(value, "var"), a->var);
        if (a->seq < seq && str_same(a->how, "write") && same && !str_same(a->value, "null")) {
            return true;
        }
    }
    return false;
}

static void
container_check_set(struct program *p, const struct shared_roots *roots, const struct body *b,
                    const struct fact_call *call)
{
    const char *list = scan_arg(b, call, 0);
    if (!list || str_starts(list, "param:0") ||
        !container_is_shared(p, roots, b, list, call->seq) ||
        container_is_fresh(b, list, call->seq) || !roots_unlocked(p, b, call->seq, call->block)) {
        return;
    }
    struct fact_flaw *flaw = program_flaw(p, &call->at, b, "list-set-published", call->callee);
    const char *text = flow_text(p, b, call_arg(b, call, 0));
    flaw->detail = text ? text : "list";
}

/* Is what follows compared with 1 or 2? A test against 0 looks for garbage. */
static bool
container_is_small(const char *cond)
{
    const char *number = cond ? strstr(cond, ",const:") : NULL;
    number = number ? number + strlen(",const:") : "";
    return (number[0] == '1' || number[0] == '2') && !(number[1] >= '0' && number[1] <= '9');
}

/* The branch that a count of one opens: eq(call:_Py_REFCNT,const:1) and relatives. */
static const struct fact_block *
container_count_branch(const struct body *b, const struct fact_call *count)
{
    const struct fact_block *found = NULL;
    const char *number = NULL;
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        const char *cond = block->cond ? block->cond : "";
        const char *test = str_starts(count->into, "local:") ? strstr(cond, count->into)
                                                             : strstr(cond, "Py_REFCNT,const:");
        if (test && block->first >= count->seq && (!found || block->first < found->first)) {
            found = block;
            number = test;
        }
    }
    return container_is_small(number) ? found : NULL;
}

static const struct fact_call *
container_mutation(const struct body *b, const struct fact_block *branch,
                   const struct fact_call *count)
{
    SCAN_CALLS(b, call)
    {
        const char *target = call_arg(b, call, 0);
        const char *value = value_of(target, "addr");
        if (call->seq >= branch->first && call->seq <= branch->last &&
            scan_call_is(call, container_mutators) &&
            container_same(b, value ? value : target, call->seq, call_arg(b, count, 0),
                           count->seq)) {
            return call;
        }
    }
    return NULL;
}

/* Did this function make the object on every path to the test? */
static bool
container_is_made_here(const struct program *p, const struct body *b, const struct fact_call *count)
{
    const char *local = call_arg(b, count, 0), *made = NULL;
    bool always = str_starts(local, "local:");
    SCAN_ACCESSES(b, a)
    {
        if (a->seq < count->seq && str_same(a->how, "write") && str_same(a->var, local) &&
            (!a->path || !*a->path)) {
            made = value_of(a->value, "call");
            always &= made && flow_cell(p, "object_makers", made, "makes");
        }
    }
    return made && always;
}

static void
container_check_count(struct program *p, const struct body *b, const struct fact_call *count)
{
    const struct fact_block *branch = container_count_branch(b, count);
    if (!branch || str_same(count->macro, "assert") || container_is_made_here(p, b, count)) {
        return;
    }
    const struct fact_call *change = container_mutation(b, branch, count);
    struct fact_flaw *flaw = program_flaw(
        p, &count->at, b, change ? "refcount-one-mutation" : "refcount-one", "Py_REFCNT");
    const char *text = flow_text(p, b, call_arg(b, count, 0));
    flaw->detail = text ? text : "object";
    if (change) {
        flaw_relate(p, flaw, &change->at, "changed in place here");
    }
}

void
pass_containers(struct program *p)
{
    const struct shared_roots *roots = roots_of(p);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || roots_generated(p, &b->fact->at)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (scan_call_is(call, container_items)) {
                container_check_walk(p, roots, b, call);
            }
            else if (scan_call_is(call, "PyList_SET_ITEM")) {
                container_check_set(p, roots, b, call);
            }
            else if (scan_call_is(call, container_counts)) {
                container_check_count(p, b, call);
            }
        }
    }
}
