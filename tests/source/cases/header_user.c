/* Declarations of the project's own headers. with: -- -I{here}/include */
#include <Python.h>
#include "project.h"
/* fact at 0: variable name=from_header storage=static; function name=helper in_header=1; call callee=helper origin=project */

int
call_it(void)
{
    return helper() + missing_one(); /* fact: call callee=missing_one origin=project; call callee=helper */
}
