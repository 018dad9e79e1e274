/* What a lock is called: here, in the caller, and in the sources. */
#include <stdlib.h>
#include <string.h>

#include "passes/locks/lock_ops.h"

/* Where the path behind the root of a descriptor begins. */
static size_t
names_root_length(const char *value)
{
    size_t n = 0;
    while (value[n] && strncmp(value + n, "->", 2) != 0 && value[n] != '[' && value[n] != '.') {
        n++;
    }
    return n;
}

const char *
lock_resolve(struct program *p, const struct body *b, const char *value, long seq)
{
    const char *inner = value_of(value, "addr");
    value = inner ? inner : value;
    inner = value_of(value, "field");
    const char *whole = inner ? inner : value;
    if (!str_starts(whole, "local:")) {
        return value;
    }
    size_t n = names_root_length(whole);
    const char *path = whole + n;
    const char *root = scan_resolve(b, intern_n(&p->facts->strings, whole, n), seq);
    const char *member = value_of(root, "field"), *target = value_of(root, "addr");
    if (!*path) {
        return target ? target : root;
    }
    if (str_starts(path, "->") && target && !str_starts(target, "field:")) {
        return arena_printf(&p->arena, "field:%s.%s", target, path + 2);
    }
    bool plain = member || str_starts(root, "param:") || str_starts(root, "var:") ||
                 str_starts(root, "local:") || str_same(root, "this");
    return plain ? arena_printf(&p->arena, "field:%s%s", member ? member : root, path) : value;
}

const char *
lock_in_caller(struct program *p, const struct body *caller, const struct fact_call *call,
               const struct body *callee, const char *value)
{
    const char *inner = value_of(value, "field");
    const char *whole = inner ? inner : value;
    if (str_starts(whole, "var:")) {
        return value;
    }
    size_t n = names_root_length(whole);
    if (str_starts(whole, "this")) {
        /* A method of the same class that is called without an object means the same one. */
        const char *a = strrchr(caller->fact->id, ':'), *b = strrchr(callee->fact->id, ':');
        bool same =
            a && b && a - caller->fact->id == b - callee->fact->id &&
            strncmp(caller->fact->id, callee->fact->id, (size_t)(a - caller->fact->id)) == 0;
        return same ? value : NULL;
    }
    const char *number = value_of(whole, "param");
    if (!number) {
        return NULL;
    }
    const char *given = call_arg(caller, call, (int)strtol(number, NULL, 10));
    const char *path = whole + n;
    if (!given || !*given || str_same(given, "expr") || str_starts(given, "call:")) {
        return NULL;
    }
    const char *target = value_of(given, "addr");
    if (!*path) {
        return lock_resolve(p, caller, given, call->seq);
    }
    if (target && !str_starts(path, "->")) {
        return NULL;
    }
    const char *member = value_of(target ? target : given, "field");
    const char *base = member ? member : target ? target : given;
    const char *joined =
        arena_printf(&p->arena, "field:%s%s%s", base, target ? "." : "", target ? path + 2 : path);
    return lock_resolve(p, caller, joined, call->seq);
}

const char *
lock_text(struct program *p, const struct body *b, const char *value)
{
    const char *text = flow_text(p, b, value);
    if (text) {
        return str_starts(text, "this->") ? text + 6 : text;
    }
    const char *inner = value_of(value, "field");
    inner = inner ? inner : value;
    const char *member = scan_field_name(value), *id = value_of(inner, "var");
    return str_starts(inner, "this->") ? inner + 6 : member ? member : id ? id : inner;
}
