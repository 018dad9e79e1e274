/* Stands before libclang: notes in $SPY_LOG that it was loaded, every file it is to parse, with
 * which precompiled header, the text of such a header, and each text that it is given in place of
 * what a file holds; dies or waits where a file's name asks for it. Symbols it does not have come
 * from the real library, which it is linked with. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int parse_function(void *, const char *, const char *const *, int, void *, unsigned,
                           unsigned, void *);

static void
spy_note(const char *word, const char *text)
{
    const char *path = getenv("SPY_LOG");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    char line[4096];
    size_t n = strlen(word), m = strlen(text);
    if (fd >= 0 && n + m + 2 <= sizeof(line)) {
        memcpy(line, word, n);
        line[n] = ' ';
        memcpy(line + n + 1, text, m);
        line[n + m + 1] = '\n';
        if (write(fd, line, n + m + 2) < 0) {
            abort();
        }
        close(fd);
    }
}

struct spy_text { /* CXUnsavedFile */
    const char *name, *text;
    unsigned long n;
};

/* A text in one line. */
static void
spy_note_text(const char *word, const struct spy_text *text)
{
    char line[4000];
    size_t n = 0;
    for (; n < text->n && n + 1 < sizeof(line); n++) {
        line[n] = text->text[n] == '\n' ? ' ' : text->text[n];
    }
    line[n] = '\0';
    spy_note(word, line);
}

__attribute__((constructor)) static void
spy_loaded(void)
{
    spy_note("loaded", "");
}

int
clang_parseTranslationUnit2(void *index, const char *file, const char *const *words, int count,
                            void *unsaved, unsigned n, unsigned options, void *unit)
{
    const char *name = file ? file : "";
    spy_note("parse", name);
    for (int i = 0; i + 1 < count; i++) {
        if (strcmp(words[i], "-include-pch") == 0) {
            spy_note("with-header", name);
        }
    }
    if (options & 0x40) { /* CXTranslationUnit_SkipFunctionBodies */
        spy_note("without-bodies", name);
    }
    const struct spy_text *texts = unsaved;
    for (unsigned i = 0; i < n; i++) {
        bool header = strcmp(texts[i].name, name) == 0 && strstr(name, ".h");
        spy_note_text(header ? "header" : "text", &texts[i]);
    }
    if (strstr(name, "crash")) {
        abort();
    }
    if (strstr(name, "hang")) {
        sleep(600);
    }
    parse_function *real = (parse_function *)dlsym(RTLD_NEXT, "clang_parseTranslationUnit2");
    return real(index, file, words, count, unsaved, n, options, unit);
}
