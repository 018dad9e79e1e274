/* room: its thread-local variables fit only where room was set aside when the process started. */
#include <Python.h>

static __thread volatile char room[40000] __attribute__((tls_model("initial-exec")));

static struct PyModuleDef room_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "room",
    .m_size = 0,
};

PyMODINIT_FUNC
PyInit_room(void)
{
    room[0] = 1;
    return room[0] ? PyModule_Create(&room_def) : NULL;
}
