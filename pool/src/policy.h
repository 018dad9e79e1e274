/* What extpool/_policy.py needs of the pool it works for: the decisions that its workers share, and
 * a way to say something in the program's interpreter. */
#ifndef EXTPOOL_POLICY_H
#define EXTPOOL_POLICY_H

#include "state.h"

/* Functions for the module: _decision, _decide, _tell. */
extern PyMethodDef policy_methods[];

#endif
