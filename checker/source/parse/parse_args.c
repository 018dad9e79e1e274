/* What libclang is given to parse: compiler arguments and the texts that stand in for files. */
#include <string.h>

#include "source/parse/parse_parts.h"
#include "source/parse/stubs.h"

void
parse_base_args(struct parser *parser, const struct plan_unit *unit, enum flavour flavour,
                bool abi3t, bool shared, struct args *args)
{
    static const char *const quiet[] = {"-w",
                                        "-ferror-limit=0",
                                        "-D__EXTCHECK__=1",
                                        "-Wno-implicit-function-declaration",
                                        "-Wno-int-conversion",
                                        "-Wno-implicit-int",
                                        "-Wno-incompatible-function-pointer-types",
                                        "-Wno-incompatible-pointer-types",
                                        "-fno-caret-diagnostics"};
    const struct source_headers *headers = &parser->plan->options->headers;
    bool has_std = false;
    vec_push(&args->at, "-DNDEBUG"); /* in front: the build's own -UNDEBUG wins */
    for (size_t i = 0; i < unit->args.at.n; i++) {
        bool define = str_starts(unit->args.at.at[i], "-D");
        if (!shared || !define || prefix_flag_matters(unit, unit->args.at.at[i])) {
            vec_push(&args->at, unit->args.at.at[i]);
        }
        has_std |= str_starts(unit->args.at.at[i], "-std=");
    }
    if (!has_std) {
        vec_push(&args->at, unit->is_cxx ? "-std=gnu++17" : "-std=gnu17");
    }
    for (const char *const *flag = headers->flags; flag && *flag && !unit->python_from_args;
         flag++) {
        vec_push(&args->at, *flag);
    }
    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
        vec_push(&args->at, quiet[i]);
    }
    vec_push(&args->at, parser->resource_flag);
    if (strcmp(parser->resource_flag, "-nobuiltininc") == 0) {
        vec_push(&args->at, "-isystem");
    }
    vec_push(&args->at, parser->resource_dir);
    if (flavour == FLAVOUR_FT) {
        vec_push(&args->at, "-DPy_GIL_DISABLED=1");
    }
    if (abi3t) {
        vec_push(&args->at, "-DPy_TARGET_ABI3T=0x030f0000");
    }
    if (parser->stubs && parser->stubs->prelude) {
        vec_push(&args->at, "-include");
        vec_push(&args->at, parser->stubs->prelude);
        vec_push(&args->at, "-idirafter");
        vec_push(&args->at, parser->stubs->include_dir);
    }
}

/* pyconfig.h of a free-threaded build defines Py_GIL_DISABLED: for the GIL flavour its text is
 * replaced, at its real path, by one that undefines it again. */
unsigned
parse_unsaved(struct parser *parser, enum flavour flavour, struct args *args,
              struct CXUnsavedFile *file, struct str *text)
{
    const struct source_headers *headers = &parser->plan->options->headers;
    if (flavour != FLAVOUR_GIL || !headers->gil_disabled) {
        return 0;
    }
    for (const char *const *flag = headers->flags; flag && *flag; flag++) {
        char *path = arena_printf(&args->arena, "%s/pyconfig.h", *flag + 2);
        if (str_starts(*flag, "-I") && str_read_file(text, path)) {
            str_add(text, "\n#undef Py_GIL_DISABLED\n");
            *file =
                (struct CXUnsavedFile){.Filename = path, .Contents = text->s, .Length = text->n};
            return 1;
        }
    }
    return 0;
}

const char *
parse_header_path(struct parser *parser, int group, struct arena *arena)
{
    return arena_printf(arena, "%s/group%d.pch", parser->scratch, group);
}

const char *
parse_files_path(struct parser *parser, int group, struct arena *arena)
{
    return arena_printf(arena, "%s/group%d.files", parser->scratch, group);
}
