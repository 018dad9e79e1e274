/* The policy of the gate, for the gate and the pool alike; docs/gate.md has it as a table.
 *
 * Ownership: the decision keeps pointers to constant strings only. Threads: any. Errors: none. */
#ifndef EXTCHECK_GATE_DECIDE_H
#define EXTCHECK_GATE_DECIDE_H

#include "gate/record.h"

enum gate_answer { GATE_PASS, GATE_WARN, GATE_GIL_USED, GATE_FAIL };

/* Exactly "1" in the environment. */
struct gate_switches {
    bool build_free_threaded, build_own_gil, declare_gil_not_used, declare_own_gil;
};

struct gate_request {
    bool free_threaded; /* what is built for */
    int python;         /* 0x030d; 0: not known */
    bool supports_own_gil, supports_free_threaded;
    struct gate_switches switches;
};

struct gate_part {
    bool asked;    /* the build needs this target's verdict */
    bool refused;  /* and does not get it */
    bool override; /* it goes on all the same */
    bool fixed;    /* refused for good: the source declares what the override does not cover */
    bool warn;     /* ready with warnings, or an override */
    bool claim;    /* the module may declare it */
};

struct gate_decision {
    struct gate_part own_gil, free_threaded;
};

enum gate_answer gate_answer_to(const char *verdict);
struct gate_decision gate_decide(const struct gate_record *record,
                                 const struct gate_request *request);
/* Names of the switches. */
#define GATE_BUILD_FREE_THREADED "UNSAFE_EXTCHECK_BUILD_FREE_THREADED"
#define GATE_BUILD_OWN_GIL "UNSAFE_EXTCHECK_BUILD_OWN_GIL"
#define GATE_DECLARE_GIL_NOT_USED "UNSAFE_EXTCHECK_DECLARE_GIL_NOT_USED"
#define GATE_DECLARE_OWN_GIL "UNSAFE_EXTCHECK_DECLARE_OWN_GIL"

#endif
