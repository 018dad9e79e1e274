/* Objects whose inside is used or changed past their own locks: the bytes of a bytearray (CON07),
 * the table of a set (CON10), the characters of a str (CON11), the items of a tuple (CON13). Once
 * for each object in a function. */
#include <string.h>

#include "passes/references/reached.h"

struct parts {
    struct program *p;
    const struct shared_roots *roots;
    struct map seen; /* function, kind, object */
};

static const char parts_bytes[] = "PyByteArray_AS_STRING,PyByteArray_AsString";
static const char parts_sets[] = "_PySet_NextEntry,_PySet_Next";
static const char parts_writers[] =
    "PyUnicode_CopyCharacters,PyUnicode_Fill,PyUnicode_WriteChar,PyUnicode_Resize";
static const char parts_text_data[] =
    "PyUnicode_DATA,_PyUnicode_DATA,PyUnicode_1BYTE_DATA,PyUnicode_2BYTE_DATA,"
    "PyUnicode_4BYTE_DATA,_PyUnicode_COMPACT_DATA,_PyUnicode_NONCOMPACT_DATA";
static const char parts_tuples[] = "PyTuple_SET_ITEM,PyTuple_SetItem,_PyTuple_Resize";

static void
parts_report(struct parts *all, const struct body *b, const struct fact *at, const char *what,
             const char *callee, const char *object)
{
    struct program *p = all->p;
    const char *key = arena_printf(&p->arena, "%s %s %s", b->fact->id, what, object);
    void **slot = map_slot(&all->seen, key);
    if (!*slot) {
        struct fact_flaw *flaw = program_flaw(p, at, b, what, callee);
        const char *text = flow_text(p, b, object);
        flaw->detail = text ? text : "object";
        *slot = flaw;
    }
}

/* Is the block, or one around it, entered only where a count of references was looked at? REF01 and
 * REF02 speak of that. */
static bool
parts_counts(const struct body *b, long id)
{
    const struct fact_block *block = flow_block(b, id);
    for (size_t hops = 0; block && hops <= b->blocks.n; hops++) {
        if (block->cond && (strstr(block->cond, "REFCNT") || strstr(block->cond, "Referenced"))) {
            return true;
        }
        block = block->parent == block->id ? NULL : flow_block(b, block->parent);
    }
    return false;
}

/* The object that the characters at `data` belong to, or NULL. */
static const char *
parts_text_of(const struct body *b, const char *data, long seq)
{
    const char *maker = value_of(scan_resolve(b, data, seq), "call");
    const struct fact_call *last = NULL;
    SCAN_CALLS(b, call)
    {
        /* Calls have the public name, values what the headers call. */
        if (call->seq < seq && str_list_has(parts_text_data, maker ? maker : "") &&
            scan_call_is(call, parts_text_data) && !str_same(call->origin, "macro") &&
            (!str_starts(data, "local:") || str_same(call->into, data))) {
            last = call;
        }
    }
    return last ? call_arg(b, last, 0) : NULL;
}

static void
parts_text(struct parts *all, const struct body *b, const char *object, long seq,
           const struct fact *at, const char *callee)
{
    if (object && reached_value(all->p, all->roots, b, object, seq)) {
        parts_report(all, b, at, "text-written", callee, object);
    }
}

/* Does the function export the buffer, which keeps the size as it is? */
static bool
parts_is_exported(const struct body *b, long seq)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq < seq && scan_call_is(call, "PyObject_GetBuffer")) {
            return true;
        }
    }
    return false;
}

static void
parts_call(struct parts *all, const struct body *b, const struct fact_call *call)
{
    struct program *p = all->p;
    const char *object = call_arg(b, call, 0);
    if (str_same(call->origin, "macro") || str_same(call->macro, "assert")) {
        return;
    }
    if (scan_call_is(call, parts_bytes)) {
        if (reached_value(p, all->roots, b, object, call->seq) &&
            !parts_is_exported(b, call->seq) && roots_unlocked(p, b, call->seq, call->block)) {
            parts_report(all, b, &call->at, "bytearray-pointer", call->callee, object);
        }
    }
    else if (scan_call_is(call, parts_sets)) {
        if (reached_value(p, all->roots, b, object, call->seq) &&
            roots_unlocked(p, b, call->seq, call->block)) {
            parts_report(all, b, &call->at, "set-next", call->callee, object);
        }
    }
    else if (scan_call_is(call, parts_writers)) {
        const char *target = value_of(object, "addr");
        parts_text(all, b, target ? target : object, call->seq, &call->at, call->callee);
    }
    else if (scan_call_is(call, "PyUnicode_WRITE")) {
        object = parts_text_of(b, call_arg(b, call, 1), call->seq);
        parts_text(all, b, object, call->seq, &call->at, call->callee);
    }
    else if (scan_call_is(call, parts_tuples)) {
        const char *target = value_of(object, "addr");
        object = target ? target : object;
        if (reached_value(p, all->roots, b, object, call->seq) && !parts_counts(b, call->block)) {
            parts_report(all, b, &call->at, "tuple-set-published", call->callee, object);
        }
    }
}

/* `data[i] = c` where data is PyUnicode_DATA(text). */
static void
parts_store(struct parts *all, const struct body *b, const struct fact_access *a)
{
    bool stores = (str_same(a->how, "write") || str_same(a->how, "rmw")) && a->path &&
                  (str_same(a->path, "->[]") || str_same(a->path, "->*"));
    if (stores && str_starts(a->var, "local:") && !str_starts(a->macro, "PyUnicode")) {
        const char *object = parts_text_of(b, a->var, a->seq);
        parts_text(all, b, object, a->seq, &a->at, "PyUnicode_DATA");
    }
}

void
pass_raw_parts(struct program *p)
{
    struct parts all = {.p = p, .roots = roots_of(p)};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || roots_generated(p, &b->fact->at)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            parts_call(&all, b, call);
        }
        SCAN_ACCESSES(b, a)
        {
            parts_store(&all, b, a);
        }
    }
    map_free(&all.seen);
}
