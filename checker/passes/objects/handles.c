/* Objects of libraries that the threads which share a Python object use at once (OBJ13, OBJ15).
 * Which libraries ask for a lock stands in rules/api/third_party_global_state.tsv. */
#include <ctype.h>
#include <string.h>

#include "passes/objects/shared_roots.h"

struct handles {
    struct program *p;
    const struct shared_roots *roots;
    struct map seen; /* struct and field -> the flaw */
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

/* A library's own object, kept in a field, is used by whoever calls. Once for each field. */
static void
handles_call(struct handles *all, const struct body *b, const struct fact_call *call)
{
    struct program *p = all->p;
    const char *problem = flow_cell(p, "third_party_global_state", call->callee, "problem");
    bool known = problem != NULL;
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
    const char *value = scan_resolve(b, call_arg(b, call, 0), call->seq);
    const char *address = value_of(value, "addr");
    value = address ? arena_printf(&p->arena, "field:%s", address) : value;
    if (!roots_value_field(p, all->roots, b, value, call->seq, &where) || where.initial ||
        !handles_is_state(p, &where) || !roots_unlocked(p, b, call->seq, call->block) ||
        (!known && !handles_is_changed(all, b, call, &where))) {
        return;
    }
    const char *key = arena_printf(&p->arena, "%s %s", where.record, where.field);
    void **slot = map_slot(&all->seen, key);
    if (!*slot) {
        struct fact_flaw *flaw = program_flaw(
            p, &call->at, b, known ? "handle-unlocked" : "handle-changed", where.field);
        flaw->detail = where.record;
        flaw->detail2 = call->callee;
        flaw->class = flow_cell(p, "third_party_global_state", call->callee, "library");
        *slot = flaw;
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
    map_free(&all.seen);
}
