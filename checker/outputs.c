#include "outputs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "source/source.h"

/* One report: to standard output where the path is NULL or "-". */
static bool
output_write(const struct options *o, const struct findings *findings, const struct ruleset *rules,
             struct report_options *how, const char *format, const char *path)
{
    report_fn *report = report_named(format);
    bool to_stdout = !path || strcmp(path, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(path, "wb");
    if (!out) {
        diag_error("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    how->color = options_color(o, to_stdout && isatty(1));
    report(findings, rules, how, out);
    bool good = fflush(out) == 0 && !ferror(out);
    int why = errno;
    if (!to_stdout && fclose(out) != 0) {
        good = false;
        why = errno;
    }
    if (!good) {
        diag_error("cannot write %s: %s", to_stdout ? "standard output" : path, strerror(why));
    }
    return good;
}

/* Formats that name the program's parts; the others do without opening a library for it. */
static bool
output_names_libclang(const struct options *o)
{
    bool named = str_same(o->format, "json") || str_same(o->format, "sarif");
    for (size_t i = 0; i < o->outputs.list.n; i++) {
        named = named || str_starts(o->outputs.list.at[i], "json=") ||
                str_starts(o->outputs.list.at[i], "sarif=");
    }
    return named && !o->facts;
}

static bool
output_takes_stdout(const struct options *o)
{
    for (size_t i = 0; i < o->outputs.list.n; i++) {
        if (str_ends(o->outputs.list.at[i], "=-")) {
            return true;
        }
    }
    return false;
}

bool
outputs_write(const struct options *o, const struct findings *findings, const struct ruleset *rules)
{
    bool targets[TARGETS];
    for (int t = 0; t < TARGETS; t++) {
        targets[t] = options_target_asked(o, (enum target)t);
    }
    struct str libclang = {0};
    bool named = output_names_libclang(o) && source_libclang_version(o->libclang, &libclang);
    struct report_options how = {
        .quiet = o->quiet,
        .statistics = o->statistics,
        .show_suppressed = o->show_suppressed,
        .root = o->root,
        .version = EXTCHECK_VERSION,
        .libclang = named ? libclang.s : NULL,
        .fail_on = options_fail_on(o),
        .targets = targets,
    };
    bool good = true;
    /* A report on standard output must be the only thing there. */
    if (o->output || !output_takes_stdout(o)) {
        good = output_write(o, findings, rules, &how, o->format, o->output);
    }
    for (size_t i = 0; i < o->outputs.list.n; i++) {
        const char *equals = strchr(o->outputs.list.at[i], '=');
        struct str format = {0};
        str_addn(&format, o->outputs.list.at[i], (size_t)(equals - o->outputs.list.at[i]));
        good = output_write(o, findings, rules, &how, format.s, equals + 1) && good;
        str_free(&format);
    }
    report_closing(findings, &how, stderr);
    str_free(&libclang);
    return good;
}
