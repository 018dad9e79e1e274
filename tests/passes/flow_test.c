/* Facts go in, flaws come out: the passes that follow paths, borrowed references, calls and
 * annotations. A case is the text of a small program's facts, with two blanks for each tab, and the
 * flaws it must give, "what:line" in order of line, no more and no less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passes/program/program.h"

struct flow_case {
    const char *name, *facts, *expected;
};

#define HEAD "@ a.c\nunit  0:0-0  path=a.c  lang=c  python=3.14  flavour=ft  status=ok\n"
#define FUNCTION                                                                                   \
    "function  1:1-2  id=f  name=f  linkage=external  params=object-pointer,object-pointer  "      \
    "param_names=self,list  nparams=2  end_line=99\n"                                              \
    "block  1:1-2  func=f  kind=body  id=1  first=1  last=99\n"
#define CALL(line, name, seq, block, more)                                                         \
    "call  " #line ":1-9  func=f  callee=" name "  origin=python  result=used" more "  seq=" #seq  \
    "  block=" #block "\n"
#define ARG(seq, index, value)                                                                     \
    "arg  0:0-0  func=f  value=" value "  seq=" #seq "  index=" #index "\n"
#define ARG0(seq, value) "arg  0:0-0  func=f  value=" value "  seq=" #seq "\n"
#define WRITE(line, var, value, seq, block)                                                        \
    "access  " #line ":1-9  func=f  how=write  var=" var "  value=" value "  seq=" #seq            \
    "  block=" #block "\n"
#define BLOCK(line, kind, id, parent, more)                                                        \
    "block  " #line ":1-2  func=f  kind=" kind more "  id=" #id "  parent=" #parent "  first=1"    \
    "  last=90\n"
#define JUMP(line, kind, seq, block, more)                                                         \
    "jump  " #line ":1-2  func=f  kind=" kind more "  seq=" #seq "  block=" #block "\n"

/* ---- borrowed references ---- */

#define ITEM(container)                                                                            \
    CALL(5, "PyList_GetItem", 3, 1, "  into=local:item")                                           \
    ARG0(3, container) WRITE(5, "local:item", "call:PyList_GetItem", 4, 1)
#define USE CALL(6, "PyObject_Repr", 5, 1, "") ARG0(5, "local:item")

static const struct flow_case borrowed_cases[] = {
    {"item of a parameter", HEAD FUNCTION ITEM("param:1") USE, "borrowed-list-item:5 "},
    {"item made strong later",
     HEAD FUNCTION ITEM("param:1") CALL(6, "Py_INCREF", 5, 1, "") ARG0(5, "local:item"),
     "borrowed-then-incref:5 "},
    {"item never used", HEAD FUNCTION ITEM("param:1"), ""},
    {"list made here",
     HEAD FUNCTION WRITE(4, "local:list", "call:PyList_New", 2, 1) ITEM("local:list") USE, ""},
    {"list made here, then handed out",
     HEAD FUNCTION WRITE(3, "local:list", "call:PyList_New", 1, 1)
         CALL(4, "PyList_Append", 2, 1, "") ARG0(2, "param:1") ARG(2, 1, "local:list")
             ITEM("local:list") USE,
     "borrowed-list-item:5 "},
    {"inside a critical section",
     HEAD FUNCTION BLOCK(3, "region", 2, 1, "  macro=Py_BEGIN_CRITICAL_SECTION")
         CALL(3, "PyCriticalSection_Begin", 1, 2, "") ARG(1, 1, "param:1")
             CALL(5, "PyList_GetItem", 3, 2, "  into=local:item") ARG0(3, "param:1") WRITE(
                 5, "local:item", "call:PyList_GetItem", 4, 2) CALL(6, "PyObject_Repr", 5, 2, "")
                 ARG0(5, "local:item") CALL(7, "PyCriticalSection_End", 6, 2, ""),
     ""},
    {"critical section on something else",
     HEAD FUNCTION BLOCK(3, "region", 2, 1, "  macro=Py_BEGIN_CRITICAL_SECTION")
         CALL(3, "PyCriticalSection_Begin", 1, 2, "") ARG(1, 1, "param:0")
             CALL(5, "PyDict_GetItem", 3, 2, "  into=local:item") ARG0(3, "param:1")
                 CALL(6, "PyObject_Repr", 5, 2, "") ARG0(5, "local:item")
                     CALL(7, "PyCriticalSection_End", 6, 2, ""),
     "borrowed-dict-item:5 "},
    {"walk over a shared dict", HEAD FUNCTION CALL(5, "PyDict_Next", 1, 1, "") ARG0(1, "param:1"),
     "dict-next:5 "},
    {"walk over a copy",
     HEAD FUNCTION WRITE(4, "local:copy", "call:PyDict_Copy", 1, 1) CALL(5, "PyDict_Next", 2, 1, "")
         ARG0(2, "local:copy"),
     ""},
    {"stolen without a reference",
     HEAD FUNCTION CALL(5, "PyTuple_GetItem", 1, 1, "  into=local:item") ARG0(1, "param:1")
         WRITE(5, "local:item", "call:PyTuple_GetItem", 2, 1) CALL(6, "PyTuple_SET_ITEM", 3, 1, "")
             ARG0(3, "local:t") ARG(3, 2, "local:item"),
     "borrowed-stored:5 "},
    {"stolen with a reference",
     HEAD FUNCTION CALL(5, "PyTuple_GetItem", 1, 1, "  into=local:item") ARG0(1, "param:1")
         WRITE(5, "local:item", "call:PyTuple_GetItem", 2, 1) CALL(6, "Py_INCREF", 3, 1, "")
             ARG0(3, "local:item") CALL(7, "PyTuple_SET_ITEM", 4, 1, "") ARG0(4, "local:t")
                 ARG(4, 2, "local:item"),
     ""},
};

/* ---- regions ---- */

#define REGION BLOCK(3, "region", 2, 1, "  macro=Py_BEGIN_ALLOW_THREADS")
#define SAVE CALL(3, "PyEval_SaveThread", 1, 2, "  macro=Py_BEGIN_ALLOW_THREADS")
#define RESTORE(line, seq)                                                                         \
    CALL(line, "PyEval_RestoreThread", seq, 2, "  macro=Py_END_ALLOW_THREADS")

static const struct flow_case region_cases[] = {
    {"API call while detached",
     HEAD FUNCTION REGION SAVE CALL(4, "PyList_New", 2, 2, "") RESTORE(5, 3)
         CALL(6, "PyList_New", 4, 1, ""),
     "nogil-api:4 "},
    {"harmless call while detached",
     HEAD FUNCTION REGION SAVE CALL(4, "PyMem_RawMalloc", 2, 2, "") RESTORE(5, 3), ""},
    {"reference count while detached",
     HEAD FUNCTION REGION SAVE CALL(4, "Py_DECREF", 2, 2, "") RESTORE(5, 3), "nogil-refcount:4 "},
    {"allocator while detached",
     HEAD FUNCTION REGION SAVE CALL(4, "PyMem_Malloc", 2, 2, "") RESTORE(5, 3), "nogil-memory:4 "},
    {"attached again in between",
     HEAD FUNCTION REGION SAVE CALL(4, "PyEval_RestoreThread", 2, 2, "")
         CALL(5, "PyList_New", 3, 2, "") CALL(6, "PyEval_SaveThread", 4, 2, "") RESTORE(7, 5),
     ""},
    {"return out of the region",
     HEAD FUNCTION REGION SAVE BLOCK(4, "then", 3, 2, "  cond=expr") JUMP(4, "return", 2, 3, "")
         RESTORE(5, 3),
     "nogil-escape:4 "},
    {"return behind an attach",
     HEAD FUNCTION REGION SAVE BLOCK(4, "then", 3, 2, "  cond=expr")
         CALL(4, "PyEval_RestoreThread", 2, 3, "") JUMP(4, "return", 3, 3, "") RESTORE(5, 4),
     ""},
    {"still detached behind the branch that returned",
     HEAD FUNCTION REGION SAVE BLOCK(4, "then", 3, 2, "  cond=expr")
         CALL(4, "PyEval_RestoreThread", 2, 3, "") JUMP(4, "return", 3, 3, "")
             CALL(5, "PyList_New", 4, 2, "") RESTORE(6, 5),
     "nogil-api:5 "},
    {"detached under a condition: nothing is known",
     HEAD FUNCTION BLOCK(3, "then", 2, 1, "  cond=expr") CALL(3, "PyEval_SaveThread", 1, 2, "")
         CALL(4, "PyList_New", 2, 1, ""),
     ""},
    {"break of a loop inside the region stays inside",
     HEAD FUNCTION REGION SAVE BLOCK(4, "loop", 3, 2, "") JUMP(4, "break", 2, 3, "") RESTORE(5, 3),
     ""},
    {"break of a loop around the region leaves it",
     HEAD FUNCTION BLOCK(2, "loop", 2, 1, "")
         BLOCK(3, "region", 3, 2, "  macro=Py_BEGIN_ALLOW_THREADS")
             CALL(3, "PyEval_SaveThread", 1, 3, "  macro=Py_BEGIN_ALLOW_THREADS")
                 JUMP(4, "break", 2, 3, "") CALL(5, "PyEval_RestoreThread", 3, 3, ""),
     "nogil-escape:4 "},
    {"helper that needs the thread state",
     HEAD FUNCTION REGION SAVE
     "call  4:1-9  func=f  callee=g  id=g  origin=local  result=discarded  seq=2  "
     "block=2\n" RESTORE(
         5, 3) "function  20:1-2  id=g  name=g  linkage=internal  end_line=22\n"
               "block  20:1-2  func=g  kind=body  id=1\n"
               "call  21:1-9  func=g  callee=PyErr_NoMemory  origin=python  seq=1  block=1\n",
     "nogil-indirect:4 "},
    {"helper that attaches itself",
     HEAD FUNCTION REGION SAVE
     "call  4:1-9  func=f  callee=g  id=g  origin=local  result=discarded  seq=2  "
     "block=2\n" RESTORE(
         5, 3) "function  20:1-2  id=g  name=g  linkage=internal  end_line=22\n"
               "block  20:1-2  func=g  kind=body  id=1\n"
               "call  21:1-9  func=g  callee=PyGILState_Ensure  origin=python  seq=1  block=1\n"
               "call  22:1-9  func=g  callee=PyErr_NoMemory  origin=python  seq=2  block=1\n"
               "call  23:1-9  func=g  callee=PyGILState_Release  origin=python  seq=3  block=1\n",
     "gilstate-ensure:21 "},
    {"thread state saved in a static",
     HEAD "variable  2:1-5  id=a.c#ts  name=ts  storage=static  class=thread-state  "
          "is_definition=1\n" FUNCTION CALL(3, "PyEval_SaveThread", 1, 1, "  into=var:a.c#ts"),
     "nogil-saved-static:3 "},
};

#define SECTION BLOCK(3, "region", 2, 1, "  macro=Py_BEGIN_CRITICAL_SECTION")
#define BEGIN CALL(3, "PyCriticalSection_Begin", 1, 2, "") ARG0(1, "addr:local:_py_cs")

static const struct flow_case section_cases[] = {
    {"return out of a critical section",
     HEAD FUNCTION SECTION BEGIN JUMP(4, "return", 2, 2, "")
         CALL(5, "PyCriticalSection_End", 3, 2, ""),
     "section-escape:4 "},
    {"goto inside a critical section",
     HEAD FUNCTION SECTION BEGIN JUMP(4, "goto", 2, 2, "  value=out")
         JUMP(5, "label", 3, 2, "  value=out") CALL(6, "PyCriticalSection_End", 4, 2, "")
             JUMP(7, "return", 5, 1, ""),
     ""},
    {"goto out of a critical section",
     HEAD FUNCTION SECTION BEGIN JUMP(4, "goto", 2, 2, "  value=out")
         CALL(6, "PyCriticalSection_End", 4, 2, "") JUMP(7, "label", 5, 1, "  value=out"),
     "section-escape:4 "},
    {"halves of different kinds",
     HEAD FUNCTION SECTION BEGIN CALL(5, "PyCriticalSection2_End", 3, 2, ""),
     "section-unbalanced:5 "},
    {"never ended", HEAD FUNCTION SECTION BEGIN, "section-unbalanced:3 "},
    {"macros only: the block is all there is", HEAD FUNCTION SECTION JUMP(4, "return", 2, 2, ""),
     "section-escape:4 "},
};

/* ---- process state, hooks, annotations ---- */

#define SYSTEM(line, name, seq)                                                                    \
    "call  " #line ":1-9  func=f  callee=" name "  origin=system  result=discarded  seq=" #seq     \
    "  block=1\n"
#define COUNTER "variable  3:1-5  id=a.c#n  name=n  storage=static  class=scalar  is_definition=1\n"

static const struct flow_case call_cases[] = {
    {"locale query", HEAD FUNCTION SYSTEM(4, "setlocale", 1) ARG(1, 1, "null"), ""},
    {"locale change", HEAD FUNCTION SYSTEM(4, "setlocale", 1) ARG(1, 1, "string:C"),
     "process-state:4 "},
    {"locale round trip",
     HEAD FUNCTION SYSTEM(4, "setlocale", 1) ARG(1, 1, "null") SYSTEM(5, "setlocale", 2)
         ARG(2, 1, "string:C"),
     "setlocale-roundtrip:5 "},
    {"fork alone", HEAD FUNCTION SYSTEM(4, "fork", 1), "fork:4 "},
    {"fork and exec", HEAD FUNCTION SYSTEM(4, "fork", 1) SYSTEM(5, "execv", 2), ""},
    {"SIGPIPE ignored",
     HEAD FUNCTION SYSTEM(4, "signal", 1) ARG0(1, "const:13") ARG(1, 1, "const:1"), ""},
    {"own descriptor duplicated", HEAD FUNCTION SYSTEM(4, "dup2", 1) ARG(1, 1, "local:fd"), ""},
    {"standard output replaced", HEAD FUNCTION SYSTEM(4, "dup2", 1) ARG(1, 1, "const:1"),
     "stdio-redirect:4 "},
    {"a project function of that name",
     HEAD FUNCTION "call  4:1-9  func=f  callee=fork  id=fork  origin=project  seq=1  block=1\n",
     ""},
    {"handler that allocates",
     HEAD FUNCTION SYSTEM(4, "signal", 1) ARG0(1, "const:10")
         ARG(1, 1, "func:h") "function  20:1-2  id=h  name=h  linkage=internal  end_line=22\n"
                             "call  21:1-9  func=h  callee=malloc  origin=system  seq=1  block=1\n",
     "signal-handler-unsafe:4 signal-install:4 "},
    {"once that runs Python",
     HEAD FUNCTION SYSTEM(4, "pthread_once", 1)
         ARG(1, 1, "func:h") "function  20:1-2  id=h  name=h  linkage=internal  end_line=22\n"
                             "call  21:1-9  func=h  callee=PyImport_ImportModule  origin=python  "
                             "seq=1  block=1\n",
     "once-runs-python:4 "},
    {"object in thread-specific storage",
     HEAD FUNCTION CALL(
         4, "PyThread_tss_set", 1, 1,
         "") "arg  0:0-0  func=f  value=local:x  class=object-pointer  seq=1  index=1\n",
     "tss-object:4 "},
    {"init-only, but written at run time",
     HEAD COUNTER
     "comment  2:1-5  kind=init-only  reason=x  target=a.c#n  first=3  last=3\n" FUNCTION WRITE(
         9, "a.c#n", "const:1", 1, 1),
     "annotation-init-only:9 "},
    {"guarded by a lock nobody takes",
     HEAD COUNTER
     "comment  2:1-5  kind=guarded-by  ids=lock  reason=x  target=a.c#n  first=3  last=3\n" FUNCTION
         WRITE(9, "a.c#n", "const:1", 1, 1),
     "annotation-guarded-by:9 "},
    {"annotation that names no lock",
     HEAD COUNTER "comment  2:1-5  kind=guarded-by  reason=x  target=a.c#n\n" FUNCTION,
     "annotation-idle:2 "},
    {"annotation without a reason",
     HEAD COUNTER "comment  2:1-5  kind=init-only  target=a.c#n\n" FUNCTION, "annotation-idle:2 "},
};

/* ---- the runner ---- */

static void
case_tabs(const char *s, struct str *out)
{
    for (; *s; s++) {
        bool two = s[0] == ' ' && s[1] == ' ';
        str_addc(out, two ? '\t' : *s);
        s += two;
    }
}

static int
compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
case_found(const struct facts *facts, struct arena *arena, struct str *out)
{
    VEC(const char *) words = {0};
    FACTS_EACH(facts, flaw, flaw)
    {
        vec_push(&words,
                 arena_printf(arena, "%04d %s:%d ", flaw->at.line, flaw->what, flaw->at.line));
    }
    if (words.n) {
        qsort(words.at, words.n, sizeof(*words.at), compare_words);
    }
    for (size_t i = 0; i < words.n; i++) {
        str_add(out, words.at[i] + 5);
    }
    vec_free(&words);
}

static int
case_run(const struct flow_case *c, const struct ruleset *rules)
{
    struct str text = {0}, found = {0};
    struct facts facts = {.unit = -1};
    struct program program = {0};
    struct arena arena = {0};
    const char *error = "?";
    case_tabs(c->facts, &text);
    bool ok = facts_read_text(&facts, text.s, text.n, &error);
    if (!ok) {
        printf("FAIL %s: %s\n", c->name, error);
    }
    else {
        passes_run(&program, &facts, rules);
        case_found(&facts, &arena, &found);
        ok = str_same(found.s, c->expected);
        printf("%s %s\n", ok ? "ok  " : "FAIL", c->name);
        if (!ok) {
            printf("  expected: %s\n  found:    %s\n", c->expected, found.s ? found.s : "");
        }
        program_free(&program);
    }
    facts_free(&facts);
    arena_free(&arena);
    str_free(&text);
    str_free(&found);
    return !ok;
}

#define RUN(cases)                                                                                 \
    for (size_t i = 0; i < sizeof(cases) / sizeof(*(cases)); i++) {                                \
        failed += case_run(&(cases)[i], &rules);                                                   \
    }

int
main(void)
{
    struct ruleset rules = {0};
    int failed = 0;
    if (!ruleset_load(&rules, NULL, NULL)) {
        return 2;
    }
    RUN(borrowed_cases)
    RUN(region_cases)
    RUN(section_cases)
    RUN(call_cases)
    ruleset_free(&rules);
    printf("%d failed\n", failed);
    return failed != 0;
}
