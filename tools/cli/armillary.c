/* The `armillary` command: one row a subcommand. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "version.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", cmd_run, "run an image"},
};

static void usage(FILE *to)
{
    fprintf(to, "usage: armillary COMMAND [OPTION...]\n\ncommands:\n");
    for (size_t k = 0; k < sizeof(commands) / sizeof(commands[0]); k++)
        fprintf(to, "  %-8s %s\n", commands[k].name, commands[k].help);
    fprintf(to, "\n`armillary COMMAND --help` shows the options of one.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        usage(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("armillary %s\n", ARMILLARY_VERSION);
        return 0;
    }
    for (size_t k = 0; k < sizeof(commands) / sizeof(commands[0]); k++)
        if (!strcmp(argv[1], commands[k].name))
            return commands[k].run(argc - 1, argv + 1);
    fprintf(stderr, "armillary: no command \"%s\"; `armillary --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
