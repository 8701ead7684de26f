/*
 * Writes libarmillary(3) from the library's header: its comments are the text, its declarations the
 * synopsis of each.
 *
 *   man_gen HEADER
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "armillary_types.h"

/* Text for troff: its own characters escaped. */
static void roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '-')
            putchar('\\');
        fputs(*text == '\\' ? "\\e" : (const char[]){*text, '\0'}, stdout);
    }
}

struct page {
    bool comment; /* inside one */
    bool code;    /* inside declarations */
};

static void code_ends(struct page *p)
{
    if (p->code)
        fputs(".fi\n.RE\n", stdout);
    p->code = false;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* A line of a comment, without what makes it one. */
static void comment_line(char *text)
{
    char *end = strstr(text, "*/");

    if (end)
        *end = '\0';
    text += strspn(text, "/* ");
    if (!*text)
        fputs(end ? "" : ".PP\n", stdout);
    else if (*text == '@' || begins(text, "Return:") || begins(text, "Thread:") ||
             begins(text, "arm_"))
        fputs(".br\n", stdout), roff(text), putchar('\n');
    else
        roff(text), putchar('\n');
}

/* "---- registers ----": a section. */
static bool section(const char *line)
{
    char name[64];

    if (sscanf(line, "/* ---- %63[^-]", name) != 1)
        return false;
    name[strlen(name) - 1] = '\0';
    printf(".SH ");
    for (const char *c = name; *c; c++)
        putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    putchar('\n');
    return true;
}

static void code_line(struct page *p, const char *line)
{
    if (!p->code)
        fputs(".RS 4\n.nf\n", stdout);
    p->code = true;
    roff(line);
    putchar('\n');
}

/* Of the preprocessor only constants are the reader's. */
static bool is_hidden(const char *line)
{
    return begins(line, "#if") || begins(line, "#else") || begins(line, "#endif") ||
           begins(line, "#include") || begins(line, "extern \"C\"") || !strcmp(line, "}") ||
           begins(line, "#define ARMILLARY") || begins(line, "#define ARM_API") ||
           begins(line, "#define ARM_EXTENSION");
}

static void line(struct page *p, char *text)
{
    text[strcspn(text, "\n")] = '\0';
    if (p->comment) {
        p->comment = !strstr(text, "*/");
        comment_line(text);
    } else if (!*text || section(text)) {
        code_ends(p);
    } else if (begins(text, "/*")) {
        code_ends(p);
        fputs(".PP\n", stdout);
        p->comment = !strstr(text, "*/");
        comment_line(text);
    } else if (!is_hidden(text)) {
        code_line(p, begins(text, "ARM_API ") ? text + 8 : text);
    }
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    struct page p = {0};
    char text[512];

    if (!f) {
        perror(argc == 2 ? argv[1] : "usage: man_gen HEADER");
        return 2;
    }
    fputs(".\\\" Made by tools/man_gen.c from armillary.h; do not edit.\n"
          ".TH LIBARMILLARY 3 \"\" \"armillary " ARM_VERSION "\"\n"
          ".SH NAME\nlibarmillary \\- an AArch64 machine with EL0, EL1 and EL2 in your process\n"
          ".SH SYNOPSIS\n.nf\n#include <armillary.h>\n\n"
          "cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs armillary)\n.fi\n.SH DESCRIPTION\n",
          stdout);
    while (fgets(text, sizeof(text), f))
        line(&p, text);
    code_ends(&p);
    fputs(".SH SEE ALSO\n.BR armillary (1)\n", stdout);
    fclose(f);
    return fflush(stdout) == 0 ? 0 : 1;
}
