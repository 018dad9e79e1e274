/* extshim/module.h - an existing single-phase PyInit function becomes multi-phase.
 *
 *     PyMODINIT_FUNC PyInit_spam(void)              EXTSHIM_MODINIT(spam)
 *     {                                             {
 *         PyObject *m = PyModule_Create(&def);          PyObject *m = ExtShim_Module_Create(&def);
 *         ...                                           ...
 *         return m;                                     return m;
 *     }                                             }
 *
 * The old body runs once for each module object, from a Py_mod_exec slot; ExtShim_Module_Create()
 * hands it the module that is being executed. On 3.15 both hooks are exported, PyInit_spam and
 * PyModExport_spam. See docs/shim.md for the forms that cannot be turned.
 * PEP 489, PEP 684, PEP 703, PEP 793.
 */
#ifndef EXTSHIM_MODULE_H
#define EXTSHIM_MODULE_H

#include "state.h"

#if EXTSHIM_LIMITED

#define EXTSHIM_MODINIT(name)                                                                      \
    EXTSHIM_ERROR_("EXTSHIM_MODINIT needs the full API: which slots exist differs by version")
#define EXTSHIM_MODINIT_STATE(name, size, traverse, clear, free) EXTSHIM_MODINIT(name)

#else

EXTSHIM_BEGIN_C

/* Claims come from the build gate alone: it checks the module, then defines these two. */
#ifndef EXTSHIM_CLAIM_OWN_GIL
#define EXTSHIM_CLAIM_OWN_GIL 0
#endif
#ifndef EXTSHIM_CLAIM_GIL_NOT_USED
#define EXTSHIM_CLAIM_GIL_NOT_USED 0
#endif

/* The module that is being executed, filled from `def`: methods and doc string. In place of
 * PyModule_Create() in a function under EXTSHIM_MODINIT. Elsewhere (a nested module) it is
 * PyModule_Create().
 *
 * Returns: the module; NULL with an exception.
 * Refs: new.
 * Threads: needs an attached thread state; runs no Python code of the user.
 * Since: 0.1.
 * See: PyModule_Create, PyModule_AddFunctions. */
EXTSHIM_HIDDEN PyObject *ExtShim_Module_Create(PyModuleDef *def);

/* The attached interpreter's module that was made from `def`. In place of PyState_FindModule().
 *
 * Returns: the module; NULL without an exception when there is none (as PyState_FindModule does).
 * Refs: borrowed.
 * Threads: needs an attached thread state; runs no Python code.
 * Since: 0.1.
 * See: PyState_FindModule. */
EXTSHIM_HIDDEN PyObject *ExtShim_State_FindModule(const PyModuleDef *def);

/* Behind EXTSHIM_MODINIT's exec slot: runs the old init function on `module`.
 *
 * Returns: 0; -1 with an exception, also where the function returned another module.
 * Refs: borrows `module`.
 * Threads: needs an attached thread state; runs the module's own initialisation.
 * Since: 0.1.
 * See: PEP 489. */
EXTSHIM_HIDDEN int ExtShim_ModuleExec(PyObject *module, PyObject *(*legacy_init)(void));

#if PY_VERSION_HEX >= 0x030C0000
#if EXTSHIM_CLAIM_OWN_GIL
#define EXTSHIM_SLOT_INTERPRETERS_                                                                 \
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#else
#define EXTSHIM_SLOT_INTERPRETERS_                                                                 \
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED},
#endif
#else
#define EXTSHIM_SLOT_INTERPRETERS_
#endif

#if PY_VERSION_HEX >= 0x030D0000
#if EXTSHIM_CLAIM_GIL_NOT_USED
#define EXTSHIM_SLOT_GIL_ {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#else
#define EXTSHIM_SLOT_GIL_ {Py_mod_gil, Py_MOD_GIL_USED},
#endif
#else
#define EXTSHIM_SLOT_GIL_
#endif

#if PY_VERSION_HEX >= 0x030F0000
/* PEP 793: the second hook, with the same slots. */
#define EXTSHIM_MODEXPORT_(name, size, traverse, clear, free)                                      \
    PyMODEXPORT_FUNC PyModExport_##name(void);                                                     \
    PyMODEXPORT_FUNC PyModExport_##name(void)                                                      \
    {                                                                                              \
        PyABIInfo_VAR(abi_info);                                                                   \
        static PySlot room[EXTSHIM_EXPORT_SLOTS];                                                  \
        return ExtShim_ExportSlots(room, &abi_info, #name, name##_extshim_slots,                   \
                                   EXTSHIM_STATE_SIZE_(size), (traverse), (clear), (free));        \
    }

enum { EXTSHIM_EXPORT_SLOTS = 8 };

/* Behind PyModExport_: fills `room` the first time it is called (under the shim's lock;
 * a slot with a NULL function may not be there, which an initialiser cannot say).
 *
 * Returns: `room`.
 * Refs: none.
 * Threads: the import system calls it with an attached thread state; runs no Python code.
 * Since: 0.1.
 * See: PEP 793. */
EXTSHIM_HIDDEN PySlot *ExtShim_ExportSlots(PySlot *room, PyABIInfo *abi_info, const char *name,
                                           PyModuleDef_Slot *slots, Py_ssize_t state_size,
                                           traverseproc traverse, inquiry clear, freefunc free);
#else
#define EXTSHIM_MODEXPORT_(name, size, traverse, clear, free)
#endif

/* -1 says that a def keeps no state in its modules, and multi-phase modules say 0. */
#define EXTSHIM_STATE_SIZE_(size) ((Py_ssize_t)(size) < 0 ? 0 : (Py_ssize_t)(size))

/* In place of `PyMODINIT_FUNC PyInit_name(void)`; the old body follows. For a def whose m_size is 0
 * or -1 and that has no m_traverse, m_clear and m_free.
 *
 * Returns: the head of a function that returns the module, or NULL with an exception.
 * Refs: the function's result is a new reference.
 * Threads: the body runs attached, once for each module object, in any interpreter.
 * Since: 0.1.
 * See: PEP 489, PEP 793. */
#define EXTSHIM_MODINIT(name) EXTSHIM_MODINIT_STATE(name, 0, NULL, NULL, NULL)

/* The same for a def with module state or functions for it: its m_size, m_traverse, m_clear and
 * m_free. -1 for m_size counts as 0.
 *
 * Returns: as EXTSHIM_MODINIT.
 * Refs: as EXTSHIM_MODINIT.
 * Threads: as EXTSHIM_MODINIT.
 * Since: 0.1.
 * See: PEP 489, PEP 793. */
#define EXTSHIM_MODINIT_STATE(name, size, traverse, clear, free)                                   \
    static PyObject *name##_extshim_legacy(void);                                                  \
    static int name##_extshim_exec(PyObject *module)                                               \
    {                                                                                              \
        return ExtShim_ModuleExec(module, name##_extshim_legacy);                                  \
    }                                                                                              \
    static PyModuleDef_Slot name##_extshim_slots[] = {                                             \
        {Py_mod_exec, (void *)name##_extshim_exec},                                                \
        EXTSHIM_SLOT_INTERPRETERS_ EXTSHIM_SLOT_GIL_{0, NULL}};                                    \
    static PyModuleDef name##_extshim_def = {PyModuleDef_HEAD_INIT,                                \
                                             #name,                                                \
                                             NULL,                                                 \
                                             EXTSHIM_STATE_SIZE_(size),                            \
                                             NULL,                                                 \
                                             name##_extshim_slots,                                 \
                                             (traverse),                                           \
                                             (clear),                                              \
                                             (free)};                                              \
    PyMODINIT_FUNC PyInit_##name(void);                                                            \
    PyMODINIT_FUNC PyInit_##name(void)                                                             \
    {                                                                                              \
        return PyModuleDef_Init(&name##_extshim_def);                                              \
    }                                                                                              \
    EXTSHIM_MODEXPORT_(name, size, traverse, clear, free)                                          \
    static PyObject *name##_extshim_legacy(void)

EXTSHIM_END_C

#endif /* EXTSHIM_LIMITED */

#endif /* EXTSHIM_MODULE_H */
