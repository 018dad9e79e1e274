/* Built modules: ELF headers, relocations, tables of slots, notes. */
#include "elf/elf_front.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct analysis analysis = {0};
    const char *const binaries[] = {fuzz_file("spam.so", data, size), NULL};
    struct elf_options options = {.binaries = binaries};
    bool own, not_used;
    elf_read_claims(binaries[0], &own, &not_used);
    elf_extract(&options, &analysis.extracted, analysis_failed, &analysis.findings);
    fuzz_judge(&analysis, size);
    analysis_free(&analysis);
    return 0;
}
