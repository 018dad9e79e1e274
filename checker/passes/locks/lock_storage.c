/* Where a PyMutex lives (LCK12): in memory that nobody cleared, in an automatic variable, in the
 * header of an object. */
#include <string.h>

#include "passes/locks/lock_ops.h"

void pass_lock_storage(struct program *p);

static const char storage_raw[] =
    "_PyObject_New,PyObject_New,_PyObject_GC_New,PyObject_GC_New,_PyObject_NewVar,PyObject_NewVar,"
    "_PyObject_GC_NewVar,PyObject_GC_NewVar,malloc,PyMem_Malloc,PyMem_RawMalloc,PyObject_Malloc";
static const char storage_mutex[] =
    "PyMutex_Lock,PyMutex_Unlock,PyMutex_LockFlags,PyMutex_IsLocked,_PyMutex_Lock,_PyMutex_Unlock";

static void
storage_flaw(struct program *p, const struct fact_call *call, const struct body *b,
             const char *subject, const char *detail)
{
    struct fact_flaw *flaw = program_flaw(p, &call->at, b, "lock-storage", subject);
    flaw->symbol = flaw->subject;
    flaw->detail = detail;
}

/* Is the address of the local given to anything but the functions of the mutex? */
static bool
storage_is_shared(const struct body *b, const char *value)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (!str_same(arg->value, value)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq == arg->seq && !scan_call_is(call, storage_mutex)) {
                return true;
            }
        }
    }
    SCAN_ACCESSES(b, a)
    {
        bool address = str_same(a->how, "addr") && str_same(a->var, value + strlen("addr:"));
        bool given = str_starts(a->context, "arg:") && strstr(a->context, "PyMutex_");
        if ((address && !given) || str_same(a->value, value)) {
            return true;
        }
    }
    return false;
}

static void
storage_place(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *value = call_arg(b, call, 0);
    if (!value || !scan_call_is(call, "PyMutex_Lock,PyMutex_LockFlags,_PyMutex_Lock")) {
        return;
    }
    if (str_same(scan_field_name(value), "ob_mutex")) {
        storage_flaw(p, call, b, lock_text(p, b, value),
                     "it belongs to Py_BEGIN_CRITICAL_SECTION(), which also Python's own code uses "
                     "while this one waits for it");
        return;
    }
    bool whole = str_starts(value, "addr:local:") && !strpbrk(value + 11, ".->[");
    if (whole && !storage_is_shared(b, value)) {
        storage_flaw(p, call, b, value + strlen("addr:local:"),
                     "an automatic variable, which every call has for itself, so that it keeps "
                     "nobody out");
    }
}

/* Does code of the program set the member, or clear the whole struct? */
static bool
storage_is_set(const struct program *p, const char *record, const char *name)
{
    size_t tail = strlen(name);
    FACTS_EACH(p->facts, access, a)
    {
        size_t n = a->path ? strlen(a->path) : 0;
        if (n <= tail || !str_same(a->class, record) || !str_ends(a->path, name) ||
            !strchr(".>", a->path[n - tail - 1])) {
            continue;
        }
        bool lock = str_starts(a->context, "arg:") && strstr(a->context, "PyMutex_");
        if (str_same(a->how, "write") || (str_same(a->how, "addr") && !lock)) {
            return true;
        }
    }
    return false;
}

static bool
storage_is_cleared(const struct body *b, const char *local, long seq)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq > seq && scan_call_is(call, "memset,bzero,memcpy,__builtin_memset") &&
            flow_mentions(call_arg(b, call, 0), local)) {
            return true;
        }
    }
    SCAN_ACCESSES(b, a)
    {
        bool whole = str_same(a->path, "->*") || str_same(a->path, "[]");
        if (a->seq > seq && str_same(a->var, local) && whole && str_same(a->how, "write")) {
            return true;
        }
    }
    return false;
}

/* The struct that the function takes the local's members from, when it has a PyMutex. */
static const struct fact_member *
storage_mutex_of(const struct program *p, const struct body *b, const char *local)
{
    SCAN_ACCESSES(b, a)
    {
        if (!str_same(a->var, local) || !a->class || !str_starts(a->path, "->") ||
            strpbrk(a->path + 2, ".->[")) {
            continue;
        }
        FACTS_EACH(p->facts, member, m)
        {
            if (str_same(m->record, a->class) && str_same(m->type, "PyMutex")) {
                return m;
            }
        }
    }
    return NULL;
}

static const char *
storage_local(const struct body *b, const struct fact_call *call)
{
    if (str_starts(call->into, "local:")) {
        return call->into;
    }
    SCAN_ACCESSES(b, a)
    {
        if (a->seq > call->seq && a->seq <= call->seq + 2 && str_starts(a->var, "local:") &&
            str_same(value_of(a->value, "call"), call->callee)) {
            return a->var;
        }
    }
    return NULL;
}

static void
storage_raw_memory(struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *local = storage_local(b, call);
    const struct fact_member *m = local ? storage_mutex_of(p, b, local) : NULL;
    if (m && !storage_is_cleared(b, local, call->seq) && !storage_is_set(p, m->record, m->name)) {
        storage_flaw(p, call, b, m->name,
                     arena_printf(&p->arena,
                                  "member of '%s', whose memory %s() leaves as it was: a PyMutex "
                                  "has to begin as zero",
                                  m->record, call->callee));
    }
}

void
pass_lock_storage(struct program *p)
{
    bool any = false;
    FACTS_EACH(p->facts, member, m)
    {
        any |= str_same(m->type, "PyMutex");
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!b->entry) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (!call->callee) {
                continue;
            }
            storage_place(p, b, call);
            if (any && scan_call_is(call, storage_raw)) {
                storage_raw_memory(p, b, call);
            }
        }
    }
}
