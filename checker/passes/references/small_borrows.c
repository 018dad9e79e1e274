/* Two small questions about references: a format string that lends parts of a sequence which others
 * can change (BRW14), and PyUnstable_TryIncRef() on objects that never allowed it (REF10). */
#include <string.h>

#include "passes/objects/shared_roots.h"

/* Where PyArg_Parse...() has its format, or -1. */
static int
small_format_index(const struct fact_call *call)
{
    return scan_call_is(call, "PyArg_ParseTuple,PyArg_Parse")  ? 1
           : scan_call_is(call, "PyArg_ParseTupleAndKeywords") ? 2
                                                               : -1;
}

/* Does the format store an object or a text of it out of a nested group: "(OO)", "(ss)"? Buffers
 * (s*) and converters (O&) hold references of their own. */
static bool
small_lends_nested(const char *format)
{
    int depth = 0;
    for (const char *at = format; *at && *at != ':' && *at != ';'; at++) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        bool lends = strchr("OSUYszy", *at) && at[1] != '*' && at[1] != '&';
        if (depth > 0 && lends) {
            return true;
        }
    }
    return false;
}

/* `if (!PyTuple_Check(point))` in front, or no Python code that could hand in something else. */
static bool
small_is_checked(const struct body *b, long seq)
{
    SCAN_CALLS(b, call)
    {
        const char *name = call->macro && *call->macro ? call->macro : call->callee;
        if (call->seq < seq && (scan_call_is(call, "PyTuple_Check,PyTuple_CheckExact") ||
                                str_starts(name, "PyTuple_Check"))) {
            return true;
        }
    }
    return false;
}

static void
small_nested(struct program *p, const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        int index = small_format_index(call);
        const char *format = index < 0 ? NULL : value_of(call_arg(b, call, index), "string");
        if (format && small_lends_nested(format) && !small_is_checked(b, call->seq)) {
            struct fact_flaw *flaw =
                program_flaw(p, &call->at, b, "nested-parse", facts_intern(p->facts, format));
            flaw->symbol = flaw->subject;
            flaw->detail = call->callee;
        }
    }
}

static void
small_try(struct program *p)
{
    const struct fact_list *tries = program_list(&p->calls_named, "PyUnstable_TryIncRef");
    if (!tries || program_list(&p->calls_named, "PyUnstable_EnableTryIncRef")) {
        return;
    }
    for (size_t i = 0; i < tries->all.n; i++) {
        const struct fact_call *call = (const struct fact_call *)(const void *)tries->all.at[i];
        const struct body *b = scan_body(p, call->func);
        if (b && !str_same(call->origin, "local") && !str_same(call->origin, "project")) {
            program_flaw(p, &call->at, b, "try-incref-not-enabled", call->callee);
            return;
        }
    }
}

void
pass_small_borrows(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (flow_runs(b) && !roots_generated(p, &b->fact->at)) {
            small_nested(p, b);
        }
    }
    small_try(p);
}
