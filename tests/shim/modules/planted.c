/* planted.c - wrong on purpose: the sanitizer runs must notice each of these, or they prove nothing. */
#include "extshim.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

static long raced;

static PyObject *
planted_overrun(PyObject *module, PyObject *index)
{
    (void)module;
    volatile char *bytes = (volatile char *)malloc(8);
    char read = bytes == NULL ? (char)0 : bytes[PyLong_AsLong(index)];
    free((void *)(uintptr_t)bytes);
    return PyLong_FromLong(read);
}

static PyObject *
planted_overflow(PyObject *module, PyObject *number)
{
    (void)module;
    int value = (int)PyLong_AsLong(number);
    return PyLong_FromLong(value + INT_MAX);
}

static void *
planted_thread(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        raced++;
    }
    return argument;
}

static PyObject *
planted_race(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, planted_thread, NULL) != 0) {
            abort();
        }
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return PyLong_FromLong(raced);
}

static PyMethodDef planted_methods[] = {
    {"overrun", planted_overrun, METH_O, NULL},
    {"overflow", planted_overflow, METH_O, NULL},
    {"race", planted_race, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef planted_def = {
    PyModuleDef_HEAD_INIT, "planted", NULL, -1, planted_methods, NULL, NULL, NULL, NULL,
};

EXTSHIM_MODINIT(planted)
{
    return ExtShim_Module_Create(&planted_def);
}
