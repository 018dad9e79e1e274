/* C++ objects in static storage: what they are and whether code that runs changes them (CPP01,
 * CPP02, CPP04, CPP10, CPP11). The answer is the variable's shape. */
#include <string.h>

#include "passes/objects/shared_roots.h"

static const char cpp_containers[] =
    "vector,map,multimap,unordered_map,unordered_multimap,set,multiset,unordered_set,"
    "unordered_multiset,deque,list,forward_list,basic_string,stack,queue,priority_queue";
static const char cpp_owners[] = "unique_ptr,shared_ptr,weak_ptr,function,any,basic_regex,thread,"
                                 "basic_ostringstream,basic_stringstream,basic_ofstream,"
                                 "basic_ifstream,random_device,mersenne_twister_engine";
static const char cpp_mutators[] =
    "push_back,emplace_back,push_front,emplace_front,pop_back,pop_front,push,pop,insert,emplace,"
    "try_emplace,insert_or_assign,erase,clear,resize,reserve,assign,append,swap,extract,merge,"
    "operator=,operator+=,operator[],sort,remove,splice,shrink_to_fit";

/* The template's own name when the struct is of the standard library ("map" of
 * "std::map<int, int>"), in the program's arena; NULL otherwise. */
static const char *
cpp_std_name(struct program *p, const char *record)
{
    if (!str_starts(record, "std::")) {
        return NULL;
    }
    size_t n = strcspn(record, "<"), start = n;
    while (start > 0 && record[start - 1] != ':') {
        start--;
    }
    return arena_copy(&p->arena, record + start, n - start);
}

static bool
cpp_is_listed(struct program *p, const char *record, const char *names)
{
    const char *name = cpp_std_name(p, record);
    return name && str_list_has(names, name);
}

/* Has the variable a constructor or destructor that does something? The front-end knows it for
 * structs of the project; those of the standard library are told by name, also as members. */
static bool
cpp_is_nontrivial(struct program *p, const struct fact_variable *v)
{
    if (v->is_nontrivial || cpp_is_listed(p, v->record, cpp_containers) ||
        cpp_is_listed(p, v->record, cpp_owners)) {
        return true;
    }
    FACTS_EACH(p->facts, member, m)
    {
        if (str_same(m->record, v->record) &&
            (cpp_is_listed(p, m->type, cpp_containers) || cpp_is_listed(p, m->type, cpp_owners))) {
            return true;
        }
    }
    return false;
}

static bool
cpp_is_cpp(const struct program *p, const struct fact *f)
{
    if (f->unit < 0 || (size_t)f->unit >= p->facts->by_kind[FACT_unit].n) {
        return false;
    }
    const struct fact *unit = p->facts->by_kind[FACT_unit].at[f->unit];
    return str_same(((const struct fact_unit *)(const void *)unit)->lang, "c++");
}

static bool
cpp_is_candidate(const struct program *p, const struct fact_variable *v)
{
    return v->is_definition && !v->is_const && !v->is_tls && !v->is_atomic &&
           (!v->shape || !*v->shape) && v->record &&
           str_list_has("struct,cpp-object", v->class ? v->class : "") && cpp_is_cpp(p, &v->at) &&
           !roots_generated(p, &v->at);
}

/* --- what changes them ------------------------------------------------------------------------ */

/* Does the member function write to its object? */
static bool
cpp_changes_this(const struct body *b)
{
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->var, "this") && (str_same(a->how, "write") || str_same(a->how, "rmw"))) {
            return true;
        }
    }
    return false;
}

/* `object.method()`: the access names the method, the call behind it its body. */
static bool
cpp_method_changes(const struct program *p, const struct body *b, const struct fact_access *a)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq > a->seq && str_same(call->callee, a->op)) {
            const struct body *method = scan_body(p, call->id);
            return method && cpp_changes_this(method);
        }
    }
    return false;
}

static bool
cpp_is_unlocked(struct program *p, const struct body *b, long seq, long block)
{
    return !flow_locked(p, b, seq) && !roots_in_mutex(b, seq, block);
}

static bool
cpp_is_changed(struct program *p, const struct fact_variable *v)
{
    if (str_same(v->locked, "all")) {
        return false;
    }
    const struct access_list *list = map_get(&p->accesses_of, v->id);
    for (size_t i = 0; list && i < list->all.n; i++) {
        const struct fact_access *a = list->all.at[i];
        const struct body *b = scan_body(p, a->func);
        if (!b || !flow_runs(b) || !cpp_is_unlocked(p, b, a->seq, a->block)) {
            continue;
        }
        if (str_same(a->how, "write") || str_same(a->how, "rmw") ||
            (str_same(a->context, "called") && cpp_method_changes(p, b, a))) {
            return true;
        }
    }
    return false;
}

/* Does the function return the variable? */
static bool
cpp_returns(const struct body *b, const struct fact_variable *v)
{
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->var, v->id) && str_same(a->context, "returned")) {
            return true;
        }
    }
    return false;
}

/* `values().push_back(x)`: both calls begin at the same place. */
static bool
cpp_chain_changes(struct program *p, const struct body *caller, const char *getter,
                  const struct fact_variable *v)
{
    bool indexed = cpp_is_listed(p, v->record, "vector,deque,basic_string");
    const struct fact_call *inner = NULL;
    SCAN_CALLS(caller, call)
    {
        if (str_same(call->id, getter)) {
            inner = call;
        }
        else if (inner && call->at.line == inner->at.line && call->at.column == inner->at.column &&
                 str_list_has(cpp_mutators, call->callee ? call->callee : "") &&
                 !(indexed && str_same(call->callee, "operator[]")) &&
                 cpp_is_unlocked(p, caller, call->seq, call->block)) {
            return true;
        }
    }
    return false;
}

/* A local static that its function hands out by reference. */
static bool
cpp_is_changed_outside(struct program *p, const struct fact_variable *v)
{
    const struct body *getter = scan_body(p, v->func);
    if (!getter || !cpp_returns(getter, v)) {
        return false;
    }
    for (size_t i = 0; i < getter->callers.n; i++) {
        const struct body *caller = getter->callers.at[i];
        if (flow_runs(caller) && cpp_chain_changes(p, caller, getter->fact->id, v)) {
            return true;
        }
    }
    return false;
}

/* --- initialisers that need an interpreter --------------------------------------------------- */

static bool
cpp_test_python(struct program *p, const struct body *b, const struct fact_call *call,
                void *context)
{
    (void)b;
    (void)context;
    return flow_needs_state(p, call);
}

static bool
cpp_starts_python(struct program *p, const struct fact_variable *v)
{
    const char *name = value_of(v->value, "call");
    if (!name || (v->func && *v->func) || !v->is_definition || !str_same(v->init, "dynamic") ||
        (v->shape && *v->shape) || !cpp_is_cpp(p, &v->at)) {
        return false;
    }
    struct body *b = program_body(p, name);
    if (b) {
        return scan_reach(p, b, cpp_test_python, NULL, NULL) != NULL;
    }
    struct fact_call call = {.at = v->at, .callee = name, .origin = "python"};
    return flow_needs_state(p, &call);
}

/* Is the function an instance of a template? Its name carries the arguments. */
static bool
cpp_in_template(const char *func)
{
    size_t n = func ? strcspn(func, "(") : 0;
    const char *open = n ? memchr(func, '<', n) : NULL;
    return open && !strstr(func, "operator<");
}

/* The same variable as the template declares it: facts of a template come once for the template,
 * which is what calls name, and once for each instance. */
static const struct fact_variable *
cpp_declared(const struct program *p, const struct fact_variable *v)
{
    FACTS_EACH(p->facts, variable, other)
    {
        if (other != v && other->at.line == v->at.line && other->at.column == v->at.column &&
            str_same(other->at.file, v->at.file) && str_same(other->name, v->name)) {
            return other;
        }
    }
    return NULL;
}

/* NULL: nothing to say about it. */
static const char *
cpp_shape(struct program *p, const struct fact_variable *v)
{
    const struct fact_variable *declared = cpp_in_template(v->func) ? cpp_declared(p, v) : NULL;
    bool changed = cpp_is_changed(p, v) || (declared && cpp_is_changed(p, declared));
    bool outside = !changed && (cpp_is_changed_outside(p, v) ||
                                (declared && cpp_is_changed_outside(p, declared)));
    /* A struct with a lock of its own is taken to use it. */
    bool guarded = str_list_has(v->holds ? v->holds : "", "lock");
    if ((changed || outside) && !guarded) {
        if (cpp_in_template(v->func)) {
            return "cpp-template-changed";
        }
        if (cpp_is_listed(p, v->record, cpp_containers)) {
            return "cpp-container-changed";
        }
        return v->func && *v->func ? "cpp-local-changed" : "cpp-global-changed";
    }
    /* Making and destroying a container of the standard library does nothing that others see. */
    return str_starts(v->record, "std::") ? NULL : v->func && *v->func ? "cpp-local" : "cpp-global";
}

void
pass_cpp_objects(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        if (cpp_starts_python(p, v)) {
            v->shape = facts_intern(p->facts, "cpp-python-init");
        }
        else if (cpp_is_candidate(p, v) && cpp_is_nontrivial(p, v)) {
            const char *shape = cpp_shape(p, v);
            v->shape = shape ? facts_intern(p->facts, shape) : v->shape;
        }
    }
}
