/*
 * Writes a header of include/ from its template: a line "@word@" becomes what a table says, and
 * "@include FILE@" another template beside it.
 *
 *   header_gen TEMPLATE
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 64
#define WORDS_MAX 64 /* fields that are made of words */

/* Lines of code with their comments behind them, in one column; above, where that is too far. */
struct block {
    size_t count;
    struct {
        char code[64];
        const char *text;
    } line[LINES_MAX];
};

static bool fits_behind(const char *indent, size_t width, const char *text)
{
    return strlen(indent) + width + strlen(text) + 7 <= 100;
}

static void add(struct block *b, const char *text, const char *fmt, ...)
{
    va_list ap;

    if (b->count == LINES_MAX)
        abort();
    va_start(ap, fmt);
    vsnprintf(b->line[b->count].code, sizeof(b->line[0].code), fmt, ap);
    va_end(ap);
    b->line[b->count++].text = text;
}

static void print(const struct block *b, const char *indent)
{
    size_t width = 0;

    for (size_t k = 0; k < b->count; k++)
        if (strlen(b->line[k].code) > width)
            width = strlen(b->line[k].code);
    for (size_t k = 0; k < b->count; k++) {
        const char *code = b->line[k].code, *text = b->line[k].text;
        if (!*text)
            printf("%s%s\n", indent, code);
        else if (fits_behind(indent, width, text))
            printf("%s%-*s /* %s */\n", indent, (int)width, code, text);
        else
            printf("%s/* %s */\n%s%s\n", indent, text, indent, code);
    }
}

static void errors(void)
{
    struct block b = {0};

#define ERROR(number, NAME, text) add(&b, text, "#define ARM_%-7s %d", #NAME, number);
#include "base/error.def"
#undef ERROR
    print(&b, "");
}

static void log_levels(void)
{
    struct block b = {0};

#define LOG_LEVEL(number, NAME, name, text) add(&b, text, "ARM_LOG_%s = %d,", #NAME, number);
#include "base/log.def"
#undef LOG_LEVEL
    print(&b, "    ");
}

static void log_categories(void)
{
    struct block b = {0};
    int count = 0;

#define LOG_CATEGORY(number, NAME, name) add(&b, "", "ARM_LOG_%s = %d,", #NAME, number), count++;
#include "base/log.def"
#undef LOG_CATEGORY
    print(&b, "    ");
    printf("};\n#define ARM_LOG_CATEGORY_COUNT %d\n", count);
}

/* Words that fields are made of, a set after the other: bits are written as such. */
static void event_words(void)
{
    struct block b = {0};
    const char *last = NULL;

#define PROBE_WORD(set, number, NAME, text)                                                        \
    if (last && strcmp(last, #set)) {                                                              \
        print(&b, "");                                                                             \
        puts("");                                                                                  \
        b.count = 0;                                                                               \
    }                                                                                              \
    last = #set;                                                                                   \
    add(&b, text, "#define ARM_%s_%s %s", #set, #NAME, #number);
#include "base/probe_words.def"
#undef PROBE_WORD
    print(&b, "");
}

#define FIELD(type, name, text)
#define WORD(set, name, text)
#define BITS(set, name, text)
static void event_kinds(void)
{
    struct block b = {0};
    int count = 0;

#define PROBE(number, NAME, member, word, text, fields)                                            \
    add(&b, text, "ARM_EVENT_%s = %d,", #NAME, number), count++;
#include "base/probe.def"
#undef PROBE
    print(&b, "    ");
    printf("};\n#define ARM_EVENT_COUNT %d\n", count);
}

static void event_members(void)
{
#define PROBE(number, NAME, member, word, text, fields)                                            \
    printf("        struct arm_event_" #member " " #member ";\n");
#include "base/probe.def"
#undef PROBE
}
#undef BITS
#undef WORD
#undef FIELD

static void add_field(struct block *b, const char *type, const char *name, const char *text)
{
    if (!strcmp(type, "bool"))
        add(b, text, "bool %s;", name);
    else if (!strcmp(type, "sr"))
        add(b, text, "uint16_t %s;", name);
    else if (!strcmp(type, "128"))
        add(b, text, "uint64_t %s[2];", name);
    else
        add(b, text, "uint%s_t %s;", type, name);
}

/* @type: WORD's or BITS's. */
static void add_words(struct block *b, const char *type, const char *set, const char *name,
                      const char *text)
{
    static char with_set[WORDS_MAX][160]; /* lines keep their text until they are printed */
    static unsigned count;

    if (count == WORDS_MAX)
        abort();
    snprintf(with_set[count], sizeof(with_set[0]), "%s: ARM_%s_xxx", text, set);
    add(b, with_set[count++], "%s %s;", type, name);
}

static void print_payload(const char *member, const struct block *b)
{
    printf("struct arm_event_%s {\n", member);
    print(b, "    ");
    printf("};\n");
}

static void event_payloads(void)
{
    struct block b;

#define FIELD(type, name, text) add_field(&b, #type, #name, text);
#define WORD(set, name, text)   add_words(&b, "uint8_t", #set, #name, text);
#define BITS(set, name, text)   add_words(&b, "uint16_t", #set, #name, text);
#define PROBE(number, NAME, member, word, text, fields)                                            \
    b.count = 0;                                                                                   \
    fields print_payload(#member, &b);
#include "base/probe.def"
#undef PROBE
#undef BITS
#undef WORD
#undef FIELD
}

static void device_kinds(void)
{
    struct block b = {0};

#define DEVICE_KIND(kind, place, name, plug, text) add(&b, text, "%s,", #kind);
#include "base/device_kinds.def"
#undef DEVICE_KIND
    print(&b, "    ");
}

static void model_counts(void)
{
    struct block b = {0};

#define COUNT(name, kind, text) add(&b, text, "uint64_t %s;", #name);
#include "model/counts.def"
#undef COUNT
    print(&b, "    ");
}

static const struct {
    const char *word;
    void (*write)(void);
} parts[] = {
    {"errors", errors},
    {"log_levels", log_levels},
    {"log_categories", log_categories},
    {"event_kinds", event_kinds},
    {"event_words", event_words},
    {"event_payloads", event_payloads},
    {"event_members", event_members},
    {"device_kinds", device_kinds},
    {"model_counts", model_counts},
};

static bool write_template(const char *path);

/* @line is "@...@\n". */
static bool write_part(const char *path, char *line)
{
    char file[4096];
    const char *slash = strrchr(path, '/');

    line[strlen(line) - 2] = '\0';
    if (!strncmp(line, "@include ", 9)) {
        snprintf(file, sizeof(file), "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, line + 9);
        return write_template(file);
    }
    for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
        if (!strcmp(line + 1, parts[k].word)) {
            parts[k].write();
            return true;
        }
    fprintf(stderr, "header_gen: %s: there is no part \"%s\"\n", path, line + 1);
    return false;
}

static bool write_template(const char *path)
{
    char line[512];
    bool ok = true;
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        return false;
    }
    while (ok && fgets(line, sizeof(line), f)) {
        size_t n = strlen(line);
        if (n > 3 && line[0] == '@' && line[n - 2] == '@')
            ok = write_part(path, line);
        else
            fputs(line, stdout);
    }
    fclose(f);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: header_gen TEMPLATE\n");
        return 2;
    }
    return write_template(argv[1]) && fflush(stdout) == 0 ? 0 : 1;
}
