/* REF08: an object is given up while a native lock is held. What is destroyed then may run Python
 * code: a finalizer, a weak reference's callback, the deallocator of another module. */
#include <string.h>

#include "passes/objects/shared_roots.h"

static const char drops_plain[] = "Py_DECREF,Py_XDECREF,Py_DecRef,Py_CLEAR";
static const char drops_replacing[] = "Py_SETREF,Py_XSETREF";
static const char drops_late[] = "m_free,m_clear,m_traverse,tp_traverse,exec,create,pyinit";

/* A lock that keeps its holder, not a critical section, which is suspended where Python runs. */
static const char *
drops_lock(struct program *p, const char *locks)
{
    STR_WORDS_EACH(locks, word)
    {
        bool section = word.n >= 9 && strncmp(word.at, "critical(", 9) == 0;
        bool once = word.n == 4 && strncmp(word.at, "once", 4) == 0;
        if (!section && !once) {
            return arena_copy(&p->arena, word.at, word.n);
        }
    }
    return NULL;
}

/* Where the object that goes was kept: a member, an element, a static; what a function has just
 * made for itself has no finalizer of somebody else's. */
static const char *
drops_kept(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *value = scan_resolve(b, call_arg(b, call, 0), call->seq);
    const char *address = value_of(value, "addr");
    value = address ? address : value;
    const char *variable = value_of(value, "var");
    bool kept = str_starts(value, "field:") || str_starts(value, "index:") || variable;
    if (!kept) {
        return NULL;
    }
    const char *base = scan_field_base(p, value);
    if (base && value_of(scan_resolve(b, base, call->seq), "call")) {
        return NULL; /* of an object just made: nothing goes */
    }
    const char *member = scan_field_name(value);
    return member ? member : variable ? variable : flow_text(p, b, value);
}

/* Makers of objects whose end runs no code. */
static bool
drops_is_plain(const char *value)
{
    static const char *const makers[] = {"PyBytes_", "PyUnicode_",  "PyLong_",   "PyFloat_",
                                         "PyBool_",  "Py_GetConst", "PyComplex_"};
    const char *call = value_of(value, "call");
    for (size_t i = 0; call && i < sizeof(makers) / sizeof(*makers); i++) {
        if (str_starts(call, makers[i])) {
            return true;
        }
    }
    return str_same(value, "null") || value_of(value, "immortal");
}

/* Does the member only ever get texts, bytes and numbers, wherever it is set? */
static bool
drops_holds_plain(struct program *p, const char *member)
{
    const char *arrow = arena_printf(&p->arena, ">%s", member);
    bool set = false;
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_ACCESSES(b, a)
        {
            if (!str_same(a->how, "write") || !str_ends(a->path ? a->path : "", arrow)) {
                continue;
            }
            const char *value = scan_resolve(b, a->value, a->seq);
            bool copied = str_same(scan_field_name(value), member);
            if (copied || str_same(value, "expr")) {
                continue; /* a call among the arguments of a macro shows as expr */
            }
            if (!drops_is_plain(value)) {
                return false;
            }
            set |= !str_same(value, "null");
        }
    }
    return set;
}

static void
drops_check(struct program *p, struct body *b, struct map *seen)
{
    SCAN_CALLS(b, call)
    {
        bool plain = scan_call_is(call, drops_plain);
        if (!plain && !scan_call_is(call, drops_replacing)) {
            continue;
        }
        const char *locks = locks_at(p, b, call->seq);
        const char *lock = locks ? drops_lock(p, locks) : NULL;
        const char *kept = lock ? drops_kept(p, b, call) : NULL;
        if (!kept || drops_holds_plain(p, kept)) {
            continue;
        }
        void **slot = map_slot(seen, arena_printf(&p->arena, "%s %s", b->fact->id, lock));
        if (*slot) {
            continue;
        }
        struct fact_flaw *flaw =
            program_flaw(p, &call->at, b, "drop-under-lock", facts_intern(p->facts, kept));
        *slot = flaw;
        flaw->symbol = flaw->subject;
        flaw->detail = facts_intern(p->facts, call->callee);
        flaw->detail2 = facts_intern(p->facts, lock);
    }
}

void
pass_lock_drops(struct program *p)
{
    struct map seen = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        bool late = b->binding && str_list_has(drops_late, b->binding);
        if (flow_runs(b) && !late && !roots_generated(p, &b->fact->at)) {
            drops_check(p, b, &seen);
        }
    }
    map_free(&seen);
}
