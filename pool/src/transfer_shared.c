/* Memory that several interpreters see: blocks around exported buffers, and the Shared type. */
#include <string.h>
#include <structmember.h>

#include "transfer.h"

struct shared {
    PyObject_HEAD struct block *block;
};

struct block *
transfer_shared_block(PyObject *shared)
{
    return ((struct shared *)shared)->block;
}

/* Copies format and shape; the layout is C order. -1 when there is no room for it. */
static int
share_layout(struct block *block, const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    if (strlen(format) >= sizeof(block->format) || view->ndim > BLOCK_MAX_NDIM) {
        PyErr_Format(PyExc_BufferError,
                     "a shared buffer has at most %d dimensions and a format of at most %d "
                     "characters, this one has %d and '%s'",
                     BLOCK_MAX_NDIM, (int)sizeof(block->format) - 1, view->ndim, format);
        return -1;
    }
    memcpy(block->format, format, strlen(format) + 1);
    block->item_size = view->itemsize;
    block->ndim = view->ndim;
    ptrdiff_t stride = view->itemsize;
    for (int i = view->ndim - 1; i >= 0; i--) {
        block->shape[i] = view->shape ? view->shape[i] : view->len / view->itemsize;
        block->strides[i] = stride;
        stride *= block->shape[i];
    }
    return 0;
}

static struct block *
share_copy(Py_buffer *view)
{
    struct block *block = block_to_fill((size_t)view->len);
    if (!block) {
        PyErr_NoMemory();
        return NULL;
    }
    if (share_layout(block, view) < 0 ||
        PyBuffer_ToContiguous(block->data, view, view->len, 'C') < 0) {
        block_unref(block);
        return NULL;
    }
    block->readonly = view->readonly;
    return block;
}

struct block *
transfer_share(struct pool_state *state, PyObject *object, int copy)
{
    Py_buffer *view = PyMem_RawMalloc(sizeof(*view));
    if (!view) {
        PyErr_NoMemory();
        return NULL;
    }
    if (PyObject_GetBuffer(object, view, PyBUF_FULL_RO) < 0) {
        PyMem_RawFree(view);
        return NULL;
    }
    struct block *block = NULL;
    if (copy || !state->inbox || !PyBuffer_IsContiguous(view, 'C')) {
        block = share_copy(view);
        PyBuffer_Release(view);
        PyMem_RawFree(view);
        return block;
    }
    block = block_around(state->inbox, view->buf, (size_t)view->len);
    if (block && share_layout(block, view) == 0) {
        block->readonly = view->readonly;
        block->object = view;
        return block;
    }
    if (!block) {
        PyErr_NoMemory();
    }
    else {
        inbox_unref(block->owner);
        block_free(block);
    }
    PyBuffer_Release(view);
    PyMem_RawFree(view);
    return NULL;
}

void
state_drain(struct pool_state *state)
{
    struct block *block = state->inbox ? inbox_take(state->inbox) : NULL;
    while (block) {
        struct block *next = block->next;
        PyBuffer_Release(block->object);
        PyMem_RawFree(block->object);
        block_free(block);
        block = next;
    }
}

PyObject *
transfer_shared_new(struct pool_state *state, struct block *block)
{
    struct shared *shared = PyObject_New(struct shared, state->shared_type);
    if (shared) {
        block_ref(block);
        shared->block = block;
    }
    return (PyObject *)shared;
}

static PyObject *
shared_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"source", NULL};
    PyObject *source;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Shared", names, &source)) {
        return NULL;
    }
    struct pool_state *state = state_of(type);
    struct block *block;
    state_drain(state);
    if (PyLong_Check(source)) {
        Py_ssize_t size = PyLong_AsSsize_t(source);
        if (size < 0) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_ValueError, "Shared(size): size must not be negative");
            }
            return NULL;
        }
        block = block_new((size_t)size);
        if (!block) {
            return PyErr_NoMemory();
        }
    }
    else {
        block = transfer_share(state, source, 0);
        if (!block) {
            return NULL;
        }
    }
    PyObject *shared = transfer_shared_new(state, block);
    block_unref(block);
    return shared;
}

static void
shared_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    block_unref(((struct shared *)self)->block);
    PyObject_Free(self);
    Py_DECREF(type);
}

static int
shared_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    struct block *block = ((struct shared *)self)->block;
    if ((flags & PyBUF_WRITABLE) && block->readonly) {
        PyErr_SetString(PyExc_BufferError, "this shared buffer is read-only");
        view->obj = NULL;
        return -1;
    }
    view->obj = Py_NewRef(self);
    view->buf = block->data;
    view->len = (Py_ssize_t)block->size;
    view->readonly = block->readonly;
    view->itemsize = block->item_size;
    view->format = flags & PyBUF_FORMAT ? block->format : NULL;
    view->ndim = block->ndim;
    view->shape = flags & PyBUF_ND ? block->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? block->strides : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

static Py_ssize_t
shared_length(PyObject *self)
{
    const struct block *block = ((struct shared *)self)->block;
    return block->ndim ? block->shape[0] : 1;
}

static PyObject *
shared_nbytes(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromSize_t(((struct shared *)self)->block->size);
}

static PyObject *
shared_readonly(PyObject *self, void *closure)
{
    (void)closure;
    return PyBool_FromLong(((struct shared *)self)->block->readonly);
}

static PyObject *
shared_view(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyMemoryView_FromObject(self);
}

static PyObject *
shared_repr(PyObject *self)
{
    const struct block *block = ((struct shared *)self)->block;
    return PyUnicode_FromFormat("<extpool.Shared of %zu bytes, %s>", block->size,
                                block->readonly ? "read-only" : "writable");
}

static PyGetSetDef shared_getset[] = {
    {"nbytes", shared_nbytes, NULL, "Size in bytes.", NULL},
    {"readonly", shared_readonly, NULL, "Whether writing through it is refused.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef shared_methods[] = {
    {"view", shared_view, METH_NOARGS, "view()\n--\n\nA memoryview of the memory."},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(shared_doc,
             "Shared(source)\n--\n\n"
             "Memory that tasks in all workers see without a copy.\n\n"
             "source: an object with a buffer (bytes, bytearray, memoryview, array, NumPy array),\n"
             "kept alive and unresizable while anybody uses it; or a size in bytes of new zeroed\n"
             "memory. Made inside a worker it holds a copy, so that it may outlive the worker.\n"
             "Use it through view(), memoryview() or numpy.asarray(); nothing is locked.\n\n"
             "Returns: the object; BufferError for a buffer that cannot be described, TypeError\n"
             "for an object without one.\n"
             "Threads: any; readers and writers synchronise themselves.\n"
             "Since: 0.1.");

static PyType_Slot shared_slots[] = {
    {Py_tp_new, shared_new},
    {Py_tp_dealloc, shared_dealloc},
    {Py_tp_repr, shared_repr},
    {Py_tp_methods, shared_methods},
    {Py_tp_getset, shared_getset},
    {Py_tp_doc, (void *)shared_doc},
    {Py_bf_getbuffer, shared_getbuffer},
    {Py_sq_length, shared_length},
    {0, NULL},
};

PyType_Spec transfer_shared_spec = {
    .name = "extpool.Shared",
    .basicsize = sizeof(struct shared),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = shared_slots,
};
