/* A unit that does not is read once. */
/* fact at 0: unit flavour=ft status=ok mentions_gil= */
/* no fact: unit flavour=gil */
#include <Python.h>
static int n; /* fact: variable name=n */
