#include "task.h"

#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "transfer.h"

struct function *
function_new(struct pool_state *state, struct core *core, PyObject *spec, const char *name)
{
    struct function *function = calloc(1, sizeof(*function));
    char *copy = function ? strdup(name) : NULL;
    if (!copy) {
        free(function);
        PyErr_NoMemory();
        return NULL;
    }
    atomic_init(&function->refs, 1);
    function->serial = atomic_fetch_add(&core->next_serial, 1);
    function->name = copy;
    message_init(&function->spec);
    if (transfer_encode(state, &function->spec, &spec, 1) < 0) {
        function_unref(function);
        return NULL;
    }
    return function;
}

void
function_ref(struct function *function)
{
    atomic_fetch_add_explicit(&function->refs, 1, memory_order_relaxed);
}

void
function_unref(struct function *function)
{
    if (function && atomic_fetch_sub(&function->refs, 1) == 1) {
        message_clear(&function->spec);
        free(function->name);
        free(function);
    }
}

static void
task_free(struct job *job)
{
    struct task *task = (struct task *)job;
    message_clear(&task->in);
    message_clear(&task->out);
    function_unref(task->function);
    core_unref(task->core);
    free(task->text);
    free(task);
}

struct task *
task_new(struct core *core, struct function *function, enum task_kind kind)
{
    struct task *task = malloc(sizeof(*task));
    if (!task) {
        return NULL;
    }
    job_init(&task->job, task_free);
    core_ref(core);
    task->core = core;
    if (function) {
        function_ref(function);
    }
    task->function = function;
    task->kind = kind;
    task->outcome = TASK_RETURNED;
    task->arg_count = 0;
    task->kw_count = 0;
    task->interrupted = 0;
    task->text = NULL;
    task->future = NULL;
    message_init(&task->in);
    message_init(&task->out);
    return task;
}

void
task_fail(struct task *task, enum task_outcome outcome, const char *text)
{
    task->outcome = outcome;
    task->text = strdup(text); /* without memory the exception has no text */
}
