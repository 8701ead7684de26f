#include "tools/docs_man.h"

#include <string.h>

#include "armillary.h"
#include "base/bits.h"
#include "tools/cli/option_texts.h"

/* Text for troff: its own characters escaped. */
static void roff(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', f);
        if (*text == '\\')
            fputc('e', f);
        else if (!strncmp(text, "±", 2))
            fputs("\\(+-", f), text++;
        else
            fputc(*text, f);
    }
}

static void paragraph(FILE *f, const char *dash, const char *name, const char *separator,
                      const char *argument, const char *help)
{
    fputs(".TP\n\\fB", f);
    roff(f, dash);
    roff(f, name);
    fputs("\\fR", f);
    if (*argument) {
        fputs(separator, f);
        fputs("\\fI", f);
        roff(f, argument);
        fputs("\\fR", f);
    }
    fputc('\n', f);
    roff(f, help);
    fputc('\n', f);
}

static const struct {
    const char *name, *title;
} option_groups[] = {{"machine", "Machine"},
                     {"image", "Image"},
                     {"limits", "Limits"},
                     {"debug", "Debugging"},
                     {"check", "Checking (armillary check)"},
                     {"sweep", "Many runs (armillary check)"},
                     {"step", "Stepping (armillary step)"}};

static const struct {
    const char *group, *name, *argument, *help, *def, *cost;
} run_options[] = {
#define OPTION(group, name, member, kind, argument, help, def, cost)                               \
    {#group, name, argument, help, def, cost},
#include "tools/cli/run_options.def"
#undef OPTION
};

static void man_run(FILE *f)
{
    for (size_t g = 0; g < ARRAY_SIZE(option_groups); g++) {
        fprintf(f, ".SS %s\n", option_groups[g].title);
        for (size_t k = 0; k < ARRAY_SIZE(run_options); k++) {
            if (strcmp(run_options[k].group, option_groups[g].name))
                continue;
            paragraph(f, "--", run_options[k].name, "=", run_options[k].argument,
                      run_options[k].help);
            if (*run_options[k].def) {
                fputs("(default: ", f);
                roff(f, run_options[k].def);
                fputs(")\n", f);
            }
            if (*run_options[k].cost) {
                fputs("Cost: ", f);
                roff(f, run_options[k].cost);
                fputs(".\n", f);
            }
        }
    }
}

static void man_qemu(FILE *f)
{
#define NONE                                  ""
#define QEMU_OPTION(name, argument, fn, help) paragraph(f, "-", name, " ", argument, help);
#include "tools/cli/qemu_options.def"
#undef QEMU_OPTION
#undef NONE
}

static void man_call(FILE *f)
{
#define CALL_OPTION(name, member, kind, argument, help)                                            \
    paragraph(f, "--", name, "=", argument, help);
#include "tools/cli/call_options.def"
#undef CALL_OPTION
}

static void man_lab(FILE *f)
{
#define LAB_OPTION(name, member, kind, argument, help)                                             \
    paragraph(f, "--", name, "=", argument, help);
#include "tools/cli/lab_options.def"
#undef LAB_OPTION
}

static void man_monitor(FILE *f)
{
#define MONITOR(name, shortest, arguments, help)                                                   \
    paragraph(f, "", #name, *arguments == '[' ? "" : " ", arguments, help);
#include "tools/cli/monitor.def"
#undef MONITOR
}

static const struct {
    const char *heading;
    void (*write)(FILE *f);
} sections[] = {
    {".SH OPTIONS OF RUN\n", man_run},
    {".SH OPTIONS OF CALL\n", man_call},
    {".SH OPTIONS OF LAB\n", man_lab},
    {".SH OPTIONS OF QEMU\nA word in capitals stands for any value. Anything else is refused by "
     "name.\n",
     man_qemu},
    {".SH MONITOR\nAt a terminal Ctrl\\-A x quits, Ctrl\\-A c opens the monitor, Ctrl\\-A Ctrl\\-A "
     "sends one. Numbers are\nhexadecimal; a command may be cut short.\n",
     man_monitor},
};

static const char end[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\nthe guest powered the machine off\n"
    ".TP\n1\nthe guest reset it with \\-\\-no\\-reboot\n"
    ".TP\n2\nusage or host error; some are that something printed could not be written, or "
    "that memory ran out\n"
    ".TP\n3\na limit was reached, the guest waits for ever, or you quit\n"
    ".TP\n4\na fault loop: one CPU takes the same exception for ever, and no other runs\n"
    ".TP\n5\nwith \\-\\-on\\-death=stop: the guest's console says that it has died\n"
    ".TP\n6\nwith \\-\\-engine=lockstep: the engines do not do the same\n"
    ".PP\nAt a semihosting exit it is the guest's own code. With\n.B qemu\na reset under "
    "\\-no\\-reboot and Ctrl\\-A x give 0, as QEMU's do. A signal ends the program as it "
    "would any other; a second one does\nnot wait for what the first one may still write.\n"
    ".SH OUTPUT\nA guest waits for the reader of what it prints, but nothing holds a run for "
    "longer than half a second\nagainst a signal, \\-\\-timeout or "
    "\\-\\-max\\-insns: what the reader has not taken by then is lost, and counted. With "
    "\n\\-\\-max\\-insns the guest runs ahead of a reader that takes nothing, by at most "
    "64 MiB.\n.PP\nA run that a limit or a signal ends, or that waits for ever, prints the "
    "registers of the CPU that ran last.\n"
    ".SH EXAMPLES\n.nf\n"
    "armillary run \\-\\-cpu=n1 \\-\\-initrd=initrd.gz \\-\\-append=console=ttyAMA0 Image\n"
    "armillary run \\-\\-semihosting \\-\\-trace=exception,sysreg:trace.txt test.elf\n"
    "armillary qemu \\-M virt,gic\\-version=3,virtualization=on \\-cpu max \\-kernel Image "
    "\\-nographic\n"
    "armillary dis d5381000\n"
    "armillary sysreg HCR_EL2=0x488000000\n.fi\n";

void docs_man_write(FILE *f)
{
    fputs(".\\\" Made by tools/docs_gen.c from tools/cli/*.def; do not edit.\n"
          ".TH ARMILLARY 1 \"\" \"armillary " ARM_VERSION "\"\n"
          ".SH NAME\narmillary \\- an AArch64 machine with EL0, EL1 and EL2\n.SH SYNOPSIS\n",
          f);
#define COMMAND(name, arguments, help)                                                             \
    fputs(".B armillary " #name "\n", f);                                                          \
    roff(f, arguments);                                                                            \
    fputs("\n.br\n", f);
#include "tools/cli/commands.def"
#undef COMMAND
    fputs(".B armillary \\-\\-help\n|\n.B \\-\\-version\n.SH DESCRIPTION\n"
          "Runs arm64 kernels and bare-metal programs on a machine like QEMU's virt board, with a "
          "GICv3 and the\nvirtualization extensions. It is deterministic: the same image, options "
          "and "
          "seed retire the same\ninstructions and print the same bytes.\n"
          ".PP\nThe guest's console is standard input and output; the program's own words go to "
          "standard error.\n.SH COMMANDS\n",
          f);
#define COMMAND(name, arguments, help) paragraph(f, "", #name, "", "", help);
#include "tools/cli/commands.def"
#undef COMMAND
    for (size_t k = 0; k < ARRAY_SIZE(sections); k++) {
        fputs(sections[k].heading, f);
        sections[k].write(f);
    }
    fputs(end, f);
}
