#include "hyp/opts.h"

#include <stdbool.h>

#include "hyp/lib.h"

struct opts opts;

static char complaint[160];

/* Words that a table row gives as text: "a, b, c" as the preprocessor spells a list. */
static const struct option {
    const char *name, *words, *first; /* words NULL: a number */
    void *value;
} options[] = {
#define CHOICE(name, def, help, ...) {#name, #__VA_ARGS__, #def, &opts.name},
#define NUMBER(name, def, help)      {#name, NULL, #def, &opts.name},
#include "hyp/opts.def"
#undef CHOICE
#undef NUMBER
};

static bool same_word(const char *text, size_t n, const char *word, size_t word_n)
{
    return n == word_n && !strncmp(text, word, n);
}

/* Which word of a list it is; false: none. */
static bool choose(const char *list, const char *text, size_t n, unsigned *which)
{
    for (*which = 0;; (*which)++) {
        const char *comma = strchr(list, ',');
        size_t word_n = comma ? (size_t)(comma - list) : strlen(list);

        if (same_word(text, n, list, word_n))
            return true;
        if (!comma)
            return false;
        list = comma + 2;
    }
}

static bool set(const struct option *o, const char *text, size_t n)
{
    const char *end;

    if (o->words)
        return choose(o->words, text, n, (unsigned *)o->value);
    *(uint64_t *)o->value = parse_number(text, &end);
    return n && (size_t)(end - text) == n;
}

void opts_init(void)
{
    complaint[0] = 0;
    for (unsigned k = 0; k < sizeof(options) / sizeof(options[0]); k++)
        set(&options[k], options[k].first, strlen(options[k].first));
}

static size_t until(const char *text, char stop)
{
    size_t n = 0;

    while (text[n] && text[n] != ' ' && text[n] != stop)
        n++;
    return n;
}

static void parse_word(const char *word, size_t n)
{
    size_t name_n = until(word, '=');

    for (unsigned k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
        if (!same_word(word, name_n, options[k].name, strlen(options[k].name)))
            continue;
        if (name_n == n || !set(&options[k], word + name_n + 1, n - name_n - 1))
            format(complaint, sizeof(complaint), "hyp.%s is one of: %s", options[k].name,
                   options[k].words ? options[k].words : "a number");
        return;
    }
    format(complaint, sizeof(complaint), "there is no option hyp.%s", word);
}

void opts_parse(const char *line)
{
    while (*line) {
        size_t n = until(line, ' ');

        if (n > 4 && !strncmp(line, "hyp.", 4))
            parse_word(line + 4, n - 4);
        line += n;
        while (*line == ' ')
            line++;
    }
}

const char *opts_complaint(void)
{
    return complaint[0] ? complaint : NULL;
}
