/* Regions: detached, critical section, mutex; conditions of blocks. */
#include <Python.h>

static int total;
static PyMutex mutex;
static PyObject *cache;

PyObject *
work(PyObject *self, PyObject *list)
{
    Py_BEGIN_ALLOW_THREADS /* fact: block kind=region macro=Py_BEGIN_ALLOW_THREADS; call callee=PyEval_SaveThread into=local:_save */
    total = 1; /* fact: access var~#total how=write */
    Py_END_ALLOW_THREADS /* fact: call callee=PyEval_RestoreThread */
    Py_BEGIN_CRITICAL_SECTION(list); /* fact: block kind=region macro=Py_BEGIN_CRITICAL_SECTION cond=list; call callee=PyCriticalSection_Begin */
    total = 2;
    Py_END_CRITICAL_SECTION(); /* fact: call callee=PyCriticalSection_End */
    PyMutex_Lock(&mutex); /* fact: call callee~PyMutex_Lock */
    total = 3;
    PyMutex_Unlock(&mutex); /* fact: call callee~PyMutex_Unlock */
    if (cache == NULL) { /* fact: block kind=then cond~^null.var:regions.c#cache */
        cache = PyDict_New(); /* fact: call callee=PyDict_New result=stored into=var:regions.c#cache; access var~#cache how=write value=call:PyDict_New */
    }
    else if (self && list != Py_None) { /* fact: block kind=then cond~^nonnull.param:0..*&.*ne.param:1 */
        goto done; /* fact: jump kind=goto value=done */
    }
    for (int i = 0; i < 3; i++) { /* fact: block kind=loop */
        continue; /* fact: jump kind=continue */
    }
done:
    PyDict_New(); /* fact: call callee=PyDict_New result=discarded */
    return Py_NewRef(PyList_GetItem(list, 0)); /* fact: call callee=PyList_GetItem result=argument */
}
