/* `armillary snapshot info FILE...`: what a snapshot is of. */
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "command.h"

#define TEXT_BYTES 65536

static void usage(FILE *to)
{
    fprintf(to,
            "usage: armillary snapshot info FILE...\n\n"
            "Prints what machine a snapshot is of and how far it had come, and checks that the\n"
            "file is whole. `armillary run --save` makes one, `armillary run --restore`, with "
            "the\noptions of the run that made it, goes on from it.\n");
}

static int info(const char *file)
{
    static const char indent[] = "  ";
    char text[TEXT_BYTES];
    struct arm_error err;

    if (arm_snapshot_info(file, text, sizeof(text), &err) < 0) {
        fprintf(stderr, "armillary: %s\n", err.text);
        return EXIT_USAGE;
    }
    printf("%s:\n", file);
    for (char *line = text, *end; *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        else
            end = line + strlen(line);
        printf("%s%s\n", indent, line[0] == '#' && line[1] == ' ' ? line + 2 : line);
    }
    return 0;
}

int cmd_snapshot(int argc, char **argv)
{
    int code = 0;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        usage(stdout);
        return 0;
    }
    if (argc < 3 || strcmp(argv[1], "info") != 0) {
        usage(stderr);
        return EXIT_USAGE;
    }
    for (int k = 2; k < argc; k++)
        if (info(argv[k]) != 0)
            code = EXIT_USAGE;
    return code;
}
