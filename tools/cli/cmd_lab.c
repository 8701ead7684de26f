/* `armillary lab`: experiments on the hypervisor core. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "installed.h"
#include "lab.h"

static const struct experiment {
    const char *name, *title, *question;
    lab_fn *run;
} experiments[] = {
#define EXPERIMENT(name, title, question) {#name, title, question, lab_##name},
#include "tools/cli/lab.def"
#undef EXPERIMENT
};
#define EXPERIMENTS G_N_ELEMENTS(experiments)

struct options {
    gboolean json, markdown, quick, help;
    char *images;
    char **names, **models;
};

static GOptionContext *make_context(struct options *o)
{
    GOptionContext *ctx = g_option_context_new("[NAME...] - experiments on the hypervisor core");
    GString *text = g_string_new("Each counts on the machine what a thread of a mailing list asks; "
                                 "all without NAME:\n\n");
    const GOptionEntry entries[] = {
#define LAB_OPTION(name, member, kind, argument, help)                                             \
    {name, 0, 0, G_OPTION_ARG_##kind, &o->member, help, *argument ? argument : NULL},
#include "tools/cli/lab_options.def"
#undef LAB_OPTION
        {"help", 'h', 0, G_OPTION_ARG_NONE, &o->help, "show this and end", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->names, NULL, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    g_set_prgname("armillary lab");
    for (size_t k = 0; k < EXPERIMENTS; k++)
        g_string_append_printf(text, "  %-9s %s\n", experiments[k].name, experiments[k].title);
    g_string_append(text, "\nExit code: 0 done; 2 usage or host error.");
    g_option_context_add_main_entries(ctx, entries, NULL);
    g_option_context_set_help_enabled(ctx, FALSE);
    g_option_context_set_summary(ctx, text->str);
    g_string_free(text, TRUE);
    return ctx;
}

static bool is_wanted(const struct options *o, const char *name)
{
    return !o->names || g_strv_contains((const char *const *)o->names, name);
}

static bool names_exist(const struct options *o)
{
    for (char **n = o->names; n && *n; n++) {
        size_t k = 0;
        while (k < EXPERIMENTS && strcmp(*n, experiments[k].name))
            k++;
        if (k == EXPERIMENTS) {
            fprintf(stderr,
                    "armillary lab: no experiment \"%s\"; `armillary lab --help` lists "
                    "them\n",
                    *n);
            return false;
        }
    }
    return true;
}

static unsigned terminal_width(void)
{
    struct winsize w;

    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40)
        return w.ws_col;
    return 100;
}

/* ---- an experiment in a process of its own, which writes its report to a file ---- */

struct job {
    const struct experiment *e;
    FILE *report;
    pid_t pid; /* 0: has not begun, or has been waited for */
    bool ok;
};

static int run_job(const struct job *job, const struct lab *lab, enum lab_format format,
                   unsigned width)
{
    struct lab_report *r = lab_report_new(job->e->name, job->e->title, job->e->question);
    bool ok = job->e->run(lab, r) && !lab_report_error(r);

    if (ok)
        lab_report_write(r, format, width, job->report);
    else
        fprintf(stderr, "armillary lab: %s: %s\n", job->e->name, lab_report_error(r));
    lab_report_free(r);
    return ok && fflush(job->report) == 0 ? 0 : 1;
}

static bool begin_job(struct job *job, const struct lab *lab, enum lab_format format,
                      unsigned width)
{
    job->report = tmpfile();
    job->pid = job->report ? fork() : -1;
    if (job->pid == 0)
        _exit(run_job(job, lab, format, width));
    if (job->pid < 0)
        fprintf(stderr, "armillary lab: %s: %s\n", job->e->name, strerror(errno));
    return job->pid > 0;
}

static void await_any(struct job *jobs, size_t count)
{
    int status;
    pid_t pid = wait(&status);

    for (size_t k = 0; k < count; k++)
        if (pid > 0 && jobs[k].pid == pid) {
            jobs[k].pid = 0;
            jobs[k].ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
}

/* As many at a time as there are CPUs. Return: all have ended well. */
static bool run_jobs(struct job *jobs, size_t count, const struct lab *lab, enum lab_format format,
                     unsigned width)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN), running = 0;
    bool ok = true;

    fflush(NULL);
    for (size_t k = 0; k < count; k++) {
        if (running >= MAX(cpus, 1)) {
            await_any(jobs, count);
            running--;
        }
        if (begin_job(&jobs[k], lab, format, width))
            running++;
    }
    for (; running; running--)
        await_any(jobs, count);
    for (size_t k = 0; k < count; k++)
        ok &= jobs[k].ok;
    return ok;
}

static void copy_report(FILE *from)
{
    char buffer[4096];
    size_t n;

    rewind(from);
    while ((n = fread(buffer, 1, sizeof(buffer), from)) > 0)
        fwrite(buffer, 1, n, stdout);
}

/* In the table's order, whatever the order in which they end. */
static int run_all(const struct options *o, const struct lab *lab)
{
    enum lab_format format = o->json ? LAB_JSON : o->markdown ? LAB_MARKDOWN : LAB_TEXT;
    struct job jobs[EXPERIMENTS] = {0};
    size_t count = 0;

    for (size_t k = 0; k < EXPERIMENTS; k++)
        if (is_wanted(o, experiments[k].name))
            jobs[count++].e = &experiments[k];
    bool ok = run_jobs(jobs, count, lab, format, terminal_width());
    if (o->json)
        printf("{\"armillary\": \"%s\", \"quick\": %s, \"experiments\": [\n", arm_version(),
               o->quick ? "true" : "false");
    for (size_t k = 0, printed = 0; k < count; k++) {
        if (jobs[k].ok) {
            fputs(printed++ ? o->json ? ",\n" : "\n" : "", stdout);
            copy_report(jobs[k].report);
        }
        if (jobs[k].report)
            fclose(jobs[k].report);
    }
    if (o->json)
        printf("\n]}\n");
    return ok ? 0 : EXIT_USAGE;
}

static const char *const default_models[] = {"n1", "a53", NULL};

/* Return: how many, in @cores; 0: a message was printed. */
static unsigned make_cores(const struct options *o, struct arm_core **cores, unsigned room)
{
    const char *const *names = o->models ? (const char *const *)o->models : default_models;
    struct arm_error err = {0};
    unsigned count = 0;

    for (; names[count] && count < room; count++) {
        cores[count] = arm_core_new(names[count], &err);
        if (!cores[count]) {
            fprintf(stderr, "armillary lab: --model=%s: %s\n", names[count], err.text);
            break;
        }
    }
    if (!names[count] && count)
        return count;
    if (names[count] && count == room)
        fprintf(stderr, "armillary lab: --model: expected at most %u\n", room);
    while (count)
        arm_core_free(cores[--count]);
    return 0;
}

static int run_options(const struct options *o)
{
    g_autofree char *images = o->images ? g_strdup(o->images) : installed_images("hyp.img");
    struct arm_core *cores[LAB_CORES];
    struct lab lab = {.images = images, .quick = o->quick, .cores = cores};
    int code = EXIT_USAGE;

    if (!names_exist(o))
        return EXIT_USAGE;
    if (!images) {
        fprintf(stderr, "armillary lab: no hypervisor core beside the program; --images names the "
                        "directory that has hyp.img\n");
        return EXIT_USAGE;
    }
    lab.core_count = make_cores(o, cores, LAB_CORES);
    if (lab.core_count)
        code = run_all(o, &lab);
    for (unsigned k = 0; k < lab.core_count; k++)
        arm_core_free(cores[k]);
    return code;
}

int cmd_lab(int argc, char **argv)
{
    struct options o = {0};
    g_autoptr(GError) error = NULL;
    GOptionContext *ctx = make_context(&o);
    int code = EXIT_USAGE;

    if (!g_option_context_parse(ctx, &argc, &argv, &error)) {
        fprintf(stderr, "armillary lab: %s; `armillary lab --help` says more\n", error->message);
    } else if (o.help) {
        g_autofree char *help = g_option_context_get_help(ctx, TRUE, NULL);
        fputs(help, stdout);
        code = 0;
    } else {
        code = run_options(&o);
    }
    g_option_context_free(ctx);
    g_free(o.images);
    g_strfreev(o.names);
    g_strfreev(o.models);
    return code;
}
