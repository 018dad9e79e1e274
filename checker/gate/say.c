/* What the gate says: why it refuses, what would help, and that an override is one. */
#include "gate/gate.h"

enum { SAY_MOST = 10 };

struct say_words {
    enum target target;
    const char *declaration; /* what is or would be declared */
    const char *refusal;
    const char *otherwise; /* what to do besides mending */
    const char *build, *declare, *still;
};

static const struct say_words say_own = {
    TARGET_OWN_GIL,
    "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED",
    "it may not declare support for interpreters with their own GIL",
    "declare no own-GIL support (leave out supports-own-gil)",
    GATE_BUILD_OWN_GIL,
    GATE_DECLARE_OWN_GIL,
    "declares no support for an own GIL"};
static const struct say_words say_threaded = {TARGET_FREE_THREADED,
                                              "Py_MOD_GIL_NOT_USED",
                                              "it may not be built for a free-threaded interpreter",
                                              "build for an interpreter with the GIL",
                                              GATE_BUILD_FREE_THREADED,
                                              GATE_DECLARE_GIL_NOT_USED,
                                              "declares that it uses the GIL"};

static bool
say_owns(const struct finding *f, const char *module, size_t modules)
{
    return f->modules && *f->modules ? str_list_has(f->modules, module) : modules == 1;
}

/* The findings of one severity, the first few of them. */
static void
say_findings(struct str *out, const struct gate_input *in, const char *module, enum target t,
             enum severity severity)
{
    int n = 0;
    for (size_t i = 0; i < in->findings->all.n; i++) {
        const struct finding *f = in->findings->all.at[i];
        if (f->suppression != NOT_SUPPRESSED || f->severity[t] != severity ||
            !say_owns(f, module, in->findings->modules.n)) {
            continue;
        }
        if (n++ < SAY_MOST) {
            str_addf(out, "\n  %s:%d: %s: %s [%s]", f->place.file, f->place.line,
                     severity_name(severity), f->message, f->rule->id);
        }
    }
    if (n > SAY_MOST) {
        str_addf(out, "\n  and %d more; `extcheck` on the same files shows all", n - SAY_MOST);
    }
}

static void
say_why(struct str *out, const struct gate_record *r, const struct say_words *w,
        const struct gate_input *in)
{
    const struct gate_verdict *v = &r->verdict[w->target];
    if (!in) {
        if (v->rule) {
            str_addf(out, "\n  %s:%d: %s", v->file, v->line, v->rule);
        }
        return;
    }
    const struct module_result *m = gate_find_module(in->findings, r->module);
    size_t before = out->n;
    if (m) {
        say_findings(out, in, m->name, w->target, SEVERITY_BLOCKER);
    }
    if (out->n == before && v->rule) {
        str_addf(out, "\n  %s:%d: %s", v->file, v->line, v->rule);
    }
    for (size_t i = 0; m && i < m->missing.n && i < SAY_MOST; i++) {
        str_addf(out, "\n  missing: %s", m->missing.at[i]);
    }
}

static void
say_verdict(struct str *out, const struct gate_record *r, const struct say_words *w)
{
    const struct gate_verdict *v = &r->verdict[w->target];
    str_addf(out, "module '%s' is %s for %s", r->module, v->verdict ? v->verdict : "unknown",
             target_name(w->target));
    if (v->reason && *v->reason) {
        str_addf(out, " (%s)", v->reason);
    }
}

static void
say_refused(struct str *out, const struct gate_record *r, const struct gate_part *part,
            const struct say_words *w)
{
    if (part->fixed) {
        str_addf(out,
                 "\n  %s=1 builds it, but an override %s, and the source declares %s by itself;"
                 "\n  use EXTSHIM_GATE_SLOTS or EXTSHIM_MODINIT there, or set %s=1 too",
                 w->build, w->still, w->declaration, w->declare);
    }
    else {
        bool fixed = w->target == TARGET_OWN_GIL && r->fixed_own_gil;
        str_addf(out, "\n  mend what is named, %s, or set %s=1 to build all the same",
                 fixed ? "declare Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED in the source"
                       : w->otherwise,
                 w->build);
    }
}

static void
say_part(const struct gate_part *part, const struct gate_record *r, const struct say_words *w,
         const struct gate_input *in)
{
    struct str text = {0};
    say_verdict(&text, r, w);
    if (part->refused) {
        str_addf(&text, ": %s", w->refusal);
        say_why(&text, r, w, in);
        say_refused(&text, r, part, w);
        diag_error("%s", text.s);
    }
    else if (part->override) {
        str_addf(&text, "\n  UNSAFE: %s=1 builds it all the same. This is recorded in the module.",
                 w->build);
        say_why(&text, r, w, in);
        if (part->claim) {
            str_addf(&text, "\n  UNSAFE: with %s=1 it even declares %s", w->declare,
                     w->declaration);
        }
        else if (w->target == TARGET_OWN_GIL && r->no_slots) {
            str_addf(&text,
                     "\n  It %s, with or without %s=1: single-phase initialisation has no slot to "
                     "declare it with",
                     w->still, w->declare);
        }
        else {
            str_addf(&text, "\n  It %s (unless %s=1 is set too)", w->still, w->declare);
        }
        diag_warning("%s", text.s);
    }
    else if (part->warn) {
        if (in) {
            const struct module_result *m = gate_find_module(in->findings, r->module);
            say_findings(&text, in, m ? m->name : r->module, w->target, SEVERITY_HAZARD);
        }
        else {
            say_why(&text, r, w, in);
        }
        str_add(&text, "\n  it is built, and this is recorded in the module");
        diag_warning("%s", text.s);
    }
    str_free(&text);
}

/* Pythons without the slots: what was asked for is left out, and must not look like an answer. */
static void
say_no_slot(const struct gate_record *r, const struct gate_request *request)
{
    bool own = request->supports_own_gil && request->python < 0x030c;
    bool gil = request->supports_free_threaded && request->python < 0x030d;
    if (request->python && (own || gil)) {
        diag_warning("Python %d.%d has no slot for %s: module '%s' declares nothing about %s there",
                     request->python >> 8, request->python & 0xff,
                     own && gil ? "an own GIL or for the GIL"
                     : own      ? "an own GIL"
                                : "the GIL",
                     r->module, own && gil ? "them" : "it");
    }
}

void
gate_say(const struct gate_decision *d, const struct gate_record *r,
         const struct gate_request *request, const struct gate_input *in)
{
    say_no_slot(r, request);
    if (d->own_gil.asked) {
        say_part(&d->own_gil, r, &say_own, in);
    }
    if (d->free_threaded.asked) {
        say_part(&d->free_threaded, r, &say_threaded, in);
    }
    else if (request->supports_free_threaded && !d->free_threaded.claim) {
        struct str text = {0};
        say_verdict(&text, r, &say_threaded);
        diag_warning("%s: a free-threaded build of it would be refused or use the GIL", text.s);
        str_free(&text);
    }
}
