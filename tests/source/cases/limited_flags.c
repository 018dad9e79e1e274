/* The limited API asked for on the command line. with: -- -DPy_LIMITED_API=0x03090000 -DEXTRA=1 */
/* fact at 0: unit flavour=gil limited=yes status=ok */
/* no fact: unit flavour=ft */
#include <Python.h>
#if EXTRA
static PyObject *kept; /* fact: variable name=kept class=object-pointer */
#endif
