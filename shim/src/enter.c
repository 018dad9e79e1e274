/* enter.c - a thread that Python does not know enters a certain interpreter, and is kept out of one
 * that ends.
 *
 * 3.15 has an API for it. Before, each interpreter has a door: it counts the visits, and an atexit
 * function closes it and waits until the last visitor has left. The door outlives the interpreter
 * for those who kept it.
 */
#include "internal.h"

#if EXTSHIM_LIMITED || PY_VERSION_HEX >= 0x030F0000

void
extshim_door_abandon(struct extshim_door *door)
{
    (void)door; /* nobody makes one */
}

#endif

#if !EXTSHIM_LIMITED && PY_VERSION_HEX >= 0x030F0000

ExtShim_Interp *
ExtShim_Interp_Save(void)
{
    return (ExtShim_Interp *)PyInterpreterView_FromCurrent();
}

void
ExtShim_Interp_Free(ExtShim_Interp *interp)
{
    if (interp != NULL) {
        PyInterpreterView_Close((PyInterpreterView *)interp);
    }
}

int
ExtShim_Interp_Enter(ExtShim_Interp *interp, ExtShim_Visit *visit)
{
    memset(visit, 0, sizeof(*visit));
    PyInterpreterGuard *guard = PyInterpreterGuard_FromView((PyInterpreterView *)interp);
    if (guard == NULL) {
        return -1;
    }
    visit->state = PyThreadState_Ensure(guard);
    if (visit->state == NULL) {
        PyInterpreterGuard_Close(guard);
        return -1;
    }
    visit->door = guard;
    return 0;
}

void
ExtShim_Interp_Leave(ExtShim_Visit *visit)
{
    PyThreadState_Release((PyThreadStateToken *)visit->state);
    PyInterpreterGuard_Close((PyInterpreterGuard *)visit->door);
}

#elif !EXTSHIM_LIMITED

/* All under the shim's lock. */
struct extshim_door {
    PyInterpreterState *interp; /* NULL: gone */
    ExtShim_Visit *visits;      /* those that the interpreter waits for */
    int departures;             /* atomic: changes when a visit ends */
    int closed;
    int references; /* the block, the atexit function, saved interpreters, visits */
};

static void
door_release(struct extshim_door *door)
{
    extshim_lock();
    int left = --door->references;
    extshim_unlock();
    if (left == 0) {
        extshim_free(door);
    }
}

void
extshim_door_abandon(struct extshim_door *door)
{
    if (door != NULL) {
        extshim_lock();
        door->closed = 1;
        door->interp = NULL; /* the next interpreter at this address is another one */
        extshim_unlock();
        door_release(door);
    }
}

/* A visit that has to end first. Those of this very thread cannot: it is ending the interpreter. */
static int
door_is_awaited(struct extshim_door *door, int *departures)
{
    unsigned long here = PyThread_get_thread_ident();
    extshim_lock();
    door->closed = 1;
    const ExtShim_Visit *visit = door->visits;
    while (visit != NULL && visit->thread == here) {
        visit = visit->next;
    }
    *departures = EXTSHIM_LOAD_INT(&door->departures);
    extshim_unlock();
    return visit != NULL;
}

/* The atexit function. */
static PyObject *
door_close(PyObject *capsule, PyObject *unused)
{
    (void)unused;
    struct extshim_door *door = (struct extshim_door *)PyCapsule_GetPointer(capsule, NULL);
    if (door == NULL) {
        return NULL;
    }
    int departures;
    while (door_is_awaited(door, &departures)) {
        extshim_park_int(&door->departures, departures);
    }
    Py_RETURN_NONE;
}

static PyMethodDef door_close_method = {"extshim_close_door", door_close, METH_NOARGS, NULL};

static void
door_capsule_destroy(PyObject *capsule)
{
    struct extshim_door *door = (struct extshim_door *)PyCapsule_GetPointer(capsule, NULL);
    extshim_lock();
    door->closed = 1; /* nobody would wait for visitors any more */
    extshim_unlock();
    door_release(door);
}

/* Has the interpreter call door_close() at its end. Takes over one reference to the door. */
static int
door_register(struct extshim_door *door)
{
    PyObject *capsule = PyCapsule_New(door, NULL, door_capsule_destroy);
    if (capsule == NULL) {
        door_release(door);
        return -1;
    }
    PyObject *function = PyCFunction_New(&door_close_method, capsule);
    Py_DECREF(capsule);
    PyObject *atexit = function == NULL ? NULL : PyImport_ImportModule("atexit");
    PyObject *done = atexit == NULL ? NULL : PyObject_CallMethod(atexit, "register", "O", function);
    Py_XDECREF(atexit);
    Py_XDECREF(function);
    if (done == NULL) {
        return -1;
    }
    Py_DECREF(done);
    return 0;
}

/* The interpreter's door with one more reference, or NULL. */
static struct extshim_door *
door_of(struct extshim_block *block)
{
    extshim_lock();
    struct extshim_door *door = block->door;
    if (door != NULL) {
        door->references++;
    }
    extshim_unlock();
    return door;
}

static struct extshim_door *
door_make(struct extshim_block *block)
{
    struct extshim_door *fresh = (struct extshim_door *)extshim_allocate(1, sizeof(*fresh));
    if (fresh == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    fresh->interp = block->interp;
    fresh->references = 2; /* atexit's and the caller's */
    if (door_register(fresh) < 0) {
        extshim_door_abandon(fresh);
        return NULL;
    }
    extshim_lock();
    struct extshim_door *door = block->door;
    if (door == NULL) {
        block->door = fresh;
        fresh->references++;
    }
    else {
        door->references++;
    }
    extshim_unlock();
    if (door != NULL) {
        door_release(fresh); /* another thread made one; this one's atexit function does nothing */
        return door;
    }
    return fresh;
}

struct ExtShim_Interp {
    struct extshim_door *door;
};

ExtShim_Interp *
ExtShim_Interp_Save(void)
{
    struct extshim_block *block = extshim_block_here();
    if (block == NULL) {
        return NULL;
    }
    if (EXTSHIM_LOAD_INT(&block->life) == EXTSHIM_DEAD) {
        PyErr_SetString(PyExc_RuntimeError, "extshim: the interpreter is ending");
        return NULL;
    }
    ExtShim_Interp *interp = (ExtShim_Interp *)extshim_allocate(1, sizeof(*interp));
    if (interp == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    interp->door = door_of(block);
    if (interp->door == NULL) {
        interp->door = door_make(block);
    }
    if (interp->door == NULL) {
        extshim_free(interp);
        return NULL;
    }
    return interp;
}

void
ExtShim_Interp_Free(ExtShim_Interp *interp)
{
    if (interp != NULL) {
        door_release(interp->door);
        extshim_free(interp);
    }
}

/* Goes in as somebody whom the interpreter waits for. NULL: closed. */
static PyInterpreterState *
visit_begin(struct extshim_door *door, ExtShim_Visit *visit)
{
    extshim_lock();
    PyInterpreterState *interp = door->closed ? NULL : door->interp;
    if (interp != NULL) {
        door->references++;
        visit->door = door;
        visit->next = door->visits;
        door->visits = visit;
    }
    extshim_unlock();
    return interp;
}

static void
visit_end(struct extshim_door *door, ExtShim_Visit *visit)
{
    extshim_lock();
    ExtShim_Visit **place = &door->visits;
    while (*place != visit) {
        place = &(*place)->next;
    }
    *place = visit->next;
    extshim_unlock();
    extshim_park_count(&door->departures);
    door_release(door);
}

static int
door_leads_to(struct extshim_door *door, PyThreadState *state)
{
    extshim_lock();
    int same = state != NULL && PyThreadState_GetInterpreter(state) == door->interp;
    extshim_unlock();
    return same;
}

int
ExtShim_Interp_Enter(ExtShim_Interp *interp, ExtShim_Visit *visit)
{
    memset(visit, 0, sizeof(*visit));
    visit->thread = PyThread_get_thread_ident();
    PyThreadState *before = extshim_thread_state();
    if (door_leads_to(interp->door, before)) {
        return 0; /* attached already: nobody needs to wait for this thread */
    }
    PyInterpreterState *wanted = visit_begin(interp->door, visit);
    if (wanted == NULL) {
        return -1;
    }
    PyThreadState *state = PyThreadState_New(wanted);
    if (state == NULL) {
        visit_end(interp->door, visit);
        return -1;
    }
    visit->state = state;
    visit->before = before == NULL ? NULL : (void *)PyEval_SaveThread();
    PyEval_RestoreThread(state);
    return 0;
}

void
ExtShim_Interp_Leave(ExtShim_Visit *visit)
{
    if (visit->state == NULL) {
        return;
    }
    PyThreadState_Clear((PyThreadState *)visit->state);
    PyThreadState_DeleteCurrent();
    visit_end((struct extshim_door *)visit->door, visit);
    extshim_attach((PyThreadState *)visit->before);
}

#endif
