/*
 * Writes files as initializers of C: {"NAME", "TEXT"}, each, NAME being the file's without folder
 * and ending.
 *
 *   text_gen FILE...
 */
#include <stdio.h>
#include <string.h>

static void write_quoted(FILE *f)
{
    int c;

    fputs("\"", stdout);
    while ((c = getc(f)) != EOF) {
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            fputs("\\n\"\n    \"", stdout);
        else
            putchar(c);
    }
    fputs("\"", stdout);
}

static int write_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        return 1;
    }
    printf("{\"%.*s\",\n    ", (int)strcspn(name, "."), name);
    write_quoted(f);
    puts("},");
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    int bad = 0;

    for (int k = 1; k < argc; k++)
        bad |= write_file(argv[k]);
    return bad;
}
