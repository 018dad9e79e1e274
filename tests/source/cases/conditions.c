/* Conditions in front of Python.h that compare, nest and negate. */
#if ((LIBRARY_VERSION >= 50555 && LIBRARY_VERSION <= 50599) || (LIBRARY_VERSION >= 80000)) && !defined(OTHER_LIBRARY)
#define LIBRARY_IS_NEW 1
#endif
#if (defined(A) || (B > 1)) && !(!!defined(C) || (D))
#endif
#if !(!(!(!defined(OTHER_LIBRARY)))) && ((((((((defined(__linux__)))))))))
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

int counter; /* fact: variable name=counter */
