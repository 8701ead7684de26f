/*
 * Reads a preprocessed file of C and writes a row for each function that its .c file defines, for
 * machine/place.c: SOURCE("name", "file", line). Where a macro makes the function, the line is the
 * macro's. Usage: source_gen TOP_FOLDER/, which is left out of the files' names.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 256

struct place {
    char name[NAME_MAX_LEN];
    char file[NAME_MAX_LEN];
    unsigned line;
};

/* Where the reader is. */
static struct {
    const char *top;
    char file[NAME_MAX_LEN];
    unsigned line;
    int braces, parens; /* open ones */
} at;

/* The identifier that was last followed by an open parenthesis, outside of all others. */
static struct place candidate;
static char
    word[NAME_MAX_LEN]; /* the identifier read last; empty if something else came after it */

static int get(void)
{
    int c = getchar();

    at.line += c == '\n';
    return c;
}

static bool in_c_file(void)
{
    const size_t n = strlen(at.file);

    return n > 2 && !strcmp(at.file + n - 2, ".c");
}

/* # line "file" flags: the next line is that one. */
static void read_marker(void)
{
    char text[4096];
    unsigned n = 0, line;
    int c;

    while ((c = getchar()) != EOF && c != '\n')
        if (n < sizeof(text) - 1)
            text[n++] = (char)c;
    text[n] = '\0';
    if (sscanf(text, " %u \"%255[^\"]\"", &line, at.file) == 2)
        at.line = line;
    else
        at.line++; /* a #pragma */
}

static void skip_quoted(int quote)
{
    int c;

    while ((c = get()) != EOF && c != quote)
        if (c == '\\')
            get();
}

static void read_word(int c)
{
    size_t n = 0;

    for (; isalnum(c) || c == '_'; c = get())
        if (n < sizeof(word) - 1)
            word[n++] = (char)c;
    word[n] = '\0';
    if (c == '\n')
        at.line--; /* it will be read again */
    ungetc(c, stdin);
}

static void open_paren(void)
{
    if (at.parens++ == 0 && at.braces == 0 && word[0] && strcmp(word, "__attribute__") != 0) {
        snprintf(candidate.name, sizeof(candidate.name), "%s", word);
        snprintf(candidate.file, sizeof(candidate.file), "%s", at.file);
        candidate.line = at.line;
    }
}

static void print_row(void)
{
    const size_t n = strlen(at.top);
    const char *file = candidate.file;

    printf("SOURCE(\"%s\", \"%s\", %u)\n", candidate.name,
           strncmp(file, at.top, n) == 0 ? file + n : file, candidate.line);
}

static void read_char(int c)
{
    switch (c) {
    case '"':
    case '\'':
        skip_quoted(c);
        break;
    case '(':
        open_paren();
        break;
    case ')':
        at.parens--;
        break;
    case '{':
        if (at.braces++ == 0 && candidate.name[0] && in_c_file())
            print_row();
        candidate.name[0] = '\0';
        break;
    case '}':
        at.braces--;
        break;
    case ';':
    case '=':
        candidate.name[0] = '\0';
        break;
    default:
        break;
    }
    if (!isspace(c))
        word[0] = '\0';
}

int main(int argc, char **argv)
{
    bool line_start = true;
    int c;

    at.top = argc > 1 ? argv[1] : "";
    while ((c = get()) != EOF) {
        if (c == '#' && line_start) {
            read_marker();
            continue;
        }
        line_start = c == '\n';
        if (isalpha(c) || c == '_')
            read_word(c);
        else
            read_char(c);
    }
    return 0;
}
