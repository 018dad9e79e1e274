/* Static types, specs and their tables. */
#include <Python.h>

typedef struct { PyObject_HEAD PyObject *item; } box;

static void
box_dealloc(PyObject *self)
{
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
box_get(PyObject *self, void *closure)
{
    return Py_NewRef(((box *)self)->item);
}

static PyGetSetDef box_getset[] = { /* fact: variable name=box_getset class=getsetdef */
    {"item", box_get, NULL, NULL, NULL}, /* fact: row table=getset name=item func=func:types.c#box_get */
    {NULL},
};

static PyTypeObject Box_Type = { /* fact: variable name=Box_Type class=type-object init=list */
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "m.Box", /* fact: typefield field=tp_name value=string:m.Box var=types.c#Box_Type */
    .tp_basicsize = sizeof(box), /* fact: typefield field=tp_basicsize */
    .tp_dealloc = box_dealloc, /* fact: typefield field=tp_dealloc value=func:types.c#box_dealloc */
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* fact: typefield field=tp_flags text~BASETYPE */
    .tp_getset = box_getset, /* fact: typefield field=tp_getset value=var:types.c#box_getset */
};

static PyType_Slot crate_slots[] = { /* fact: variable name=crate_slots class=typeslot */
    {Py_tp_dealloc, box_dealloc}, /* fact: slot table=type name=Py_tp_dealloc value=func:types.c#box_dealloc */
    {0, NULL},
};

static PyType_Spec crate_spec = { /* fact: variable name=crate_spec class=typespec; typespec name=m.Crate slots=var:types.c#crate_slots flags_known=1 size=box */
    .name = "m.Crate",
    .basicsize = sizeof(box),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HEAPTYPE,
    .slots = crate_slots,
};

int
ready(PyObject *module)
{
    if (PyType_Ready(&Box_Type) < 0) { /* fact: call callee=PyType_Ready result=used; block kind=then */
        return -1; /* fact: jump kind=return value=const:-1 */
    }
    PyObject *crate = PyType_FromModuleAndSpec(module, &crate_spec, NULL); /* fact: call callee=PyType_FromModuleAndSpec into=local:crate */
    return crate ? 0 : -1;
}
