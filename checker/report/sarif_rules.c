/* driver.rules: what each rule finds, with its page as the help text. */
#include <string.h>

#include "report/json_values.h"
#include "report/sarif.h"
#include "report/text.h"

/* The page without the `key: value` lines at its top. */
static const char *
sarif_page_body(const struct rule *rule)
{
    const char *page = rule->page;
    if (!page) {
        return "";
    }
    if (str_starts(page, "---\n")) {
        const char *end = strstr(page + 3, "\n---\n");
        page = end ? end + 5 : page;
    }
    return page + strspn(page, "\n");
}

/* A paragraph in one line. */
static char *
sarif_paragraph(struct sarif_index *index, const char *text)
{
    char *line = arena_string(&index->arena, text ? text : "");
    for (char *p = line; *p; p++) {
        *p = *p == '\n' ? ' ' : *p;
    }
    return line;
}

/* Its first sentence: up to a full stop before a blank. */
static const char *
sarif_sentence(struct sarif_index *index, const char *paragraph)
{
    const char *end = strstr(paragraph, ". ");
    return end ? arena_copy(&index->arena, paragraph, (size_t)(end - paragraph) + 1) : paragraph;
}

static enum severity
sarif_worst(const struct rule *rule)
{
    enum severity worst = SEVERITY_ADVICE;
    for (int t = 0; t < TARGETS; t++) {
        if (t != TARGET_PORT && rule->severity[t] > worst) {
            worst = rule->severity[t];
        }
    }
    return worst;
}

static json_t *
sarif_rule_properties(const struct rule *rule, enum severity worst)
{
    static const char *const precisions[] = {"low", "medium", "high"};
    static const char *const problems[] = {"recommendation", "recommendation", "warning", "error"};
    json_t *tags = json_array(), *properties = json_object();
    if (rule->family) {
        json_array_append_new(tags, json_text(rule->family));
    }
    for (int t = 0; t < TARGETS; t++) {
        if (rule->severity[t] != SEVERITY_NONE) {
            json_array_append_new(tags, json_string(target_name((enum target)t)));
        }
    }
    json_object_set_new(properties, "tags", tags);
    json_object_set_new(properties, "precision", json_string(precisions[rule->confidence]));
    json_object_set_new(properties, "problem.severity", json_string(problems[worst]));
    return properties;
}

static json_t *
sarif_rule(struct sarif_index *index, const struct rule *rule)
{
    enum severity worst = sarif_worst(rule);
    const char *what = sarif_paragraph(index, rule->what && rule->what[0] ? rule->what
                                              : rule->name                ? rule->name
                                                                          : rule->id);
    const char *body = sarif_page_body(rule);
    json_t *help = json_object(), *one = json_object();
    json_object_set_new(help, "text", json_text(body[0] ? body : what));
    json_object_set_new(help, "markdown", json_text(body[0] ? body : what));
    json_object_set_new(one, "id", json_text(rule->id));
    json_object_set_new(one, "name", json_text(rule->name));
    json_object_set_new(one, "shortDescription", sarif_message(sarif_sentence(index, what)));
    json_object_set_new(one, "fullDescription", sarif_message(what));
    json_object_set_new(one, "help", help);
    if (index->options->docs_url) {
        json_object_set_new(one, "helpUri", json_help_uri(rule, index->options));
    }
    json_object_set_new(one, "defaultConfiguration",
                        json_pack("{s:s}", "level", report_level(worst)));
    json_object_set_new(one, "properties", sarif_rule_properties(rule, worst));
    return one;
}

static void
sarif_add_rule(struct sarif_index *index, json_t *all, const struct rule *rule)
{
    if (map_get(&index->rules, rule->id)) {
        return;
    }
    json_array_append_new(all, sarif_rule(index, rule));
    int *number = arena_alloc(&index->arena, sizeof(*number));
    *number = (int)json_array_size(all);
    map_set(&index->rules, rule->id, number);
}

json_t *
sarif_rules(struct sarif_index *index, const struct ruleset *rules, const struct shown *shown)
{
    json_t *all = json_array();
    for (size_t i = 0; rules && i < rules->rules.n; i++) {
        sarif_add_rule(index, all, rules->rules.at[i]);
    }
    for (size_t i = 0; i < shown->all.n; i++) {
        sarif_add_rule(index, all, shown->all.at[i]->rule);
    }
    return all;
}
