#include "death_report.h"

#include <inttypes.h>
#include <string.h>

#include "json.h"

static const char *kind_name(enum death_kind kind)
{
    static const char *const names[] = {
        [DEATH_NONE] = "none",       [DEATH_LOOP] = "fault-loop", [DEATH_RECURSION] = "recursion",
        [DEATH_RETURNS] = "returns", [DEATH_STORM] = "storm",     [DEATH_IDLE] = "idle",
        [DEATH_SPIN] = "spin",       [DEATH_ANSWERS] = "answers", [DEATH_RESETS] = "resets",
        [DEATH_PANIC] = "panic"};

    return names[kind];
}

void death_record_clear(void *record)
{
    struct death_record *r = record;

    g_free(r->cause);
    g_free(r->evidence);
    g_free(r->next);
    g_free(r->details);
}

/* ---- JSON ---- */

static void add_text(GString *out, const char *name, const char *text)
{
    g_string_append_printf(out, ",\n      \"%s\": ", name);
    json_add_string(out, text);
}

static void add_lines(GString *out, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    const char *separator = "";

    g_string_append(out, ",\n      \"details\": [");
    for (char **l = lines; *l; l++) {
        if (!**l)
            continue;
        g_string_append(out, separator);
        json_add_string(out, *l);
        separator = ", ";
    }
    g_string_append(out, "]");
}

static void write_json(const GArray *records, GString *out)
{
    g_string_append(out, "{\n  \"version\": 1,\n  \"deaths\": [");
    for (guint k = 0; k < records->len; k++) {
        const struct death_record *r = &g_array_index(records, struct death_record, k);
        g_string_append_printf(out,
                               "%s\n    {\"kind\": \"%s\", \"cpu\": %u, \"ended\": %s, "
                               "\"instructions\": %" PRIu64,
                               k ? "," : "", kind_name(r->kind), r->cpu,
                               r->ended ? "true" : "false", r->insns);
        add_text(out, "cause", r->cause);
        add_text(out, "evidence", r->evidence);
        add_text(out, "try", r->next);
        add_lines(out, r->details);
        g_string_append(out, "}");
    }
    g_string_append(out, "\n  ]\n}\n");
}

/* ---- JUnit ---- */

/* Readers take the first failure of a test case, so that all are one. */
static void write_junit(const GArray *records, GString *out)
{
    const bool died = records->len > 0;

    g_string_append_printf(out,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<testsuite name=\"armillary\" tests=\"1\" failures=\"%u\">\n"
                           "  <testcase classname=\"armillary\" name=\"the guest lives\">",
                           died ? 1 : 0);
    if (died) {
        const struct death_record *first = &g_array_index(records, struct death_record, 0);
        g_autofree char *cause = g_markup_escape_text(first->cause, -1);
        g_string_append_printf(out, "\n    <failure type=\"%s\" message=\"%s\">",
                               kind_name(first->kind), cause);
    }
    for (guint k = 0; k < records->len; k++) {
        const struct death_record *r = &g_array_index(records, struct death_record, k);
        g_autofree char *text = g_markup_printf_escaped("cpu%u: %s\n%s\ntry: %s\n%s\n", r->cpu,
                                                        r->cause, r->evidence, r->next, r->details);
        g_string_append(out, text);
    }
    g_string_append(out, died ? "</failure>\n  </testcase>\n" : "</testcase>\n");
    g_string_append(out, "</testsuite>\n");
}

/* ---- files ---- */

typedef void write_fn(const GArray *records, GString *out);

static const struct {
    const char *format;
    write_fn *fn;
} formats[] = {{"json", write_json}, {"junit", write_junit}};

/* The file of "FORMAT=FILE", and who writes it; NULL: no such format, or no file. */
static write_fn *take(const char *part, const char **path)
{
    for (size_t k = 0; k < G_N_ELEMENTS(formats); k++) {
        size_t n = strlen(formats[k].format);
        if (strncmp(part, formats[k].format, n) != 0 || part[n] != '=' || !part[n + 1])
            continue;
        *path = part + n + 1;
        return formats[k].fn;
    }
    return NULL;
}

bool death_report_valid(const char *spec)
{
    g_auto(GStrv) parts = g_strsplit(spec, ",", -1);
    const char *path;
    bool good = parts[0] != NULL;

    for (char **p = parts; good && *p; p++)
        good = take(*p, &path) != NULL;
    return good;
}

static bool write_one(const char *part, const GArray *records, FILE *say)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    const char *path = NULL;

    take(part, &path)(records, out);
    if (g_file_set_contents(path, out->str, (gssize)out->len, &error))
        return true;
    fprintf(say, "armillary: --death-report: %s\n", error->message);
    return false;
}

bool death_report_write(const char *const *specs, const GArray *records, FILE *say)
{
    bool good = true;

    for (; specs && *specs; specs++) {
        g_auto(GStrv) parts = g_strsplit(*specs, ",", -1);
        for (char **p = parts; *p; p++)
            good &= write_one(*p, records, say);
    }
    return good;
}
