/* The `armillary` command: one row a subcommand. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "armillary.h"
#include "command.h"

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
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        fprintf(to, "  %-6s  %-30s  %s\n", commands[k].name, commands[k].arguments,
                commands[k].help);
    fprintf(to, "\n`armillary COMMAND --help` says more about one.\n");
}

/* A descriptor 0 to 2 that we were started without would be the next file to be opened, and what
 * goes to the console or to standard error would be written into that file: the null device takes
 * the place. */
static bool secure_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

/* As a link of QEMU's name, for scripts that want one word for it. */
static bool is_called_qemu(const char *path)
{
    static const char name[] = "qemu-system-aarch64";
    const char *slash = strrchr(path, '/');

    return !strncmp(slash ? slash + 1 : path, name, sizeof(name) - 1);
}

static int run_command(int argc, char **argv)
{
    if (argc > 0 && is_called_qemu(argv[0]))
        return cmd_qemu(argc, argv);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        usage(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("armillary %s\n", arm_version());
        return 0;
    }
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        if (!strcmp(argv[1], commands[k].name))
            return commands[k].run(argc - 1, argv + 1);
    fprintf(stderr, "armillary: no command \"%s\"; `armillary --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}

/* What is still in the buffer of standard output: an error of writing it is one of the program. */
static int flush_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "armillary: cannot write standard output: %s\n", strerror(errno));
    return code ? code : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (!secure_standard_streams())
        return EXIT_USAGE; /* and nowhere to say so */
    return flush_output(run_command(argc, argv));
}
