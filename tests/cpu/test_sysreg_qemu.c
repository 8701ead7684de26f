/*
 * Which accesses trap, where to and with what syndrome, against QEMU: every register and operation
 * that has a name at EL0 or EL1, at both ELs, under random settings of the control registers.
 * ARMILLARY_SEED repeats a run, ARMILLARY_N sets the number of settings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/exec.h"
#include "cpu/interp_plain.h"
#include "cpu/pstate.h"
#include "cpu/reset.h"
#include "cpu/sysreg.h"
#include "tests/random.h"

#define CONTROLS_MAX 200
#define WORDS_MAX    1200

struct controls {
    uint64_t hcr, cptr, mdcr, cnthctl, cntkctl, sctlr1, sctlr2, cpacr, pmuserenr, mdscr;
};

static struct {
    enum sysreg sr;
    bool read;
    uint32_t word;
} cases[WORDS_MAX];
static unsigned case_count;
static struct controls controls[CONTROLS_MAX];
static unsigned controls_count;

/* Where QEMU 7.2 is known to differ, and why. */
static const struct difference {
    const char *prefix; /* of the register's name */
    int el;             /* -1: both */
    const char *why;
} differences[] = {
    {"DBGDTR", -1, "QEMU has no DBGDTR registers"},
    {"OSDTR", -1, "QEMU has no OSDTRRX_EL1, OSDTRTX_EL1"},
    {"OSECCR", -1, "QEMU has no OSECCR_EL1"},
    {"DBGPRCR", -1, "QEMU has no DBGPRCR_EL1"},
    {"DBGCLAIM", -1, "QEMU has no claim tags"},
    {"DBGAUTHSTATUS", -1, "QEMU has no DBGAUTHSTATUS_EL1"},
    {"OSDLR", -1, "QEMU's max has FEAT_DoubleLock"},
    {"MDCCSR", 0, "QEMU ignores MDSCR_EL1.TDCC"},
    {"CNTPCT_EL0", 0, "QEMU tests EL1PCEN where the manual says EL1PCTEN"},
    {"CNTPCTSS", -1, "QEMU has no FEAT_ECV"},
    {"CNTVCTSS", -1, "QEMU has no FEAT_ECV"},
    {"DC_ZVA", -1, "QEMU zeroes Device memory; the manual wants an Alignment fault"},
    {"ERX", -1, "no error records: RAZ/WI here, UNDEFINED in QEMU; both allowed"},
    {"ERRSELR", -1, "no error records: RAZ/WI here, UNDEFINED in QEMU; both allowed"},
    {"PMCR", -1, "QEMU ignores MDCR_EL2.TPMCR"},
    {"PMCCNTR", 0, "QEMU's PMUSERENR_EL0.CR overrides MDCR_EL2.TPM"},
    {"PMSWINC", 0, "QEMU's PMUSERENR_EL0.SW overrides MDCR_EL2.TPM"},
    {"PMSELR", 0, "QEMU's PMUSERENR_EL0.ER overrides MDCR_EL2.TPM"},
    {"PMXEVCNTR", 0, "QEMU's PMUSERENR_EL0.ER overrides MDCR_EL2.TPM"},
    {"PMEVCNTR", 0, "QEMU's PMUSERENR_EL0.ER overrides MDCR_EL2.TPM"},
    {"SCXTNUM_EL1", 1, "QEMU lets SCTLR_EL2.TSCXT trap EL1"},
    {"SCXTNUM_EL0", -1, "QEMU lets SCTLR_EL2.TSCXT trap EL1 and EnSCXT trap host EL0"},
};

/* The cores' IMPLEMENTATION DEFINED registers: QEMU traps them neither by ACTLR_EL2 nor by
 * HCR_EL2.TIDCP, and has none of the N1's. tests/guest/imp.c says how they trap. */
static bool is_implementation_defined(enum sysreg sr)
{
    unsigned crn = (sysreg_rows[sr].enc >> 7) & 15;

    return sysreg_rows[sr].enc >> 14 == 3 && (crn == 11 || crn == 15);
}

static bool is_known(enum sysreg sr, unsigned el)
{
    if (is_implementation_defined(sr))
        return true;
    for (unsigned k = 0; k < ARRAY_SIZE(differences); k++)
        if (!strncmp(sysreg_rows[sr].name, differences[k].prefix, strlen(differences[k].prefix)) &&
            (differences[k].el < 0 || (unsigned)differences[k].el == el))
            return true;
    return false;
}

static void add_case(enum sysreg sr, bool read, unsigned rt)
{
    assert_true(case_count < WORDS_MAX);
    cases[case_count].sr = sr;
    cases[case_count].read = read;
    cases[case_count++].word =
        0xd5000000 | (uint32_t)sysreg_rows[sr].enc << 5 | (read ? UINT32_C(1) << 21 : 0) | rt;
}

/* All but what would derail the guest program: its vectors, and interrupts. */
static void collect_cases(void)
{
    for (unsigned k = 0; k < SR_COUNT; k++) {
        const struct sysreg_row *row = &sysreg_rows[k];
        enum sysreg sr = (enum sysreg)k;

        if (sysreg_min_el(row->enc) >= 2 || (row->access == SR_OP && row->alias))
            continue;
        if (row->access & SR_READ)
            add_case(sr, true, 5);
        if ((row->access & SR_WRITE) && !row->gic && sr != SR_VBAR_EL1 && sr != SR_OSDLR_EL1 &&
            sr != SR_CNTFRQ_EL0)
            add_case(sr, false, 31);
        if (row->access == SR_OP)
            add_case(sr, false, 1);
    }
}

/* Each bit of @mask set with a probability of @p in 16. */
static uint64_t some_bits(uint64_t *rng, uint64_t mask, unsigned p)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < 64; k++)
        if (bit(mask, k) && random_next(rng) % 16 < p)
            v |= BIT(k);
    return v;
}

static void random_controls(uint64_t *rng, struct controls *c)
{
    static const uint8_t densities[] = {0, 2, 5, 11};
    static const uint8_t fpen[] = {0, 1, 3, 3, 3};
    unsigned p = densities[random_next(rng) % ARRAY_SIZE(densities)];
    uint64_t sctlr = BIT(9) | BIT(10) | BIT(14) | BIT(15) | BIT(16) | BIT(18) | BIT(26);

    /* IMO FMO AMO, TID1..3, TIDCP ... TVM, TDZ, TRVM, TLOR, TERR; APK API; TGE; E2H; EnSCXT */
    c->hcr = BIT(31) | some_bits(rng, 0x1857f70038, p) | some_bits(rng, MASK(41, 40), 13) |
             some_bits(rng, BIT(27), 2) | some_bits(rng, BIT(34), 5) | some_bits(rng, BIT(53), 10);
    c->cptr = some_bits(rng, BIT(31) | BIT(10), p) | some_bits(rng, MASK(21, 20), 11);
    c->mdcr = 6 | some_bits(rng, MASK(6, 5) | MASK(11, 8), p);
    c->cnthctl = some_bits(rng, MASK(1, 0) | MASK(11, 8), 10);
    c->cntkctl = some_bits(rng, MASK(1, 0) | MASK(9, 8), 10);
    c->sctlr1 = 0x30c00000 | some_bits(rng, sctlr, 10) | some_bits(rng, BIT(20), 5);
    c->sctlr2 = 0x30c00800 | some_bits(rng, sctlr, 10) | some_bits(rng, BIT(20), 5);
    c->cpacr = (uint64_t)fpen[random_next(rng) % ARRAY_SIZE(fpen)] << 20;
    c->pmuserenr = some_bits(rng, MASK(3, 0), 6);
    c->mdscr = some_bits(rng, BIT(12), 6);
}

static void write_table(const char *dir)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/table.h", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "#define WORD_COUNT %uu\n#define CONTROLS_COUNT %uu\n"
            "struct controls {\n    unsigned long hcr, cptr, mdcr, cnthctl, cntkctl, sctlr1, "
            "sctlr2, cpacr, pmuserenr, mdscr;\n};\n"
            "static const unsigned words[] = {\n",
            case_count, controls_count);
    for (unsigned k = 0; k < case_count; k++)
        fprintf(f, "%#x,\n", cases[k].word);
    fprintf(f, "};\nstatic const struct controls controls[] = {\n");
    for (unsigned k = 0; k < controls_count; k++) {
        const uint64_t *v = (const uint64_t *)&controls[k];
        fprintf(f, "{");
        for (unsigned j = 0; j < sizeof(controls[k]) / 8; j++)
            fprintf(f, "%#llx,", (unsigned long long)v[j]);
        fprintf(f, "},\n");
    }
    fprintf(f, "};\n");
    fclose(f);
}

/* Build the guest program in @dir. False: no cross compiler here. */
static bool build_guest(const char *dir)
{
    const char *source = TESTS_DIR "/cpu/sysreg_guest.c";
    char command[1500];

    snprintf(command, sizeof(command),
             "aarch64-linux-gnu-gcc -O1 -w -ffreestanding -nostdlib -static -no-pie -fno-pic "
             "-mgeneral-regs-only -mno-outline-atomics -fno-stack-protector "
             "-fno-asynchronous-unwind-tables -Wl,-N,-Ttext=0x40080000,--build-id=none,"
             "--no-warn-rwx-segments -e _start -I %s %s -o %s/guest.elf",
             dir, source, dir);
    return system("command -v aarch64-linux-gnu-gcc qemu-system-aarch64 >/dev/null") == 0 &&
           system(command) == 0;
}

static void no_tlbi(void *ctx, struct cpu *by, const struct tlbi *op)
{
    (void)ctx, (void)by, (void)op;
}

static uint64_t gic_read(void *ctx, unsigned cpu, enum sysreg sr, bool virt)
{
    (void)ctx, (void)cpu, (void)virt;
    return sr == SR_ICC_SRE_EL1 ? 7 : 0;
}

static void gic_write(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    (void)ctx, (void)cpu, (void)sr, (void)virt, (void)value;
}

/* Five bits of priority, as QEMU's: one active priorities register a group. */
static bool gic_implemented(void *ctx, enum sysreg sr)
{
    (void)ctx;
    return sysreg_rows[sr].n == 0;
}

static const struct cpu_gic_ops gic_ops = {gic_read, gic_write, gic_implemented, NULL};

static void set_controls(struct cpu *cpu, const struct controls *c)
{
    cpu_set_el_sp(cpu, 2, 1);
    cpu_sysreg_set(cpu, SR_HCR_EL2, BIT(31));
    cpu_sysreg_set(cpu, SR_MDCR_EL2, c->mdcr);
    cpu_sysreg_set(cpu, SR_CNTKCTL_EL1, c->cntkctl);
    cpu_sysreg_set(cpu, SR_SCTLR_EL1, c->sctlr1);
    cpu_sysreg_set(cpu, SR_CPACR_EL1, c->cpacr);
    cpu_sysreg_set(cpu, SR_PMUSERENR_EL0, c->pmuserenr);
    cpu_sysreg_set(cpu, SR_MDSCR_EL1, c->mdscr);
    cpu_sysreg_set(cpu, SR_SCTLR_EL2, c->sctlr2);
    cpu_sysreg_set(cpu, SR_CPTR_EL2, c->cptr);
    cpu_sysreg_set(cpu, SR_CNTHCTL_EL2, c->cnthctl);
    cpu_sysreg_set(cpu, SR_HCR_EL2, c->hcr);
}

/* As the guest program reports it: 0, or the EL trapped to above its ESR. */
static uint64_t our_outcome(struct cpu *cpu, unsigned el, uint32_t word)
{
    static struct insn record;
    exec_fn *fn;

    cpu_set_el_sp(cpu, el, el);
    cpu->ps.daif = 15;
    cpu_context_changed(cpu);
    a64_decode(word, 0, &record);
    cpu->page = cpu->counted = &record;
    cpu->page_va = 0x40100000;
    cpu->x[1] = 0x45000000;
    fn = record.op == A64_MRS ? exec_MRS : record.op == A64_SYS ? exec_SYS : exec_MSR_reg;
    if (fn(cpu, &record) != EXEC_ABORT)
        return 0;
    return (uint64_t)cpu->ps.el << 32 |
           (uint32_t)cpu->sr[cpu->ps.el == 2 ? SR_ESR_EL2 : SR_ESR_EL1];
}

/* Compare all outcomes with the lines of @f. */
static void compare(struct cpu *cpu, FILE *f, const char *model)
{
    unsigned known = 0;
    char line[40];

    for (unsigned n = 0; n < controls_count; n++)
        for (unsigned el = 0; el < 2; el++)
            for (unsigned k = 0; k < case_count; k++) {
                if (el == 1 && HCR_EL2_TGE(controls[n].hcr))
                    continue;
                if (!fgets(line, sizeof(line), f))
                    fail_msg("QEMU stopped at setting %u, EL%u, %s", n, el,
                             sysreg_rows[cases[k].sr].name);
                set_controls(cpu, &controls[n]);
                uint64_t ours = our_outcome(cpu, el, cases[k].word);
                uint64_t theirs = strtoull(line, NULL, 16);
                if (ours == theirs)
                    continue;
                if (!is_known(cases[k].sr, el))
                    fail_msg("%s, setting %u, EL%u %s %s: ours %#llx, QEMU %#llx", model, n, el,
                             cases[k].read ? "MRS" : "MSR/SYS", sysreg_rows[cases[k].sr].name,
                             (unsigned long long)ours, (unsigned long long)theirs);
                known++;
            }
    print_message("%s: %u settings, %u words; %u known differences\n", model, controls_count,
                  case_count, known);
}

static void check_model(const char *dir, const char *ours, const char *theirs)
{
    struct physmem mem = {0};
    struct clock clock = {.next_ns = CLOCK_NEVER};
    struct arm_log log = {0};
    struct probes probes = {0};
    const struct cpu_model *model = cpu_model_find(ours);
    struct features features = cpu_model_features(model);
    struct code_cache *code = code_cache_create(&interp_engine);
    struct cpu_params params = {.mpidr = 0x80000000,
                                .model = model,
                                .features = &features,
                                .has_el2 = true,
                                .code = code,
                                .mem = &mem,
                                .clock = &clock,
                                .log = &log,
                                .probes = &probes,
                                .gic = &gic_ops,
                                .env = {.tlbi_broadcast = no_tlbi}};
    char command[600];

    assert_int_equal(physmem_add_ram(&mem, pa(0x40000000), 0x8000000, NULL), 0);
    struct cpu *cpu = cpu_create(&params);
    assert_non_null(cpu);
    cpu_reset(cpu);
    cpu->power = CPU_RUNNING;
    snprintf(command, sizeof(command),
             "timeout 300 qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu %s "
             "-display none -serial stdio -monitor none -net none -kernel %s/guest.elf </dev/null",
             theirs, dir);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    compare(cpu, f, ours);
    pclose(f);
    cpu_destroy(cpu);
    code_cache_destroy(code);
    physmem_destroy(&mem);
}

static void test_traps_agree_with_qemu(void **state)
{
    uint64_t rng = test_seed(7);
    char dir[] = "/tmp/sysreg_qemuXXXXXX", command[100];

    (void)state;
    assert_non_null(mkdtemp(dir));
    collect_cases();
    controls_count = (unsigned)test_option("ARMILLARY_N", 20);
    assert_in_range(controls_count, 1, CONTROLS_MAX);
    for (unsigned k = 0; k < controls_count; k++)
        random_controls(&rng, &controls[k]);
    write_table(dir);
    bool built = build_guest(dir);
    if (built) {
        check_model(dir, "a57", "cortex-a57");
        check_model(dir, "n1", "neoverse-n1");
        check_model(dir, "max", "max");
    }
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    if (!built)
        skip(); /* no cross compiler or no QEMU here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_traps_agree_with_qemu)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
