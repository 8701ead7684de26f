/*
 * Compares two sweep reports line by line: compare OURS THEIRS KNOWN CPU. A difference must match a
 * line of KNOWN, "cpu pattern | reason", where pattern (fnmatch) is for the first words of the
 * line, its key, or "cpu pattern = values | reason", where the rest of our line must be just these
 * values. A write mask that both have needs the second form: whoever allows any other mask sees no
 * mistake. Exit code: 0 no others, 1 some, 2 a report is incomplete.
 */
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 256
#define SHOWN        200 /* differences printed */

struct report {
    char **line;
    size_t count;
};

static struct report load(const char *path)
{
    struct report r = {0};
    char text[LINE_MAX_LEN];
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        exit(2);
    }
    while (fgets(text, sizeof(text), f)) {
        text[strcspn(text, "\r\n")] = 0;
        if (!(r.count & (r.count + 1)))
            r.line = realloc(r.line, (2 * r.count + 2) * sizeof(*r.line));
        r.line[r.count++] = strdup(text);
    }
    fclose(f);
    return r;
}

/* Length of the key: three words of a system register line, two of the MMU's ("config.n what@el"),
 * which may be followed by the address. */
static size_t key_length(const char *line)
{
    bool mmu = strchr(line, '@') != NULL, access = strncmp(line, "trap", 4) == 0;
    unsigned words = mmu ? 2 : access ? 5 : 3;
    size_t n = 0;

    while (line[n] && words) {
        n++;
        if (line[n] == ' ' || !line[n])
            words--;
    }
    return n;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Does @row of KNOWN, which is cut up, explain our line? @both: they have a line with this key,
 * too. */
static bool explains(char *row, const char *cpu, const char *line, bool both)
{
    char key[LINE_MAX_LEN];
    size_t n = key_length(line);
    char *bar = strstr(row, " | ");

    if (row[0] == '#' || !bar)
        return false;
    *bar = 0;
    snprintf(key, sizeof(key), "%s %.*s", cpu, (int)n, line);
    char *values = strstr(row, " = ");
    if (values) {
        *values = 0;
        return fnmatch(row, key, 0) == 0 && strcmp(line + n + (line[n] == ' '), values + 3) == 0;
    }
    return fnmatch(row, key, 0) == 0 && !(both && strncmp(line, "mask", 4) == 0);
}

static bool is_known(const struct report *known, const char *cpu, const char *line, bool both)
{
    char row[LINE_MAX_LEN];

    for (size_t k = 0; k < known->count; k++) {
        snprintf(row, sizeof(row), "%s", known->line[k]);
        if (explains(row, cpu, line, both))
            return true;
    }
    return false;
}

static unsigned different, shown;

static void differs(const struct report *known, const char *cpu, const char *ours,
                    const char *theirs)
{
    if (is_known(known, cpu, ours ? ours : theirs, ours && theirs))
        return;
    different++;
    if (shown++ < SHOWN)
        printf("ours:   %s\ntheirs: %s\n", ours ? ours : "(nothing)",
               theirs ? theirs : "(nothing)");
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: compare OURS THEIRS KNOWN CPU\n");
        return 2;
    }
    struct report a = load(argv[1]), b = load(argv[2]), known = load(argv[3]);

    for (unsigned k = 0; k < 2; k++) {
        const struct report *r = k ? &b : &a;
        if (!r->count || strcmp(r->line[r->count - 1], "end") != 0) {
            fprintf(stderr, "%s does not end with \"end\"\n", argv[1 + k]);
            return 2;
        }
    }
    qsort(a.line, a.count, sizeof(*a.line), compare_lines);
    qsort(b.line, b.count, sizeof(*b.line), compare_lines);
    for (size_t i = 0, j = 0; i < a.count || j < b.count;) {
        const char *x = i < a.count ? a.line[i] : NULL, *y = j < b.count ? b.line[j] : NULL;
        size_t n = x ? key_length(x) : 0, m = y ? key_length(y) : 0;
        bool same_key = x && y && n == m && strncmp(x, y, n) == 0;

        if (same_key) {
            if (strcmp(x, y) != 0)
                differs(&known, argv[4], x, y);
            i++;
            j++;
        } else if (!y || (x && strcmp(x, y) < 0)) {
            differs(&known, argv[4], x, NULL);
            i++;
        } else {
            differs(&known, argv[4], NULL, y);
            j++;
        }
    }
    printf("%zu lines, %u unexplained differences\n", a.count, different);
    return different != 0;
}
