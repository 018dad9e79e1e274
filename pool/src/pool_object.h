/* The type below InterpreterPool. */
#ifndef EXTPOOL_POOL_OBJECT_H
#define EXTPOOL_POOL_OBJECT_H

#include "state.h"

extern PyType_Spec pool_object_spec;

#endif
