/* Stand-ins as files: empty headers, and a prelude that declares the rest. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/parse/stub.h"
#include "source/walk/unit.h"

/* The type of fields that are used as structs themselves. */
static const char any_name[] = "extcheck_any";

static void
stubs_add_fields(struct str *out, const struct stub *stub)
{
    for (size_t i = 0; i < stub->fields.n; i++) {
        const struct stub_field *f = &stub->fields.at[i];
        bool any = strcmp(stub->name, any_name) == 0;
        switch (f->next) {
        case '(':
            str_addf(out, " long (*%s)(EXTCHECK_ANY);", f->name);
            break;
        case '-':
            str_addf(out, " struct %s *%s;", any_name, f->name);
            break;
        case '[':
            str_addf(out, " long *%s;", f->name);
            break;
        case '.':
            /* A struct cannot hold itself. */
            str_addf(out, " %s%s %s;", any ? "long" : "struct ", any ? "" : any_name, f->name);
            break;
        default:
            str_addf(out, " long %s;", f->name);
        }
    }
}

static void
stubs_add_record(struct str *out, const struct stub *stub)
{
    str_addf(out, "struct %s { long extcheck_unseen;", stub->name);
    stubs_add_fields(out, stub);
    str_add(out, " };\n");
}

/* `static SCIPY_TLS int n;`: projects name their macro for thread-local storage after what it is.
 */
static bool
stubs_is_thread_local(const char *name)
{
    static const char *const words[] = {"THREAD_LOCAL", "THREADLOCAL", "thread_local"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(name, words[i])) {
            return true;
        }
    }
    return strcmp(name, "TLS") == 0 || str_ends(name, "_TLS") || str_starts(name, "TLS_");
}

static void
stubs_add_prelude(const struct stubs *stubs, struct str *out)
{
    str_add(out, "#ifdef __cplusplus\n#define EXTCHECK_ANY ...\n#else\n#define EXTCHECK_ANY\n"
                 "#endif\n");
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < stubs->all.n; i++) {
            const struct stub *stub = stubs->all.at[i];
            bool record = stub->kind == STUB_TYPE || stub->kind == STUB_TAG;
            bool any = strcmp(stub->name, any_name) == 0;
            if (stub->wrong || stub->kind == STUB_HEADER) {
                continue;
            }
            if (pass == 0 && stub->kind == STUB_TYPE) {
                str_addf(out, "typedef struct %s %s;\n", stub->name, stub->name);
            }
            else if (pass == 0 && stub->kind == STUB_ANNOTATION) {
                str_addf(out, "#define %s%s\n", stub->name,
                         stubs_is_thread_local(stub->name) ? " __thread" : "");
            }
            else if (pass == 0 && stub->kind == STUB_TEXT) {
                str_addf(out, "extern const char %s[];\n", stub->name);
            }
            else if (pass == 0 && stub->kind == STUB_CONSTANT) {
                /* All different, so that no two cases of a switch are the same. */
                str_addf(out, "enum { %s = %zu };\n", stub->name, 1000003 + i);
            }
            else if (record && pass == (any ? 1 : 2)) {
                stubs_add_record(out, stub);
            }
        }
    }
}

static bool
stubs_put(struct stubs *stubs, const char *path, const struct str *text)
{
    bool fresh = access(path, F_OK) != 0;
    FILE *out = fopen(path, "w");
    if (!out) {
        return false;
    }
    if (fresh) {
        vec_push(&stubs->created, arena_string(&stubs->arena, path));
    }
    bool ok = !text || !text->n || fwrite(text->s, 1, text->n, out) == text->n;
    return fclose(out) == 0 && ok;
}

/* The folders of a path below the folder of stand-ins. */
static void
stubs_make_folders(struct stubs *stubs, const char *path, size_t from)
{
    for (const char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *dir = arena_copy(&stubs->arena, path, (size_t)(slash - path));
        if (mkdir(dir, 0700) == 0) {
            vec_push(&stubs->created, dir);
        }
    }
}

bool
stubs_write(struct stubs *stubs)
{
    stubs_add(stubs, STUB_TAG, any_name);
    char *dir = arena_printf(&stubs->arena, "%s/include/", stubs->folder);
    stubs_make_folders(stubs, dir, strlen(stubs->folder) - 1);
    for (size_t i = 0; i < stubs->all.n; i++) {
        if (stubs->all.at[i]->kind == STUB_HEADER) {
            char *path = arena_printf(&stubs->arena, "%s%s", dir, stubs->all.at[i]->name);
            stubs_make_folders(stubs, path, strlen(dir));
            if (!stubs_put(stubs, path, NULL)) {
                return false;
            }
        }
    }
    char *prelude = arena_printf(&stubs->arena, "%s/" UNIT_STAND_INS, stubs->folder);
    struct str text = {0};
    stubs_add_prelude(stubs, &text);
    bool ok = stubs_put(stubs, prelude, &text);
    str_free(&text);
    stubs->prelude = ok ? prelude : NULL;
    stubs->include_dir = ok ? dir : NULL;
    return ok;
}

void
stubs_free(struct stubs *stubs)
{
    while (stubs->created.n) {
        const char *path = stubs->created.at[--stubs->created.n];
        if (unlink(path) != 0) {
            rmdir(path);
        }
    }
    for (size_t i = 0; i < stubs->all.n; i++) {
        vec_free(&stubs->all.at[i]->fields);
    }
    vec_free(&stubs->all);
    vec_free(&stubs->created);
    map_free(&stubs->by_name);
    str_free(&stubs->text);
    arena_free(&stubs->arena);
}
