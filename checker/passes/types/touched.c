/* Which members a function visits or clears; see touched.h. */
#include "passes/types/touched.h"

#include <ctype.h>
#include <string.h>

#include "passes/program/link.h"
#include "passes/program/type_scan.h"

enum { MOST_CALLS = 3, MOST_ARGS = 3 };

static bool
touched_is_touch(const struct fact_call *c, bool visit)
{
    return visit ? scan_call_is(c, "Py_VISIT,_Py_VISIT") || str_same(c->origin, "indirect")
                 : scan_call_is(c, "Py_CLEAR,Py_XDECREF,Py_DECREF,Py_SETREF,Py_XSETREF,Py_DecRef");
}

static void
touched_walk(struct touched *t, const struct body *b, bool visit, int depth)
{
    SCAN_CALLS(b, c)
    {
        if (!touched_is_touch(c, visit)) {
            continue;
        }
        const char *value = call_arg(b, c, 0);
        t->opaque = t->opaque ||
                    (value && (str_starts(value, "index:") || str_starts(value, "deref:") ||
                               str_starts(value, "local:"))) ||
                    (c->macro && !touched_is_touch(&(struct fact_call){.callee = c->macro}, visit));
        for (int i = 0; i < MOST_ARGS; i++) {
            const char *text = call_arg_text(b, c, i);
            text = text && *text ? text : call_arg(b, c, i);
            if (text) {
                vec_push(&t->texts, text);
            }
        }
    }
    for (size_t i = 0; depth < MOST_CALLS && i < b->callees.n; i++) {
        if (b->callees.at[i] != b) {
            touched_walk(t, b->callees.at[i], visit, depth + 1);
        }
    }
}

void
touched_collect(struct touched *t, const struct body *b, bool visit)
{
    touched_walk(t, b, visit, 0);
}

bool
touched_mentions(const struct touched *t, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < t->texts.n; i++) {
        for (const char *at = strstr(t->texts.at[i], name); at; at = strstr(at + 1, name)) {
            bool before = at > t->texts.at[i] && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
            bool behind = isalnum((unsigned char)at[n]) || at[n] == '_';
            if (!before && !behind) {
                return true;
            }
        }
    }
    return false;
}

/* The member that a write to `...->NAME` names, or NULL. */
static const char *
touched_path_end(const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL, *arrow = path ? strrchr(path, '>') : NULL;
    const char *last = !dot || (arrow && arrow > dot) ? arrow : dot;
    return last ? last + 1 : NULL;
}

void
touched_writes(struct program *p, struct map *writes)
{
    FACTS_EACH(p->facts, access, a)
    {
        if (str_same(a->how, "write")) {
            program_list_add(p, writes, touched_path_end(a->path), &a->at);
        }
    }
}
