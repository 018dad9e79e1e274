/* Input of report_test.c: lines with tabs, wide and combining characters, and a very long one. */
#include <Python.h>

static PyObject *cache;

static PyObject *
spam_get(PyObject *self, PyObject *args)
{
	if (cache == NULL) {
		cache = /* größe 大きさ é */ PyDict_New();
	}
	return Py_NewRef(cache);
}

static int counter; /* the same text */
static int counter; /* the same text */
static const char long_line[] = "word0 word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20 word21 word22 word23 word24 word25 word26 word27 word28 word29 word30 word31 word32 word33 word34 word35 word36 word37 word38 word39 word40 word41 word42 word43 word44 word45 word46 word47 word48 word49 word50 word51 word52 word53 word54 word55 word56 word57 word58 word59"; static int at_the_end; /* tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail tail */
