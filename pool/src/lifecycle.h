/* What happens to all pools of an interpreter at once: its exit, and fork. */
#ifndef EXTPOOL_LIFECYCLE_H
#define EXTPOOL_LIFECYCLE_H

#include "state.h"

PyObject *lifecycle_exit(PyObject *module, PyObject *ignored);
PyObject *lifecycle_audit(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *lifecycle_before_fork(PyObject *module, PyObject *ignored);
PyObject *lifecycle_after_fork_parent(PyObject *module, PyObject *ignored);
PyObject *lifecycle_after_fork_child(PyObject *module, PyObject *ignored);

#endif
