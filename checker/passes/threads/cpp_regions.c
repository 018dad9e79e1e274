/* Exceptions that leave a region whose end has to be reached: a critical section, released locks
 * of the interpreter (CPP09), a lock that was taken by hand (CPP12). */
#include <string.h>

#include "passes/flow/detached.h"

enum { REGION_MAX_DEPTH = 6 };

/* Throw because of what they are given. */
static const char region_throws[] = "at,stoi,stol,stoll,stoul,stoull,stof,stod,stold,any_cast,"
                                    "bad_function_call,__throw_out_of_range,value";
/* Throw only when memory ends. */
static const char region_allocates[] =
    "push_back,emplace_back,push_front,emplace_front,resize,reserve,insert,emplace,try_emplace,"
    "append,assign,substr,make_unique,make_shared,to_string,operator+=,basic_string";

/* What is known of each body at each depth: 0 nothing yet, 1 throws nothing, 2 can throw. */
struct region_walk {
    struct program *p;
    unsigned char (*known)[REGION_MAX_DEPTH + 1];
    bool any; /* something in the program throws at all: in C nothing does */
};

static bool region_can_throw(const struct region_walk *w, const struct body *b, int depth);

static bool
region_body_throws(const struct region_walk *w, const struct body *b, int depth)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *event = b->events.at[i];
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)event;
        const struct fact_call *call = (const struct fact_call *)(const void *)event;
        bool throws = event->kind == FACT_jump && str_same(jump->kind, "throw");
        if (event->kind == FACT_call) {
            const struct body *callee = scan_body(w->p, call->id);
            throws = callee ? callee != b && region_can_throw(w, callee, depth + 1)
                            : str_same(call->origin, "system") && scan_call_is(call, region_throws);
        }
        if (throws && !flow_caught(b, flow_seq_of(event), -1)) {
            return true;
        }
    }
    return false;
}

static bool
region_can_throw(const struct region_walk *w, const struct body *b, int depth)
{
    const char *attributes = b->fact->attributes;
    if (!w->any || depth > REGION_MAX_DEPTH || (attributes && strstr(attributes, "noexcept"))) {
        return false;
    }
    unsigned char *known = &w->known[b->index][depth];
    if (!*known) {
        bool throws = region_body_throws(w, b, depth);
        *known = throws ? 2 : 1;
    }
    return *known == 2;
}

static bool
region_anything_throws(const struct program *p)
{
    FACTS_EACH(p->facts, jump, jump)
    {
        if (str_same(jump->kind, "throw")) {
            return true;
        }
    }
    STR_WORDS_EACH(region_throws, word)
    {
        if (program_list(&p->calls_named, intern_n(&p->facts->strings, word.at, word.n))) {
            return true;
        }
    }
    return false;
}

/* 2: can throw; 1: only when there is no memory; 0: not that we know. */
static int
region_danger(const struct region_walk *w, const struct fact *event)
{
    if (event->kind == FACT_jump) {
        return str_same(((const struct fact_jump *)(const void *)event)->kind, "throw") ? 2 : 0;
    }
    if (event->kind != FACT_call) {
        return 0;
    }
    const struct fact_call *call = (const struct fact_call *)(const void *)event;
    const struct body *callee = scan_body(w->p, call->id);
    if (callee) {
        return region_can_throw(w, callee, 0) ? 2 : 0;
    }
    if (!str_same(call->origin, "system")) {
        return 0;
    }
    return scan_call_is(call, region_throws) ? 2 : scan_call_is(call, region_allocates) ? 1 : 0;
}

/* A `throw` in the region itself is a jump out of it (NOG02, LCK01). */
static const struct fact *
region_worst(const struct region_walk *w, const struct body *b, const struct fact_block *region,
             bool section, int *danger)
{
    const struct fact *found = NULL;
    *danger = 0;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *event = b->events.at[i];
        if (event->kind != FACT_call || !flow_inside(b, flow_block_of(event), region->id) ||
            flow_caught(b, flow_seq_of(event), region->id)) {
            continue;
        }
        int here = region_danger(w, event);
        if (here > *danger && (section || detached_here(b, flow_seq_of(event), region->id))) {
            *danger = here;
            found = event;
        }
    }
    return found;
}

/* The lock that a call takes or gives back by hand: the object of lock(), the argument of
 * PyMutex_Lock(). NULL for guards and for all other calls. */
static const char *
region_lock(const struct region_walk *w, const struct body *b, const struct fact_call *call,
            const char *wanted)
{
    const struct api_table *table = ruleset_table(w->p->rules, "locks");
    bool lock = str_same(wanted, "acquire");
    if (call->on) {
        bool fits = str_same(call->callee, lock ? "lock" : "unlock") ||
                    str_same(call->callee, lock ? "lock_shared" : "unlock_shared");
        return fits && !str_starts(call->on, "local:") ? call->on : NULL;
    }
    const char *op = table ? api_table_cell(table, call->callee, "op") : NULL;
    const char *kind = op ? api_table_cell(table, call->callee, "kind") : NULL;
    bool by_hand = op && str_same(op, wanted) && !strchr(call->callee, '<') &&
                   (str_same(kind, "pymutex") || str_same(kind, "native"));
    return by_hand ? call_arg(b, call, 0) : NULL;
}

/* What throws between a lock that was taken by hand and its release: the lock stays locked. */
static void
region_check_lock(const struct region_walk *w, const struct body *b, size_t from, const char *lock)
{
    const struct fact *start = b->events.at[from];
    const struct fact *found = NULL;
    bool released = false;
    for (size_t i = from + 1; i < b->events.n && !released; i++) {
        const struct fact *event = b->events.at[i];
        const struct fact_call *call = (const struct fact_call *)(const void *)event;
        if (event->kind == FACT_call && str_same(region_lock(w, b, call, "release"), lock)) {
            released = true;
        }
        else if (!found && region_danger(w, event) == 2 &&
                 !flow_caught(b, flow_seq_of(event), -1)) {
            found = event;
        }
    }
    if (!found || !released) {
        return; /* a function that only locks hands the lock to its caller */
    }
    const struct fact_call *call = (const struct fact_call *)(const void *)found;
    struct fact_flaw *flaw = program_flaw(w->p, found, b, "exception-keeps-lock",
                                          found->kind == FACT_call ? call->callee : "throw");
    const char *name = value_of(lock, "addr");
    name = name ? name : lock;
    flaw->detail = str_starts(name, "field:") ? name + 6 : name;
    flaw_relate(w->p, flaw, start, "the lock is taken here");
}

static void
region_check_locks(const struct region_walk *w, const struct body *b)
{
    for (size_t i = 0; w->any && i < b->events.n; i++) {
        const struct fact *event = b->events.at[i];
        const struct fact_call *call = (const struct fact_call *)(const void *)event;
        const char *lock = event->kind == FACT_call ? region_lock(w, b, call, "acquire") : NULL;
        if (lock) {
            region_check_lock(w, b, i, lock);
        }
    }
}

void
pass_cpp_regions(struct program *p)
{
    struct region_walk walk = {.p = p, .any = region_anything_throws(p)};
    walk.known = walk.any ? arena_alloc(&p->arena, p->bodies.n * sizeof(*walk.known)) : NULL;
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (b->entry) {
            region_check_locks(&walk, b);
        }
        for (size_t k = 0; b->entry && k < b->blocks.n; k++) {
            const struct fact_block *region = b->blocks.at[k];
            bool section = str_starts(region->macro, "Py_BEGIN_CRITICAL_SECTION");
            if (!str_same(region->kind, "region") ||
                (!section && !str_same(region->macro, "Py_BEGIN_ALLOW_THREADS"))) {
                continue;
            }
            int danger;
            const struct fact *event = region_worst(&walk, b, region, section, &danger);
            if (event) {
                const struct fact_call *call = (const struct fact_call *)(const void *)event;
                struct fact_flaw *flaw =
                    program_flaw(p, event, b, "exception-skips-end", call->callee);
                flaw->detail = region->macro;
                flaw->detail2 = section ? "section" : "detached";
                flaw->number = danger;
                flaw_relate(p, flaw, &region->at, "the region begins here");
            }
        }
    }
}
