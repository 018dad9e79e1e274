/* threads_probe.c - mutexes, once flags and foreign threads, driven from Python. */
#include "extshim.h"

#include <pthread.h>
#include <unistd.h>

/* ---- what is process-wide in this module on purpose, each behind its lock ---- */

static ExtShim_Mutex counter_lock = EXTSHIM_MUTEX_INIT;
static long counter;
static ExtShim_Mutex gil_lock; /* zeroed is unlocked */
static ExtShim_Once process_once = EXTSHIM_ONCE_INIT;
static int process_runs;
static int process_failures;

EXTSHIM_INTERP_ONCE(here_once)
EXTSHIM_OBJECT(callback)

static PyObject *
probe_count(PyObject *module, PyObject *times)
{
    (void)module;
    long rounds = PyLong_AsLong(times);
    for (long i = 0; i < rounds; i++) {
        ExtShim_Mutex_Lock(&counter_lock);
        counter++;
        ExtShim_Mutex_Unlock(&counter_lock);
    }
    Py_RETURN_NONE;
}

static PyObject *
probe_counter(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(counter);
}

/* Calls Python with the lock held: who waits for the lock must not keep the GIL from this thread.
 */
static PyObject *
probe_locked_call(PyObject *module, PyObject *function)
{
    (void)module;
    ExtShim_Mutex_Lock(&gil_lock);
    PyObject *result = PyObject_CallFunction(function, NULL);
    ExtShim_Mutex_Unlock(&gil_lock);
    return result;
}

static PyObject *
probe_sections(PyObject *module, PyObject *list)
{
    long length;
    static ExtShim_Mutex section_lock = EXTSHIM_MUTEX_INIT;
    EXTSHIM_BEGIN_CRITICAL_SECTION(list);
    EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(&section_lock);
    length = (long)PyList_Size(list);
    EXTSHIM_END_CRITICAL_SECTION();
    EXTSHIM_END_CRITICAL_SECTION();
    EXTSHIM_BEGIN_CRITICAL_SECTION2(module, list);
    length += (long)PyList_Size(list);
    EXTSHIM_END_CRITICAL_SECTION2();
    return PyLong_FromLong(length);
}

/* Adds to counter[0] in a section that only the mutex protects. */
static PyObject *
probe_section_count(PyObject *module, PyObject *times)
{
    (void)module;
    static ExtShim_Mutex section_lock = EXTSHIM_MUTEX_INIT;
    static volatile long counted;
    long rounds = PyLong_AsLong(times);
    long result = 0;
    for (long i = 0; i < rounds; i++) {
        EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(&section_lock);
        counted = counted + 1;
        result = counted;
        EXTSHIM_END_CRITICAL_SECTION();
    }
    return PyLong_FromLong(result);
}

/* ---- once ---- */

static int
once_run(void *argument)
{
    if (process_failures > 0) {
        process_failures--;
        PyErr_SetString(PyExc_ValueError, "not this time");
        return -1;
    }
    PyObject *function = (PyObject *)argument;
    PyObject *result = PyObject_CallFunction(function, NULL);
    if (result == NULL) {
        return -1;
    }
    Py_DECREF(result);
    process_runs++;
    return 0;
}

static PyObject *
probe_process_once(PyObject *module, PyObject *function)
{
    (void)module;
    if (ExtShim_Once_Call(&process_once, once_run, function) < 0) {
        return NULL;
    }
    return PyLong_FromLong(process_runs);
}

static PyObject *
probe_set_failures(PyObject *module, PyObject *number)
{
    (void)module;
    process_failures = (int)PyLong_AsLong(number);
    Py_RETURN_NONE;
}

static int
once_call(void *argument)
{
    PyObject *result = PyObject_CallFunction((PyObject *)argument, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static PyObject *
probe_interp_once(PyObject *module, PyObject *function)
{
    (void)module;
    if (ExtShim_InterpOnce(&here_once, once_call, function) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- foreign threads ---- */

struct foreign {
    ExtShim_Interp *interp;
    int rounds;   /* 0: until `stop` */
    int delay_ms; /* between two of them */
    int stop;     /* atomic, as what follows */
    int refused;  /* visits that ended with "the interpreter has ended" */
    int visits;
    int failed; /* the callback raised */
};

static void
foreign_count(int *total)
{
    (void)__atomic_add_fetch(total, 1, __ATOMIC_RELAXED);
}

static void
foreign_visit(struct foreign *job)
{
    ExtShim_Visit visit;
    if (ExtShim_Interp_Enter(job->interp, &visit) < 0) {
        foreign_count(&job->refused);
        return;
    }
    PyObject *function = ExtShim_GetRef(&callback);
    PyObject *result = function == NULL ? NULL : PyObject_CallFunction(function, NULL);
    if (result == NULL) {
        PyErr_Clear();
        foreign_count(&job->failed);
    }
    Py_XDECREF(result);
    Py_XDECREF(function);
    foreign_count(&job->visits);
    ExtShim_Interp_Leave(&visit);
}

static void *
foreign_main(void *argument)
{
    struct foreign *job = (struct foreign *)argument;
    for (int i = 0; job->rounds == 0 || i < job->rounds; i++) {
        if (__atomic_load_n(&job->stop, __ATOMIC_RELAXED)) {
            break;
        }
        foreign_visit(job);
        if (job->delay_ms > 0) {
            usleep((unsigned)job->delay_ms * 1000);
        }
    }
    return NULL;
}

static PyObject *
probe_set_callback(PyObject *module, PyObject *function)
{
    (void)module;
    if (ExtShim_SET(callback, function) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* visit(rounds): the callback runs in a thread of ours that knows nothing of Python. */
static PyObject *
probe_visit(PyObject *module, PyObject *rounds)
{
    (void)module;
    struct foreign job = {ExtShim_Interp_Save(), (int)PyLong_AsLong(rounds), 0, 0, 0, 0, 0};
    if (job.interp == NULL) {
        return NULL;
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, foreign_main, &job) != 0) {
        ExtShim_Interp_Free(job.interp);
        PyErr_SetString(PyExc_RuntimeError, "no thread");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    (void)pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS;
    ExtShim_Interp_Free(job.interp);
    return Py_BuildValue("(iii)", job.visits, job.refused, job.failed);
}

/* The thread that is attached enters its own interpreter: nothing changes. */
static PyObject *
probe_visit_here(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct foreign job = {ExtShim_Interp_Save(), 1, 0, 0, 0, 0, 0};
    if (job.interp == NULL) {
        return NULL;
    }
    PyThreadState *before = PyThreadState_Get();
    foreign_visit(&job);
    int same = PyThreadState_Get() == before;
    ExtShim_Interp_Free(job.interp);
    return Py_BuildValue("(iiii)", job.visits, job.refused, job.failed, same);
}

/* ---- a visitor that outlives the interpreter: started in it, asked about from another ---- */

static pthread_t lasting_thread;
static struct foreign lasting;

/* start_lasting(delay_ms): visits until join_lasting(); below 0: none. */
static PyObject *
probe_start_lasting(PyObject *module, PyObject *delay_ms)
{
    (void)module;
    memset(&lasting, 0, sizeof(lasting));
    lasting.delay_ms = (int)PyLong_AsLong(delay_ms);
    lasting.stop = lasting.delay_ms < 0;
    lasting.interp = ExtShim_Interp_Save();
    if (lasting.interp == NULL) {
        return NULL;
    }
    if (pthread_create(&lasting_thread, NULL, foreign_main, &lasting) != 0) {
        PyErr_SetString(PyExc_RuntimeError, "no thread");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* (visits, refused, failed) so far. */
static PyObject *
probe_lasting(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return Py_BuildValue("(iii)", __atomic_load_n(&lasting.visits, __ATOMIC_RELAXED),
                         __atomic_load_n(&lasting.refused, __ATOMIC_RELAXED),
                         __atomic_load_n(&lasting.failed, __ATOMIC_RELAXED));
}

static PyObject *
probe_join_lasting(PyObject *module, PyObject *unused)
{
    __atomic_store_n(&lasting.stop, 1, __ATOMIC_RELAXED);
    Py_BEGIN_ALLOW_THREADS;
    (void)pthread_join(lasting_thread, NULL);
    Py_END_ALLOW_THREADS;
    ExtShim_Interp_Free(lasting.interp);
    return probe_lasting(module, unused);
}

/* Enters the interpreter of start_lasting() from one that is attached to another, and comes back.
 */
static PyObject *
probe_visit_other(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyInterpreterState *mine = PyInterpreterState_Get();
    struct foreign job = {lasting.interp, 1, 0, 0, 0, 0, 0};
    foreign_visit(&job);
    return Py_BuildValue("(iiii)", job.visits, job.refused, job.failed,
                         PyInterpreterState_Get() == mine);
}

/* ---- a def without state in its modules, -1, and with a function that frees them ---- */

static int freed;

static void
probe_free(void *module)
{
    (void)module;
    foreign_count(&freed);
}

static PyObject *
probe_freed(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(__atomic_load_n(&freed, __ATOMIC_RELAXED));
}

static PyMethodDef probe_methods[] = {
    {"count", probe_count, METH_O, NULL},
    {"counter", probe_counter, METH_NOARGS, NULL},
    {"locked_call", probe_locked_call, METH_O, NULL},
    {"sections", probe_sections, METH_O, NULL},
    {"section_count", probe_section_count, METH_O, NULL},
    {"process_once", probe_process_once, METH_O, NULL},
    {"set_failures", probe_set_failures, METH_O, NULL},
    {"interp_once", probe_interp_once, METH_O, NULL},
    {"set_callback", probe_set_callback, METH_O, NULL},
    {"visit", probe_visit, METH_O, NULL},
    {"visit_here", probe_visit_here, METH_NOARGS, NULL},
    {"start_lasting", probe_start_lasting, METH_O, NULL},
    {"lasting", probe_lasting, METH_NOARGS, NULL},
    {"join_lasting", probe_join_lasting, METH_NOARGS, NULL},
    {"visit_other", probe_visit_other, METH_NOARGS, NULL},
    {"freed", probe_freed, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef probe_def = {
    PyModuleDef_HEAD_INIT, "threads_probe", NULL, -1, probe_methods, NULL, NULL, NULL, probe_free,
};

EXTSHIM_MODINIT_STATE(threads_probe, -1, NULL, NULL, probe_free)
{
    return ExtShim_Module_Create(&probe_def);
}
