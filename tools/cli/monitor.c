#include "monitor.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "console.h"
#include "parse.h"
#include "registers.h"

/* What a command did: keep asking, run on, or end the program. */
enum verdict { STAY, CONTINUE, QUIT };

typedef enum verdict monitor_fn(struct arm_machine *m, char **words);

#define MONITOR(name, ...) static monitor_fn do_##name;
#include "tools/cli/monitor.def"
#undef MONITOR

static void print_registers(struct arm_machine *m, unsigned cpu)
{
    static const char *const system[] = {
        "SCTLR_EL1", "TTBR0_EL1", "TTBR1_EL1", "TCR_EL1",   "VBAR_EL1",  "ELR_EL1",
        "SPSR_EL1",  "ESR_EL1",   "FAR_EL1",   "HCR_EL2",   "SCTLR_EL2", "TTBR0_EL2",
        "TTBR1_EL2", "TCR_EL2",   "VBAR_EL2",  "VTTBR_EL2", "VTCR_EL2",  "ELR_EL2",
        "SPSR_EL2",  "ESR_EL2",   "FAR_EL2",   "HPFAR_EL2"};

    registers_print_general(stdout, m, cpu);
    for (unsigned k = 0; k < G_N_ELEMENTS(system); k++) {
        uint64_t v = 0;
        arm_reg_read(m, cpu, system[k], &v); /* without EL2 its registers show 0 */
        printf("  %-9s %016" PRIx64 "%s", system[k], v,
               k % 3 == 2 || k + 1 == G_N_ELEMENTS(system) ? "\n" : "");
    }
}

static void print_line(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

static enum verdict do_info(struct arm_machine *m, char **words)
{
    if (words[1] && !strcmp(words[1], "registers"))
        for (unsigned k = 0; k < arm_cpu_count(m); k++)
            print_registers(m, k);
    else if (!words[1] || !arm_describe(m, words[1], print_line, NULL))
        printf("info registers, info gic or info tlb\n");
    return STAY;
}

/* walk VA [CPU] */
static enum verdict do_walk(struct arm_machine *m, char **words)
{
    uint64_t va, index = 0, pstate = 0;
    struct arm_translation t;

    if (!words[1] || !parse_hex(words[1], &va) ||
        (words[2] && !parse_number(words[2], 0, arm_cpu_count(m) - 1, &index))) {
        printf("walk VA [CPU]: a hexadecimal address\n");
        return STAY;
    }
    arm_reg_read(m, (unsigned)index, "pstate", &pstate);
    if (arm_translate(m, (unsigned)index, (unsigned)(pstate >> 2) & 3, va, ARM_ACCESS_READ, &t))
        printf("PA %#" PRIx64 ", memory attributes %#04x, shareability %u, stage-1 page 2^%u, "
               "stage-2 page 2^%u, privileged %c%c%c, unprivileged %c%c%c%s%s\n",
               t.pa, t.attr, t.shareability, t.stage1_log2, t.stage2_log2,
               t.perms & ARM_PERM_PR ? 'r' : '-', t.perms & ARM_PERM_PW ? 'w' : '-',
               t.perms & ARM_PERM_PX ? 'x' : '-', t.perms & ARM_PERM_UR ? 'r' : '-',
               t.perms & ARM_PERM_UW ? 'w' : '-', t.perms & ARM_PERM_UX ? 'x' : '-',
               t.global ? "" : ", not global", t.guarded ? ", guarded" : "");
    else
        printf("%s fault, stage %u, level %d%s\n", t.fault, t.stage, t.level,
               t.on_walk ? ", on the stage-1 table walk" : "");
    return STAY;
}

/* x/COUNT ADDR: 32-bit words of guest-physical memory. */
static enum verdict do_x(struct arm_machine *m, char **words)
{
    uint64_t addr, count = 1;

    if (words[0][1] == '/')
        count = g_ascii_strtoull(words[0] + 2, NULL, 0);
    if (!words[1] || !parse_hex(words[1], &addr)) {
        printf("x[/COUNT] ADDR: 32-bit words at a hexadecimal physical address\n");
        return STAY;
    }
    for (uint64_t k = 0; k < count && k < 4096; k++) {
        uint32_t v;
        if (k % 4 == 0)
            printf("%s%#012" PRIx64 ":", k ? "\n" : "", addr + 4 * k);
        if (!arm_mem_read(m, addr + 4 * k, &v, 4)) {
            printf(" not RAM");
            break;
        }
        printf(" %08x", v);
    }
    printf("\n");
    return STAY;
}

/* print REGISTER [CPU] */
static enum verdict do_print(struct arm_machine *m, char **words)
{
    uint64_t value, index = 0;

    if (!words[1] || (words[2] && !parse_number(words[2], 0, arm_cpu_count(m) - 1, &index)))
        printf("print REGISTER [CPU]\n");
    else if (!arm_reg_read(m, (unsigned)index, words[1], &value))
        printf("no register \"%s\"\n", words[1]);
    else
        printf("%s = 0x%016" PRIx64 "\n", words[1], value);
    return STAY;
}

static enum verdict do_continue(struct arm_machine *m, char **words)
{
    (void)m, (void)words;
    return CONTINUE;
}

static enum verdict do_quit(struct arm_machine *m, char **words)
{
    (void)m, (void)words;
    return QUIT;
}

static enum verdict do_reset(struct arm_machine *m, char **words)
{
    struct arm_error err;

    (void)words;
    if (arm_reset(m, &err) == 0)
        return CONTINUE;
    printf("%s\n", err.text);
    return STAY;
}

static enum verdict do_powerdown(struct arm_machine *m, char **words)
{
    (void)words;
    arm_power_button(m);
    return CONTINUE;
}

static const struct {
    const char *name;
    size_t shortest;
    monitor_fn *fn;
    const char *arguments, *help;
} commands[] = {
#define MONITOR(name, shortest, arguments, help) {#name, shortest, do_##name, arguments, help},
#include "tools/cli/monitor.def"
#undef MONITOR
};

static enum verdict do_help(struct arm_machine *m, char **words)
{
    (void)m, (void)words;
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        printf("  %s%s%-*s %s\n", commands[k].name, *commands[k].arguments == '[' ? "" : " ",
               (int)(24 - strlen(commands[k].name)), commands[k].arguments, commands[k].help);
    return STAY;
}

static enum verdict execute(struct arm_machine *m, char **words)
{
    size_t n = strcspn(words[0], "/");

    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        if (n >= commands[k].shortest && n <= strlen(commands[k].name) &&
            !strncmp(words[0], commands[k].name, n))
            return commands[k].fn(m, words);
    printf("no command \"%s\"; try help\n", words[0]);
    return STAY;
}

bool monitor_run(struct arm_machine *m, struct console *con)
{
    char line[256];

    for (;;) {
        printf("(armillary) ");
        fflush(stdout);
        if (!console_line(con, line, sizeof(line))) {
            printf("\n");
            return false;
        }
        g_auto(GStrv) raw = g_strsplit_set(g_strstrip(line), " \t", -1);
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        for (char **w = raw; *w; w++)
            if (**w)
                g_ptr_array_add(words, *w);
        g_ptr_array_add(words, NULL);
        if (!words->pdata[0])
            continue;
        enum verdict v = execute(m, (char **)words->pdata);
        if (v != STAY)
            return v == CONTINUE;
    }
}
