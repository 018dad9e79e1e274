/* Objects of libraries that the threads which share a Python object use at once (OBJ06, OBJ13,
 * OBJ15, OBJ17). Which libraries ask for a lock stands in rules/api/third_party_global_state.tsv.
 */
#include <ctype.h>
#include <string.h>

#include "passes/flow/busy.h"
#include "passes/flow/detached.h"
#include "passes/objects/announced.h"
#include "passes/objects/pointees.h"
#include "passes/objects/shared_roots.h"

/* How it is known that the call is no good for two threads, best first. */
enum handle_proof { PROOF_TABLE, PROOF_BODY, PROOF_NAMES, PROOFS };

struct handle_site {
    const struct fact_call *call;
    const struct body *body;
    const struct fact_access *store; /* PROOF_BODY: where what the field points to is changed */
};

struct handle_field {
    struct root_field where;
    struct handle_site first[PROOFS];
    struct handle_site detached; /* the first one that the GIL does not order either */
};

struct handles {
    struct program *p;
    const struct shared_roots *roots;
    struct map by_key; /* struct and field -> struct handle_field */
    VEC(struct handle_field *) fields;
};

/* Numbers and text in a field are no state of a library. */
static bool
handles_is_state(const struct program *p, const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(p, where);
    const char *type = m && m->type ? m->type : "";
    type += str_starts(type, "const ") ? strlen("const ") : 0;
    return !m || (!str_same(m->class, "scalar") && !str_same(m->class, "object-pointer") &&
                  !str_starts(type, "char") && !str_starts(type, "unsigned char") &&
                  !str_starts(type, "uint8_t") && !str_starts(type, "void"));
}

/* Does the function only look? A row of its own in the table says that it does not, whatever its
 * name (redisReaderGetReply() takes the reply out of the reader). */
static bool
handles_only_looks(const struct program *p, const char *callee)
{
    if (str_same(flow_cell(p, "third_party_global_state", callee, "symbol"), callee)) {
        return false;
    }
    static const char *const words[] = {"Get",     "get_",   "_get",   "_is_",   "IsError",
                                        "isError", "ersion", "sizeof", "stimate"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(callee, words[i])) {
            return true;
        }
    }
    return false;
}

/* How many characters do the names of type and function share? `XXH32_state_t`, XXH32_update(). */
static size_t
handles_shared_prefix(const char *type, const char *callee)
{
    type += str_starts(type, "struct ") ? strlen("struct ") : 0;
    size_t n = 0;
    while (isalnum((unsigned char)type[n]) || type[n] == '_') {
        if (tolower((unsigned char)type[n]) != tolower((unsigned char)callee[n])) {
            break;
        }
        n++;
    }
    return n;
}

/* Does the name have the word as one of its own: "hash_update", "hashUpdate", "md5update"? */
static bool
handles_has_word(const char *name, const char *word)
{
    const char *from = name;
    for (const char *at; (at = strcasestr(from, word)) != NULL; from = at + 1) {
        bool starts = at == name || !islower((unsigned char)at[-1]) || isupper((unsigned char)*at);
        if (starts && !islower((unsigned char)at[strlen(word)])) {
            return true;
        }
    }
    return false;
}

/* Does the name say that the object is changed? */
static bool
handles_changes(const char *callee)
{
    static const char *const words[] = {
        "update", "reset",   "write",  "append",  "feed",   "push",    "compress", "encode",
        "decode", "encrypt", "insert", "decrypt", "absorb", "squeeze", "finalize", "decompress"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (handles_has_word(callee, words[i])) {
            return !strcasestr(callee, "atomic") && !strcasestr(callee, "lock");
        }
    }
    return false;
}

/* Is the same call, or that of the helper it stands in, made with a lock held elsewhere in the
 * function? Then the code knows where it can do without: `if (self->use_mutex) ... else ...`. */
static bool
handles_chooses(struct program *p, const struct body *b, const char *callee)
{
    SCAN_CALLS(b, call)
    {
        if (str_same(call->callee, callee) && !roots_unlocked(p, b, call->seq, call->block)) {
            return true;
        }
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (str_same(call->id, b->fact->id) &&
                !roots_unlocked(p, caller, call->seq, call->block)) {
                return true;
            }
        }
    }
    return false;
}

/* OBJ15: a library that no table knows changes the object: handles_changes() says so of the name,
 * and the function belongs to the type. */
static bool
handles_is_changed(const struct handles *all, const struct body *b, const struct fact_call *call,
                   const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(all->p, where);
    return m && !scan_body(all->p, call->id) && !flow_is_python(call) &&
           !str_list_has("lock,once,tss,string", m->class) &&
           handles_shared_prefix(m->type ? m->type : "", call->callee) >= 3 &&
           !handles_chooses(all->p, b, call->callee);
}

/* The field that the value is, or whose address it is. */
static bool
handles_field(struct handles *all, const struct body *b, const struct fact_call *call, int index,
              struct root_field *where)
{
    struct program *p = all->p;
    const char *value = scan_arg(b, call, index), *address = value_of(value, "addr");
    value = address ? arena_printf(&p->arena, "field:%s", address) : value;
    return value && roots_value_field(p, all->roots, b, value, call->seq, where) &&
           !where->initial && handles_is_state(p, where);
}

static void
handles_add(struct handles *all, const struct root_field *where, enum handle_proof proof,
            const struct handle_site *site)
{
    struct program *p = all->p;
    void **slot =
        map_slot(&all->by_key, arena_printf(&p->arena, "%s %s", where->record, where->field));
    struct handle_field *field = *slot;
    if (!field) {
        *slot = field = arena_alloc(&p->arena, sizeof(*field));
        field->where = *where;
        vec_push(&all->fields, field);
    }
    if (!field->first[proof].call) {
        field->first[proof] = *site;
    }
    const struct fact_call *call = site->call;
    if (proof != PROOF_NAMES && !field->detached.call &&
        detached_at(site->body, call->seq, call->block) &&
        !announced_to(p, site->body, call->seq, where->field, site->body)) {
        field->detached = *site;
    }
}

/* Can two threads be in the call at the same time? Where the GIL is let go, critical sections end.
 */
static bool
handles_two_enter(struct program *p, const struct body *b, const struct fact_call *call)
{
    if (roots_unlocked(p, b, call->seq, call->block)) {
        return !handles_chooses(p, b, call->callee);
    }
    return !flow_locked(p, b, call->seq) && !roots_in_mutex(b, call->seq, call->block) &&
           !busy_entered(p, b, call->seq, call->block) && detached_at(b, call->seq, call->block);
}

/* A function of the project itself that changes what it is handed: OBJ17. */
static void
handles_own_call(struct handles *all, const struct body *b, const struct fact_call *call,
                 const struct body *target)
{
    for (int i = 0; i < call->nargs; i++) {
        struct root_field where;
        const char *value = call_arg(b, call, i);
        if (!value || !handles_field(all, b, call, i, &where)) {
            continue;
        }
        const struct fact_member *m = roots_field_member(all->p, &where);
        bool pointer = m && str_same(m->class, "pointer") && !value_of(value, "addr");
        const struct fact_access *store = pointer ? pointee_store(all->p, target, i) : NULL;
        if (store && handles_two_enter(all->p, b, call)) {
            struct handle_site site = {call, b, store};
            handles_add(all, &where, PROOF_BODY, &site);
        }
    }
}

/* A library's own object, kept in a field, is used by whoever calls. */
static void
handles_call(struct handles *all, const struct body *b, const struct fact_call *call)
{
    struct program *p = all->p;
    const char *problem = flow_cell(p, "third_party_global_state", call->callee, "problem");
    bool known = problem != NULL;
    const struct body *own = known ? NULL : scan_body(p, call->id);
    if (own) {
        handles_own_call(all, b, call, own);
    }
    if (known && (!str_starts(problem, "objects must not") ||
                  !str_same(flow_cell(p, "third_party_global_state", call->callee, "free_threaded"),
                            "hazard"))) {
        return;
    }
    if (handles_only_looks(p, call->callee) || (!known && !handles_changes(call->callee))) {
        return;
    }
    /* Every one of these libraries takes its object as the first argument. */
    struct root_field where;
    if (!handles_field(all, b, call, 0, &where) ||
        (known && !roots_unlocked(p, b, call->seq, call->block) &&
         !handles_two_enter(p, b, call)) ||
        (!known && (!roots_unlocked(p, b, call->seq, call->block) ||
                    !handles_is_changed(all, b, call, &where)))) {
        return;
    }
    struct handle_site site = {call, b, NULL};
    handles_add(all, &where, known ? PROOF_TABLE : PROOF_NAMES, &site);
}

static void
handles_report(struct handles *all, const struct handle_field *field)
{
    static const char *const words[PROOFS] = {"handle-unlocked", "handle-written",
                                              "handle-changed"};
    struct program *p = all->p;
    size_t proof = 0;
    while (!field->first[proof].call) {
        proof++;
    }
    const struct handle_site *site = field->detached.call ? &field->detached : &field->first[proof];
    struct fact_flaw *flaw =
        program_flaw(p, &site->call->at, site->body,
                     field->detached.call ? "handle-detached" : words[proof], field->where.field);
    flaw->detail = field->where.record;
    flaw->detail2 = site->call->callee;
    const char *library = flow_cell(p, "third_party_global_state", site->call->callee, "library");
    flaw->class = library;
    if (site->store) {
        flaw_relate(p, flaw, &site->store->at, "changed here, without a lock");
    }
}

void
pass_handles(struct program *p)
{
    struct handles all = {.p = p, .roots = roots_of(p)};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!map_get(&all.roots->masks, b->fact->id)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            handles_call(&all, b, call);
        }
    }
    for (size_t i = 0; i < all.fields.n; i++) {
        handles_report(&all, all.fields.at[i]);
    }
    vec_free(&all.fields);
    map_free(&all.by_key);
}
