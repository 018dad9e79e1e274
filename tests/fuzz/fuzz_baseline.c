/* Baselines: read, matched against findings, what is left of them written. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct baseline baseline = {0};
    struct map seen = {0};
    struct findings findings = {0};
    struct finding finding = {.place.file = "spam.c", .symbol = "cache"};
    const struct ruleset *rules = fuzz_rules();
    finding.rule = rules->rules.at[0];
    vec_push(&findings.all, &finding);
    map_set(&seen, "spam.c", &seen);
    struct rule_options options = {.targets = {true, true, true, true, true}};
    struct baseline_scope scope = {rules, &options, &seen, NULL};
    if (baseline_read(&baseline, fuzz_file("baseline.tsv", data, size))) {
        baseline_apply(&baseline, &findings, NULL);
        baseline_report_stale(&baseline, &scope, "baseline.tsv");
        baseline_prune(&baseline, &scope, fuzz_file("pruned.tsv", data, 0));
    }
    baseline_free(&baseline);
    map_free(&seen);
    vec_free(&findings.all);
    findings_free(&findings);
    return 0;
}
