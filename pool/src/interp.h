/* Interpreters: the only file that creates, enters or ends one. */
#ifndef EXTPOOL_INTERP_H
#define EXTPOOL_INTERP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A new isolated interpreter with a lock of its own, entered by this thread, which must have no
 * thread state. NULL and a reason in `error` when it cannot be made. */
PyThreadState *interp_create(char *error, size_t size);

/* Ends the interpreter that this thread is in, alone; afterwards the thread is in none. */
void interp_end(PyThreadState *own);

/* Leave the interpreter and come back, around anything that blocks. */
void interp_leave(void *place_for_thread_state);
void interp_return(void *place_for_thread_state);

/* Raises `exception` (NULL: takes a raised one back) in the thread of this interpreter. */
void interp_raise_here(unsigned long thread, PyObject *exception);

/* Enters an interpreter from a thread that is in none; its owner must keep it alive until
 * interp_thread_end(). Waits for its lock as long as C code there keeps that. NULL without memory.
 */
PyThreadState *interp_visit(PyInterpreterState *interp);

/* Gives up what interp_visit() made, by the same thread. */
void interp_thread_end(PyThreadState *own);

#endif
