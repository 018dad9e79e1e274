/* module.c - runs a single-phase init function inside a multi-phase module. */
#include "internal.h"

void
extshim_modules_release(struct extshim_block *block)
{
    for (;;) {
        extshim_lock();
        struct extshim_known_module *known = block->modules;
        if (known != NULL) {
            block->modules = known->next;
        }
        extshim_unlock();
        if (known == NULL) {
            return;
        }
        Py_DECREF(known->module);
        extshim_free(known);
    }
}

PyObject *
extshim_module_executing(const struct extshim_block *block)
{
    unsigned long thread = PyThread_get_thread_ident();
    extshim_lock();
    const struct extshim_execution *execution = block->executing;
    while (execution != NULL && execution->thread != thread) {
        execution = execution->next;
    }
    PyObject *module = execution == NULL ? NULL : execution->module;
    extshim_unlock();
    return module;
}

#if !EXTSHIM_LIMITED

static void
module_execution_end(struct extshim_block *block, const struct extshim_execution *ended)
{
    extshim_lock();
    struct extshim_execution **place = &block->executing;
    while (*place != ended) {
        place = &(*place)->next;
    }
    *place = ended->next;
    extshim_unlock();
}

static int
module_check_result(PyObject *module, PyObject *result)
{
    if (result == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_SystemError, "initialization of %s failed without an exception",
                         PyModule_GetName(module));
        }
        return -1;
    }
    int same = result == module;
    Py_DECREF(result);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (!same) {
        PyErr_Format(PyExc_SystemError,
                     "extshim: the init function of %s returned another object than "
                     "ExtShim_Module_Create() gave it; a module kept in a static variable cannot "
                     "serve several interpreters",
                     PyModule_GetName(module));
        return -1;
    }
    return 0;
}

int
ExtShim_ModuleExec(PyObject *module, PyObject *(*legacy_init)(void))
{
    const char *name = PyModule_GetName(module);
    if (name == NULL || ExtShim_Begin(name) < 0) {
        return -1;
    }
    struct extshim_block *block = extshim_block_here();
    if (block == NULL) {
        return -1;
    }
    struct extshim_execution execution = {PyThread_get_thread_ident(), module, NULL};
    extshim_lock();
    execution.next = block->executing;
    block->executing = &execution;
    extshim_unlock();
    PyObject *result = legacy_init();
    module_execution_end(block, &execution);
    return module_check_result(module, result);
}

/* The def that the module was filled from, or NULL. */
static const PyModuleDef *
module_def_of(struct extshim_block *block, const PyObject *module)
{
    extshim_lock();
    const struct extshim_known_module *known = block->modules;
    while (known != NULL && known->module != module) {
        known = known->next;
    }
    const PyModuleDef *def = known == NULL ? NULL : known->def;
    extshim_unlock();
    return def;
}

static int
module_remember(struct extshim_block *block, const PyModuleDef *def, PyObject *module)
{
    struct extshim_known_module *known =
        (struct extshim_known_module *)extshim_allocate(1, sizeof(*known));
    if (known == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(module);
    known->def = def;
    known->module = module;
    extshim_lock();
    known->next = block->modules; /* newest first: after a re-import the new module is found */
    block->modules = known;
    extshim_unlock();
    return 0;
}

/* Was the module made with what `def` asks for? */
static int
module_has_state(PyObject *module, const PyModuleDef *def)
{
#if PY_VERSION_HEX >= 0x030F0000
    /* Made from slots it has no def to look at; its functions without state cannot be told. */
    Py_ssize_t size = 0;
    if (PyModule_GetStateSize(module, &size) < 0) {
        PyErr_Clear();
    }
    return size > 0 || def->m_size <= 0;
#else
    const PyModuleDef *own = PyModule_GetDef(module);
    (void)def;
    PyErr_Clear();
    return own != NULL && (own->m_size > 0 || own->m_traverse || own->m_clear || own->m_free);
#endif
}

static int
module_check_def(PyObject *module, const PyModuleDef *def)
{
    int wants = def->m_size > 0 || def->m_traverse || def->m_clear || def->m_free;
    int has = module_has_state(module, def);
    if (wants && !has) {
        PyErr_Format(PyExc_SystemError,
                     "extshim: %s has module state: write EXTSHIM_MODINIT_STATE(name, m_size, "
                     "m_traverse, m_clear, m_free) in place of EXTSHIM_MODINIT(name)",
                     def->m_name);
        return -1;
    }
    if (def->m_slots != NULL) {
        PyErr_Format(PyExc_SystemError, "extshim: %s is multi-phase already (it has m_slots)",
                     def->m_name);
        return -1;
    }
    return 0;
}

PyObject *
ExtShim_Module_Create(PyModuleDef *def)
{
    struct extshim_block *block = extshim_block_here();
    if (block == NULL) {
        return NULL;
    }
    PyObject *module = extshim_module_executing(block);
    if (module == NULL || module_def_of(block, module) != NULL) {
        return PyModule_Create(def); /* a nested module */
    }
    if (module_check_def(module, def) < 0) {
        return NULL;
    }
    if (def->m_methods != NULL && PyModule_AddFunctions(module, def->m_methods) < 0) {
        return NULL;
    }
    if (def->m_doc != NULL && PyModule_SetDocString(module, def->m_doc) < 0) {
        return NULL;
    }
    if (module_remember(block, def, module) < 0) {
        return NULL;
    }
    Py_INCREF(module);
    return module;
}

#if PY_VERSION_HEX >= 0x030F0000
static PySlot *
module_slot(PySlot *place, uint16_t id, void *value)
{
    place->sl_id = id;
    place->sl_flags = PySlot_INTPTR | PySlot_STATIC;
    place->sl_ptr = value;
    return place + 1;
}

static void
module_fill_room(PySlot *room, PyABIInfo *abi_info, const char *name, PyModuleDef_Slot *slots,
                 Py_ssize_t state_size, traverseproc traverse, inquiry clear, freefunc free)
{
    PySlot *next = module_slot(room, Py_mod_abi, abi_info);
    next = module_slot(next, Py_mod_name, (void *)(uintptr_t)name);
    next = module_slot(next, Py_mod_slots, slots);
    next = module_slot(next, Py_mod_state_size, (void *)(intptr_t)state_size);
    if (traverse != NULL) {
        next = module_slot(next, Py_mod_state_traverse, (void *)traverse);
    }
    if (clear != NULL) {
        next = module_slot(next, Py_mod_state_clear, (void *)clear);
    }
    if (free != NULL) {
        next = module_slot(next, Py_mod_state_free, (void *)free);
    }
    memset(next, 0, sizeof(*next));
}

PySlot *
ExtShim_ExportSlots(PySlot *room, PyABIInfo *abi_info, const char *name, PyModuleDef_Slot *slots,
                    Py_ssize_t state_size, traverseproc traverse, inquiry clear, freefunc free)
{
    extshim_lock(); /* interpreters may import at the same time; the first one fills it, once */
    if (room->sl_id == 0) {
        module_fill_room(room, abi_info, name, slots, state_size, traverse, clear, free);
    }
    extshim_unlock();
    return room;
}
#endif

PyObject *
ExtShim_State_FindModule(const PyModuleDef *def)
{
    struct extshim_block *block = extshim_table_find(PyInterpreterState_Get());
    if (block == NULL) {
        return NULL;
    }
    extshim_lock();
    const struct extshim_known_module *known = block->modules;
    while (known != NULL && known->def != def) {
        known = known->next;
    }
    PyObject *module = known == NULL ? NULL : known->module;
    extshim_unlock();
    return module;
}

#endif /* !EXTSHIM_LIMITED */
