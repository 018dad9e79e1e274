/* The program: does what the command line asks for. See pipeline.c for the check itself. */
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "gate/gate.h"
#include "options/options.h"
#include "pipeline.h"
#include "settings/settings.h"
#include "source/source.h"

static int
main_version(const struct options *o)
{
    struct str libclang = {0};
    bool found = source_libclang_version(o->libclang, &libclang);
    printf("extcheck %s\n%s%s\n", EXTCHECK_VERSION,
           found ? "" : "no libclang: ", libclang.n ? libclang.s : "none found");
    str_free(&libclang);
    return EXIT_CLEAN;
}

/* The commands that read rules and no code; --rules may come from the settings. */
static int
main_rules(struct options *o)
{
    struct environment environment = {0};
    struct ruleset rules = {0};
    bool good = settings_load(o, false, &environment) && ruleset_load(&rules, o->rules_dir, o->api);
    if (good && o->command == COMMAND_EXPLAIN) {
        good = explain_rule(&rules, o->topic, stdout);
    }
    else if (good && o->command == COMMAND_RULES) {
        explain_list(&rules, stdout);
    }
    else if (good) {
        int wrong = ruleset_check(&rules);
        printf("%zu rules, %d complaints\n", rules.rules.n, wrong);
        good = wrong == 0;
    }
    ruleset_free(&rules);
    environment_free(&environment);
    return good ? EXIT_CLEAN : EXIT_TROUBLE;
}

static int
main_command(struct options *o)
{
    switch (o->command) {
    case COMMAND_HELP:
        options_print_help(stdout);
        return EXIT_CLEAN;
    case COMMAND_VERSION:
        return main_version(o);
    case COMMAND_EXPLAIN:
    case COMMAND_RULES:
    case COMMAND_CHECK_RULES:
        return main_rules(o);
    case COMMAND_GATE:
        if (o->from_verdict) {
            return gate_check_options(o) ? gate_from_verdict(o) : EXIT_TROUBLE;
        }
        return pipeline_run(o);
    case COMMAND_PRINT_CONFIG:
    case COMMAND_CHECK:
        return pipeline_run(o);
    }
    return EXIT_TROUBLE;
}

int
main(int argc, char **argv)
{
    struct options o;
    options_start(&o);
    bool good = options_parse(&o, argc, argv);
    bool informs = o.command == COMMAND_HELP || o.command == COMMAND_VERSION ||
                   o.command == COMMAND_CHECK_RULES || o.command == COMMAND_PRINT_CONFIG;
    good = good && (informs || options_check_command(&o));
    int code = good ? main_command(&o) : EXIT_TROUBLE;
    if ((ferror(stdout) || fflush(stdout) != 0) && code != EXIT_TROUBLE) {
        diag_error("cannot write standard output");
        code = EXIT_TROUBLE;
    }
    options_free(&o);
    return code;
}
