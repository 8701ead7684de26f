/*
 * `armillary demo`: what the command is for, in a few seconds. Our hypervisor core with two guests
 * is checked, and then one that is wrong in one place. All is done by commands that are printed, so
 * that they can be tried and changed.
 */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "installed.h"

/* The mutant, and what is wrong with it: hyp/CMakeLists.txt builds it of hyp/mutants.def. */
#define MUTANT "demo-mutant"

struct demo {
    char *program; /* this one's path */
    char *images;  /* the folder, */
    char *run;     /* and options of the machine: as words for a shell */
    const char *report;
};

/* ---- where things are ---- */

/* As short as it can be said from here. */
static char *shorten(char *path)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *full = g_canonicalize_filename(path, NULL);
    size_t length = strlen(here);

    g_free(path);
    return g_strdup(g_str_has_prefix(full, here) && full[length] == '/' ? full + length + 1 : full);
}

/* A word as a shell takes it, made as printf() does. */
static char *word(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *word(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return strpbrk(text, " \t\n'\"\\$&;()<>|*?`#~![]{}") ? g_shell_quote(text) : g_strdup(text);
}

static char *guest(const struct demo *d, const char *name, unsigned seed)
{
    return word("kernel:%s/guests/%s.img,rounds=10 seed=%u", d->images, name, seed);
}

static char *run_words(const struct demo *d)
{
    g_autofree char *first = guest(d, "sysregs", 1), *second = guest(d, "fp", 2);

    return g_strdup_printf("--cpu n1 --smp 2 --memory 512 --append 'hyp.memory=16M hyp.vcpus=2' "
                           "--module %s --module %s",
                           first, second);
}

/* ---- running ---- */

/* The lines that `armillary @words` says on standard error; NULL: it could not be started. Its exit
 * code is @code. */
static char **say_and_run(const struct demo *d, const char *words, int *code)
{
    g_autofree char *program = word("%s", d->program);
    g_autofree char *line = g_strdup_printf("%s %s", program, words);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) argv = NULL;
    g_autofree char *said = NULL;
    int status;

    printf("$ armillary %s\n", words);
    fflush(stdout);
    if (!g_shell_parse_argv(line, NULL, &argv, &error) ||
        !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &said,
                      &status, &error)) {
        fprintf(stderr, "armillary demo: %s\n", error->message);
        return NULL;
    }
    *code = g_spawn_check_wait_status(status, NULL) ? 0 : WEXITSTATUS(status);
    return g_strsplit(said, "\n", -1);
}

/* What `armillary check` begins its lines with. */
static const char *text_of(const char *line)
{
    static const char name[] = "armillary: ";

    return g_str_has_prefix(line, name) ? line + strlen(name) : "";
}

/* A row of costs for each reason of an exit. */
static void print_costs(char **lines)
{
    printf("\n  %-14s %9s  %26s %6s %7s %9s\n", "a guest left", "times",
           "instructions min/mean/max", "reads", "writes", "barriers");
    for (; *lines; lines++) {
        char kind[8], reason[16], insns[40];
        unsigned long long times, reads, writes, barriers;
        if (sscanf(text_of(*lines), "%7s %15s %llu insns %39s reads %llu writes %llu barriers %llu",
                   kind, reason, &times, insns, &reads, &writes, &barriers) == 7 &&
            !strcmp(kind, "guest"))
            printf("  %-14s %9llu  %26s %6llu %7llu %9llu\n", reason, times, insns, reads, writes,
                   barriers);
    }
}

static void print_line(char **lines, const char *begins)
{
    for (; *lines; lines++)
        if (g_str_has_prefix(text_of(*lines), begins))
            printf("\n  %s\n", text_of(*lines));
}

/* Where the first finding is, and the command that runs there. */
struct place {
    char cpu[8]; /* "cpu1" */
    const char *replay;
};

/* The first finding: the line of its rule, and what stands under it but the command. False: there
 * is none. */
static bool print_finding(char **lines, struct place *place)
{
    while (*lines && !g_str_has_prefix(text_of(*lines), "error: "))
        lines++;
    if (!*lines)
        return false;
    printf("\n  %s\n", text_of(*lines));
    for (lines++; *lines && g_str_has_prefix(text_of(*lines), "  "); lines++) {
        const char *text = text_of(*lines) + 2;
        if (g_str_has_prefix(text, "replay")) {
            place->replay = g_strchug((char *)text + strlen("replay"));
            return true;
        }
        sscanf(text, "at %7s", place->cpu);
        printf("    %s\n", text);
    }
    return false;
}

static bool check_core(const struct demo *d)
{
    g_autofree char *elf = word("%s/hyp.elf", d->images), *img = word("%s/hyp.img", d->images);
    g_autofree char *words = g_strdup_printf("check %s --symbols %s %s", d->run, elf, img);
    int code;

    printf("A hypervisor with two guests of two virtual CPUs each; every register that it switches "
           "is followed:\n\n");
    g_auto(GStrv) lines = say_and_run(d, words, &code);
    if (!lines)
        return false;
    print_costs(lines);
    print_line(lines, "findings: ");
    return code == 0;
}

static bool check_mutant(const struct demo *d)
{
    g_autofree char *elf = word("%s/" MUTANT ".elf", d->images);
    g_autofree char *img = word("%s/" MUTANT ".img", d->images);
    g_autofree char *report = word("html=%s", d->report);
    g_autofree char *words = g_strdup_printf("check %s --max-insns 30M --symbols %s --report %s %s",
                                             d->run, elf, report, img);
    int code;

    printf("\nThe same, but VBAR_EL1 is not saved when another virtual CPU gets the CPU:\n\n");
    g_auto(GStrv) lines = say_and_run(d, words, &code);
    if (!lines)
        return false;
    struct place place = {.cpu = "cpu0"};
    if (!print_finding(lines, &place) || code != EXIT_FOUND)
        return false;
    print_line(lines, "findings: ");
    printf("\nTo that instruction, and no further:\n\n  %s\n", place.replay);
    const char *count = place.replay + strlen("armillary run --max-insns ");
    printf("\nThe same under a stepper, which also goes back (try `cpu %s`, `goto %.*s`, `why "
           "VBAR_EL1`, "
           "`back`, `help`):\n\n"
           "  armillary step %s --symbols %s %s\n",
           place.cpu + strlen("cpu"), (int)strcspn(count, " "), count, d->run, elf, img);
    return true;
}

static int run(struct demo *d)
{
    d->images = installed_images(MUTANT ".img");
    if (!d->images) {
        fprintf(stderr,
                "armillary demo: there is no hypervisor core beside %s or in " ARMILLARY_SHARE
                "; it is built where aarch64-linux-gnu-gcc is (tools/setup)\n",
                d->program);
        return EXIT_USAGE;
    }
    d->images = shorten(d->images);
    d->run = run_words(d);
    if (!check_core(d) || !check_mutant(d)) {
        fprintf(stderr, "armillary demo: this is not what it should have come to\n");
        return EXIT_FOUND;
    }
    g_autofree char *report = g_canonicalize_filename(d->report, NULL);
    printf("\nThe report, with a timeline and what was saved and restored where, for a browser:\n\n"
           "  %s\n",
           report);
    return 0;
}

int cmd_demo(int argc, char **argv)
{
    struct demo d = {.report = "armillary-demo.html"};
    int k = 1;

    if (k + 1 < argc && !strcmp(argv[k], "--report"))
        d.report = argv[++k], k++;
    if (k < argc) {
        fprintf(stderr, "usage: armillary demo [--report FILE]\n"
                        "FILE (default: armillary-demo.html) gets the HTML report.\n");
        return strcmp(argv[k], "--help") ? EXIT_USAGE : 0;
    }
    d.program = installed_program();
    if (!d.program) {
        fprintf(stderr, "armillary demo: where the program is: %s\n", g_strerror(errno));
        return EXIT_USAGE;
    }
    int code = run(&d);
    g_free(d.program);
    g_free(d.images);
    g_free(d.run);
    return code;
}
