/* Fields of shared objects that are filled on first use without a lock (LZY05). */
#include <string.h>

#include "passes/flow/flow.h"

/* Functions in which the object is not shared yet, or not any more. */
static const char lazy_unshared[] = "tp_new,tp_init,tp_dealloc,tp_clear,tp_traverse,tp_finalize,"
                                    "tp_del,exec,create,pyinit,m_clear,m_free,m_traverse";

/* Does the condition test the field itself: null(field:local:self->cache), or nonnull(...)? */
static bool
lazy_names_field(const struct fact_block *block, const struct fact_access *a, const char *test)
{
    struct str wanted = {0};
    str_addf(&wanted, "%s(field:%s%s)", test, a->var, a->path);
    const char *found = block->cond ? strstr(block->cond, wanted.s) : NULL;
    bool whole_word = found && (found == block->cond || found[-1] == ' ');
    str_free(&wanted);
    return whole_word;
}

/* `func = state->func; if (func == NULL)`: the field as a local has it. */
static bool
lazy_tests_field(const struct body *b, const struct fact_block *block, const struct fact_access *a,
                 const char *test)
{
    size_t n = strlen(test);
    const char *local = block->cond && strncmp(block->cond, test, n) == 0 ? block->cond + n : "";
    size_t length = str_starts(local, "(local:") ? strcspn(local, ")") : 0;
    SCAN_ACCESSES(b, copy)
    {
        const char *field = length && copy->seq < block->first && str_same(copy->how, "write")
                                ? value_of(copy->value, "field")
                                : NULL;
        if (field && copy->var && strlen(copy->var) == length - 1 &&
            strncmp(copy->var, local + 1, length - 1) == 0 && (!copy->path || !*copy->path) &&
            str_starts(field, a->var) && strcmp(field + strlen(a->var), a->path) == 0) {
            return true;
        }
    }
    return lazy_names_field(block, a, test);
}

/* `if (self->cache != NULL) { return ...; }` in front of the store. */
static const struct fact_block *
lazy_returned_early(const struct body *b, const struct fact_access *a)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || jump->seq > a->seq ||
            !str_same(jump->kind, "return")) {
            continue;
        }
        const struct fact_block *block = flow_block(b, jump->block);
        if (block && str_same(block->kind, "then") && lazy_tests_field(b, block, a, "nonnull")) {
            return block;
        }
    }
    return NULL;
}

/* The block whose condition found the field empty, or NULL. */
static const struct fact_block *
lazy_found_empty(const struct body *b, const struct fact_access *a)
{
    const struct fact_block *block = flow_block(b, a->block);
    for (size_t hops = 0; block && hops <= b->blocks.n; hops++) {
        if (str_same(block->kind, "then") && lazy_tests_field(b, block, a, "null")) {
            return block;
        }
        block = block->parent == block->id ? NULL : flow_block(b, block->parent);
    }
    return lazy_returned_early(b, a);
}

/* Is the field of the struct an object pointer, or a lock that is made when it is first needed?
 * What a foreign struct holds is not known. */
static bool
lazy_is_object(const struct program *p, const struct fact_access *a)
{
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->record, a->class) && str_same(m->name, a->path + 2)) {
            return str_same(m->class, "object-pointer") ||
                   str_same(a->value, "call:PyThread_allocate_lock");
        }
    }
    return false;
}

/* The object itself: the first parameter, or a local that is a cast of it. */
static bool
lazy_is_self(const struct program *p, const struct body *b, const struct fact_access *a)
{
    bool first =
        str_same(a->var, "param:0") || str_same(scan_resolve(b, a->var, a->seq), "param:0");
    return first && flow_is_object_record(p, a->class);
}

static bool
lazy_gives_state(const char *value)
{
    const char *call = value_of(value, "call");
    return call && str_list_has("PyModule_GetState,_PyModule_GetState,PyType_GetModuleState,"
                                "_PyType_GetModuleState",
                                call);
}

/* A parameter that points to the struct which some module has for its state: what m_size is the
 * size of. */
static bool
lazy_is_given_state(const struct program *p, const struct body *b, const struct fact_access *a)
{
    if (!a->class || !str_starts(scan_resolve(b, a->var, a->seq), "param:")) {
        return false;
    }
    FACTS_EACH(p->facts, moduledef, def)
    {
        const char *state = def->state;
        state = str_starts(state, "struct ") ? state + strlen("struct ") : state;
        const char *of = str_starts(a->class, "struct ") ? a->class + strlen("struct ") : a->class;
        if (state && *state && strcmp(state, of) == 0) {
            return true;
        }
    }
    return false;
}

/* The state of the module, which the threads of one interpreter share: from the API or from a
 * function of the project that returns what the API gave. */
static bool
lazy_is_state(const struct program *p, const struct body *b, const struct fact_access *a)
{
    const char *value = scan_resolve(b, a->var, a->seq);
    const struct body *helper = scan_body(p, value_of(value, "call"));
    for (size_t i = 0; helper && i < helper->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)helper->events.at[i];
        if (helper->events.at[i]->kind == FACT_jump && str_same(jump->kind, "return") &&
            lazy_gives_state(scan_resolve(helper, jump->value, jump->seq))) {
            return true;
        }
    }
    return lazy_gives_state(value) || lazy_is_given_state(p, b, a);
}

static bool
lazy_concerns(const struct fact_access *a)
{
    return str_same(a->how, "write") && str_starts(a->path, "->") && !strpbrk(a->path + 2, "[>.") &&
           (str_starts(a->value, "call:") || str_starts(a->value, "local:"));
}

/* Do all callers of a helper call it in a critical section? */
static bool
lazy_called_in_section(const struct body *b)
{
    bool any = false;
    for (size_t i = 0; !b->address_taken && i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (str_same(call->id, b->fact->id)) {
                any = true;
                if (!flow_in_critical_section(caller, call->seq, call->block, NULL)) {
                    return false;
                }
            }
        }
    }
    return any;
}

static void
lazy_check(struct program *p, const struct body *b, const struct fact_access *a)
{
    const struct fact_block *found = lazy_found_empty(b, a);
    if (!found || !lazy_is_object(p, a) || flow_locked(p, b, a->seq) ||
        flow_in_critical_section(b, a->seq, a->block, NULL) || lazy_called_in_section(b)) {
        return;
    }
    struct fact_flaw *flaw =
        program_flaw(p, &a->at, b, "lazy-field", arena_string(&p->arena, a->path + 2));
    flaw_relate(p, flaw, &found->at, "tested here");
}

void
pass_lazy_fields(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || (b->binding && str_list_has(lazy_unshared, b->binding))) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            /* The fields of an iterator change together with each step (OBJ03). */
            bool self = !str_same(b->binding, "tp_iternext") && lazy_is_self(p, b, a);
            if (lazy_concerns(a) && (self || lazy_is_state(p, b, a))) {
                lazy_check(p, b, a);
            }
        }
    }
}
