/* extshim.h - port a CPython extension to subinterpreters and free threading with few edits.
 *
 * Include it after (or in place of) Python.h, compile the files of shim/src into the extension or
 * link the static library, and replace
 *
 *     static PyObject *cache;                  EXTSHIM_OBJECT(cache)            state.h
 *     static struct settings settings;         EXTSHIM_STATE(settings, ...)     state.h
 *     PyType_Ready(&Foo_Type)                  ExtShim_READY(Foo_Type)          types.h
 *     PyMODINIT_FUNC PyInit_spam(void)         EXTSHIM_MODINIT(spam)            module.h
 *     interned strings, imports, freelists     EXTSHIM_STRING, ..._IMPORT, ...  caches.h
 *     static locks, once flags, callbacks      ExtShim_Mutex, ExtShim_Once, ... threads.h
 *
 * CPython 3.9 to 3.15, with the GIL and free-threaded; C99 and newer, C++11 and newer. docs/shim.md
 * is the guide, docs/porting.md two whole ports.
 */
#ifndef EXTSHIM_H
#define EXTSHIM_H

#include "extshim/base.h"
#include "extshim/state.h"
#include "extshim/types.h"
#include "extshim/module.h"
#include "extshim/caches.h"
#include "extshim/threads.h"

#endif /* EXTSHIM_H */
