/* ticker.c - callbacks and threads: a thread of the C side calls back into the interpreter that
 * started it, and a table that all interpreters share is behind a lock.
 *
 * Before:                                       Now:
 *     PyGILState_Ensure() in the thread             ExtShim_Interp_Enter(): the right interpreter
 *     static PyObject *callback;                    EXTSHIM_OBJECT(callback)
 *     static int done; if (!done) fill();           ExtShim_Once_Call(&once, fill, NULL)
 *     the GIL as a lock for a C table               ExtShim_Mutex
 */
#include "extshim.h"

#include <pthread.h>

/* Of the whole process on purpose: plain C data, each behind what makes it safe. */
static ExtShim_Once names_once = EXTSHIM_ONCE_INIT;
static char names[3][8];
static ExtShim_Mutex ticks_lock = EXTSHIM_MUTEX_INIT;
static long ticks; /* of all interpreters together */

/* One per interpreter. */
EXTSHIM_OBJECT(callback)

static int
names_fill(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        (void)PyOS_snprintf(names[i], sizeof(names[i]), "tick %d", i);
    }
    return 0;
}

struct ticker {
    pthread_t thread;
    ExtShim_Interp *interp; /* where the callback lives */
    int rounds;
    int refused; /* the interpreter had ended */
};

static void
ticker_call(struct ticker *ticker, int round)
{
    ExtShim_Visit visit;
    if (ExtShim_Interp_Enter(ticker->interp, &visit) < 0) {
        ticker->refused++; /* no interpreter, no Python: nothing else can be done here */
        return;
    }
    /* From here on the thread is attached to the interpreter of start(), as if called from it. */
    PyObject *function = ExtShim_GetRef(&callback);
    PyObject *result =
        function == NULL ? NULL : PyObject_CallFunction(function, "s", names[round % 3]);
    if (result == NULL && PyErr_Occurred()) {
        PyErr_WriteUnraisable(function);
    }
    Py_XDECREF(result);
    Py_XDECREF(function);
    ExtShim_Interp_Leave(&visit);
}

static void *
ticker_main(void *argument)
{
    struct ticker *ticker = (struct ticker *)argument;
    for (int round = 0; round < ticker->rounds; round++) {
        ExtShim_Mutex_Lock(&ticks_lock);
        ticks++;
        ExtShim_Mutex_Unlock(&ticks_lock);
        ticker_call(ticker, round);
    }
    return NULL;
}

static PyObject *
ticker_run(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *function;
    struct ticker ticker = {0};
    if (!PyArg_ParseTuple(args, "iO", &ticker.rounds, &function) ||
        ExtShim_Once_Call(&names_once, names_fill, NULL) < 0 ||
        ExtShim_SET(callback, function) < 0) {
        return NULL;
    }
    ticker.interp = ExtShim_Interp_Save();
    if (ticker.interp == NULL) {
        return NULL;
    }
    int error = pthread_create(&ticker.thread, NULL, ticker_main, &ticker);
    if (error == 0) {
        Py_BEGIN_ALLOW_THREADS;
        (void)pthread_join(ticker.thread, NULL);
        Py_END_ALLOW_THREADS;
    }
    ExtShim_Interp_Free(ticker.interp);
    if (error != 0) {
        PyErr_SetString(PyExc_RuntimeError, "cannot start a thread");
        return NULL;
    }
    return PyLong_FromLong(ticker.rounds - ticker.refused);
}

static PyObject *
ticker_ticks(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    ExtShim_Mutex_Lock(&ticks_lock);
    long now = ticks;
    ExtShim_Mutex_Unlock(&ticks_lock);
    return PyLong_FromLong(now);
}

static PyMethodDef ticker_methods[] = {
    {"run", ticker_run, METH_VARARGS, "run(rounds, function): calls it from a thread of its own."},
    {"ticks", ticker_ticks, METH_NOARGS, "Ticks of all interpreters."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef ticker_def = {
    PyModuleDef_HEAD_INIT, "ticker", "Calls back.", -1, ticker_methods, NULL, NULL, NULL, NULL,
};

EXTSHIM_MODINIT(ticker)
{
    return ExtShim_Module_Create(&ticker_def);
}
