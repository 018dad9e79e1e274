#include "report/json_values.h"

#include <string.h>

#include "base/str.h"
#include "report/shared.h"
#include "report/text.h"

json_t *
json_text(const char *s)
{
    struct str clean = {0};
    text_add(&clean, s);
    json_t *value = json_stringn(clean.n ? clean.s : "", clean.n);
    str_free(&clean);
    return value;
}

json_t *
json_text_or_null(const char *s)
{
    return s && s[0] ? json_text(s) : json_null();
}

json_t *
json_path(const char *file, const char *root)
{
    struct str path = {0};
    path_add(&path, file, root);
    json_t *value = json_text(path.s);
    str_free(&path);
    return value;
}

json_t *
json_list(const char *list)
{
    json_t *all = json_array();
    STR_WORDS_EACH(list, word)
    {
        struct str item = {0};
        str_addn(&item, word.at, word.n);
        json_array_append_new(all, json_text(item.s));
        str_free(&item);
    }
    return all;
}

json_t *
json_help_uri(const struct rule *rule, const struct report_options *options)
{
    if (!options->docs_url) {
        return json_null();
    }
    struct str uri = {0};
    str_addf(&uri, "%s%s%s", options->docs_url, str_ends(options->docs_url, "/") ? "" : "/",
             rule->id);
    json_t *value = json_text(uri.s);
    str_free(&uri);
    return value;
}

void
json_write(json_t *value, FILE *out)
{
    /* A failed write shows in ferror(out), like in every other format. */
    (void)json_dumpf(value, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(value);
}
