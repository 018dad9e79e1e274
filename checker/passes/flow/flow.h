/* What the flow passes share: walking a body along its paths with one small state, and questions
 * about values and names.
 *
 * Ownership: nothing is kept; strings made here live in the program's arena.
 * Threads: one owner. Errors: what is not known counts as FLOW_UNKNOWN, on which no finding rests.
 */
#ifndef EXTCHECK_PASSES_FLOW_H
#define EXTCHECK_PASSES_FLOW_H

#include "passes/program/type_scan.h"

/* Values a state can take besides those a pass defines (1 to 0xff). Two paths with different
 * states join to FLOW_UNKNOWN; a path that ended with a jump joins as if it were not there. */
enum { FLOW_START = 0, FLOW_UNKNOWN = 0x100, FLOW_DEAD = 0x200 };

struct flow;
/* Called for every event on a path that can be reached; returns the state behind the event. */
typedef unsigned flow_event(struct flow *flow, struct fact *event, unsigned state);

struct flow {
    struct program *p;
    struct body *b;
    flow_event *event;
    void *context;
    /* filled by flow_walk() */
    struct map labels; /* label -> state in which a goto reaches it, plus one */
    struct arena arena;
    unsigned breaks; /* state in which break statements leave the innermost loop or switch */
};

/* Walks the body once, loops once. Returns the state at its end. */
unsigned flow_walk(struct flow *flow, unsigned state);

/* The block with this id, or NULL. */
const struct fact_block *flow_block(const struct body *b, long id);
/* Is block `id` equal to `outer` or inside it? */
bool flow_inside(const struct body *b, long id, long outer);
/* The block and seq of an event (call, access or jump). */
long flow_block_of(const struct fact *event);
long flow_seq_of(const struct fact *event);
/* Does the jump leave the block? (return, throw, goto out, break or continue of an outer loop) */
bool flow_leaves(const struct body *b, const struct fact_jump *jump, long block);
/* Is there a catch behind the event, in the block `within` (-1: anywhere)? */
bool flow_caught(const struct body *b, long seq, long within);

/* Is the event inside a critical section on the object `value` names? Empty or NULL: on any. */
bool flow_in_critical_section(const struct body *b, long seq, long block, const char *value);

/* Is a lock held that is not a critical section? */
bool flow_locked(struct program *p, const struct body *b, long seq);

/* The value as the sources name it: `list`, `self->items`, `cache[...]`. In the program's arena. */
const char *flow_text(struct program *p, const struct body *b, const char *value);
/* Does the struct called `record` start with PyObject or PyVarObject? */
bool flow_is_object_record(const struct program *p, const char *record);

/* Does the descriptor name the value itself or something reached through it? */
bool flow_mentions(const char *value, const char *part);
/* Py_INCREF, Py_NewRef and relatives. */
bool flow_takes_reference(const char *callee);
/* Can code that runs after import (method, slot, callback) reach the function? */
bool flow_runs(const struct body *b);
/* The cell of a row of a table of rules/api, or NULL. */
const char *flow_cell(const struct program *p, const char *table, const char *key,
                      const char *column);
/* Does a call of the C API need an attached thread state? Unknown private helpers may be plain C
 * and count as harmless. */
bool flow_needs_state(const struct program *p, const struct fact_call *call);
/* Is the name one of the C API's (Py..., _Py...) that the call did not define itself? */
bool flow_is_python(const struct fact_call *call);

#endif
