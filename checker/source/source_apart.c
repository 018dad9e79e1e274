/* Parsing in a process of its own, with a folder for what its workers write. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "source/source_run.h"
#include "source/workers/pipes.h"

enum { EXIT_NOTHING = 3 }; /* of the process that parses: a message was given */

static int
source_remove(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

/* With folders in it: a worker that was killed leaves its own behind. */
void
source_remove_scratch(struct source *run)
{
    if (run->scratch.n) {
        nftw(run->scratch.s, source_remove, 8, FTW_DEPTH | FTW_PHYS);
    }
}

static bool
source_open_library(struct source *run)
{
    struct str message = {0};
    const char *path =
        run->options->libclang ? run->options->libclang : getenv("EXTCHECK_LIBCLANG");
    struct str found = {0};
    bool ok =
        cx_open(&run->cx, path && *path ? path : NULL, &found, &message) &&
        cx_builtin_headers(&run->cx, found.s, &run->resource_flag, &run->resource_dir, &message);
    if (!ok) {
        diag_error("%s", message.n ? message.s : "libclang could not be opened");
    }
    else {
        str_addf(&run->opened, "%s ", found.s);
        source_add_identity(found.s, &run->opened);
    }
    str_free(&message);
    str_free(&found);
    return ok;
}

bool
source_make_scratch(struct source *run)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    str_addf(&run->scratch, "%s/extcheck-pch-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(run->scratch.s)) {
        diag_error("no temporary folder can be made below %s", run->scratch.s);
        str_clear(&run->scratch);
        return false;
    }
    return true;
}

static bool
source_parse(struct source *run)
{
    if (!source_open_library(run)) {
        return false;
    }
    run->parser.library = run->opened.s;
    run->parser.resource_flag = run->resource_flag.s;
    run->parser.resource_dir = run->parser.paths.resource_dir = run->resource_dir.s;
    source_run_jobs(run);
    return true;
}

/* Parses in a process of its own: libclang takes as much memory as the facts of a large project,
 * and judging them does not need it. */
bool
source_parse_apart(struct source *run)
{
    int ends[2];
    pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid < 0) {
        return source_parse(run);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        close(ends[0]);
        run->answers = ends[1];
        _exit(source_parse(run) ? EXIT_SUCCESS : EXIT_NOTHING);
    }
    close(ends[1]);
    struct source_answer answer;
    while (pipes_read(ends[0], &answer, sizeof(answer))) {
        struct str *kept = source_answered(run, &answer.job, answer.ok);
        str_reserve(kept, answer.n);
        kept->n = pipes_read(ends[0], kept->s, answer.n) ? answer.n : 0;
        kept->s[kept->n] = '\0';
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_NOTHING;
}
