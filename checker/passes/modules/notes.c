/* What a built module's note says against the module itself and against its sources (ELF23-27). */
#include "passes/program/program.h"

static void
note_flaw(struct program *p, const struct fact_note *n, const char *what, const char *detail)
{
    struct fact_flaw *flaw = program_flaw(p, &n->at, NULL, what, n->module ? n->module : "unknown");
    flaw->detail = detail;
}

/* What the tables declare, beyond what the note allows or less. Tables that could not be read say
 * nothing. */
static void
note_check_slots(struct program *p, const struct fact_note *n)
{
    bool own = str_same(n->own, "per-interpreter");
    bool not_used = str_same(n->gil, "not-used");
    if (n->own && !str_same(n->own, "unresolved") && own != (n->claims_own != 0)) {
        note_flaw(p, n, own ? "note-own-more" : "note-own-less", n->own);
    }
    /* In a build with the GIL nobody reads the slot. */
    bool read = str_same(n->flavour, "free-threaded");
    if (read && n->gil && !str_same(n->gil, "unresolved") && not_used != (n->claims_gil != 0)) {
        note_flaw(p, n, not_used ? "note-gil-more" : "note-gil-less", n->gil);
    }
}

void pass_notes(struct program *p);

void
pass_notes(struct program *p)
{
    FACTS_EACH(p->facts, note, n)
    {
        if (!str_same(n->status, "ok")) {
            note_flaw(p, n, str_same(n->status, "foreign") ? "note-foreign" : "note-damaged", NULL);
            continue;
        }
        note_check_slots(p, n);
        if (n->built && n->flavour && !str_same(n->built, n->flavour)) {
            note_flaw(p, n, "note-flavour", n->built);
        }
    }
    FACTS_EACH(p->facts, notesource, s)
    {
        if (!str_same(s->recorded, s->actual)) {
            struct fact_flaw *flaw = program_flaw(p, &s->at, NULL, "note-source", s->module);
            flaw->detail = s->path;
        }
    }
}
