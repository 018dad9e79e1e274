/* Compilation databases: JSON, shell words, flags. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "source/plan/plan.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char source[128], dir[128];
    static const uint8_t text[] = "int spam;\n";
    snprintf(source, sizeof(source), "%s", fuzz_file("spam.c", text, sizeof(text) - 1));
    snprintf(dir, sizeof(dir), "%s", fuzz_file("compile_commands.json", data, size));
    *strrchr(dir, '/') = '\0';
    if (chdir(dir) != 0) { /* relative names of the input lead to the source */
        abort();
    }
    const char *files[] = {source, NULL};
    struct source_options options = {.files = files, .database_dir = dir, .project_root = dir};
    struct plan plan;
    memset(&plan, 0, sizeof(plan));
    if (plan_build(&plan, &options)) {
        plan_prepare(&plan);
    }
    plan_free(&plan);
    return 0;
}
