/* Values as bytes objects, for the Python part: what is equal byte for byte need not be read. */
#include "transfer.h"

/* _pack(object): what _unpack() reads, or None where that needs memory of others. */
static PyObject *
pack_object(PyObject *module, PyObject *object)
{
    struct message message;
    PyObject *packed = NULL;
    message_init(&message);
    if (transfer_encode(PyModule_GetState(module), &message, &object, 1) == 0) {
        packed = message.block_count
                     ? Py_NewRef(Py_None)
                     : PyBytes_FromStringAndSize(message.data, (Py_ssize_t)message.size);
    }
    message_clear(&message);
    return packed;
}

/* _unpack(bytes): an object equal to what _pack() got, there or in another interpreter. */
static PyObject *
pack_read(PyObject *module, PyObject *packed)
{
    struct message message;
    size_t position = 0;
    if (!PyBytes_CheckExact(packed) || PyBytes_GET_SIZE(packed) == 0) {
        PyErr_SetString(PyExc_TypeError, "_unpack() takes what _pack() made");
        return NULL;
    }
    message_init(&message);
    message.data = PyBytes_AS_STRING(packed);
    message.size = (size_t)PyBytes_GET_SIZE(packed);
    return transfer_decode(PyModule_GetState(module), &message, &position);
}

PyMethodDef transfer_pack_methods[] = {
    {"_pack", pack_object, METH_O, NULL},
    {"_unpack", pack_read, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
