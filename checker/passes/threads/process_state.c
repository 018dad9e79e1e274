/* Calls that change what belongs to the whole process (PST02-PST16, PST21). Which function changes
 * what is knowledge (rules/api/process_state_libc.tsv); here stands when a call is harmless. */
#include <signal.h>
#include <string.h>

#include "passes/flow/forked.h"

enum { STATE_SIG_IGN = 1 }; /* the value of SIG_IGN, a pointer, in every C library */

static const char state_forks[] = "fork,vfork,_Fork,clone,forkpty,daemon";
/* C functions a signal handler must not call, besides the Python API. */
static const char state_unsafe_in_handler[] =
    "malloc,calloc,realloc,free,printf,fprintf,sprintf,snprintf,vfprintf,puts,fputs,fwrite,fflush,"
    "exit,pthread_mutex_lock,pthread_cond_signal,pthread_cond_broadcast,syslog";

static const struct {
    const char *what, *functions;
} state_groups[] = {
    {"environment", "setenv,unsetenv,putenv,clearenv,_putenv,_putenv_s,_wputenv"},
    {"cwd-or-umask", "chdir,fchdir,_chdir,_wchdir,umask,_umask"},
    {"signal-install", "signal,sigaction,sigset,sigignore,siginterrupt,bsd_signal,PyOS_setsig"},
    {"fork", state_forks},
    {"exec", "execv,execve,execvp,execvpe,execl,execlp,execle,fexecve"},
    {"exit", "exit,_exit,_Exit,quick_exit"},
    {"stdio-redirect", "freopen,dup2,dup3"},
    {"prng", "srand,srandom,srand48,seed48,initstate,setstate,rand,random,lrand48,mrand48,drand48"},
    {"timer", "alarm,ualarm,setitimer,timer_settime"},
    {"credentials", "setuid,seteuid,setreuid,setresuid,setgid,setegid,setregid,setresgid,setgroups,"
                    "initgroups,setrlimit,prlimit"},
};

static bool
state_is_null(const char *value)
{
    return str_same(value, "null") || str_same(value, "const:0");
}

static const struct fact_call *
state_call_named(const struct body *b, const char *names, long before, long after)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq < before && call->seq > after && scan_call_is(call, names)) {
            return call;
        }
    }
    return NULL;
}

/* The number an argument is, or -1. */
static long
state_number(const struct body *b, const struct fact_call *call, int index)
{
    const char *number = value_of(call_arg(b, call, index), "const");
    return number ? strtol(number, NULL, 0) : -1;
}

/* setlocale(): a query is harmless; query, change and restore in one function is PST03. */
static const char *
state_locale(const struct body *b, const struct fact_call *call)
{
    if (state_is_null(call_arg(b, call, 1))) {
        return NULL;
    }
    SCAN_CALLS(b, other)
    {
        if (other != call && scan_call_is(other, "setlocale,_wsetlocale,std::setlocale") &&
            (state_is_null(call_arg(b, other, 1)) || !str_same(other->result, "discarded"))) {
            return "setlocale-roundtrip";
        }
    }
    return "process-state";
}

/* A stream of the process, or one that this code opened for itself? */
static bool
state_is_standard_stream(const char *value)
{
    const char *name = value_of(value, "var");
    return name && str_list_has("stdin,stdout,stderr", name);
}

/* Standard streams only: closing or duplicating one's own descriptors is nobody's business. */
static bool
state_touches_stdio(const struct body *b, const struct fact_call *call)
{
    if (scan_call_is(call, "freopen")) {
        return state_is_standard_stream(call_arg(b, call, 2));
    }
    long fd = state_number(b, call, 1);
    return fd >= 0 && fd <= 2;
}

static bool
state_is_exempt(struct program *p, const struct body *b, const struct fact_call *call,
                const char *what)
{
    if (str_same(what, "fork")) {
        return forked_child_ends(p, b, call);
    }
    if (forked_is_child(p, b, call->seq, call->block)) {
        return true; /* of a process that has one thread */
    }
    if (str_same(what, "signal-install")) {
        bool query = scan_call_is(call, "sigaction") && state_is_null(call_arg(b, call, 1));
        bool ignores = scan_call_is(call, "sigignore") || state_number(b, call, 1) == STATE_SIG_IGN;
        return query || (ignores && state_number(b, call, 0) == SIGPIPE);
    }
    if (str_same(what, "exec") || str_same(what, "exit")) {
        return state_call_named(b, state_forks, call->seq, -1) != NULL;
    }
    return str_same(what, "stdio-redirect") && !state_touches_stdio(b, call);
}

static const char *
state_group(struct program *p, const struct body *b, const struct fact_call *call)
{
    if (scan_call_is(call, "setlocale,_wsetlocale,std::setlocale")) {
        return state_locale(b, call);
    }
    if (scan_call_is(call, "setbuf,setvbuf") && !state_is_standard_stream(call_arg(b, call, 0))) {
        return NULL;
    }
    const char *bare = str_starts(call->callee, "std::") ? call->callee + 5 : call->callee;
    for (size_t i = 0; i < sizeof(state_groups) / sizeof(*state_groups); i++) {
        if (str_list_has(state_groups[i].functions, bare)) {
            return state_is_exempt(p, b, call, state_groups[i].what) ? NULL : state_groups[i].what;
        }
    }
    const char *severity = flow_cell(p, "process_state_libc", call->callee, "own_gil");
    bool registers =
        str_list_has("atexit,at_quick_exit,on_exit,std::atexit,__cxa_atexit", call->callee);
    bool matters = !registers && severity && !str_same(severity, "advice");
    return matters && !state_is_exempt(p, b, call, "process-state") ? "process-state" : NULL;
}

struct handler_search {
    bool python_only;
};

static bool
state_unsafe_call(struct program *p, const struct body *b, const struct fact_call *call,
                  void *context)
{
    const struct handler_search *search = context;
    (void)b;
    if (flow_needs_state(p, call)) {
        return true;
    }
    return !search->python_only && scan_call_is(call, state_unsafe_in_handler);
}

/* The function whose address the argument (or the struct behind it) holds. */
static struct body *
state_handler(const struct program *p, const struct body *b, const struct fact_call *call)
{
    const char *value = call_arg(b, call,
                                 scan_call_is(call, "atexit,on_exit,Py_AtExit,at_quick_exit,"
                                                    "std::atexit")
                                     ? 0
                                     : 1);
    struct body *direct = program_value_body(p, value);
    const char *local = value_of(value, "addr");
    if (direct || !local) {
        return direct;
    }
    SCAN_ACCESSES(b, a)
    {
        if (a->seq < call->seq && str_same(a->var, local) && a->path &&
            (str_ends(a->path, "sa_handler") || str_ends(a->path, "sa_sigaction"))) {
            direct = program_value_body(p, a->value);
        }
    }
    return direct;
}

/* Does the handler end the process on every path that comes to its end? Then what it breaks before
 * that is only the report of a crash. */
static bool
state_handler_ends(const struct program *p, const struct body *handler)
{
    SCAN_CALLS(handler, call)
    {
        const struct fact_block *block = flow_block(handler, call->block);
        const struct body *callee = scan_body(p, call->id);
        bool ends = scan_call_is(call, "abort,_exit,_Exit,quick_exit,raise,Py_FatalError") ||
                    (callee && callee->fact->attributes &&
                     str_list_has(callee->fact->attributes, "noreturn"));
        if (ends && block && str_same(block->kind, "body")) {
            return true;
        }
    }
    return false;
}

/* PST07 and the exit handlers: what does the installed function reach? */
static void
state_check_handler(struct program *p, const struct body *b, const struct fact_call *call)
{
    bool at_exit = scan_call_is(call, "atexit,on_exit,at_quick_exit,std::atexit,Py_AtExit");
    if (!at_exit && !scan_call_is(call, "signal,sigaction,sigset,bsd_signal,PyOS_setsig")) {
        return;
    }
    struct body *handler = state_handler(p, b, call);
    struct handler_search search = {.python_only = at_exit};
    const struct body *in = NULL;
    const struct fact_call *reached =
        handler ? scan_reach(p, handler, state_unsafe_call, &search, &in) : NULL;
    if (!reached) {
        return;
    }
    const char *what = !at_exit                          ? "signal-handler-unsafe"
                       : scan_call_is(call, "Py_AtExit") ? "py-atexit"
                                                         : "c-atexit";
    struct fact_flaw *flaw = program_flaw(p, &call->at, b, what, handler->fact->name);
    flaw->detail = reached->callee;
    flaw->detail2 = call->callee;
    flaw->number = !at_exit && state_handler_ends(p, handler);
    flaw_relate(p, flaw, &reached->at, "called here");
}

/* PST13: functions the loader runs before the module is asked for, or after everything is gone. */
static void
state_check_constructor(struct program *p, struct body *b)
{
    const char *attributes = b->fact->attributes;
    if (!attributes ||
        (!str_list_has(attributes, "constructor") && !str_list_has(attributes, "destructor"))) {
        return;
    }
    struct handler_search search = {.python_only = true};
    const struct fact_call *reached = scan_reach(p, b, state_unsafe_call, &search, NULL);
    if (reached) {
        struct fact_flaw *flaw =
            program_flaw(p, &b->fact->at, b, "constructor-attribute", b->fact->name);
        flaw->detail = reached->callee;
        flaw_relate(p, flaw, &reached->at, "called here");
    }
}

/* Does the call stand behind `if (TESTING)`, a static that only import sets? */
static bool
state_behind_switch(const struct program *p, const struct body *b, const struct fact_call *call)
{
    for (const struct fact_block *block = flow_block(b, call->block); block;
         block = block->parent != block->id ? flow_block(b, block->parent) : NULL) {
        const char *tested =
            str_same(block->kind, "then") ? value_of(block->cond, "nonzero(var") : NULL;
        size_t n = tested ? strcspn(tested, ")") : 0;
        const char *id = n ? intern_n(&p->facts->strings, tested, n) : NULL;
        const struct fact_variable *v = id ? program_variable(p, id) : NULL;
        if (v && str_same(v->written, "init")) {
            return true;
        }
    }
    return false;
}

/* Numbers that nothing here seeds, from functions that lock what they keep: nobody counts on the
 * order. Those of drand48() do not lock. */
static bool
state_is_unseeded(const struct program *p, const struct fact_call *call)
{
    return (scan_call_is(call, "rand") && !program_list(&p->calls_named, "srand")) ||
           (scan_call_is(call, "random") && !program_list(&p->calls_named, "srandom") &&
            !program_list(&p->calls_named, "initstate"));
}

/* A project's own macro (an ASSERT that exits, say) is one place to mend, not one per use. */
static bool
state_is_repeated_macro(struct program *p, struct map *seen, const struct fact_call *call)
{
    if (!call->macro || str_same(call->macro, call->callee)) {
        return false;
    }
    struct str key = {0};
    str_addf(&key, "%s %s", call->macro, call->callee);
    void **slot = map_slot(seen, facts_intern(p->facts, key.s));
    str_free(&key);
    bool repeated = *slot != NULL;
    *slot = p;
    return repeated;
}

void
pass_process_state(struct program *p)
{
    struct map macros = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        state_check_constructor(p, b);
        if (!b->entry) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (!call->callee ||
                (!str_same(call->origin, "system") && !str_same(call->origin, "library") &&
                 !scan_call_is(call, "PyOS_setsig,Py_AtExit"))) {
                continue;
            }
            const char *what = state_group(p, b, call);
            if (what && !state_is_repeated_macro(p, &macros, call)) {
                struct fact_flaw *flaw = program_flaw(p, &call->at, b, what, call->callee);
                flaw->symbol = call->callee;
                flaw->number = state_behind_switch(p, b, call) || state_is_unseeded(p, call);
            }
            state_check_handler(p, b, call);
        }
    }
    map_free(&macros);
}
