#include "model/params.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "model/shipped.h"

static const struct {
    const char *name, *unit, *words, *meaning;
    uint8_t kind; /* enum param_kind */
    uint32_t min, max, def;
} rows[] = {
#define PARAM(name, unit, kind, min, max, def, words, meaning)                                     \
    {#name, unit, words, meaning, PARAM_##kind, min, max, def},
#include "model/params.def"
#undef PARAM
};

enum param_kind param_kind(enum param p)
{
    return (enum param_kind)rows[p].kind;
}

const char *param_name(enum param p)
{
    return rows[p].name;
}

/* By name; PARAM_COUNT: there is none. */
static enum param find(const char *name)
{
    unsigned p = 0;

    while (p < PARAM_COUNT && strcmp(rows[p].name, name))
        p++;
    return (enum param)p;
}

bool arm_core_describe(unsigned index, struct arm_core_parameter *out)
{
    if (index >= PARAM_COUNT)
        return false;
    *out = (struct arm_core_parameter){rows[index].name,  rows[index].unit, rows[index].meaning,
                                       rows[index].words, rows[index].min,  rows[index].max,
                                       rows[index].def};
    return true;
}

uint64_t arm_core_value(const struct arm_core *core, unsigned index)
{
    return index < PARAM_COUNT ? core->v[index] : 0;
}

static void make_label(struct arm_core *core)
{
    snprintf(core->label, sizeof(core->label), "modelled, %s%s%s", core->name,
             *core->changed ? " with " : "", core->changed);
}

void core_put(struct arm_core *core, enum param p, uint32_t value)
{
    core->v[p] = value;
    make_label(core);
}

const char *arm_core_label(const struct arm_core *core)
{
    return core->label;
}

/* ---- values as text ---- */

/* The number of @text among @words; false: it is none of them. */
static bool find_word(const char *words, const char *text, uint32_t *value)
{
    g_auto(GStrv) list = g_strsplit(words, "|", -1);

    for (*value = 0; list[*value]; (*value)++)
        if (!strcmp(list[*value], text))
            return true;
    return false;
}

static bool parse_value(enum param p, const char *text, uint32_t *value)
{
    char *end;

    if (rows[p].words)
        return find_word(rows[p].words, text, value);
    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    uint64_t n = g_ascii_strtoull(text, &end, 10);
    *value = (uint32_t)n;
    return !errno && !*end && n >= rows[p].min && n <= rows[p].max &&
           (rows[p].kind != PARAM_POWER || !(n & (n - 1)));
}

/* "a power of two from 1 to 1024", "static, bimodal or gshare". */
static void expected(enum param p, char *text, size_t size)
{
    if (rows[p].words) {
        g_auto(GStrv) list = g_strsplit(rows[p].words, "|", -1);
        g_autofree char *joined = g_strjoinv(" or ", list);
        snprintf(text, size, "%s", joined);
    } else {
        bool zero = rows[p].kind == PARAM_POWER && !rows[p].min;
        snprintf(text, size, "%s %" PRIu32 " to %" PRIu32 "%s%s",
                 rows[p].kind == PARAM_POWER ? zero ? "0 or a power of two," : "a power of two,"
                                             : "a number,",
                 rows[p].min, rows[p].max, *rows[p].unit ? " " : "", rows[p].unit);
    }
}

static int set_one(struct arm_core *core, const char *name, const char *value,
                   struct arm_error *err)
{
    enum param p = find(name);
    uint32_t number;
    char want[128];

    if (p == PARAM_COUNT)
        return error_set(err, ARM_EINVAL,
                         "\"%s\": expected a parameter of docs/model.md, as \"width\"", name);
    if (!parse_value(p, value, &number)) {
        expected(p, want, sizeof(want));
        return error_set(err, ARM_EINVAL, "%s = %s: expected %s", name, value, want);
    }
    core->v[p] = number;
    return 0;
}

static int check_cache(const char *what, uint32_t kib, uint32_t ways, uint32_t line,
                       struct arm_error *err)
{
    if (kib && (uint64_t)ways * line > (uint64_t)kib * 1024)
        return error_set(err, ARM_EINVAL,
                         "%s_size = %" PRIu32 " KiB: expected room for %s_ways = %" PRIu32
                         " lines of %" PRIu32 " bytes",
                         what, kib, what, ways, line);
    return 0;
}

int core_check(const struct arm_core *core, struct arm_error *err)
{
    const uint32_t *v = core->v;
    int r = check_cache("l1i", v[P_l1i_size], v[P_l1i_ways], v[P_line], err);

    if (!r)
        r = check_cache("l1d", v[P_l1d_size], v[P_l1d_ways], v[P_line], err);
    if (!r)
        r = check_cache("l2", v[P_l2_size], v[P_l2_ways], v[P_line], err);
    uint32_t entries = v[P_tlb2_entries], sets = entries / v[P_tlb2_ways];
    if (!r && entries && (!sets || sets * v[P_tlb2_ways] != entries || (sets & (sets - 1))))
        r = error_set(err, ARM_EINVAL,
                      "tlb2_entries = %" PRIu32
                      ": expected a power of two times tlb2_ways = %" PRIu32,
                      entries, v[P_tlb2_ways]);
    return r;
}

int arm_core_set(struct arm_core *core, const char *parameter, const char *value,
                 struct arm_error *err)
{
    struct arm_core changed = *core;
    int r = set_one(&changed, parameter, value, err);

    if (!r)
        r = core_check(&changed, err);
    if (r)
        return r;
    size_t n = strlen(changed.changed);
    snprintf(changed.changed + n, sizeof(changed.changed) - n, "%s%s=%s", n ? "," : "", parameter,
             value);
    make_label(&changed);
    *core = changed;
    return 0;
}

/* ---- files ---- */

/* "name = value   # source": false with a sentence. */
static int parse_line(struct arm_core *core, char *line, bool *seen, struct arm_error *err)
{
    char *comment = strchr(line, '#');

    if (comment)
        *comment = '\0';
    g_strstrip(line);
    if (!*line)
        return 0;
    char *eq = strchr(line, '=');
    if (!eq)
        return error_set(err, ARM_EFORMAT, "\"%s\": expected NAME = VALUE", line);
    *eq = '\0';
    const char *name = g_strstrip(line), *value = g_strstrip(eq + 1);
    if (!strcmp(name, "name")) {
        if (!*value || strlen(value) >= sizeof(core->name))
            return error_set(err, ARM_EFORMAT, "name = %s: expected 1 to %zu characters", value,
                             sizeof(core->name) - 1);
        snprintf(core->name, sizeof(core->name), "%s", value);
        return 0;
    }
    int r = set_one(core, name, value, err);
    if (r)
        return r;
    if (seen[find(name)])
        return error_set(err, ARM_EFORMAT, "%s: is set twice", name);
    seen[find(name)] = true;
    return 0;
}

/* @text is cut up. */
static int parse_text(struct arm_core *core, const char *file, char *text, struct arm_error *err)
{
    bool seen[PARAM_COUNT] = {false};
    struct arm_error why = {0};
    unsigned number = 0;
    int r = 0;

    for (char *line = text, *next; !r && line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        number++;
        r = parse_line(core, line, seen, &why);
    }
    if (r)
        return error_set(err, ARM_EFORMAT, "%s:%u: %s", file, number, why.text);
    r = core_check(core, &why);
    return r ? error_set(err, ARM_EFORMAT, "%s: %s", file, why.text) : 0;
}

const char *arm_core_model(unsigned index)
{
    return index < shipped_count ? shipped_models[index].name : NULL;
}

static char *shipped_text(const char *name)
{
    for (unsigned k = 0; k < shipped_count; k++)
        if (!strcmp(shipped_models[k].name, name))
            return g_strdup(shipped_models[k].text);
    return NULL;
}

/* The text that @model names; NULL and *err. */
static char *read_model(const char *model, struct arm_error *err)
{
    g_autoptr(GError) why = NULL;
    char *text = NULL;
    gsize size;

    if (!strpbrk(model, "/.")) {
        text = shipped_text(model);
        if (!text)
            error_set(err, ARM_ENOENT, "\"%s\": expected %s, %s or a file (NAME.model)", model,
                      arm_core_model(0), arm_core_model(1));
        return text;
    }
    if (!g_file_get_contents(model, &text, &size, &why)) {
        error_set(err, ARM_EIO, "%s", why->message);
        return NULL;
    }
    if (memchr(text, '\0', size)) {
        error_set(err, ARM_EFORMAT, "%s: not a text", model);
        g_free(text);
        return NULL;
    }
    return text;
}

struct arm_core *arm_core_new(const char *model, struct arm_error *err)
{
    g_autofree char *text = read_model(model, err), *base = g_path_get_basename(model);
    struct arm_core *core;

    if (!text)
        return NULL;
    core = g_new0(struct arm_core, 1);
    for (unsigned p = 0; p < PARAM_COUNT; p++)
        core->v[p] = rows[p].def;
    snprintf(core->name, sizeof(core->name), "%.31s", base);
    if (parse_text(core, model, text, err)) {
        g_free(core);
        return NULL;
    }
    make_label(core);
    return core;
}

struct arm_core *arm_core_copy(const struct arm_core *core)
{
    struct arm_core *copy = g_new(struct arm_core, 1);

    *copy = *core;
    return copy;
}

void arm_core_free(struct arm_core *core)
{
    g_free(core);
}
