/* Every option, once. The order is that of --help. */
#include "options/option_rows.h"

#include <string.h>

#define ROW(name, letter, kind, setting, field, value, choices, help)                              \
    {                                                                                              \
        name, letter, kind, setting, offsetof(struct options, field), value, choices, help         \
    }

const struct option_row option_rows[] = {
    {NULL, 0, 0, false, 0, NULL, NULL, "What to look for"},
    ROW("target", 't', OPTION_TARGETS, true, targets, "LIST", NULL,
        "own-gil, shared-gil, free-threaded, reload, port, or all\n"
        "(default: own-gil,shared-gil,free-threaded)"),
    ROW("min-python", 0, OPTION_PYTHON, true, min_python, "VERSION", NULL,
        "oldest Python the sources must work with (default 3.9)"),
    ROW("select", 0, OPTION_WORDS, true, select, "LIST", NULL,
        "only these rules: ids (GLB01), names or families (GLB)"),
    ROW("ignore", 0, OPTION_WORDS, true, ignore, "LIST", NULL, "not these rules"),
    ROW("per-file-ignores", 0, OPTION_FILE_IGNORES, true, file_ignores, "PATTERN:RULE", NULL,
        "not this rule in files like 'vendor/*'; repeatable, a table\n"
        "of patterns in a settings file"),
    ROW("confidence", 0, OPTION_CHOICE, true, confidence, "WORD", "low,medium,high",
        "least confidence of findings: low, medium (default), high"),
    ROW("level", 0, OPTION_CHOICE, true, level, "WORD", "normal,strict",
        "normal (default); strict is --confidence low"),
    ROW("trusted", 0, OPTION_WORDS, true, trusted, "LIST", NULL,
        "functions of vendored libraries that count as analysed,\n"
        "names or patterns such as 'lz4_*'"),
    ROW("api", 0, OPTION_PATH, true, api, "FILE", NULL,
        "table with facts about functions of your own"),
    ROW("rules", 0, OPTION_PATH, true, rules_dir, "DIR", NULL,
        "rules and tables of this folder instead of the built-in ones"),

    {NULL, 0, 0, false, 0, NULL, NULL, "How to read the sources"},
    ROW("python", 0, OPTION_PATHS, true, python, "PATH", NULL,
        "interpreter whose headers are used: a path, a command or a\n"
        "version such as 3.14; repeatable (default: python3)"),
    ROW("compile-commands", 'p', OPTION_PATH, true, database, "DIR", NULL,
        "folder of compile_commands.json (default: looked for in .,\n"
        "build*/ and builddir/)"),
    ROW("timeout", 0, OPTION_NUMBER, true, timeout, "SECONDS", NULL,
        "give up on a file after this long (default 60)"),
    ROW("memory", 0, OPTION_NUMBER, true, memory, "MB", NULL,
        "give up on a file that needs more memory (default 4096)"),
    ROW("jobs", 'j', OPTION_NUMBER, true, jobs, "N", NULL,
        "files analysed at the same time (default: one per processor)"),
    ROW("libclang", 0, OPTION_PATH, true, libclang, "PATH", NULL,
        "the libclang to use (default: the newest that is installed)"),
    ROW("facts", 0, OPTION_STRING, false, facts, "FILE", NULL,
        "judge facts written by --dump-facts; - is standard input"),
    ROW("dump-facts", 0, OPTION_FLAG, false, dump_facts, NULL, NULL,
        "print what the sources say and judge nothing"),

    {NULL, 0, 0, false, 0, NULL, NULL, "Known findings"},
    ROW("baseline", 0, OPTION_PATH, true, baseline, "FILE", NULL,
        "findings that stand in this file do not count"),
    ROW("write-baseline", 0, OPTION_PATH, false, write_baseline, "FILE", NULL,
        "write the findings of this run as a baseline; exits 0 when\n"
        "every file was analysed"),
    ROW("baseline-prune", 0, OPTION_FLAG, false, baseline_prune, NULL, NULL,
        "remove the rows of the baseline that match nothing"),
    ROW("show-suppressed", 0, OPTION_FLAG, true, show_suppressed, NULL, NULL,
        "print suppressed findings too, marked as such"),

    {NULL, 0, 0, false, 0, NULL, NULL, "Output"},
    ROW("format", 0, OPTION_FORMAT, true, format, "FORMAT", NULL,
        "full (default), concise, json, sarif, github, gitlab, junit"),
    ROW("output-file", 'o', OPTION_PATH, false, output, "FILE", NULL,
        "write the report to FILE instead of standard output"),
    ROW("output", 0, OPTION_OUTPUTS, true, outputs, "FORMAT=PATH", NULL,
        "one more report, to a file; repeatable"),
    ROW("color", 0, OPTION_CHOICE, true, color, "WHEN", "auto,always,never",
        "auto (default), always or never; NO_COLOR and FORCE_COLOR\n"
        "are honoured"),
    ROW("root", 0, OPTION_PATH, true, root, "DIR", NULL,
        "machine formats and the baseline name files relative to DIR\n"
        "(default: the current folder)"),
    ROW("statistics", 0, OPTION_FLAG, true, statistics, NULL, NULL,
        "count the findings of each rule, on standard error"),
    ROW("quiet", 'q', OPTION_FLAG, true, quiet, NULL, NULL,
        "no progress and no summary on standard error"),

    {NULL, 0, 0, false, 0, NULL, NULL, "Exit code"},
    ROW("fail-on", 0, OPTION_CHOICE, true, fail_on, "SEVERITY", "advice,hazard,blocker",
        "least severity that makes the exit code 1: advice,\n"
        "hazard (default) or blocker"),
    ROW("exit-zero", 0, OPTION_FLAG, true, exit_zero, NULL, NULL,
        "exit 0 where findings would make it 1; 2 stays 2"),

    {NULL, 0, 0, false, 0, NULL, NULL, "Build gate (docs/gate.md)"},
    ROW("write-verdict", 0, OPTION_PATH, false, write_verdict, "FILE", NULL,
        "write verdicts and hashes of the sources for a source\n"
        "distribution, and of built modules for the pool"),
    ROW("supports-own-gil", 0, OPTION_FLAG, false, supports_own_gil, NULL, NULL,
        "what the shim or EXTSHIM_GATE_SLOTS declares is to be\n"
        "support for an own GIL"),
    ROW("supports-free-threaded", 0, OPTION_FLAG, false, supports_free_threaded, NULL, NULL,
        "... is to be that no GIL is needed"),
    ROW("module", 0, OPTION_STRING, false, module, "NAME", NULL, "gate: the module that is built"),
    ROW("output-dir", 0, OPTION_PATH, false, output_dir, "DIR", NULL,
        "gate: folder for the note, the header and the record"),
    ROW("flavour", 0, OPTION_STRING, false, flavour, "WORD", NULL,
        "gate: gil or free-threaded (default: as the headers)"),
    ROW("soabi", 0, OPTION_STRING, false, soabi, "TAG", NULL,
        "gate: SOABI of the target, such as cpython-313t-x86_64-linux-gnu"),
    ROW("from-verdict", 0, OPTION_PATH, false, from_verdict, "FILE", NULL,
        "gate: judge by a file of --write-verdict; nothing is analysed"),

    {NULL, 0, 0, false, 0, NULL, NULL, "The program itself"},
    ROW("isolated", 0, OPTION_FLAG, false, isolated, NULL, NULL, "read no settings file"),
    ROW("print-config", 0, OPTION_FLAG, false, print_config, NULL, NULL,
        "print the settings in effect and where each came from"),
    ROW("cache-dir", 0, OPTION_PATH, true, cache_dir, "DIR", NULL,
        "default: ${XDG_CACHE_HOME:-~/.cache}/extcheck"),
    ROW("no-cache", 0, OPTION_FLAG, true, no_cache, NULL, NULL, "neither read nor write the cache"),
    ROW("check-rules", 0, OPTION_FLAG, false, check_rules, NULL, NULL,
        "check the rule files (see --rules) and do nothing else"),
    ROW("version", 0, OPTION_FLAG, false, version, NULL, NULL,
        "print the version and the libclang in use"),
    ROW("help", 'h', OPTION_FLAG, false, help, NULL, NULL, "print this text"),
};

const size_t option_rows_n = sizeof(option_rows) / sizeof(option_rows[0]);
_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTIONS_MOST,
               "struct options.origin is too small");

const struct option_row *
option_named(const char *name)
{
    for (size_t i = 0; i < option_rows_n; i++) {
        if (option_rows[i].name && strcmp(option_rows[i].name, name) == 0) {
            return &option_rows[i];
        }
    }
    return NULL;
}

const struct option_row *
option_lettered(char letter)
{
    for (size_t i = 0; i < option_rows_n; i++) {
        if (option_rows[i].letter && option_rows[i].letter == letter) {
            return &option_rows[i];
        }
    }
    return NULL;
}

size_t
option_index(const struct option_row *row)
{
    return (size_t)(row - option_rows);
}

bool
option_is_list(const struct option_row *row)
{
    return row->kind >= OPTION_WORDS;
}
