/* Parsing in a process of its own, with a folder for what its workers write. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "source/source_run.h"
#include "source/workers/pipes.h"

#define SCRATCH_NAME "extcheck-pch-"

enum { EXIT_NOTHING = 3 }; /* of the process that parses: a message was given */
enum { LEFT_SECONDS = 3600 };

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
        if (run->scratch_lock >= 0) {
            close(run->scratch_lock);
        }
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

/* Removes the folder when it is ours and old, and no run holds its lock: a run that was killed,
 * with all its workers, left it behind. */
static void
source_remove_left(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
        time(NULL) - st.st_mtime > LEFT_SECONDS && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        nftw(path, source_remove, 8, FTW_DEPTH | FTW_PHYS);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void
source_remove_all_left(const char *base)
{
    DIR *dir = opendir(base);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (str_starts(entry->d_name, SCRATCH_NAME)) {
            struct str path = {0};
            str_addf(&path, "%s/%s", base, entry->d_name);
            source_remove_left(path.s);
            str_free(&path);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

bool
source_make_scratch(struct source *run)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    base = base && *base ? base : "/tmp";
    source_remove_all_left(base);
    str_addf(&run->scratch, "%s/" SCRATCH_NAME "XXXXXX", base);
    if (!mkdtemp(run->scratch.s)) {
        diag_error("no temporary folder can be made below %s", run->scratch.s);
        str_clear(&run->scratch);
        return false;
    }
    /* Held by the workers as well, until the last of them is gone. */
    run->scratch_lock = open(run->scratch.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->scratch_lock >= 0) {
        flock(run->scratch_lock, LOCK_SH | LOCK_NB);
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
