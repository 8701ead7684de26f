/* `armillary step`: forwards and backwards through a hypervisor's world switches. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "run_options.h"
#include "signals.h"
#include "step.h"

const char step_summary[] =
    "Runs IMAGE under a timeline: every movement can be undone. Without --script it is a program\n"
    "for the terminal; with it, commands are taken from a file and answered in lines; \"help\"\n"
    "is one. What the guest prints is kept (console). docs/stepping.md shows how to use it.\n"
    "Exit code: 0, 1 an expectation of the script was not met, 2 usage or host error.";

/* A line of any length without its end; NULL: there are no more. */
static char *read_line(FILE *f, GString *line)
{
    int c;

    g_string_truncate(line, 0);
    while ((c = getc(f)) != EOF && c != '\n')
        g_string_append_c(line, (char)c);
    return c == EOF && line->len == 0 ? NULL : line->str;
}

static int exit_code(enum step_verdict v)
{
    return v == STEP_OK ? 0 : v == STEP_UNMET ? EXIT_UNMET : EXIT_USAGE;
}

/* A script ends at its first mistake; an expectation that is not met lets it go on. */
static int run_script(struct stepper *s, FILE *f, const char *name)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    unsigned number = 0;

    while (!s->quit && read_line(f, line)) {
        number++;
        g_string_truncate(out, 0);
        enum step_verdict v = step_execute(s, line->str, out);
        fputs(out->str, stdout);
        fflush(stdout);
        if (v != STEP_OK)
            fprintf(stderr, "armillary step: %s: line %u: %s", name, number, out->str);
        if (v == STEP_WRONG || v == STEP_HOST)
            return exit_code(v);
    }
    return s->failed ? EXIT_UNMET : 0;
}

static int run_file(struct stepper *s, const char *script)
{
    FILE *f = strcmp(script, "-") ? fopen(script, "re") : stdin;

    if (!f) {
        fprintf(stderr, "armillary step: --script=%s: cannot read: %s\n", script, strerror(errno));
        return EXIT_USAGE;
    }
    int code = run_script(s, f, f == stdin ? "standard input" : script);
    if (f != stdin)
        fclose(f);
    return code;
}

int step_run(const struct run_request *req, const struct check_request *check, const char *script)
{
    struct stepper *s = step_open(req, check);
    int code;

    if (!s)
        return EXIT_USAGE;
    if (!script && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        code = step_screen(s);
    else
        code = run_file(s, script ? script : "-");
    step_close(s);
    return code;
}

int cmd_step(int argc, char **argv)
{
    return run_command_line(argc, argv, RUN_STEPPED);
}
