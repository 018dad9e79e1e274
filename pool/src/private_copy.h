/* Private copies of extension modules, for extpool._private_copy. */
#ifndef EXTPOOL_PRIVATE_COPY_H
#define EXTPOOL_PRIVATE_COPY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Functions of extpool._pool:
 *   copy_open(path): (copy, number, soname or None, needed names, rpath or None, runpath or None)
 *   copy_name(number, name): a name of the same length that no other copy has
 *   copy_imports(copy, name): does it use the symbol `name` of others?
 *   copy_load(copy, ((name, other), ...), dlopen flags): a handle, which is a number
 *   copy_share(path, dlopen flags): loads the file itself, for copies that need it
 *   copy_alias(handle, name): others that are loaded later can need the copy by that name
 *   copy_find(handle, name of the init function or export hook): its address
 *   copy_create(address, spec, is it an export hook?): (module, phases); one with two phases is not
 *       executed yet
 * What fails raises ImportError with the reason only; the caller knows the module. There are none
 * where private copies do not work: other systems, other C libraries, free-threaded builds. */
extern PyMethodDef private_copy_methods[];

#endif
