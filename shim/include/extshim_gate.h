/* extshim_gate.h - what the build gate decided, seen from C.
 *
 * `extcheck gate` writes extcheck_gate_<module>.h, which the build system puts in front of every
 * source of the module (-include, or the same as -D flags):
 *
 *     EXTSHIM_GATE_FLAVOUR         0: built for an interpreter with the GIL, 1: free-threaded
 *     EXTSHIM_CLAIM_OWN_GIL        1: may declare Py_MOD_PER_INTERPRETER_GIL_SUPPORTED
 *     EXTSHIM_CLAIM_GIL_NOT_USED   1: may declare Py_MOD_GIL_NOT_USED
 *
 * This header checks them against the headers of Python, and is a gate by itself: without an answer
 * (no build system ran it) it refuses free-threaded builds and claims nothing.
 *
 *     #include "extshim_gate.h"
 *     static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec}, EXTSHIM_GATE_SLOTS {0, NULL}};
 *
 * Include it before extshim.h. C99 and newer, C++11 and newer; CPython 3.9 to 3.15. */
#ifndef EXTSHIM_GATE_H
#define EXTSHIM_GATE_H

#include <Python.h>

/* Exactly 1, given with -D, since C sees no environment. */
#if defined(UNSAFE_EXTCHECK_BUILD_FREE_THREADED) && (UNSAFE_EXTCHECK_BUILD_FREE_THREADED + 0) == 1
#define EXTSHIM_GATE_OVERRIDE_FT_ 1
#else
#define EXTSHIM_GATE_OVERRIDE_FT_ 0
#endif
#if defined(UNSAFE_EXTCHECK_BUILD_OWN_GIL) && (UNSAFE_EXTCHECK_BUILD_OWN_GIL + 0) == 1
#define EXTSHIM_GATE_OVERRIDE_OWN_ 1
#else
#define EXTSHIM_GATE_OVERRIDE_OWN_ 0
#endif

/* The checker reads the sources in both flavours, whichever is built. */
#if defined(__EXTCHECK__)
#elif defined(EXTSHIM_GATE_FLAVOUR)
#if EXTSHIM_GATE_FLAVOUR && !defined(Py_GIL_DISABLED)
#error "extcheck gate: the gate answered for a free-threaded build, but Py_GIL_DISABLED is not" \
    "defined: other headers, or on Windows /DPy_GIL_DISABLED=1 is missing;" \
    "run the gate for this interpreter"
#elif !EXTSHIM_GATE_FLAVOUR && defined(Py_GIL_DISABLED)
#error "extcheck gate: the gate answered for a build with the GIL, but Py_GIL_DISABLED is" \
    "defined: other headers; run the gate for this interpreter"
#endif
#elif defined(Py_GIL_DISABLED) && !EXTSHIM_GATE_OVERRIDE_FT_
#error "extcheck gate: this is a free-threaded build and no gate has answered that the module is" \
    "safe there; build it through `extcheck gate` (docs/gate.md), or override with" \
    "-DUNSAFE_EXTCHECK_BUILD_FREE_THREADED=1"
#endif

/* Without a gate: no claim, unless both switches say so. */
#ifndef EXTSHIM_GATE_FLAVOUR
#if !defined(EXTSHIM_CLAIM_OWN_GIL) && EXTSHIM_GATE_OVERRIDE_OWN_ &&                               \
    (UNSAFE_EXTCHECK_DECLARE_OWN_GIL + 0) == 1
#define EXTSHIM_CLAIM_OWN_GIL 1
#endif
#if !defined(EXTSHIM_CLAIM_GIL_NOT_USED) && EXTSHIM_GATE_OVERRIDE_FT_ &&                           \
    (UNSAFE_EXTCHECK_DECLARE_GIL_NOT_USED + 0) == 1
#define EXTSHIM_CLAIM_GIL_NOT_USED 1
#endif
#endif
#ifndef EXTSHIM_CLAIM_OWN_GIL
#define EXTSHIM_CLAIM_OWN_GIL 0
#endif
#ifndef EXTSHIM_CLAIM_GIL_NOT_USED
#define EXTSHIM_CLAIM_GIL_NOT_USED 0
#endif

/* The slots that these claims mean on this Python, each with its comma. Nothing on Pythons without
 * the slot. */
#if !defined(Py_mod_multiple_interpreters)
#define EXTSHIM_GATE_SLOT_INTERPRETERS_
#elif EXTSHIM_CLAIM_OWN_GIL
#define EXTSHIM_GATE_SLOT_INTERPRETERS_                                                            \
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#else
#define EXTSHIM_GATE_SLOT_INTERPRETERS_                                                            \
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED},
#endif
#if !defined(Py_mod_gil)
#define EXTSHIM_GATE_SLOT_GIL_
#elif EXTSHIM_CLAIM_GIL_NOT_USED
#define EXTSHIM_GATE_SLOT_GIL_ {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#else
#define EXTSHIM_GATE_SLOT_GIL_ {Py_mod_gil, Py_MOD_GIL_USED},
#endif
#define EXTSHIM_GATE_SLOTS EXTSHIM_GATE_SLOT_INTERPRETERS_ EXTSHIM_GATE_SLOT_GIL_

/* The same for a PySlot array (PEP 793, 3.15): PyModExport_ functions return it, abi3t needs it. */
#ifdef PySlot_PTR
#if EXTSHIM_CLAIM_OWN_GIL
#define EXTSHIM_GATE_PYSLOT_INTERPRETERS_                                                          \
    PySlot_PTR(Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED),
#else
#define EXTSHIM_GATE_PYSLOT_INTERPRETERS_                                                          \
    PySlot_PTR(Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED),
#endif
#if EXTSHIM_CLAIM_GIL_NOT_USED
#define EXTSHIM_GATE_PYSLOT_GIL_ PySlot_PTR(Py_mod_gil, Py_MOD_GIL_NOT_USED),
#else
#define EXTSHIM_GATE_PYSLOT_GIL_ PySlot_PTR(Py_mod_gil, Py_MOD_GIL_USED),
#endif
#define EXTSHIM_GATE_PYSLOTS EXTSHIM_GATE_PYSLOT_INTERPRETERS_ EXTSHIM_GATE_PYSLOT_GIL_
#endif

#endif /* EXTSHIM_GATE_H */
