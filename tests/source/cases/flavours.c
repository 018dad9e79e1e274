/* A unit that names Py_GIL_DISABLED is read in both flavours. */
/* fact at 0: unit flavour=ft mentions_gil=1 status=ok; unit flavour=gil mentions_gil=1 status=ok */
#include <Python.h>

#ifdef Py_GIL_DISABLED
static int only_free_threaded; /* fact: variable name=only_free_threaded */
#else
static int only_gil; /* fact: variable name=only_gil */
#endif
