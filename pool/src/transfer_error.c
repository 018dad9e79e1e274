/* Exceptions: the object itself and, as plain data, where it was raised. The text of the traceback
 * is made by the receiver, which has the traceback module loaded anyway; workers stay small. */
#include "transfer.h"

#define MAX_FRAMES 64 /* kept at either end of a longer traceback */
#define MAX_CHAIN 16

/* (file, line, function) of one traceback entry. */
static PyObject *
error_frame(PyObject *traceback)
{
    PyObject *frame = PyObject_GetAttrString(traceback, "tb_frame");
    PyObject *line = frame ? PyObject_GetAttrString(traceback, "tb_lineno") : NULL;
    PyObject *code = line ? PyObject_GetAttrString(frame, "f_code") : NULL;
    PyObject *file = code ? PyObject_GetAttrString(code, "co_filename") : NULL;
    PyObject *name = file ? PyObject_GetAttrString(code, "co_qualname") : NULL;
    PyObject *entry = name ? PyTuple_Pack(3, file, line, name) : NULL;
    Py_XDECREF(name);
    Py_XDECREF(file);
    Py_XDECREF(code);
    Py_XDECREF(line);
    Py_XDECREF(frame);
    return entry;
}

static PyObject *
error_frames(PyObject *error)
{
    PyObject *frames = PyList_New(0);
    PyObject *traceback = PyException_GetTraceback(error);
    while (frames && traceback && !Py_IsNone(traceback)) {
        PyObject *entry = error_frame(traceback);
        if (!entry || PyList_Append(frames, entry) < 0 ||
            (PyList_GET_SIZE(frames) > 2 * MAX_FRAMES &&
             PySequence_DelItem(frames, MAX_FRAMES) < 0)) {
            Py_CLEAR(frames);
        }
        Py_XDECREF(entry);
        Py_SETREF(traceback, PyObject_GetAttrString(traceback, "tb_next"));
    }
    Py_XDECREF(traceback);
    return frames;
}

/* (how it led to the one before, type name, message, frames). */
static PyObject *
error_link(PyObject *error, int relation)
{
    PyObject *text = PyObject_Str(error);
    if (!text) {
        PyErr_Clear();
        text = PyUnicode_FromString("<str() of the exception failed>");
    }
    else if (!PyUnicode_CheckExact(text)) {
        Py_SETREF(text, PyUnicode_FromObject(text));
    }
    PyObject *name = PyType_GetQualName(Py_TYPE(error));
    PyObject *module =
        name ? PyObject_GetAttrString((PyObject *)Py_TYPE(error), "__module__") : NULL;
    PyObject *frames = module && text ? error_frames(error) : NULL;
    PyObject *link = frames ? Py_BuildValue("(iOOOO)", relation, module, name, text, frames) : NULL;
    Py_XDECREF(frames);
    Py_XDECREF(module);
    Py_XDECREF(name);
    Py_XDECREF(text);
    return link;
}

/* Exceptions that show more than type, message and frames are formatted by the facade. */
static int
error_is_special(PyObject *error)
{
    return PyErr_GivenExceptionMatches(error, PyExc_BaseExceptionGroup) ||
           PyErr_GivenExceptionMatches(error, PyExc_SyntaxError) ||
           PyObject_HasAttrString(error, "__notes__");
}

/* The exception and what led to it, newest first; or a text. */
static PyObject *
error_chain(struct pool_state *state, PyObject *error)
{
    PyObject *chain = PyList_New(0);
    PyObject *current = Py_NewRef(error);
    int relation = 0;
    for (int length = 0; chain && current && length < MAX_CHAIN; length++) {
        if (error_is_special(current) && (state->hook_dump_error || state->worker)) {
            Py_DECREF(current);
            Py_DECREF(chain);
            return state_call(state, &state->hook_dump_error, error);
        }
        PyObject *link = error_link(current, relation);
        if (!link || PyList_Append(chain, link) < 0) {
            Py_CLEAR(chain);
        }
        Py_XDECREF(link);
        PyObject *before = PyException_GetCause(current);
        relation = 1;
        if (!before) {
            before = ((PyBaseExceptionObject *)current)->suppress_context
                         ? NULL
                         : PyException_GetContext(current);
            relation = 2;
        }
        Py_SETREF(current, before);
    }
    Py_XDECREF(current);
    return chain;
}

/* Built-in types whose whole state is their arguments: no need to pickle those. */
static int
error_is_plain(PyObject *error)
{
    PyTypeObject *type = Py_TYPE(error);
    PyObject *dict = ((PyBaseExceptionObject *)error)->dict;
    return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
           type->tp_basicsize == ((PyTypeObject *)PyExc_BaseException)->tp_basicsize &&
           (!dict || PyDict_GET_SIZE(dict) == 0);
}

/* What the receiver makes the exception from: (type name, arguments), or the object to pickle. */
static PyObject *
error_body(PyObject *error)
{
    if (!error_is_plain(error)) {
        return Py_NewRef(error);
    }
    PyObject *name = PyType_GetName(Py_TYPE(error));
    PyObject *args = name ? PyObject_GetAttrString(error, "args") : NULL;
    PyObject *body = args ? PyTuple_Pack(2, name, args) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(name);
    return body;
}

void
transfer_encode_error(struct pool_state *state, struct message *message)
{
    PyObject *error = PyErr_GetRaisedException();
    message_clear(message);
    PyObject *chain = error_chain(state, error);
    if (!chain) {
        PyErr_Clear();
        chain =
            PyUnicode_FromFormat("%s (its traceback could not be read)", Py_TYPE(error)->tp_name);
    }
    PyObject *body = error_body(error);
    if (!chain || transfer_encode(state, message, &chain, 1) < 0) {
        PyErr_Clear();
        message_clear(message);
    }
    else if (!body || transfer_encode(state, message, &body, 1) < 0) {
        PyErr_Clear(); /* the chain alone tells type and message */
    }
    Py_XDECREF(body);
    Py_XDECREF(chain);
    PyException_SetTraceback(error, Py_None); /* frames hold the arguments of the task */
    Py_DECREF(error);
}

PyObject *
transfer_decode_error(struct pool_state *state, const struct message *message)
{
    size_t position = 0;
    PyObject *chain = message->size ? transfer_decode(state, message, &position) : Py_None;
    PyObject *body = NULL;
    if (chain && position < message->size) {
        body = transfer_decode(state, message, &position);
    }
    PyErr_Clear(); /* an exception that cannot be made here is described by its chain */
    PyObject *parts = PyTuple_Pack(2, chain ? chain : Py_None, body ? body : Py_None);
    PyObject *error = parts ? state_call(state, &state->hook_load_error, parts) : NULL;
    Py_XDECREF(parts);
    Py_XDECREF(body);
    Py_XDECREF(chain);
    return error;
}
