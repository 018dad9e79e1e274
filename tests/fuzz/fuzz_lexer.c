/* Source text: what is read from it before and beside libclang. */
#include <stdlib.h>

#include "fuzz.h"
#include "source/text/lexer.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct interner strings = {0};
    struct lexer_macros macros;
    lexer_macros_init(&macros, &strings);
    const char *path = fuzz_file("spam.c", data, size);
    /* Again: macros that the first reading found are known in the second one. */
    for (int round = 0; round < 2; round++) {
        struct lexed lexed = {0};
        if (lexer_read(&lexed, path, &macros)) {
            for (size_t i = 0; i < lexed.sites.n; i++) {
                const struct macro_site *site = &lexed.sites.at[i];
                unsigned column;
                if (site->offset >= size || site->end > size || site->end < site->offset ||
                    lexed_line(&lexed, site->offset, &column) == 0) {
                    abort();
                }
                lexed_guard(&lexed, lexed_line(&lexed, site->end, &column));
                lexed_word(&lexed, site->offset);
            }
        }
        lexed_free(&lexed);
    }
    lexer_macros_free(&macros);
    interner_free(&strings);
    return 0;
}
