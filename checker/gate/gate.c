#include "gate/gate.h"

#include <stdlib.h>

#include "headers/headers.h"
#include "pipeline.h"

/* ---- options --------------------------------------------------------------------------------- */

bool
gate_is_on(const struct options *o)
{
    return o->command == COMMAND_GATE || o->write_verdict;
}

/* The flavour that is built, as far as the options say; *known tells whether they do. */
static bool
gate_flavour(const struct options *o, int *python, bool *known)
{
    bool free_threaded = false;
    *known = o->soabi || o->flavour;
    *python = 0;
    if (o->soabi) {
        headers_read_soabi(o->soabi, python, &free_threaded);
    }
    return o->flavour ? str_same(o->flavour, "free-threaded") : free_threaded;
}

bool
gate_check_options(const struct options *o)
{
    int python;
    bool free_threaded;
    if (o->soabi && !headers_read_soabi(o->soabi, &python, &free_threaded)) {
        diag_error("--soabi: '%s' is none such as cpython-313t-x86_64-linux-gnu or abi3", o->soabi);
        return false;
    }
    if (o->flavour && !str_same(o->flavour, "gil") && !str_same(o->flavour, "free-threaded")) {
        diag_error("--flavour: '%s' is neither gil nor free-threaded", o->flavour);
        return false;
    }
    if (o->soabi && o->flavour && free_threaded != str_same(o->flavour, "free-threaded")) {
        diag_error("--flavour %s contradicts --soabi %s", o->flavour, o->soabi);
        return false;
    }
    if (o->command != COMMAND_GATE) {
        return true;
    }
    if (!o->module || !o->output_dir) {
        diag_error("gate needs --module NAME and --output-dir DIR; see docs/gate.md");
        return false;
    }
    if (o->facts || o->dump_facts || o->write_baseline || o->write_verdict) {
        diag_error("gate judges sources; leave out --facts, --dump-facts, --write-baseline and "
                   "--write-verdict");
        return false;
    }
    return true;
}

bool
gate_settle(struct options *o)
{
    /* What a report leaves out is there all the same. Accepted findings (comments, baseline) stay
     * accepted: the verdict says so. */
    o->select.list.n = 0;
    o->ignore.list.n = 0;
    o->file_ignores.list.n = 0;
    o->confidence = CONFIDENCE_MEDIUM;
    o->level = 0;
    o->targets.list.n = 0;
    return o->command != COMMAND_GATE || gate_emit_placeholder(o->module, o->output_dir);
}

void
gate_define_claims(struct options *o)
{
    if (o->supports_own_gil) {
        vec_push(&o->flags.list, "-DEXTSHIM_CLAIM_OWN_GIL=1");
    }
    if (o->supports_free_threaded) {
        vec_push(&o->flags.list, "-DEXTSHIM_CLAIM_GIL_NOT_USED=1");
    }
}

/* ---- deciding -------------------------------------------------------------------------------- */

static bool
gate_switch(const char *name)
{
    const char *value = getenv(name);
    return value && strcmp(value, "1") == 0;
}

static struct gate_switches
gate_read_switches(void)
{
    return (struct gate_switches){.build_free_threaded = gate_switch(GATE_BUILD_FREE_THREADED),
                                  .build_own_gil = gate_switch(GATE_BUILD_OWN_GIL),
                                  .declare_gil_not_used = gate_switch(GATE_DECLARE_GIL_NOT_USED),
                                  .declare_own_gil = gate_switch(GATE_DECLARE_OWN_GIL)};
}

static void
gate_record_overrides(struct gate_record *r, const struct gate_decision *d)
{
    const struct gate_part *parts[] = {&d->own_gil, &d->free_threaded};
    static const char *const names[][2] = {{GATE_BUILD_OWN_GIL, GATE_DECLARE_OWN_GIL},
                                           {GATE_BUILD_FREE_THREADED, GATE_DECLARE_GIL_NOT_USED}};
    for (int i = 0; i < 2; i++) {
        if (parts[i]->override) {
            vec_push(&r->overrides, names[i][0]);
            if (parts[i]->claim) {
                vec_push(&r->overrides, names[i][1]);
            }
        }
    }
}

static int
gate_conclude(const struct options *o, struct gate_record *r, const struct gate_request *request,
              const struct gate_input *in)
{
    struct gate_decision d = gate_decide(r, request);
    /* Single-phase initialisation has no place for the claim, whoever allows it. */
    d.own_gil.claim = d.own_gil.claim && !r->no_slots;
    gate_say(&d, r, request, in);
    if (d.own_gil.refused || d.free_threaded.refused) {
        gate_emit_nothing(o->module, o->output_dir);
        return EXIT_FINDINGS;
    }
    r->module = o->module;
    r->flavour = request->free_threaded ? "free-threaded" : "gil";
    r->abi = o->soabi;
    r->own_gil = d.own_gil.claim;
    r->gil_not_used = d.free_threaded.claim;
    gate_record_overrides(r, &d);
    if (!gate_emit(r, request->free_threaded, o->output_dir)) {
        return EXIT_TROUBLE;
    }
    if (!o->quiet) {
        diag_note("gate: '%s' is built for %s; declares %s and %s", r->module,
                  request->free_threaded ? "free-threaded Python" : "Python with the GIL",
                  r->own_gil ? "own-GIL support" : "no own-GIL support",
                  r->gil_not_used ? "that it needs no GIL" : "that it uses the GIL");
    }
    return EXIT_CLEAN;
}

/* What could not be read is why a verdict is unknown. Returns whether there is such a file. */
static bool
gate_say_failed(const struct findings *findings)
{
    for (size_t i = 0; i < findings->failed.n; i++) {
        diag_warning("%s: %s", findings->failed.at[i].file, findings->failed.at[i].reason);
    }
    return findings->failed.n > 0;
}

static bool
gate_is_unknown(const struct gate_record *r, enum target t)
{
    return str_same(r->verdict[t].verdict, verdict_name(VERDICT_UNKNOWN));
}

int
gate_finish(const struct gate_input *in)
{
    const struct options *o = in->options;
    struct arena arena = {0};
    struct gate_record record = {.module = o->module, .checker = EXTCHECK_VERSION};
    const struct module_result *m = gate_find_module(in->findings, o->module);
    record.rules = gate_rules_version(in->rules, &arena);
    if (m) {
        gate_collect(in, m, &record, &arena);
    }
    else {
        const char *reason = "no module of that name in the given files";
        record.verdict[TARGET_OWN_GIL] = (struct gate_verdict){"unknown", reason, NULL, NULL, 0};
        record.verdict[TARGET_FREE_THREADED] = record.verdict[TARGET_OWN_GIL];
        for (size_t i = 0; i < in->findings->modules.n; i++) {
            if (gate_is_module(&in->findings->modules.at[i])) {
                diag_note("gate: there is a module '%s'", in->findings->modules.at[i].name);
            }
        }
    }
    bool known;
    int python;
    bool free_threaded = gate_flavour(o, &python, &known);
    struct gate_request request = {.free_threaded = known ? free_threaded : in->free_threaded,
                                   .python = python ? python : in->python,
                                   .supports_own_gil = o->supports_own_gil,
                                   .supports_free_threaded = o->supports_free_threaded,
                                   .switches = gate_read_switches()};
    bool failed = gate_say_failed(in->findings);
    int code = gate_conclude(o, &record, &request, in);
    bool unknown =
        gate_is_unknown(&record, TARGET_OWN_GIL) || gate_is_unknown(&record, TARGET_FREE_THREADED);
    /* A source that declares by itself stays refused: the build may not go on without the gate. */
    if (code == EXIT_FINDINGS && failed && unknown && !record.fixed_own_gil &&
        !record.fixed_gil_not_used) {
        code = EXIT_TROUBLE;
    }
    gate_record_free(&record);
    arena_free(&arena);
    return code;
}

int
gate_from_verdict(struct options *o)
{
    struct arena arena = {0};
    const char *why = NULL;
    bool known;
    struct gate_request request = {.supports_own_gil = o->supports_own_gil,
                                   .supports_free_threaded = o->supports_free_threaded,
                                   .switches = gate_read_switches()};
    request.free_threaded = gate_flavour(o, &request.python, &known);
    if (!known) {
        diag_error("--from-verdict needs --flavour or --soabi: no interpreter is asked");
        return EXIT_TROUBLE;
    }
    int code = EXIT_TROUBLE;
    struct gate_record *record = verdict_file_find(o, &arena, &why);
    if (!record) {
        diag_error("--from-verdict %s: %s", o->from_verdict, why);
        gate_emit_nothing(o->module, o->output_dir);
    }
    else {
        if (gate_emit_placeholder(o->module, o->output_dir)) {
            code = gate_conclude(o, record, &request, NULL);
        }
        gate_record_free(record);
    }
    arena_free(&arena);
    return code;
}
