/* Call edges and entry sets: which functions run at import, at run time, at teardown, on threads
 * that Python did not start. */
#include <string.h>

#include "passes/program/link.h"
#include "passes/program/shim_names.h"

static void
link_edge(struct body *from, struct body *to)
{
    for (size_t i = 0; i < from->callees.n; i++) {
        if (from->callees.at[i] == to) {
            return;
        }
    }
    vec_push(&from->callees, to);
    vec_push(&to->callers, from);
    to->called = true;
}

static bool
link_word_in(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* When a function passed as an argument runs. */
enum callback_time { CALLBACK_NOW, CALLBACK_LATER, CALLBACK_TEARDOWN, CALLBACK_FOREIGN };

static enum callback_time
link_callback_time(const char *context)
{
    static const char *const now[] = {"qsort",
                                      "qsort_r",
                                      "bsearch",
                                      "lfind",
                                      "twalk",
                                      "pthread_once",
                                      "call_once",
                                      "std::call_once",
                                      "nftw",
                                      "ftw",
                                      "scandir",
                                      "dl_iterate_phdr",
                                      "_PyOnceFlag_CallOnce",
                                      "PyUnstable_GC_VisitObjects",
                                      "ExtShim_ModuleExec",
                                      "ExtShim_Once_Call",
                                      "ExtShim_InterpOnce",
                                      NULL};
    static const char *const teardown[] = {"atexit",
                                           "on_exit",
                                           "Py_AtExit",
                                           "PyUnstable_AtExit",
                                           "PyCapsule_New",
                                           "PyCapsule_SetDestructor",
                                           "pthread_key_create",
                                           NULL};
    static const char *const foreign[] = {"pthread_create",
                                          "thrd_create",
                                          "CreateThread",
                                          "_beginthreadex",
                                          "PyThread_start_new_thread",
                                          "PyThread_start_joinable_thread",
                                          NULL};
    const char *callee = value_of(context, "arg");
    const char *colon = callee ? strrchr(callee, ':') : NULL;
    char name[64];
    size_t n = colon ? (size_t)(colon - callee) : 0;
    if (!n || n >= sizeof(name)) {
        return CALLBACK_LATER;
    }
    memcpy(name, callee, n);
    name[n] = '\0';
    return link_word_in(name, now)        ? CALLBACK_NOW
           : link_word_in(name, teardown) ? CALLBACK_TEARDOWN
           : link_word_in(name, foreign)  ? CALLBACK_FOREIGN
                                          : CALLBACK_LATER;
}

static void
link_address(struct program *p, struct body *from, const struct fact_access *a)
{
    struct body *target = program_value_body(p, a->var);
    if (!target) {
        return;
    }
    target->address_taken = true;
    /* A handle's initialiser names what clears its memory. */
    enum callback_time when =
        shim_in_handle(p, a->context) ? CALLBACK_TEARDOWN : link_callback_time(a->context);
    if (when == CALLBACK_NOW && from) {
        link_edge(from, target);
        return;
    }
    if (!target->binding) {
        target->binding = "callback";
    }
    target->entry |= when == CALLBACK_TEARDOWN  ? ENTRY_TEARDOWN
                     : when == CALLBACK_FOREIGN ? ENTRY_FOREIGN | ENTRY_RUN
                     : when == CALLBACK_NOW     ? 0U
                                                : (unsigned)ENTRY_RUN;
}

void
link_edges(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        for (size_t k = 0; k < b->events.n; k++) {
            struct fact *event = b->events.at[k];
            if (event->kind == FACT_call) {
                struct body *callee = program_body(p, ((struct fact_call *)(void *)event)->id);
                if (callee) {
                    link_edge(b, callee);
                }
            }
            else if (event->kind == FACT_access) {
                link_address(p, b, (struct fact_access *)(void *)event);
            }
        }
    }
    /* Functions named in the initialisers of other static data. */
    FACTS_EACH(p->facts, access, a)
    {
        if ((!a->func || !*a->func) && value_of(a->var, "func")) {
            link_address(p, NULL, a);
        }
    }
}

static void
link_bind(struct program *p, const char *value, const char *binding, unsigned entry)
{
    struct body *b = program_value_body(p, value);
    if (b) {
        if (!b->binding || strcmp(b->binding, "callback") == 0) {
            b->binding = binding;
        }
        b->entry |= entry;
    }
}

static unsigned
link_slot_entry(const char *name)
{
    static const char *const teardown[] = {"tp_dealloc",
                                           "tp_clear",
                                           "tp_traverse",
                                           "tp_finalize",
                                           "tp_del",
                                           "tp_free",
                                           "tp_is_gc",
                                           "Py_mod_state_traverse",
                                           "Py_mod_state_clear",
                                           "Py_mod_state_free",
                                           NULL};
    static const char *const init[] = {"Py_mod_exec", "Py_mod_create", NULL};
    if (link_word_in(name, init)) {
        return ENTRY_INIT;
    }
    const char *plain = str_starts(name, "Py_tp") ? name + 3 : name;
    return link_word_in(plain, teardown) ? ENTRY_TEARDOWN : ENTRY_RUN;
}

static const char *
link_slot_binding(const char *name)
{
    static const char *const pairs[][2] = {{"Py_mod_exec", "exec"},
                                           {"Py_mod_create", "create"},
                                           {"Py_mod_state_traverse", "m_traverse"},
                                           {"Py_mod_state_clear", "m_clear"},
                                           {"Py_mod_state_free", "m_free"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        if (strcmp(name, pairs[i][0]) == 0) {
            return pairs[i][1];
        }
    }
    return str_starts(name, "Py_") ? name + 3 : name;
}

static void
link_bind_tables(struct program *p)
{
    FACTS_EACH(p->facts, slot, s)
    {
        if (s->name && s->value) {
            link_bind(p, s->value, link_slot_binding(s->name), link_slot_entry(s->name));
        }
    }
    FACTS_EACH(p->facts, row, r)
    {
        bool method = str_same(r->table, "method");
        link_bind(p, r->func, method ? "method" : "getter", ENTRY_RUN);
        link_bind(p, r->setter, "setter", ENTRY_RUN);
    }
    FACTS_EACH(p->facts, typefield, f)
    {
        link_bind(p, f->value, f->field, link_slot_entry(f->field));
    }
    FACTS_EACH(p->facts, moduledef, def)
    {
        link_bind(p, def->traverse, "m_traverse", ENTRY_TEARDOWN);
        link_bind(p, def->clear, "m_clear", ENTRY_TEARDOWN);
        link_bind(p, def->free, "m_free", ENTRY_TEARDOWN);
    }
    FACTS_EACH(p->facts, entry, e)
    {
        struct body *b = program_body(p, e->func);
        if (b) {
            b->binding = str_same(e->kind, "modexport") ? "modexport" : "pyinit";
            b->entry |= ENTRY_INIT;
        }
    }
}

/* PyModule_AddFunctions and assignments like Type.tp_new = f name functions at run time; both show
 * as addresses taken. A field of a type decides more than "callback" does. */
static void
link_bind_assignments(struct program *p)
{
    FACTS_EACH(p->facts, access, a)
    {
        const char *dot = a->path ? strrchr(a->path, '.') : NULL;
        const char *arrow = a->path ? strstr(a->path, "->tp_") : NULL;
        const char *field = arrow ? arrow + 2 : dot ? dot + 1 : NULL;
        bool type_field = field && (str_starts(field, "tp_") || str_starts(field, "m_"));
        struct body *b =
            type_field && str_same(a->how, "write") ? program_value_body(p, a->value) : NULL;
        if (b) {
            b->binding = field;
            b->entry = (b->entry & ~(unsigned)ENTRY_RUN) | link_slot_entry(field);
        }
    }
}

/* Has the function the shape of a method, getter or setter, so that a table may name it? */
bool
link_faces_python(const struct fact_function *f)
{
    static const char *const shapes[] = {
        "object-pointer,object-pointer",                /* METH_NOARGS, METH_O, METH_VARARGS */
        "object-pointer,object-pointer,object-pointer", /* with keywords */
        "object-pointer,pointer,scalar",                /* METH_FASTCALL */
        "object-pointer,pointer,scalar,object-pointer", /* with keywords */
        "object-pointer,pointer",                       /* a getter */
        NULL};
    if (f->in_header || str_same(f->linkage, "internal")) {
        return false;
    }
    if (str_same(f->ret, "object-pointer")) {
        return f->params && link_word_in(f->params, shapes);
    }
    return str_same(f->ret, "scalar") &&
           str_same(f->params, "object-pointer,object-pointer,pointer"); /* a setter */
}

/* Functions that nothing given here calls: entry points of a library or of a table that is not
 * here, or dead code. */
static void
link_loose_ends(struct program *p)
{
    bool has_module = p->facts->by_kind[FACT_entry].n > 0;
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        bool external = !str_same(b->fact->linkage, "internal");
        bool loose = !b->called && !b->address_taken && !b->entry;
        /* Virtual methods and operators are called in ways the facts do not show. */
        bool cxx = strchr(b->fact->id, '(') != NULL;
        int unit = b->fact->at.unit;
        bool table = unit >= 0 && p->loose_units[unit] && link_faces_python(b->fact);
        if (loose && external && (!has_module || cxx || table)) {
            b->entry |= ENTRY_RUN;
        }
    }
}

static void
link_spread(struct program *p, unsigned bit)
{
    VEC(struct body *) queue = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        if (p->bodies.at[i]->entry & bit) {
            vec_push(&queue, p->bodies.at[i]);
        }
    }
    while (queue.n) {
        struct body *b = queue.at[--queue.n];
        for (size_t i = 0; i < b->callees.n; i++) {
            if (!(b->callees.at[i]->entry & bit)) {
                b->callees.at[i]->entry |= bit;
                vec_push(&queue, b->callees.at[i]);
            }
        }
    }
    vec_free(&queue);
}

void
link_entries(struct program *p)
{
    struct body_cursor last = {0};
    link_bind_tables(p);
    link_bind_assignments(p);
    link_loose_ends(p);
    for (unsigned bit = ENTRY_INIT; bit <= ENTRY_FOREIGN; bit <<= 1) {
        link_spread(p, bit);
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        b->fact->entry = entry_words(p, b->entry);
        b->fact->binding = facts_intern(p->facts, b->binding);
    }
    FACTS_EACH(p->facts, call, c)
    {
        struct body *b = program_body_again(p, &last, c->func);
        c->entry = b ? b->fact->entry : NULL;
    }
    FACTS_EACH(p->facts, access, a)
    {
        struct body *b = program_body_again(p, &last, a->func);
        a->entry = b ? b->fact->entry : NULL;
    }
}

void
link_run(struct program *p)
{
    link_edges(p);
    link_modules(p);
    link_entries(p);
    link_holes(p);
}

void
link_add_word(struct program *p, const char **list, const char *word)
{
    if (!word || !*word || str_list_has(*list, word)) {
        return;
    }
    struct str s = {0};
    str_addf(&s, "%s%s%s", *list ? *list : "", *list ? "," : "", word);
    *list = facts_intern(p->facts, s.s);
    str_free(&s);
}

const char *
link_common_words(struct program *p, const char *a, const char *b)
{
    const char *out = NULL;
    STR_WORDS_EACH(a, item)
    {
        const char *word = intern_n(&p->facts->strings, item.at, item.n);
        if (str_list_has(b, word)) {
            link_add_word(p, &out, word);
        }
    }
    return out;
}
