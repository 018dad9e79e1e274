/* words.c - state only: a module that counts words, with what used to be static variables.
 *
 * Before:                                             Now, one per interpreter:
 *     static PyObject *last_word;                         EXTSHIM_OBJECT(last_word)
 *     static long total;                                  EXTSHIM_STATE(totals, struct totals, ...)
 *     static PyObject *str_lower;  (interned)             EXTSHIM_STRING(str_lower, "lower")
 *     static PyObject *Counter;    (imported)             EXTSHIM_IMPORT(counter, ...)
 *     static PyObject *WordError;                         EXTSHIM_EXCEPTION(WordError, ...)
 */
#include "extshim.h"

struct totals {
    long words;
    PyObject *seen; /* a collections.Counter, made on first use */
};

/* Called when the interpreter ends. It leaves NULL behind: objects that die even later may still
 * come here. */
static void
totals_clear(void *memory)
{
    struct totals *totals = (struct totals *)memory;
    Py_CLEAR(totals->seen);
}

EXTSHIM_STATE(totals, struct totals, totals_clear)
EXTSHIM_OBJECT(last_word)
EXTSHIM_STRING(str_lower, "lower")
EXTSHIM_IMPORT(counter, "collections", "Counter")
EXTSHIM_EXCEPTION(WordError, "words.WordError", "ValueError", "Raised for words with blanks.")

/* The Counter of this interpreter, borrowed. */
static PyObject *
words_seen(struct totals *now)
{
    if (now->seen == NULL) {
        PyObject *type = ExtShim_GET(counter);
        now->seen = type == NULL ? NULL : PyObject_CallFunction(type, NULL);
    }
    return now->seen;
}

static PyObject *
words_add(PyObject *module, PyObject *word)
{
    (void)module;
    /* The look-up once, at the top: with several interpreters it costs some nanoseconds. */
    struct totals *now = ExtShim_STATE(totals, struct totals);
    PyObject *name = ExtShim_GET(str_lower);
    if (now == NULL || name == NULL || words_seen(now) == NULL) {
        return NULL;
    }
    Py_ssize_t blank = PyUnicode_Check(word)
                           ? PyUnicode_FindChar(word, ' ', 0, PyUnicode_GetLength(word), 1)
                           : 0;
    if (blank == -2) {
        return NULL;
    }
    if (blank >= 0) {
        PyErr_Format(ExtShim_GET(WordError), "%R is not one word", word);
        return NULL;
    }
    PyObject *lower = PyObject_CallMethodObjArgs(word, name, NULL);
    if (lower == NULL) {
        return NULL;
    }
    PyObject *before = PyObject_GetItem(now->seen, lower);
    long count = before == NULL ? -1 : PyLong_AsLong(before);
    Py_XDECREF(before);
    PyObject *after = PyErr_Occurred() ? NULL : PyLong_FromLong(count + 1);
    int failed = after == NULL || PyObject_SetItem(now->seen, lower, after) < 0 ||
                 ExtShim_SET(last_word, lower) < 0;
    Py_XDECREF(after);
    Py_DECREF(lower);
    if (failed) {
        return NULL;
    }
    now->words++;
    return PyLong_FromLong(count + 1);
}

static PyObject *
words_last(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *last = ExtShim_GetRef(&last_word); /* a reference: another thread may add a word */
    if (last == NULL && !PyErr_Occurred()) {
        Py_RETURN_NONE;
    }
    return last;
}

static PyObject *
words_total(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct totals *now = ExtShim_STATE(totals, struct totals);
    return now == NULL ? NULL : PyLong_FromLong(now->words);
}

static PyMethodDef words_methods[] = {
    {"add", words_add, METH_O, "Counts a word; how often it was seen."},
    {"last", words_last, METH_NOARGS, "The last word added, or None."},
    {"total", words_total, METH_NOARGS, "Number of words added."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef words_def = {
    PyModuleDef_HEAD_INIT, "words", "Counts words.", -1, words_methods, NULL, NULL, NULL, NULL,
};

/* Was: PyMODINIT_FUNC PyInit_words(void), with PyModule_Create(). */
EXTSHIM_MODINIT(words)
{
    PyObject *module = ExtShim_Module_Create(&words_def);
    if (module == NULL) {
        return NULL;
    }
    PyObject *error = ExtShim_GET(WordError);
    if (error == NULL || PyObject_SetAttrString(module, "WordError", error) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
