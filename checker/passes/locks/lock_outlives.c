/* Functions that end with a lock held and are right to (LCK11). */
#include <string.h>

#include "passes/locks/lock_paths.h"

/* Does a caller give back what the function leaves locked? */
static bool
outlives_callers_give(const struct lock_paths *paths, const struct body *b, const char *key)
{
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct lock_ops *ops = &paths->ops[b->callers.at[i]->index];
        for (size_t k = 0; k < ops->all.n; k++) {
            const struct lock_op *op = &ops->all.at[k];
            if (op->what == LOCK_GIVE && (!key || !op->key || str_same(op->key, key))) {
                return true;
            }
        }
    }
    return false;
}

bool
lock_is_signal(const struct lock_paths *paths, const struct body *b, const struct lock_op *op)
{
    const char *member = scan_field_name(op->value);
    if (op->kind != LOCK_PYTHREAD || str_starts(op->value, "call:") || !op->key) {
        return op->kind == LOCK_PYTHREAD;
    }
    for (size_t i = 0; i < paths->p->bodies.n; i++) {
        const struct lock_ops *ops = &paths->ops[i];
        bool gives = false, takes = false;
        for (size_t k = 0; k < ops->all.n; k++) {
            const struct lock_op *other = &ops->all.at[k];
            bool same = str_same(other->key, op->key) ||
                        (member && str_same(scan_field_name(other->value), member));
            gives |= same && other->what == LOCK_GIVE;
            takes |= same && other->what != LOCK_GIVE;
        }
        if (gives && !takes && paths->p->bodies.at[i] != b && !ops->all.at[0].helper) {
            return true;
        }
    }
    return false;
}

bool
lock_is_refused(struct lock_paths *paths, const struct body *b, const struct lock_op *op, long id)
{
    const char *result = arena_printf(&paths->p->arena, "call:%s", op->call->callee);
    for (const struct fact_block *block = flow_block(b, id); block;
         block = flow_block(b, block->parent)) {
        bool names =
            block->cond &&
            (flow_mentions(block->cond, result) || flow_mentions(block->cond, op->call->into) ||
             (op->call->id &&
              flow_mentions(block->cond, arena_printf(&paths->p->arena, "call:%s", op->call->id))));
        if (names) {
            return true;
        }
        if (block->parent == block->id) {
            break;
        }
    }
    return false;
}

static bool
outlives_by_name(const struct body *b)
{
    static const char *const words[] = {"lock", "Lock", "LOCK", "acquire", "enter", "begin"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(b->fact->name, words[i])) {
            return true;
        }
    }
    return false;
}

bool
lock_outlives(const struct lock_paths *paths, const struct body *b, const struct lock_op *op)
{
    return outlives_by_name(b) || outlives_callers_give(paths, b, op->key) ||
           lock_is_signal(paths, b, op);
}
