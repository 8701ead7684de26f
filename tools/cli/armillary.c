/* The `armillary` command: one row a subcommand. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "command.h"
#include "version.h"

static const struct {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(name, arguments, help) {#name, arguments, help, cmd_##name},
#include "tools/cli/commands.def"
#undef COMMAND
};

static void usage(FILE *to)
{
    fprintf(to, "usage: armillary COMMAND ...\n       armillary --help | --version\n\ncommands:\n");
    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        fprintf(to, "  %-6s  %-30s  %s\n", commands[k].name, commands[k].arguments,
                commands[k].help);
    fprintf(to, "\n`armillary COMMAND --help` says more about one.\n");
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
    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        if (!strcmp(argv[1], commands[k].name))
            return commands[k].run(argc - 1, argv + 1);
    fprintf(stderr, "armillary: no command \"%s\"; `armillary --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
