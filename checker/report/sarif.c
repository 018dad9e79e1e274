/* SARIF 2.1.0. Columns are code points; paths are relative to %SRCROOT%; nothing in it depends on
 * the time or the machine. */
#include "report/sarif.h"

#include "report/json_values.h"
#include "report/report.h"

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
/* Validators ask for a page about the tool. Until the settings name one (docs_url), the guide that
 * explains what the findings are about. */
#define INFORMATION "https://docs.python.org/3/howto/isolating-extensions.html"

/* Files that failed, as notifications of the run. */
static json_t *
sarif_invocation(struct sarif_index *index, const struct shown *shown)
{
    json_t *notifications = json_array();
    for (size_t i = 0; i < shown->failed.n; i++) {
        const struct failed_file *f = &shown->failed.at[i];
        json_t *physical = json_object(), *location = json_object(), *one = json_object();
        json_object_set_new(physical, "artifactLocation", sarif_artifact(index, f->file));
        json_object_set_new(location, "physicalLocation", physical);
        json_object_set_new(one, "descriptor",
                            json_pack("{s:s,s:i}", "id",
                                      f->partial ? "analysed-in-part" : "not-analysed", "index",
                                      f->partial ? 1 : 0));
        json_object_set_new(one, "level", json_string(f->partial ? "warning" : "error"));
        json_object_set_new(one, "message",
                            sarif_message(f->reason ? f->reason : "No reason is known."));
        json_object_set_new(one, "locations", json_array());
        json_array_append_new(json_object_get(one, "locations"), location);
        json_array_append_new(notifications, one);
    }
    json_t *invocation = json_object();
    json_object_set_new(invocation, "executionSuccessful", json_boolean(shown->failed.n == 0));
    json_object_set_new(invocation, "toolExecutionNotifications", notifications);
    return invocation;
}

static json_t *
sarif_notification_descriptor(const char *id, const char *text, const char *level)
{
    return json_pack("{s:s,s:{s:s},s:{s:s}}", "id", id, "shortDescription", "text", text,
                     "defaultConfiguration", "level", level);
}

static json_t *
sarif_driver(const struct report_options *options, json_t *rules)
{
    json_t *driver = json_object(), *notifications = json_array();
    json_array_append_new(
        notifications,
        sarif_notification_descriptor("not-analysed", "A file could not be analysed.", "error"));
    json_array_append_new(notifications,
                          sarif_notification_descriptor("analysed-in-part",
                                                        "A file was analysed in part.", "warning"));
    json_object_set_new(driver, "name", json_string("extcheck"));
    json_object_set_new(driver, "semanticVersion", json_text(options->version));
    json_object_set_new(
        driver, "shortDescription",
        sarif_message("Tells whether a CPython extension module survives subinterpreters with "
                      "their own GIL and free-threaded builds"));
    json_object_set_new(driver, "informationUri",
                        json_text(options->docs_url ? options->docs_url : INFORMATION));
    json_object_set_new(driver, "rules", rules);
    json_object_set_new(driver, "notifications", notifications);
    return driver;
}

static json_t *
sarif_run_properties(const struct findings *findings, const struct report_options *options)
{
    json_t *modules = json_array(), *properties = json_object();
    for (size_t i = 0; i < findings->modules.n; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "name", json_text(findings->modules.at[i].name));
        json_object_set_new(one, "verdicts", json_verdicts(&findings->modules.at[i], options));
        json_array_append_new(modules, one);
    }
    json_object_set_new(properties, "libclang", json_text_or_null(options->libclang));
    json_object_set_new(properties, "modules", modules);
    return properties;
}

static json_t *
sarif_run(struct sarif_index *index, const struct findings *findings, const struct ruleset *rules)
{
    struct shown shown = {0};
    shown_select(&shown, findings, true);
    json_t *driver = sarif_driver(index->options, sarif_rules(index, rules, &shown));
    json_t *results = sarif_results(index, &shown);
    json_t *invocations = json_array(), *run = json_object(), *tool = json_object();
    json_array_append_new(invocations, sarif_invocation(index, &shown));
    json_object_set_new(tool, "driver", driver);
    json_object_set_new(run, "tool", tool);
    json_object_set_new(run, "invocations", invocations);
    json_object_set_new(
        run, "originalUriBaseIds",
        json_pack("{s:{s:{s:s}}}", SRCROOT, "description", "text", "The root of the project."));
    json_object_set_new(run, "artifacts", json_incref(index->artifact_list));
    json_object_set_new(run, "columnKind", json_string("unicodeCodePoints"));
    json_object_set_new(run, "results", results);
    json_object_set_new(run, "properties", sarif_run_properties(findings, index->options));
    shown_free(&shown);
    return run;
}

void
report_sarif(const struct findings *findings, const struct ruleset *rules,
             const struct report_options *options, FILE *out)
{
    struct sarif_index index = {.options = options, .artifact_list = json_array()};
    json_t *root = json_object(), *runs = json_array();
    json_array_append_new(runs, sarif_run(&index, findings, rules));
    json_object_set_new(root, "$schema", json_string(SARIF_SCHEMA));
    json_object_set_new(root, "version", json_string("2.1.0"));
    json_object_set_new(root, "runs", runs);
    json_write(root, out);
    json_decref(index.artifact_list);
    occurrences_free(&index.occurrences);
    map_free(&index.rules);
    map_free(&index.artifacts);
    arena_free(&index.arena);
}
