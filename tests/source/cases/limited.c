/* 3.14's headers refuse the limited API in the free-threaded flavour. */
/* fact at 0: unit flavour=gil limited=yes status=ok */
/* no fact: unit flavour=ft */
#define Py_LIMITED_API 0x030c0000
#include <Python.h>
static PyObject *kept; /* fact: variable name=kept class=object-pointer */
