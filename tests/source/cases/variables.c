/* Variables: storage, linkage, thread-local, deep const, class, initialiser. */
#include <Python.h>
#include <pthread.h>

static PyObject *cache; /* fact: variable name=cache storage=static linkage=internal class=object-pointer init=none */
PyObject *shown = NULL; /* fact: variable name=shown storage=global linkage=external init=null */
extern int elsewhere; /* fact: variable name=elsewhere storage=extern is_definition= */
__attribute__((visibility("hidden"))) int inside = 3; /* fact: variable name=inside linkage=hidden init=constant value=const:3 */
static _Thread_local int mine; /* fact: variable name=mine is_tls=1 */
static __thread PyObject *my_object; /* fact: variable name=my_object is_tls=1 class=object-pointer */

static const char *const fixed_names[] = {"a"}; /* fact: variable name=fixed_names is_const=1 is_array=1 class=string init=list */
static const char *names[] = {"a"}; /* fact: variable name=names is_const= is_array=1 class=string */
static const int table[2][2] = {{1, 2}, {3, 4}}; /* fact: variable name=table is_const=1 class=scalar */
static int *const place = (int *)&elsewhere; /* fact: variable name=place class=pointer init=address */
static const struct keeper { PyObject *kept; int n; } keepers[2]; /* fact: variable name=keepers class=struct record=keeper holds~object-pointer; member record=keeper name=kept class=object-pointer */

static char buffer[80]; /* fact: variable name=buffer class=string is_array=1 bytes=80 */
static const char *text = "two words"; /* fact: variable name=text init=string value="string:two words" */
static int zeroed = 0; /* fact: variable name=zeroed init=zero */
static double ratio = 1.5; /* fact: variable name=ratio class=scalar init=constant */
static volatile int watched; /* fact: variable name=watched is_volatile=1 */
static _Atomic long counted; /* fact: variable name=counted is_atomic=1 */
static int (*hook)(PyObject *); /* fact: variable name=hook class=function-pointer */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* fact: variable name=lock class=lock */
static PyMutex small_lock; /* fact: variable name=small_lock class=lock */
static pthread_once_t once = PTHREAD_ONCE_INIT; /* fact: variable name=once class=once */
static Py_tss_t key = Py_tss_NEEDS_INIT; /* fact: variable name=key class=tss */
static pthread_key_t posix_key; /* fact: variable name=posix_key class~^(tss|scalar)$ */
static FILE *log_file; /* fact: variable name=log_file class=file */
static PyTypeObject Thing_Type; /* fact: variable name=Thing_Type class=type-object storage=static */
static PyNumberMethods thing_numbers; /* fact: variable name=thing_numbers class=suite */
static PyThreadState *saved; /* fact: variable name=saved class=thread-state */
struct thing { PyObject_HEAD int n; };
static struct thing singleton; /* fact: variable name=singleton class=object-struct */
static struct thing *things[4]; /* fact: variable name=things class=object-pointer is_array=1 holds~object-pointer */

#define DECLARE(name) static PyObject *name##_cache
DECLARE(made); /* fact: variable name=made_cache class=object-pointer storage=static */

#ifdef Py_GIL_DISABLED
static int guarded; /* fact: variable name=guarded guard~Py_GIL_DISABLED */
#endif

void
use(void)
{
    static int calls; /* fact: variable name=calls func=use storage=static */
    static PyObject *kept = NULL; /* fact: variable name=kept func=use class=object-pointer init=null */
    int automatic = 0; /* no fact: variable name=automatic */
    calls += automatic; /* fact: access var~use\.calls how=rmw op=+= */
    calls++; /* fact: access var~use\.calls how=rmw op=++ */
    kept = cache; /* fact: access var~use\.kept how=write value~cache; access var~#cache how=read */
    things[1] = NULL; /* fact: access var~#things how=write path=[] value=null */
    singleton.n = 3; /* fact: access var~#singleton how=write path=.n value=const:3 */
    hook(NULL); /* fact: access var~#hook how=read; call origin=indirect */
    memset(buffer, 0, sizeof(buffer)); /* fact: call callee~memset */
    (void)sizeof(zeroed); /* no fact: access var~#zeroed */
}
