/* What results, rules and the run of a SARIF report have in common: texts, and the list of files.
 */
#include <string.h>

#include "report/json_values.h"
#include "report/report.h"
#include "report/sarif.h"

json_t *
sarif_message(const char *text)
{
    struct str sentence = {0};
    str_add(&sentence, text ? text : "");
    if (sentence.n && !strchr(".!?", sentence.s[sentence.n - 1])) {
        str_addc(&sentence, '.');
    }
    json_t *message = json_object();
    json_object_set_new(message, "text", json_text(sentence.s));
    str_free(&sentence);
    return message;
}

static const char *
sarif_language(const char *uri)
{
    static const char *const cplusplus[] = {".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"};
    for (size_t i = 0; i < sizeof(cplusplus) / sizeof(cplusplus[0]); i++) {
        if (str_ends(uri, cplusplus[i])) {
            return "cplusplus";
        }
    }
    return "c";
}

json_t *
sarif_artifact(struct sarif_index *index, const char *file)
{
    struct str uri = {0};
    bool inside = path_add_uri(&uri, file, index->options->root);
    int *number = map_get(&index->artifacts, uri.s);
    json_t *location = json_object();
    json_object_set_new(location, "uri", json_text(uri.s));
    if (inside) {
        json_object_set_new(location, "uriBaseId", json_string(SRCROOT));
    }
    if (!number) {
        json_t *artifact = json_object();
        json_object_set_new(artifact, "location", json_copy(location));
        json_object_set_new(artifact, "sourceLanguage", json_string(sarif_language(uri.s)));
        json_array_append_new(index->artifact_list, artifact);
        number = arena_alloc(&index->arena, sizeof(*number));
        *number = (int)json_array_size(index->artifact_list);
        map_set(&index->artifacts, arena_string(&index->arena, uri.s), number);
    }
    json_object_set_new(location, "index", json_integer(*number - 1));
    str_free(&uri);
    return location;
}
