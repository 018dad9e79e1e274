/* The module extpool._pool: state, functions, slots. What it offers is used through the facade,
 * extpool; the types are described where they are defined. */
#include "channel.h"
#include "core.h"
#include "future.h"
#include "leftovers.h"
#include "lifecycle.h"
#include "policy.h"
#include "pool_object.h"
#include "private_copy.h"
#include "transfer.h"
#include "worker_connect.h"

/* Takes a hook from the keyword arguments, if it is among them. */
static int
module_set_hook(PyObject **hook, PyObject *hooks, const char *name)
{
    PyObject *given;
    int found = PyDict_GetItemStringRef(hooks, name, &given);
    if (found > 0) {
        Py_XSETREF(*hook, given);
    }
    return found;
}

/* connect(future_base=None, **hooks): called by the facade when it is imported. */
static PyObject *
module_connect(PyObject *module, PyObject *args, PyObject *hooks)
{
    struct pool_state *state = PyModule_GetState(module);
    PyObject *base = Py_None;
    if (!PyArg_ParseTuple(args, "|O:connect", &base)) {
        return NULL;
    }
#define HOOK(name)                                                                                 \
    if (hooks && module_set_hook(&state->hook_##name, hooks, #name) < 0) {                         \
        return NULL;                                                                               \
    }
    STATE_HOOKS(HOOK)
#undef HOOK
    if (Py_IsNone(base) || state->future_type) {
        Py_RETURN_NONE;
    }
    state->notifier = notifier_new(state);
    if (!state->worker && !state->inbox) {
        state->inbox = inbox_new();
    }
    state->future_type = state->notifier ? future_make_type(module, base) : NULL;
    if (!state->future_type ||
        PyModule_AddObjectRef(module, "Future", (PyObject *)state->future_type) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* roundtrip(object): what the other side of a task would get; for tests. */
static PyObject *
module_roundtrip(PyObject *module, PyObject *object)
{
    struct pool_state *state = PyModule_GetState(module);
    struct message message;
    size_t position = 0;
    message_init(&message);
    PyObject *result = NULL;
    if (transfer_encode(state, &message, &object, 1) == 0) {
        result = transfer_decode(state, &message, &position);
    }
    message_clear(&message);
    state_drain(state);
    return result;
}

static PyObject *
module_in_worker(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    return PyBool_FromLong(state->worker != NULL);
}

static PyMethodDef module_methods[] = {
    {"connect", (PyCFunction)(void (*)(void))module_connect, METH_VARARGS | METH_KEYWORDS, NULL},
    {"roundtrip", module_roundtrip, METH_O, NULL},
    {"in_worker", module_in_worker, METH_NOARGS, NULL},
    {"select", (PyCFunction)(void (*)(void))channel_select, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("select($module, channels, timeout=None)\n--\n\n"
               "Receives from whichever channel has something first.\n\n"
               "Returns: (channel, object); ChannelClosed or ChannelPoisoned as soon as one of\n"
               "them has ended, TimeoutError.\n"
               "Threads: any, in any interpreter.\n"
               "Since: 0.1.")},
    {"_exit", lifecycle_exit, METH_NOARGS, NULL},
    {"_audit", (PyCFunction)(void (*)(void))lifecycle_audit, METH_FASTCALL, NULL},
    {"_refuse_frames", lifecycle_refuse_frames, METH_NOARGS, NULL},
    {"_before_fork", lifecycle_before_fork, METH_NOARGS, NULL},
    {"_after_fork_parent", lifecycle_after_fork_parent, METH_NOARGS, NULL},
    {"_after_fork_child", lifecycle_after_fork_child, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject *
module_add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddType(module, type) < 0) {
        Py_CLEAR(type);
    }
    return type;
}

static int
module_exec(PyObject *module)
{
    struct pool_state *state = PyModule_GetState(module);
    state->module = module;
    state->lock = PyDict_New();
    state->nothing = PyTuple_New(0);
    state->protocol = PyLong_FromLong(5);
    state->name_buffers = Py_BuildValue("(s)", "buffers");
    state->name_buffer_callback = Py_BuildValue("(s)", "buffer_callback");
    state->pending = PyUnicode_InternFromString("PENDING");
    state->running = PyUnicode_InternFromString("RUNNING");
    state->finished = PyUnicode_InternFromString("FINISHED");
    state->cancelled_name = PyUnicode_InternFromString("CANCELLED_AND_NOTIFIED");
    if (PyErr_Occurred()) {
        return -1;
    }
    state->shared_type = module_add_type(module, &transfer_shared_spec);
    state->channel_type = module_add_type(module, &channel_spec);
    state->pool_type = module_add_type(module, &pool_object_spec);
    if (!state->shared_type || !state->channel_type || !state->pool_type) {
        return -1;
    }
    if (PyModule_AddFunctions(module, policy_methods) < 0 ||
        PyModule_AddFunctions(module, transfer_pack_methods) < 0 ||
        PyModule_AddFunctions(module, worker_connect_methods) < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, private_copy_methods);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct pool_state *state = PyModule_GetState(module);
    Py_VISIT(state->pool_type);
    Py_VISIT(state->future_type);
    Py_VISIT(state->channel_type);
    Py_VISIT(state->shared_type);
    Py_VISIT(state->dumps);
    Py_VISIT(state->loads);
#define HOOK(name) Py_VISIT(state->hook_##name);
    STATE_HOOKS(HOOK)
#undef HOOK
    return 0;
}

static int
module_clear(PyObject *module)
{
    struct pool_state *state = PyModule_GetState(module);
    Py_CLEAR(state->pool_type);
    Py_CLEAR(state->future_type);
    Py_CLEAR(state->channel_type);
    Py_CLEAR(state->shared_type);
    Py_CLEAR(state->dumps);
    Py_CLEAR(state->loads);
    Py_CLEAR(state->nothing);
    Py_CLEAR(state->protocol);
    Py_CLEAR(state->name_buffers);
    Py_CLEAR(state->name_buffer_callback);
    Py_CLEAR(state->pending);
    Py_CLEAR(state->running);
    Py_CLEAR(state->finished);
    Py_CLEAR(state->cancelled_name);
    Py_CLEAR(state->lock);
#define HOOK(name) Py_CLEAR(state->hook_##name);
    STATE_HOOKS(HOOK)
#undef HOOK
    return 0;
}

static void
module_free(void *module)
{
    struct pool_state *state = PyModule_GetState(module);
    module_clear(module);
    state_drain(state);
    while (state->cores) {
        struct core *core = state->cores;
        state->cores = core->next;
        core_unref(core);
    }
    if (state->notifier) {
        notifier_unref(state->notifier);
        state->notifier = NULL;
    }
    if (state->inbox) {
        inbox_unref(state->inbox);
        state->inbox = NULL;
    }
    if (state->threads) {
        leftovers_unref(state->threads);
        state->threads = NULL;
    }
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#if PY_VERSION_HEX >= 0x030d0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

struct PyModuleDef pool_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "extpool._pool",
    .m_doc = "The C part of extpool.",
    .m_size = sizeof(struct pool_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC
PyInit__pool(void)
{
    return PyModuleDef_Init(&pool_module);
}
