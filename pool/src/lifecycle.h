/* What happens to all pools of an interpreter at once: its exit, and fork. */
#ifndef EXTPOOL_LIFECYCLE_H
#define EXTPOOL_LIFECYCLE_H

#include "state.h"

PyObject *lifecycle_exit(PyObject *module, PyObject *ignored);
PyObject *lifecycle_audit(PyObject *module, PyObject *const *args, Py_ssize_t count);

/* In a worker: sys._current_frames() and its sister refuse where CPython would crash. 0, or -1 with
 * an exception set. */
int lifecycle_guard_frames(PyObject *module);
PyObject *lifecycle_refuse_frames(PyObject *module, PyObject *ignored);

PyObject *lifecycle_before_fork(PyObject *module, PyObject *ignored);
PyObject *lifecycle_after_fork_parent(PyObject *module, PyObject *ignored);
PyObject *lifecycle_after_fork_child(PyObject *module, PyObject *ignored);

#endif
