/* `extcheck --check-rules`: what a rule of this project must have beyond what loading demands. */
#include <ctype.h>
#include <string.h>

#include "rules/api_table.h"
#include "rules/match.h"
#include "rules/rule_file.h"

static const char *const check_headings[] = {"What it finds", "Why it matters", "Bad",       "Good",
                                             "How to fix",    "Limits",         "References"};

static int
check_say(const struct rule *rule, const char *wrong)
{
    diag_error("%s: %s", rule->path, wrong);
    return 1;
}

/* Does a marker (`expect: GLB01 LZY02`) of the text name the rule? */
static bool
check_has_marker(const char *text, const char *id)
{
    for (const char *at = strstr(text, "expect:"); at; at = strstr(at + 1, "expect:")) {
        const char *found = strstr(at, id);
        if (found && found < at + strcspn(at, "*\n")) {
            return true;
        }
    }
    return false;
}

/* Headings present, in order, with text below; a fenced block where one is needed. */
static int
check_page(struct ruleset *scratch, const struct rule *rule)
{
    int wrong = 0;
    const char *last = rule->page;
    for (size_t i = 0; i < sizeof(check_headings) / sizeof(*check_headings); i++) {
        const char *text = rule_section(scratch, rule, check_headings[i]);
        const char *at = strstr(rule->page, check_headings[i]);
        if (!text || !*text) {
            wrong += check_say(
                rule, arena_printf(&scratch->arena, "no text under '%s'", check_headings[i]));
            continue;
        }
        if (at < last) {
            wrong += check_say(
                rule, arena_printf(&scratch->arena, "'%s' stands out of order", check_headings[i]));
        }
        last = at;
        bool example =
            strcmp(check_headings[i], "Bad") == 0 || strcmp(check_headings[i], "Good") == 0;
        if (example && !strstr(text, "```c") && !strstr(text, "```facts") &&
            !str_same(rule->family, "META")) {
            wrong += check_say(
                rule, arena_printf(&scratch->arena, "no C block under '%s'", check_headings[i]));
        }
    }
    const char *bad = rule_section(scratch, rule, "Bad");
    bool silent = !rule->severity_if.n;
    for (int t = 0; t < TARGETS; t++) {
        silent = silent && rule->severity[t] == SEVERITY_NONE;
    }
    if (bad && !check_has_marker(bad, rule->id) && !silent && !str_same(rule->family, "META")) {
        wrong += check_say(
            rule, arena_printf(&scratch->arena, "no `expect: %s` in a Bad block", rule->id));
    }
    return wrong;
}

/* Words that speak of a target; who asked for another one must not read them. */
static const struct {
    enum target target;
    const char *word;
} check_words[] = {
    {TARGET_FREE_THREADED, "free-threaded"},   {TARGET_FREE_THREADED, "free threaded"},
    {TARGET_FREE_THREADED, "without the GIL"}, {TARGET_OWN_GIL, "own-GIL"},
    {TARGET_OWN_GIL, "with their own GIL"},
};

static bool
check_concerns(const struct rule *rule, enum target t)
{
    bool concerns = rule->severity[t] != SEVERITY_NONE;
    for (size_t i = 0; i < rule->severity_if.n; i++) {
        concerns = concerns || (rule->severity_if.at[i].target == t &&
                                rule->severity_if.at[i].severity != SEVERITY_NONE);
    }
    return concerns;
}

/* The texts as a run for one target shows them. */
static int
check_texts(struct ruleset *scratch, const struct rule *rule)
{
    int wrong = 0;
    const char *texts[] = {rule->message, rule->fix, rule->note};
    for (int t = 0; t < TARGETS; t++) {
        enum severity only[TARGETS] = {SEVERITY_NONE};
        only[t] = SEVERITY_BLOCKER;
        for (size_t i = 0; check_concerns(rule, (enum target)t) && i < 3; i++) {
            const char *text = message_for_targets(&scratch->arena, texts[i], only);
            for (size_t k = 0; text && k < sizeof(check_words) / sizeof(*check_words); k++) {
                if (check_words[k].target != (enum target)t && strstr(text, check_words[k].word)) {
                    wrong += check_say(
                        rule, arena_printf(&scratch->arena,
                                           "speaks of '%s' to who asked for %s only; put it into "
                                           "[%s?...]",
                                           check_words[k].word, target_name((enum target)t),
                                           target_name(check_words[k].target)));
                }
            }
        }
    }
    return wrong;
}

static int
check_rule(const struct ruleset *set, struct ruleset *scratch, const struct rule *rule)
{
    int wrong = 0;
    char family[16] = {0};
    for (size_t i = 0; i + 1 < sizeof(family) && rule->family[i]; i++) {
        family[i] = (char)tolower((unsigned char)rule->family[i]);
    }
    const char *tail = arena_printf(&scratch->arena, "%s/%s-%s.md", family, rule->id, rule->name);
    if (!str_ends(rule->path, tail)) {
        wrong += check_say(rule, arena_printf(&scratch->arena, "the file must be %s", tail));
    }
    for (size_t i = 0; i < rule->supersedes.n; i++) {
        if (!map_get(&set->by_id, rule->supersedes.at[i])) {
            wrong += check_say(rule, arena_printf(&scratch->arena, "supersedes unknown rule '%s'",
                                                  rule->supersedes.at[i]));
        }
    }
    for (size_t i = 0; i < (size_t)rule->index; i++) {
        if (str_same(set->rules.at[i]->name, rule->name)) {
            wrong += check_say(
                rule, arena_printf(&scratch->arena, "name of %s as well", set->rules.at[i]->id));
        }
    }
    return wrong + check_texts(scratch, rule) + check_page(scratch, rule);
}

static int
check_table(const struct api_table *table)
{
    int source = api_table_column(table, "source"), wrong = 0;
    if (source < 0) {
        diag_error("%s: no column called `source`", table->path);
        return 1;
    }
    for (size_t i = 0; i < table->rows.n; i++) {
        if (!*table->rows.at[i]->cells[source]) {
            diag_error("%s: row '%s' names no source", table->path, table->rows.at[i]->cells[0]);
            wrong++;
        }
    }
    return wrong;
}

int
ruleset_check(const struct ruleset *set)
{
    int wrong = 0;
    for (size_t i = 0; i < set->rules.n; i++) {
        struct ruleset scratch = {0};
        wrong += check_rule(set, &scratch, set->rules.at[i]);
        arena_free(&scratch.arena);
    }
    for (size_t i = 0; i < set->tables.n; i++) {
        wrong += check_table(set->tables.at[i]);
    }
    return wrong;
}
