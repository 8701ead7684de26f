#include "monitor.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "console.h"
#include "cpu/context.h"
#include "machine/machine.h"
#include "parse.h"
#include "registers.h"

/* What a command did: keep asking, run on, or end the program. */
enum verdict { STAY, CONTINUE, QUIT };

typedef enum verdict monitor_fn(struct arm_machine *m, char **words);

#define MONITOR(name, ...) static monitor_fn do_##name;
#include "tools/cli/monitor.def"
#undef MONITOR

static void print_registers(const struct cpu *cpu)
{
    static const enum sysreg system[] = {
        SR_SCTLR_EL1, SR_TTBR0_EL1, SR_TTBR1_EL1, SR_TCR_EL1,   SR_VBAR_EL1,  SR_ELR_EL1,
        SR_SPSR_EL1,  SR_ESR_EL1,   SR_FAR_EL1,   SR_HCR_EL2,   SR_SCTLR_EL2, SR_TTBR0_EL2,
        SR_TTBR1_EL2, SR_TCR_EL2,   SR_VBAR_EL2,  SR_VTTBR_EL2, SR_VTCR_EL2,  SR_ELR_EL2,
        SR_SPSR_EL2,  SR_ESR_EL2,   SR_FAR_EL2,   SR_HPFAR_EL2};

    registers_print_general(stdout, cpu);
    for (unsigned k = 0; k < ARRAY_SIZE(system); k++)
        printf("  %-9s %016" PRIx64 "%s", sysreg_rows[system[k]].name, cpu->sr[system[k]],
               k % 3 == 2 || k + 1 == ARRAY_SIZE(system) ? "\n" : "");
}

static void print_line(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

static void print_tlb(const struct cpu *cpu)
{
    printf("cpu%u: %" PRIu64 " walks, %" PRIu64 " L2 hits, %u contexts\n", cpu->index,
           cpu->tlb->walks, cpu->tlb->l2_hits, cpu->tlb->config_count);
    for (unsigned b = 0; b < TLB_BANKS; b++) {
        const struct tlb_bank *bank = &cpu->tlb->banks[b];
        unsigned r = 0, w = 0;

        if (!bank->serial)
            continue;
        for (unsigned k = 0; k < TLB_L1_SIZE; k++) {
            r += bank->r[k].tag != TLB_L1_EMPTY;
            w += bank->w[k].tag != TLB_L1_EMPTY;
        }
        printf("  bank %2u: context %u VMID %u ASID %u %s: %u pages to read, %u to write%s\n", b,
               bank->key.config, bank->key.vmid, bank->key.asid,
               bank->key.priv ? "privileged" : "unprivileged", r, w,
               bank == cpu->bank ? " (in use)" : "");
    }
}

static enum verdict do_info(struct arm_machine *m, char **words)
{
    if (words[1] && !strcmp(words[1], "registers")) {
        for (unsigned k = 0; k < m->cpu_count; k++)
            print_registers(m->cpus[k]);
    } else if (words[1] && !strcmp(words[1], "gic")) {
        gic_describe(m->gic, print_line, NULL);
    } else if (words[1] && !strcmp(words[1], "tlb")) {
        for (unsigned k = 0; k < m->cpu_count; k++)
            print_tlb(m->cpus[k]);
    } else {
        printf("info registers, info gic or info tlb\n");
    }
    return STAY;
}

/* walk VA [CPU] */
static enum verdict do_walk(struct arm_machine *m, char **words)
{
    uint64_t va, index = 0;
    struct translation t;
    struct mmu_fault fault;

    if (!words[1] || !parse_hex(words[1], &va) ||
        (words[2] && !parse_number(words[2], 0, m->cpu_count - 1, &index))) {
        printf("walk VA [CPU]: a hexadecimal address\n");
        return STAY;
    }
    struct cpu *cpu = m->cpus[index];
    const struct mmu_access a = {.kind = MMU_READ, .priv = cpu->ps.el > 0, .at = true};
    if (mmu_translate(cpu->contexts.x, &m->mem, NULL, (va_t){va}, &a, &t, &fault))
        printf("PA %#" PRIx64 ", memory attributes %#04x, shareability %u, stage-1 page 2^%u, "
               "stage-2 page 2^%u, privileged %c%c%c, unprivileged %c%c%c%s%s\n",
               t.pa, t.attr, t.sh, t.s1_shift, t.s2_shift, t.perms & PERM_PR ? 'r' : '-',
               t.perms & PERM_PW ? 'w' : '-', t.perms & PERM_PX ? 'x' : '-',
               t.perms & PERM_UR ? 'r' : '-', t.perms & PERM_UW ? 'w' : '-',
               t.perms & PERM_UX ? 'x' : '-', t.ng ? ", not global" : "",
               t.guarded ? ", guarded" : "");
    else
        printf("%s fault, stage %u, level %d%s\n", mmu_fault_name(fault.type), fault.stage2 ? 2 : 1,
               fault.level, fault.s1ptw ? ", on the stage-1 table walk" : "");
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

    if (!words[1] || (words[2] && !parse_number(words[2], 0, m->cpu_count - 1, &index)))
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
    if (machine_reboot(m, &err) == 0)
        return CONTINUE;
    printf("%s\n", err.text);
    return STAY;
}

static enum verdict do_powerdown(struct arm_machine *m, char **words)
{
    (void)words;
    virt_board_power_button(&m->board);
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
    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        printf("  %s%s%-*s %s\n", commands[k].name, *commands[k].arguments == '[' ? "" : " ",
               (int)(24 - strlen(commands[k].name)), commands[k].arguments, commands[k].help);
    return STAY;
}

static enum verdict execute(struct arm_machine *m, char **words)
{
    size_t n = strcspn(words[0], "/");

    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
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
