/* The export hook and slots of 3.15. with: --python 3.15 */
#include <Python.h>

static int
eggs_exec(PyObject *module)
{
    return 0;
}

static PySlot eggs_slots[] = { /* fact: variable name=eggs_slots class=pyslot */
    PySlot_STATIC_DATA(Py_mod_name, "eggs"), /* fact: slot table=pyslot name=Py_mod_name */
    PySlot_FUNC(Py_mod_exec, eggs_exec), /* fact: slot table=pyslot name=Py_mod_exec value=func:export_hook.c#eggs_exec */
    PySlot_DATA(Py_mod_gil, Py_MOD_GIL_NOT_USED), /* fact: slot table=pyslot name=Py_mod_gil value=Py_MOD_GIL_NOT_USED */
    PySlot_END,
};

PyMODEXPORT_FUNC
PyModExport_eggs(void) /* fact: entry kind=modexport name=eggs func=PyModExport_eggs */
{
    return eggs_slots;
}
