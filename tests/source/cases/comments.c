/* Comments for the checker. */
#include <Python.h>

static PyObject *one; /* extcheck: ignore[GLB01,LZY01] one interpreter only */
/* fact at 4: comment kind=ignore ids=GLB01,LZY01 scope=line reason="one interpreter only" first=4 */
/* extcheck: ignore-next-line[GLB01] why */
static PyObject *two; /* fact at 6: comment kind=ignore scope=next-line */
/* extcheck: guarded-by(mutex) always */
static int three; /* fact at 8: comment kind=guarded-by ids=mutex target~three */
static const char *no_comment = "/* extcheck: ignore[GLB08] */"; /* no fact: comment ids=GLB08 */
