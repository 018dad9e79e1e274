/* What the passes about types share: following values through locals, searching the functions a
 * slot reaches, and which type a function or a value belongs to.
 *
 * Ownership: the type_index lives in the program, made when it is first asked for.
 * Threads: one owner. Errors: what cannot be resolved is NULL, and no finding rests on it. */
#ifndef EXTCHECK_PASSES_TYPE_SCAN_H
#define EXTCHECK_PASSES_TYPE_SCAN_H

#include <string.h>

#include "passes/program/program.h"

/* Bits of tp_flags, the same in every Python from 3.10 on. */
enum {
    TYPE_DISALLOW_INSTANTIATION = 1 << 7,
    TYPE_IMMUTABLE = 1 << 8,
    TYPE_BASETYPE = 1 << 10,
    TYPE_HAVE_GC = 1 << 14
};

/* Known to be set; known not to be set. Both false when the flags could not be computed. */
bool type_has_flag(const struct type_info *type, long bit);
bool type_lacks_flag(const struct type_info *type, long bit);
/* Does the text of flags name the bit? For flags whose value is not known. */
bool type_flag_named(const char *text, long bit);

/* Is it the type of a closure, which Cython makes for itself? */
static inline bool
scan_is_closure_type(const struct fact_variable *v)
{
    return v->name && strstr(v->name, "__pyx_scope_struct") != NULL;
}

/* The function called id; NULL also when id is (an access in an initialiser has no function). */
static inline struct body *
scan_body(const struct program *p, const char *id)
{
    return id && *id ? program_body(p, id) : NULL;
}

/* Does the project own the variable's storage? Also `static int x;`, a tentative definition. */
static inline bool
scan_is_defined(const struct fact_variable *v)
{
    return v->is_definition || (!str_same(v->storage, "extern") && !str_same(v->storage, "member"));
}

/* Call or access number *at of a body, which moves behind it; NULL at the end. */
static inline const struct fact_call *
scan_next_call(const struct body *b, size_t *at)
{
    return *at < b->calls.n ? b->calls.at[(*at)++] : NULL;
}
static inline const struct fact_access *
scan_next_access(const struct body *b, size_t *at)
{
    return *at < b->accesses.n ? b->accesses.at[(*at)++] : NULL;
}
#define SCAN_CALLS(b, c)                                                                           \
    for (size_t c##_at = 0; c##_at != (size_t)-1; c##_at = (size_t)-1)                             \
        for (const struct fact_call *c; (c = scan_next_call((b), &c##_at)) != NULL;)
#define SCAN_ACCESSES(b, a)                                                                        \
    for (size_t a##_at = 0; a##_at != (size_t)-1; a##_at = (size_t)-1)                             \
        for (const struct fact_access *a; (a = scan_next_access((b), &a##_at)) != NULL;)

/* What a value is once locals are followed back to what was last written to them before seq. */
const char *scan_resolve(const struct body *b, const char *value, long seq);
/* The same for an argument of a call; NULL when there is no such argument. */
const char *scan_arg(const struct body *b, const struct fact_call *call, int index);
/* The name of the last member in field:DESC.NAME or field:DESC->NAME, or NULL. */
const char *scan_field_name(const char *value);
/* What that member belongs to (DESC), in the program's arena, or NULL. */
const char *scan_field_base(struct program *p, const char *value);
/* Is the call named by one of the words (a list separated by commas)? */
bool scan_call_is(const struct fact_call *call, const char *words);
/* Is it a call through the member called name, as in `type->tp_free(self)`? */
bool scan_call_member(const struct body *b, const struct fact_call *call, const char *name);
/* Is it PyType_GetSlot() asking for the slot with this number? */
bool scan_asks_slot(const struct body *b, const struct fact_call *call, int number);
/* Numbers of slots, the same in every Python. */
enum { SLOT_TP_ALLOC = 47, SLOT_TP_DEALLOC = 52, SLOT_TP_TRAVERSE = 71, SLOT_TP_FREE = 74 };
/* Is the value the type of an object: Py_TYPE(x), x->ob_type, or a local set to it? */
bool scan_is_type_of(const struct body *b, const char *value, const char *text, long seq);

/* The class of a member that the project declares (object-pointer ...), or NULL. */
const char *scan_member_class(const struct program *p, const char *record, const char *name);

typedef bool scan_test(struct program *p, const struct body *b, const struct fact_call *call,
                       void *context);
/* The first call, in b or in project functions reached from it, that passes the test. *where (may
 * be NULL) becomes the function it stands in. */
const struct fact_call *scan_reach(struct program *p, struct body *b, scan_test *test,
                                   void *context, const struct body **where);
/* The same with a list of names as the test. */
const struct fact_call *scan_reach_named(struct program *p, struct body *b, const char *words);

/* The static PyTypeObject a value is the address of, or NULL. */
struct fact_variable *scan_static_type(const struct program *p, const struct body *b,
                                       const char *value, long seq);
/* Is the value the same whenever the code runs: number, NULL, function, address of a static? */
bool scan_is_constant(const char *value);

struct type_link {
    struct type_info *type;
    struct type_link *next;
};
struct type_index {
    struct map by_id;     /* variable id -> struct type_info */
    struct map by_func;   /* function id -> struct type_link: types whose slots or tables hold it */
    struct map by_holder; /* variable id, member name or FUNCTION/local:NAME -> struct type_link */
};
const struct type_index *type_index_of(struct program *p);
void type_index_free(struct program *p);
/* The one type a value stands for at seq: &static, or what a variable, member or local was given
 * from a spec. NULL when unknown or ambiguous. */
struct type_info *type_of_value(struct program *p, const struct type_index *index,
                                const struct body *b, const char *value, long seq);
/* Types whose slots or method tables hold b, or a function that calls b. */
struct type_link *types_reaching(struct program *p, const struct type_index *index, struct body *b);
/* Is a spec or static type used anywhere the checker can see, or visible to code it cannot see? */
bool type_is_used(const struct program *p, const struct type_info *type);

/* A flaw about a type: subject is its name; detail may be NULL. */
struct fact_flaw *type_flaw(struct program *p, const struct fact *where, const struct body *b,
                            const char *what, const struct type_info *type, const char *detail);
/* Points the flaw at a second place. */
void flaw_relate(struct program *p, struct fact_flaw *flaw, const struct fact *where,
                 const char *text);

#endif
