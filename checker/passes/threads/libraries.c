/* Libraries that keep state for the whole process: calls of them without a lock of the process
 * (LIB02), their handlers (LIB03, LIF01) and their end (LIB01). What is known of a library stands
 * in rules/api/third_party_global_state.tsv. */
#include <string.h>

#include "passes/flow/flow.h"

static const char libraries_table[] = "third_party_global_state";

struct libraries {
    struct program *p;
    struct map seen; /* file and library -> its first unlocked call */
    bool planner;    /* FFTW was told to lock its planner */
};

/* Is a lock held that is not a member of some object? */
static bool
libraries_locked(struct program *p, const struct body *b, long seq)
{
    STR_WORDS_EACH(locks_at(p, b, seq), word)
    {
        if (!str_starts(word.at, "critical(") && !str_starts(word.at, "->")) {
            return true;
        }
    }
    return false;
}

static struct fact_flaw *
libraries_flaw(struct libraries *all, const struct body *b, const struct fact_call *call,
               const char *what)
{
    struct program *p = all->p;
    struct fact_flaw *flaw = program_flaw(p, &call->at, b, what, call->callee);
    flaw->class = flow_cell(p, libraries_table, call->callee, "library");
    flaw->detail = flow_cell(p, libraries_table, call->callee, "mitigation");
    flaw->detail2 = flow_cell(p, libraries_table, call->callee, "own_gil");
    return flaw;
}

/* --- LIB02 ------------------------------------------------------------------------------------ */

static void
libraries_check_state(struct libraries *all, const struct body *b, const struct fact_call *call)
{
    struct program *p = all->p;
    const char *library = flow_cell(p, libraries_table, call->callee, "library");
    bool planner = all->planner && str_same(library, "FFTW");
    if (!flow_runs(b) || str_ends(call->callee, "_r") || planner ||
        libraries_locked(p, b, call->seq)) {
        return;
    }
    const char *file = call->at.file ? call->at.file : "";
    void **slot = map_slot(&all->seen, arena_printf(&p->arena, "%s %s", file, library));
    struct fact_flaw *flaw = *slot;
    if (!flaw) {
        *slot = libraries_flaw(all, b, call, "library-unlocked");
    }
    else if (!flaw->rel_line && flaw->func && !str_same(flaw->func, b->fact->id)) {
        flaw_relate(p, flaw, &call->at, "another call");
    }
}

/* --- LIB03, LIF01 ----------------------------------------------------------------------------- */

/* Is the argument an object, or what the sources cast one to? */
static bool
libraries_is_object(const struct program *p, const struct body *b, const struct fact_call *call,
                    int index)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (arg->seq == call->seq && arg->index == index &&
            str_same(arg->class, "object-pointer") && !str_starts(arg->value, "immortal:")) {
            return true;
        }
    }
    const char *value = scan_arg(b, call, index);
    const char *id = value_of(value, "var");
    const struct fact_variable *v = id ? program_variable(p, id) : NULL;
    const char *field = scan_field_name(value);
    if (v) {
        return str_same(v->class, "object-pointer");
    }
    const char *number = value_of(value, "param");
    if (number && b->fact->params) {
        const char *at = b->fact->params;
        for (long n = number[0] - '0'; at && n > 0; n--) {
            at = strchr(at, ',');
            at = at ? at + 1 : NULL;
        }
        return at && str_starts(at, "object-pointer");
    }
    SCAN_ACCESSES(b, a)
    {
        bool same = field ? str_ends(a->path, field) : str_same(a->var, call_arg(b, call, index));
        if (same && str_same(a->class, "object-pointer") && !field) {
            return true;
        }
    }
    return false;
}

static void
libraries_check_handler(struct libraries *all, const struct body *b, const struct fact_call *call)
{
    bool constant = true;
    for (int i = 0; i < call->nargs; i++) {
        const char *value = call_arg(b, call, i);
        if (libraries_is_object(all->p, b, call, i)) {
            struct fact_flaw *flaw = libraries_flaw(all, b, call, "library-object");
            flaw->symbol = flow_text(all->p, b, value);
            return;
        }
        constant &= value && (scan_is_constant(value) || str_starts(value, "func:"));
    }
    /* The same handler, whoever imports the module. */
    libraries_flaw(all, b, call, "library-handler")->number = constant && !flow_runs(b);
}

/* --- LIB01 ------------------------------------------------------------------------------------ */

static void
libraries_check(struct libraries *all, const struct body *b, const struct fact_call *call)
{
    const char *kind = flow_cell(all->p, libraries_table, call->callee, "kind");
    if (!kind || scan_body(all->p, call->id) || libraries_locked(all->p, b, call->seq)) {
        return;
    }
    if (str_same(kind, "state")) {
        libraries_check_state(all, b, call);
    }
    else if (str_same(kind, "handler")) {
        libraries_check_handler(all, b, call);
    }
    else if (str_same(kind, "cleanup") && !str_same(b->binding, "callback")) {
        libraries_flaw(all, b, call, "library-ended");
    }
}

void
pass_libraries(struct program *p)
{
    struct libraries all = {.p = p};
    all.planner = program_list(&p->calls_named, "fftw_make_planner_thread_safe") ||
                  program_list(&p->calls_named, "fftwf_make_planner_thread_safe");
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (b->entry) {
            SCAN_CALLS(b, call)
            {
                libraries_check(&all, b, call);
            }
        }
    }
    map_free(&all.seen);
}
