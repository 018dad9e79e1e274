#include "gate/decide.h"

enum gate_answer
gate_answer_to(const char *verdict)
{
    return str_same(verdict, verdict_name(VERDICT_READY))                 ? GATE_PASS
           : str_same(verdict, verdict_name(VERDICT_READY_WITH_WARNINGS)) ? GATE_WARN
           : str_same(verdict, verdict_name(VERDICT_RUNS_WITH_GIL))       ? GATE_GIL_USED
                                                                          : GATE_FAIL;
}

/* claim: the module wants to declare the target; fixed: it does so whatever is decided. */
static void
decide_part(struct gate_part *part, enum gate_answer answer, bool claim, bool fixed, bool build,
            bool declare)
{
    part->asked = true;
    part->warn = answer == GATE_WARN;
    part->claim = claim && (answer == GATE_PASS || answer == GATE_WARN);
    if (answer != GATE_FAIL) {
        return;
    }
    part->override = build;
    part->claim = build && declare;
    part->fixed = build && fixed && !declare;
    part->refused = !build || part->fixed;
    part->warn = build;
}

struct gate_decision
gate_decide(const struct gate_record *record, const struct gate_request *request)
{
    struct gate_decision d = {0};
    const struct gate_switches *s = &request->switches;
    /* Older Pythons have no such slot, so there is nothing to declare. */
    bool has_own = !request->python || request->python >= 0x030c;
    bool has_gil = !request->python || request->python >= 0x030d;
    bool own = request->supports_own_gil || record->fixed_own_gil ||
               (s->build_own_gil && s->declare_own_gil);
    bool not_used = request->supports_free_threaded || record->fixed_gil_not_used;

    enum gate_answer own_gil = gate_answer_to(record->verdict[TARGET_OWN_GIL].verdict);
    /* runs-with-gil is no answer about interpreters. */
    own_gil = own_gil == GATE_GIL_USED ? GATE_FAIL : own_gil;
    enum gate_answer threaded = gate_answer_to(record->verdict[TARGET_FREE_THREADED].verdict);
    if (own && has_own) {
        decide_part(&d.own_gil, own_gil, true, record->fixed_own_gil, s->build_own_gil,
                    s->declare_own_gil);
    }
    if (request->free_threaded) {
        decide_part(&d.free_threaded, threaded, not_used && has_gil, record->fixed_gil_not_used,
                    s->build_free_threaded, s->declare_gil_not_used && has_gil);
    }
    else {
        /* A build with the GIL does not depend on it; the slot is there for whoever reads it. */
        d.free_threaded.claim =
            not_used && has_gil && (threaded == GATE_PASS || threaded == GATE_WARN);
    }
    return d;
}
