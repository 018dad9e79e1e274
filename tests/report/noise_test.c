/* Every report of findings made of random bytes: the output is valid UTF-8, machine formats parse,
 * and text formats hold nothing that a terminal would obey. Reproducible: the seed is the round. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "report/text.h"

enum { ROUNDS = 400 };

struct noise {
    uint64_t state;
    struct arena *arena;
};

static unsigned
noise_next(struct noise *r, unsigned below)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->state >> 33) % below;
}

/* NULL, empty, plain, or bytes of every kind with more than enough line ends and escapes. */
static const char *
noise_text(struct noise *r, unsigned longest)
{
    static const char favourites[] = "\n\t\r\x1B%:,<>&\"'\\[](){}\x7F\xC2\xE2\x80\xAE\xF0\xFF";
    unsigned kind = noise_next(r, 8), n = noise_next(r, longest);
    if (kind == 0) {
        return NULL;
    }
    char *s = arena_alloc(r->arena, (size_t)n + 1);
    for (unsigned i = 0; i < n; i++) {
        unsigned pick = noise_next(r, 3);
        s[i] = pick == 0   ? favourites[noise_next(r, (unsigned)sizeof(favourites) - 1)]
               : pick == 1 ? (char)(1 + noise_next(r, 255))
                           : (char)('a' + noise_next(r, 26));
    }
    return s;
}

static struct place
noise_place(struct noise *r)
{
    const char *file = noise_text(r, 30);
    struct place place = {file ? file : "a.c", (int)noise_next(r, 40) - 2,
                          (int)noise_next(r, 300) - 2, (int)noise_next(r, 300) - 2};
    return place;
}

static void
noise_fill(struct noise *r, struct findings *all, const struct rule *rules, unsigned nrules)
{
    for (unsigned i = noise_next(r, 6); i > 0; i--) {
        struct finding *f = arena_alloc(r->arena, sizeof(*f));
        f->rule = &rules[noise_next(r, nrules)];
        f->place = noise_place(r);
        for (int t = 0; t < TARGETS; t++) {
            f->severity[t] = (enum severity)noise_next(r, 4);
            f->worst = f->severity[t] > f->worst ? f->severity[t] : f->worst;
        }
        f->message = noise_text(r, 80);
        f->fix = noise_text(r, 40);
        f->symbol = noise_text(r, 20);
        f->function = noise_text(r, 20);
        f->modules = noise_text(r, 20);
        f->line_text = noise_text(r, 400);
        f->suppression = (enum suppression)noise_next(r, 3);
        f->reason = noise_text(r, 20);
        for (unsigned k = noise_next(r, 3); k > 0; k--) {
            const char *text = noise_text(r, 30);
            struct related related = {noise_place(r), text};
            vec_push(&f->related, related);
        }
        vec_push(&all->all, f);
    }
    struct failed_file failed = {noise_place(r).file, noise_text(r, 30), noise_next(r, 2) == 1};
    struct module_result module = {.name = noise_place(r).file, .python = noise_text(r, 5)};
    for (int t = 0; t < TARGETS; t++) {
        const struct finding *deciding = all->all.n ? all->all.at[0] : NULL;
        module.verdict[t] = (struct module_verdict){
            (enum verdict)noise_next(r, 5), noise_next(r, 2) == 1, deciding, noise_text(r, 30)};
    }
    vec_push(&module.units, noise_place(r).file);
    vec_push(&module.missing, noise_place(r).file);
    vec_push(&all->failed, failed);
    vec_push(&all->modules, module);
    vec_push(&all->notes, noise_place(r).file);
}

static bool
noise_valid(const char *format, const char *text, size_t n)
{
    bool terminal = str_same(format, "full") || str_same(format, "concise") ||
                    str_same(format, "github") || str_same(format, "closing");
    for (size_t at = 0; at < n;) {
        unsigned code;
        size_t step = text_next(text + at, n - at, &code);
        bool replaced = step == 1 && code == 0xFFFD;
        if (replaced || code == 0 || (terminal && code != '\n' && text_is_control(code))) {
            fprintf(stderr, "%s: byte %zu: U+%04X\n", format, at, code);
            return false;
        }
        at += step;
    }
    if (str_same(format, "json") || str_same(format, "sarif") || str_same(format, "gitlab")) {
        json_error_t error;
        json_t *value = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
        if (!value) {
            fprintf(stderr, "%s:%d: %s\n", format, error.line, error.text);
            return false;
        }
        json_decref(value);
    }
    return true;
}

static bool
noise_report(const char *format, const struct findings *findings, const struct ruleset *rules)
{
    struct report_options options = {.statistics = true, .show_suppressed = true, .version = "0"};
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    if (!out) {
        bug("no memory stream");
    }
    report_fn *fn = report_named(format);
    if (fn) {
        fn(findings, rules, &options, out);
    }
    else {
        report_closing(findings, &options, out);
    }
    fclose(out);
    bool ok = noise_valid(format, text, n);
    free(text);
    return ok;
}

int
main(void)
{
    static const char *const formats[] = {"full",   "concise", "json",  "sarif",
                                          "github", "gitlab",  "junit", "closing"};
    int failures = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct findings findings = {0};
        struct ruleset rules = {0};
        struct noise r = {.state = (uint64_t)round, .arena = &findings.arena};
        struct rule made[] = {{.id = "AAA01", .name = "first"}, {.id = "AAA02", .name = "second"}};
        for (size_t i = 0; i < 2; i++) {
            made[i].page = noise_text(&r, 200);
            made[i].what = noise_text(&r, 100);
            made[i].family = noise_text(&r, 5);
        }
        vec_push(&rules.rules, &made[0]);
        noise_fill(&r, &findings, made, 2);
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
            if (!noise_report(formats[i], &findings, &rules)) {
                fprintf(stderr, "in round %d\n", round);
                failures++;
            }
        }
        findings_free(&findings);
        vec_free(&rules.rules);
    }
    printf("%d rounds, %d failures\n", ROUNDS, failures);
    return failures ? 1 : 0;
}
