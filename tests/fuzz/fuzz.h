/* What the fuzz targets share: the input as a file, and the way from facts to a report.
 *
 * Each fuzz_*.c is a libFuzzer target for one kind of input. Ownership: the caller's. Threads: one.
 * Errors: a target that cannot write its file aborts; everything else is the sanitizers' to find.
 */
#ifndef EXTCHECK_FUZZ_H
#define EXTCHECK_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the input to `name` in a folder of this process, emptied of older inputs; returns the
 * path, which stays valid. */
const char *fuzz_file(const char *name, const uint8_t *data, size_t size);
/* The rules of the program, loaded once: they take longer than everything else. */
const struct ruleset *fuzz_rules(void);
/* Judges what was extracted for every target, as the pipeline does, and writes one of the reports,
 * which `which` picks. */
void fuzz_judge(struct analysis *first, size_t which);

#endif
