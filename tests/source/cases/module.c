/* A module definition by designators, slots through macros, tables. */
/* fact at 0: arg value=string:O index=1; arg index=2 value=param:1 */
#include <Python.h>

typedef struct { PyObject *error; } spam_state;

#define ENTRY(name) {#name, spam_##name, METH_O, NULL}
#define GIL_SLOT {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#define OWN_VALUE Py_MOD_PER_INTERPRETER_GIL_SUPPORTED

static PyObject *
spam_get(PyObject *module, PyObject *argument)
{ /* fact at 12: function name=spam_get ret=object-pointer nparams=2 param_names=module,argument */
    spam_state *state = PyModule_GetState(module); /* fact: call callee=PyModule_GetState origin=python into=local:state */
    return PyObject_CallFunction(state->error, "O", argument); /* fact: call callee=PyObject_CallFunction result=returned; jump kind=return value=call:PyObject_CallFunction */
}

static PyMethodDef spam_methods[] = { /* fact: variable name=spam_methods class=methoddef */
    ENTRY(get), /* fact: row array~spam_methods table=method name=get func=func:module.c#spam_get bits=8 */
    {"also", (PyCFunction)(void (*)(void))spam_get, METH_VARARGS | METH_KEYWORDS, NULL}, /* fact: row name=also func=func:module.c#spam_get bits=3 flags~METH_KEYWORDS */
    {NULL, NULL, 0, NULL},
};

static int
spam_exec(PyObject *module)
{
    return 0;
}

static int
spam_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(((spam_state *)PyModule_GetState(module))->error); /* fact: call callee=Py_VISIT origin=macro */
    return 0;
}

static PyModuleDef_Slot spam_slots[] = { /* fact: variable name=spam_slots class=moduleslot */
    {Py_mod_exec, spam_exec}, /* fact: slot table=module name=Py_mod_exec number=2 value=func:module.c#spam_exec */
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, OWN_VALUE}, /* fact: slot name=Py_mod_multiple_interpreters value~PER_INTERPRETER|OWN_VALUE guard~multiple_interpreters */
#endif
    GIL_SLOT /* fact: slot name=Py_mod_gil value=Py_MOD_GIL_NOT_USED */
    {0, NULL},
};

static struct PyModuleDef spam_def = { /* fact: moduledef name=spam size=8 state=spam_state methods=var:module.c#spam_methods slots=var:module.c#spam_slots traverse=func:module.c#spam_traverse */
    .m_base = PyModuleDef_HEAD_INIT,
    .m_slots = spam_slots,
    .m_name = "spam",
    .m_size = sizeof(spam_state),
    .m_methods = spam_methods,
    .m_traverse = spam_traverse,
};

PyMODINIT_FUNC
PyInit_spam(void) /* fact: entry kind=pyinit name=spam func=PyInit_spam */
{
    return PyModuleDef_Init(&spam_def); /* fact at 0: arg value=addr:var:module.c#spam_def */
}
