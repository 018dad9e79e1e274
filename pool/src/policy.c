#include "policy.h"

#include "core.h"
#include "worker.h"

/* _decision(key): what a worker of this pool decided under that key, or None. Workers only. */
static PyObject *
policy_decision(PyObject *module, PyObject *args)
{
    struct pool_state *state = PyModule_GetState(module);
    const char *key;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#:_decision", &key, &size)) {
        return NULL;
    }
    const struct decision *found =
        state->worker ? decisions_find(&state->worker->core->decisions, key, (size_t)size) : NULL;
    if (!found) {
        Py_RETURN_NONE;
    }
    return PyBytes_FromStringAndSize(found->bytes + found->key_size, (Py_ssize_t)found->size);
}

/* _decide(key, text): remembers it for all workers of this pool. Returns: is it new? */
static PyObject *
policy_decide(PyObject *module, PyObject *args)
{
    struct pool_state *state = PyModule_GetState(module);
    const char *key;
    const char *text;
    Py_ssize_t key_size;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#y#:_decide", &key, &key_size, &text, &size)) {
        return NULL;
    }
    if (!state->worker) {
        Py_RETURN_TRUE;
    }
    int is_new =
        decisions_add(&state->worker->core->decisions, key, (size_t)key_size, text, (size_t)size);
    return is_new < 0 ? PyErr_NoMemory() : PyBool_FromLong(is_new);
}

/* _tell(text): has it told in the program's interpreter. Workers only. */
static PyObject *
policy_tell(PyObject *module, PyObject *text)
{
    struct pool_state *state = PyModule_GetState(module);
    const char *bytes = PyUnicode_AsUTF8(text);
    if (!bytes) {
        return NULL;
    }
    if (state->worker) {
        core_tell(state->worker->core, bytes);
    }
    Py_RETURN_NONE;
}

PyMethodDef policy_methods[] = {
    {"_decision", policy_decision, METH_VARARGS, NULL},
    {"_decide", policy_decide, METH_VARARGS, NULL},
    {"_tell", policy_tell, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
