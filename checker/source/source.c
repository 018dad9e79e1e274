#include "source/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/absent.h"
#include "source/cache.h"
#include "source/parse.h"
#include "source/workers.h"

enum { EXIT_NOTHING = 3 }; /* of the process that parses: a message was given */
enum { JOB_GROUP = 1, JOB_UNIT = 2, JOB_HEADER_FT = 4, JOB_HEADER_GIL = 8 };

struct source_job {
    struct workers_job job;
    bool started;
    bool alone; /* a unit that does not wait for its group's header */
};

struct source {
    const struct source_options *options;
    struct plan plan;
    struct cx cx;
    struct cache cache;
    struct str program; /* identity of this very binary: a rebuilt checker asks anew */
    struct str library, resource_flag, resource_dir, scratch;
    struct str opened; /* the library that was opened, with size and time */
    struct facts *out;
    source_failed *failed;
    void *context;
    struct parser parser;
    struct str *group_files; /* D lines of each group's header */
    bool *group_ok, *group_done;
    VEC(struct source_job) jobs;
    size_t next_job;     /* those before it were started */
    struct str *results; /* per unit; read in order at the end */
    int done, total, analysed;
    bool progress_line;
    int answers; /* in the process that parses: where results go; else -1 */
};

/* What the process that parses sends: this and n bytes. */
struct source_answer {
    struct workers_job job;
    bool ok; /* of a header: it was built */
    size_t n;
};

/* ---- what the cache is asked ---- */

static void
source_add_identity(const char *path, struct str *out)
{
    struct stat st;
    bool known = stat(path, &st) == 0;
    str_addf(out, "%lld %lld", known ? (long long)st.st_size : 0,
             known ? (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 : 0);
}

static void
source_cache_key(const struct source *run, const struct plan_unit *unit, struct str *key)
{
    const struct source_headers *headers = &run->options->headers;
    str_addf(key, "extcheck " EXTCHECK_VERSION " %s\x1f%s\x1f%s\x1f%s\x1f%d\x1f%d\x1f%s",
             run->program.s, run->library.n ? run->library.s : "", unit->path,
             run->plan.working_directory, run->options->both_flavours, headers->gil_disabled,
             unit->root);
    for (const char *const *flag = headers->flags; flag && *flag; flag++) {
        str_addf(key, "\x1f%s", *flag);
    }
    for (size_t i = 0; i < unit->args.at.n; i++) {
        str_addf(key, "\x1f%s", unit->args.at.at[i]);
    }
    flags_add_environment(key);
    for (size_t i = 0; i < key->n; i++) {
        if (key->s[i] == '\n') {
            key->s[i] = ' ';
        }
    }
}

static void
source_ask_cache(struct source *run)
{
    for (size_t i = 0; i < run->plan.units.n; i++) {
        struct plan_unit *unit = run->plan.units.at[i];
        struct str key = {0};
        source_cache_key(run, unit, &key);
        if (cache_get(&run->cache, key.s, &run->results[i])) {
            unit->cached = run->results[i].s;
        }
        str_free(&key);
    }
}

static void
source_fill_cache(struct source *run, size_t i, const char *key)
{
    struct plan_unit *unit = run->plan.units.at[i];
    VEC(const char *) dirs = {0};
    struct str extra = {0};
    for (size_t k = 0; k < unit->args.at.n; k++) {
        const char *arg = unit->args.at.at[k];
        if (str_starts(arg, "-I") && arg[2]) {
            vec_push(&dirs, arg + 2);
        }
    }
    const char *slash = strrchr(unit->path, '/');
    vec_push(&dirs,
             slash ? intern_n(&run->plan.strings, unit->path, (size_t)(slash - unit->path)) : ".");
    vec_push(&dirs, "/usr/local/include"); /* it comes before the system's other folders */
    vec_push(&dirs, NULL);
    str_addf(&extra, "D %s\n", unit->path);
    absent_add(unit, &run->options->headers, run->results[i].s, &extra);
    for (int flavour = 0; flavour < FLAVOURS; flavour++) {
        if (unit->group[flavour] >= 0 && run->group_files[unit->group[flavour]].n) {
            str_add(&extra, run->group_files[unit->group[flavour]].s);
        }
    }
    cache_put(&run->cache, key, run->results[i].s, run->results[i].n, dirs.at, extra.s);
    str_free(&extra);
    vec_free(&dirs);
}

/* ---- in the worker ---- */

static void
source_worker_start(void *context)
{
    struct source *run = context;
    run->parser.index = run->cx.createIndex(1, 0);
}

static void
source_worker_run(void *context, const struct workers_job *job, struct str *out)
{
    struct source *run = context;
    if (job->flags & JOB_GROUP) {
        parse_group(&run->parser, job->number, out);
        return;
    }
    bool use_header[FLAVOURS] = {(job->flags & JOB_HEADER_FT) != 0,
                                 (job->flags & JOB_HEADER_GIL) != 0};
    parse_unit(&run->parser, job->number, use_header, out);
}

/* ---- in the parent ---- */

static void
source_progress(struct source *run)
{
    if (run->options->progress && isatty(STDERR_FILENO)) {
        run->progress_line = true;
        dprintf(STDERR_FILENO, "\r\033[Kextcheck: %d of %d files", run->done, run->total);
    }
}

/* Where the answer to a job is kept; it is empty now. */
static struct str *
source_answered(struct source *run, const struct workers_job *job, bool ok)
{
    bool group = job->flags & JOB_GROUP;
    struct str *kept = group ? &run->group_files[job->number] : &run->results[job->number];
    str_clear(kept);
    if (group) {
        run->group_ok[job->number] = ok;
        run->group_done[job->number] = true;
    }
    return kept;
}

static bool
source_write(int to, const void *data, size_t n)
{
    for (const char *at = data; n;) {
        ssize_t done = write(to, at, n);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        at += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static bool
source_read(int from, void *data, size_t n)
{
    for (char *at = data; n;) {
        ssize_t done = read(from, at, n);
        if (done == 0 || (done < 0 && errno != EINTR)) {
            return false;
        }
        at += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static void
source_done(void *context, const struct workers_job *job, const char *result, size_t n,
            const char *reason)
{
    struct source *run = context;
    bool group = job->flags & JOB_GROUP;
    struct str failure = {0};
    if (!result) {
        str_addf(&failure, "S failed %s\nF\n", reason);
        result = failure.s;
        n = failure.n;
    }
    bool ok = str_starts(result, "S ok");
    n = group && !ok ? 0 : n;
    if (group || run->answers < 0) {
        str_addn(source_answered(run, job, ok), result, n);
    }
    struct source_answer answer = {*job, ok, n};
    if (run->answers >= 0 && (!source_write(run->answers, &answer, sizeof(answer)) ||
                              !source_write(run->answers, result, n))) {
        _exit(EXIT_FAILURE); /* nobody listens */
    }
    str_free(&failure);
    if (!group) {
        run->done++;
        source_progress(run);
    }
}

static int
source_by_size(const void *a, const void *b, void *context)
{
    const struct source *run = context;
    const struct workers_job *x = a, *y = b;
    size_t n = run->plan.units.at[x->number]->lexed.text.n;
    size_t m = run->plan.units.at[y->number]->lexed.text.n;
    return n < m ? 1 : n > m ? -1 : x->number - y->number;
}

/* The group whose header the unit waits for; -1: none. */
static int
source_header(const struct source *run, const struct plan_unit *unit, int flavour)
{
    int group = unit->group[flavour];
    return group >= 0 && run->plan.groups.at[group]->header.n ? group : -1;
}

static bool
source_has_header(const struct source *run, const struct plan_unit *unit)
{
    return source_header(run, unit, FLAVOUR_FT) >= 0 || source_header(run, unit, FLAVOUR_GIL) >= 0;
}

/* What is to be done: headers, then units from the largest on. */
static void
source_list_jobs(struct source *run)
{
    for (size_t g = 0; g < run->plan.groups.n; g++) {
        if (run->plan.groups.at[g]->header.n) {
            struct source_job job = {{.number = (int)g, .flags = JOB_GROUP}, .started = false};
            vec_push(&run->jobs, job);
        }
    }
    size_t groups = run->jobs.n;
    for (size_t i = 0; i < run->plan.units.n; i++) {
        const struct plan_unit *unit = run->plan.units.at[i];
        if (!unit->cached && !unit->failure) {
            struct source_job job = {{.number = (int)i, .flags = JOB_UNIT}, .started = false};
            vec_push(&run->jobs, job);
        }
    }
    run->total = (int)(run->jobs.n - groups);
    if (run->total) {
        qsort_r(run->jobs.at + groups, (size_t)run->total, sizeof(*run->jobs.at), source_by_size,
                run);
    }
}

/* Workers that would have nothing to do while the headers are built take the largest C units
 * without one (C++ takes many times as long so). Which those are depends on no clock, or two runs
 * could differ. */
static void
source_spare_workers(struct source *run, int workers)
{
    int spare = workers;
    for (size_t i = 0; i < run->jobs.n; i++) {
        const struct workers_job *job = &run->jobs.at[i].job;
        bool group = job->flags & JOB_GROUP;
        spare -= group || !source_has_header(run, run->plan.units.at[job->number]);
    }
    for (size_t i = 0; i < run->jobs.n && spare > 0; i++) {
        struct source_job *s = &run->jobs.at[i];
        bool group = s->job.flags & JOB_GROUP;
        const struct plan_unit *unit = group ? NULL : run->plan.units.at[s->job.number];
        if (unit && !unit->is_cxx && source_has_header(run, unit)) {
            s->alone = true;
            spare--;
        }
    }
}

/* Can the job start? Sets which headers a unit has. */
static bool
source_is_ready(struct source *run, struct source_job *s)
{
    static const int flags[FLAVOURS] = {
        [FLAVOUR_FT] = JOB_HEADER_FT, [FLAVOUR_GIL] = JOB_HEADER_GIL};
    bool ready = true;
    for (int f = 0; f < FLAVOURS && !(s->job.flags & JOB_GROUP) && !s->alone; f++) {
        int group = source_header(run, run->plan.units.at[s->job.number], f);
        ready &= group < 0 || run->group_done[group];
        s->job.flags |= group >= 0 && run->group_ok[group] ? flags[f] : 0;
    }
    return ready;
}

static const struct workers_job *
source_pick(void *context)
{
    struct source *run = context;
    while (run->next_job < run->jobs.n && run->jobs.at[run->next_job].started) {
        run->next_job++;
    }
    for (size_t i = run->next_job; i < run->jobs.n; i++) {
        struct source_job *s = &run->jobs.at[i];
        if (!s->started && source_is_ready(run, s)) {
            s->started = true;
            return &s->job;
        }
    }
    return NULL;
}

static void
source_run_jobs(struct source *run)
{
    struct workers workers = {
        .count = run->options->jobs > 0 ? run->options->jobs : 1,
        .timeout_seconds = run->options->timeout_seconds > 0 ? run->options->timeout_seconds : 60,
        .memory_mb = run->options->memory_mb,
        .context = run,
        .start = source_worker_start,
        .pick = source_pick,
        .run = source_worker_run,
        .done = source_done};
    source_list_jobs(run);
    source_spare_workers(run, workers.count);
    workers_run(&workers);
    vec_free(&run->jobs);
    if (run->progress_line) {
        dprintf(STDERR_FILENO, "\r\033[K");
    }
}

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
static void
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

static bool
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
static bool
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
    while (source_read(ends[0], &answer, sizeof(answer))) {
        struct str *kept = source_answered(run, &answer.job, answer.ok);
        str_reserve(kept, answer.n);
        kept->n = source_read(ends[0], kept->s, answer.n) ? answer.n : 0;
        kept->s[kept->n] = '\0';
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_NOTHING;
}

static bool
source_parse_missing(struct source *run)
{
    bool any = false;
    for (size_t i = 0; i < run->plan.units.n; i++) {
        any |= !run->plan.units.at[i]->cached;
    }
    if (!any) {
        return true;
    }
    /* Keys before the search for headers adds -I: the next run asks with the same flags. */
    VEC(char *) keys = {0};
    for (size_t i = 0; i < run->plan.units.n; i++) {
        struct str key = {0};
        source_cache_key(run, run->plan.units.at[i], &key);
        vec_push(&keys, key.s);
    }
    plan_prepare(&run->plan);
    bool ok = source_make_scratch(run);
    if (ok) {
        run->parser =
            (struct parser){.cx = &run->cx, .plan = &run->plan, .scratch = run->scratch.s};
        run->parser.paths = (struct unit_paths){.python_roots = run->plan.python_roots.at,
                                                .working_directory = run->plan.working_directory,
                                                .real = &run->parser.real,
                                                .strings = &run->parser.strings};
        size_t groups = run->plan.groups.n;
        run->group_ok = xcalloc(groups + 1, sizeof(*run->group_ok));
        run->group_done = xcalloc(groups + 1, sizeof(*run->group_done));
        run->group_files = xcalloc(groups + 1, sizeof(*run->group_files));
        ok = source_parse_apart(run);
        for (size_t i = 0; ok && i < run->plan.units.n; i++) {
            const struct plan_unit *unit = run->plan.units.at[i];
            bool usable = run->results[i].n && !str_starts(run->results[i].s, "S failed");
            if (!unit->cached && !unit->failure && usable) {
                source_fill_cache(run, i, keys.at[i]);
            }
        }
        for (size_t g = 0; g < groups; g++) {
            str_free(&run->group_files[g]);
        }
        plan_forget_texts(&run->plan);
        malloc_trim(0);
    }
    for (size_t i = 0; i < keys.n; i++) {
        free(keys.at[i]);
    }
    vec_free(&keys);
    source_remove_scratch(run);
    return ok;
}

/* Is the file part of another unit, which was analysed without errors? */
static bool
source_is_included(const struct source *run, const struct plan_unit *unit)
{
    FACTS_EACH(run->out, unit, u)
    {
        for (const char *at = u->includes; at && *at;) {
            size_t n = strcspn(at, ",");
            char name[PATH_MAX], real[PATH_MAX];
            if (n < sizeof(name)) {
                memcpy(name, at, n);
                name[n] = '\0';
                if (realpath(name, real) && strcmp(real, unit->real) == 0) {
                    return true;
                }
            }
            at += at[n] ? n + 1 : n;
        }
    }
    return false;
}

/* Reads one unit's result: its status line and its facts. */
static void
source_take_result(struct source *run, size_t i)
{
    struct plan_unit *unit = run->plan.units.at[i];
    if (unit->failure) {
        run->failed(run->context, unit->path, unit->failure, false);
        return;
    }
    const char *text = run->results[i].n ? run->results[i].s : "S failed no result\nF\n";
    const char *end = strchr(text, '\n');
    bool partial = str_starts(text, "S partial "), failed = str_starts(text, "S failed ");
    if (partial && source_is_included(run, unit)) {
        run->analysed++; /* its code was seen where it belongs */
        return;
    }
    if (partial || failed) {
        const char *reason = strchr(text + 2, ' ') + 1;
        char *copy = xstrdup(reason);
        copy[end - reason] = '\0';
        run->failed(run->context, unit->path, copy, partial);
        free(copy);
    }
    const char *facts = strstr(text, "\nF\n");
    if (!facts || failed) {
        return;
    }
    facts += 3;
    const char *error = NULL;
    size_t n = run->results[i].n - (size_t)(facts - text);
    if (!facts_read_text(run->out, facts, n, &error)) {
        run->failed(run->context, unit->path, error, false);
        return;
    }
    run->analysed++;
}

void
source_close(struct source *run)
{
    if (!run) {
        return;
    }
    for (size_t i = 0; run->results && i < run->plan.units.n; i++) {
        str_free(&run->results[i]);
    }
    free(run->results);
    map_free(&run->parser.real);
    interner_free(&run->parser.strings);
    str_free(&run->parser.absent);
    differs_free(run->parser.differs);
    free(run->group_ok);
    free(run->group_done);
    free(run->group_files);
    plan_free(&run->plan);
    cache_free(&run->cache);
    str_free(&run->program);
    str_free(&run->library);
    str_free(&run->opened);
    str_free(&run->resource_flag);
    str_free(&run->resource_dir);
    str_free(&run->scratch);
    free(run);
}

struct source *
source_open(const struct source_options *options)
{
    struct source *run = xcalloc(1, sizeof(*run));
    run->options = options;
    run->answers = -1;
    const char *library = options->libclang ? options->libclang : getenv("EXTCHECK_LIBCLANG");
    str_add(&run->library, library ? library : "");
    source_add_identity("/proc/self/exe", &run->program);
    run->cache.dir = options->cache_dir;
    if (!plan_build(&run->plan, options)) {
        source_close(run);
        return NULL;
    }
    return run;
}

void
source_key(const struct source *run, struct str *out)
{
    for (size_t i = 0; i < run->plan.units.n; i++) {
        struct str key = {0};
        source_cache_key(run, run->plan.units.at[i], &key);
        str_addf(out, "%s\n", key.s);
        str_free(&key);
    }
}

void
source_dependencies(const struct source *run, struct str *out)
{
    cache_list_files(&run->cache, out);
}

bool
source_unchanged(const char *list, size_t n, struct str *fresh)
{
    return cache_files_unchanged(list, n, fresh);
}

int
source_extract(struct source *run, struct facts *out, source_failed *failed, void *context)
{
    run->out = out;
    run->failed = failed;
    run->context = context;
    run->results = xcalloc(run->plan.units.n + 1, sizeof(*run->results));
    source_ask_cache(run);
    bool ok = source_parse_missing(run);
    /* Whole units first: they tell which of the others are only parts of them. */
    for (int whole = 1; ok && whole >= 0; whole--) {
        for (size_t i = 0; i < run->plan.units.n; i++) {
            bool is_whole = run->results[i].n && str_starts(run->results[i].s, "S ok");
            struct plan_unit *unit = run->plan.units.at[i];
            if (!unit->taken && is_whole == (whole == 1)) {
                unit->taken = true;
                source_take_result(run, i);
                str_free(&run->results[i]); /* the facts have copied what they need */
            }
        }
    }
    return ok ? run->analysed : -1;
}

bool
source_libclang_version(const char *libclang, struct str *out)
{
    struct cx cx;
    struct str found = {0}, message = {0}, version = {0};
    const char *path = libclang ? libclang : getenv("EXTCHECK_LIBCLANG");
    bool ok = cx_open(&cx, path && *path ? path : NULL, &found, &message);
    if (ok) {
        cx_add(&cx, &version, cx.getClangVersion());
        const char *at = version.s ? strstr(version.s, "version ") : NULL;
        at = at ? at + 8 : "?";
        size_t n = strcspn(at, " (");
        str_addf(out, "libclang %.*s (%s)", (int)n, at, found.s);
    }
    else {
        str_add(out, message.n ? message.s : "no libclang found");
    }
    str_free(&found);
    str_free(&message);
    str_free(&version);
    return ok;
}
