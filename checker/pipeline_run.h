/* One run, and its stages. Used by pipeline*.c.
 *
 * Ownership: the run owns everything but its options. Threads: one owner.
 * Errors: said on stderr; false, or the exit code of the program. */
#ifndef EXTCHECK_PIPELINE_RUN_H
#define EXTCHECK_PIPELINE_RUN_H

#include "analysis.h"
#include "run_cache.h"
#include "settings/settings.h"

struct pipeline {
    struct options *o;
    struct environment environment;
    struct header_choice headers;
    struct ruleset rules;
    struct baseline baseline;
    struct words files, binaries;
    struct analysis_context context;
    VEC(struct analysis *) analyses;
    struct findings findings; /* of all analyses */
    struct run_cache cache;
    bool recalled; /* the findings are those of an earlier run */
    bool trouble;  /* something is missing that no failed file tells of */
};

/* Settings, options, rules and the baseline. pipeline_prepare.c */
bool pipeline_prepare(struct pipeline *p);

/* ---- pipeline_facts.c ---- */
/* The analysis of --facts FILE. */
bool pipeline_read_facts(struct pipeline *p);
/* The analyses of the files given; sets recalled when an earlier run had the findings. */
bool pipeline_extract(struct pipeline *p);
/* Keeps the findings for later runs, unless files failed: those are asked again next time. */
void pipeline_remember(struct pipeline *p);
/* How many files were analysed whole. */
void pipeline_count_files(struct findings *findings);
/* --dump-facts */
int pipeline_dump_facts(struct pipeline *p);

/* ---- pipeline_report.c ---- */
int pipeline_report(struct pipeline *p);
/* The build gate reads what the analysis found in place of a report, or besides. */
int pipeline_gate(struct pipeline *p);

#endif
