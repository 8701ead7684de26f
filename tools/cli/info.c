#include "info.h"

#include <inttypes.h>
#include <string.h>

#include "armillary.h"
#include "death.h"
#include "outline.h"
#include "parse.h"
#include "registers.h"

typedef bool info_fn(struct arm_machine *m, unsigned cpu, char **words, GString *out);

#define INFO(name, ...) static info_fn info_##name;
#define INFO_NAMED(...)
#include "tools/cli/info.def"
#undef INFO_NAMED
#undef INFO

static const struct {
    const char *name;
    info_fn *fn; /* NULL: outline_info() */
    const char *arguments, *help;
} rows[] = {
#define INFO(name, arguments, help) {#name, info_##name, arguments, help},
#define INFO_NAMED(name, help)      {#name, NULL, "", help},
#include "tools/cli/info.def"
#undef INFO_NAMED
#undef INFO
};

static void add_line(void *ctx, const char *line)
{
    g_string_append_printf(ctx, "%s\n", line);
}

/* ---- registers ---- */

/* One with its fields. False: it has no value. */
static bool add_one(struct arm_machine *m, unsigned cpu, uint32_t number, GString *out)
{
    uint64_t value[2] = {0, 0};
    char text[4096];

    if (!arm_reg_get(m, cpu, number, value))
        return false;
    arm_text_register(number, value, text, sizeof(text));
    g_string_append_printf(out, "%s = 0x%016" PRIx64 "\n%s", arm_reg_name(number), value[0], text);
    return true;
}

/* Those whose names end so, as "el2"; "" is all. */
static bool add_all(struct arm_machine *m, unsigned cpu, const char *which, GString *out)
{
    g_autofree char *end = g_ascii_strdown(which, -1);
    size_t count = arm_reg_list(m, cpu, NULL, 0), before = out->len;
    g_autofree struct arm_register *list = g_new(struct arm_register, count);

    arm_reg_list(m, cpu, list, count);
    for (size_t k = 0; k < count; k++) {
        g_autofree char *name = g_ascii_strdown(list[k].name, -1);
        uint64_t value[2] = {0, 0};
        if (!list[k].alias && g_str_has_suffix(name, end) &&
            arm_reg_get(m, cpu, list[k].number, value))
            g_string_append_printf(out, "%-18s 0x%016" PRIx64 "\n", list[k].name, value[0]);
    }
    return out->len != before;
}

/* What most questions are about, of every CPU. */
static void add_main(struct arm_machine *m, GString *out)
{
    static const char *const system[] = {
        "SCTLR_EL1", "TTBR0_EL1", "TTBR1_EL1", "TCR_EL1",   "VBAR_EL1",  "ELR_EL1",
        "SPSR_EL1",  "ESR_EL1",   "FAR_EL1",   "HCR_EL2",   "SCTLR_EL2", "TTBR0_EL2",
        "TTBR1_EL2", "TCR_EL2",   "VBAR_EL2",  "VTTBR_EL2", "VTCR_EL2",  "ELR_EL2",
        "SPSR_EL2",  "ESR_EL2",   "FAR_EL2",   "HPFAR_EL2"};

    for (unsigned cpu = 0; cpu < arm_cpu_count(m); cpu++) {
        registers_add_general(out, m, cpu);
        for (unsigned k = 0; k < G_N_ELEMENTS(system); k++) {
            uint64_t v = 0;
            arm_reg_read(m, cpu, system[k], &v); /* without EL2 its registers show 0 */
            g_string_append_printf(out, "  %-9s %016" PRIx64 "%s", system[k], v,
                                   k % 3 == 2 || k + 1 == G_N_ELEMENTS(system) ? "\n" : "");
        }
    }
}

static bool info_registers(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    const char *which = words[2];
    uint32_t one = which ? arm_reg_number(which) : ARM_NO_REGISTER;

    if (!which) {
        add_main(m, out);
        return true;
    }
    if (strcmp(which, "-a"))
        return one != ARM_NO_REGISTER ? add_one(m, cpu, one, out) : add_all(m, cpu, which, out);
    for (unsigned k = 0; k < arm_cpu_count(m); k++) {
        registers_add_general(out, m, k);
        add_all(m, k, "", out);
    }
    return true;
}

/* ---- translation ---- */

/* A regime's stage: the registers that its sizes, tables and switch are in. */
static const struct {
    const char *name, *enable;
    unsigned enable_bit;
    const char *tcr, *ttbr;
    unsigned size_bit, granule_bit;
    bool upper; /* addresses that begin with ones */
} stages[] = {
    {"EL1&0 stage 1, low addresses", "SCTLR_EL1", 0, "TCR_EL1", "TTBR0_EL1", 0, 14, false},
    {"EL1&0 stage 1, high addresses", "SCTLR_EL1", 0, "TCR_EL1", "TTBR1_EL1", 16, 30, true},
    {"EL1&0 stage 2", "HCR_EL2", 0, "VTCR_EL2", "VTTBR_EL2", 0, 14, false},
    {"EL2 stage 1, low addresses", "SCTLR_EL2", 0, "TCR_EL2", "TTBR0_EL2", 0, 14, false},
    {"EL2 stage 1, high addresses", "SCTLR_EL2", 0, "TCR_EL2", "TTBR1_EL2", 16, 30, true},
};

#define HCR_E2H ARM_BIT(34)

static bool info_mmu(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    /* TCR_ELx.TG0, TG1. */
    static const char *const low[] = {"4K", "64K", "16K", "reserved"};
    static const char *const high[] = {"reserved", "16K", "4K", "64K"};
    uint64_t hcr = 0;

    (void)words;
    arm_reg_read(m, cpu, "HCR_EL2", &hcr);
    for (size_t k = 0; k < G_N_ELEMENTS(stages); k++) {
        uint64_t enable, tcr, ttbr;
        if (!arm_reg_read(m, cpu, stages[k].enable, &enable) ||
            !arm_reg_read(m, cpu, stages[k].tcr, &tcr) ||
            !arm_reg_read(m, cpu, stages[k].ttbr, &ttbr) ||
            (!strcmp(stages[k].ttbr, "TTBR1_EL2") && !(hcr & HCR_E2H)))
            continue;
        unsigned granule = (unsigned)(tcr >> stages[k].granule_bit) & 3;
        g_string_append_printf(
            out, "cpu%u %s: %s, %u bits, granule %s, %s %016" PRIx64 ", %s %016" PRIx64 "\n", cpu,
            stages[k].name, enable >> stages[k].enable_bit & 1 ? "on" : "off",
            64 - ((unsigned)(tcr >> stages[k].size_bit) & 63),
            stages[k].upper ? high[granule] : low[granule], stages[k].tcr, tcr, stages[k].ttbr,
            ttbr);
    }
    return true;
}

static void add_step(void *ctx, const struct arm_walk_step *step)
{
    g_string_append_printf(ctx,
                           "  stage %u level %d: descriptor 0x%016" PRIx64 " at 0x%" PRIx64
                           ", for %s0x%" PRIx64 "\n",
                           step->stage, step->level, step->descriptor, step->pa,
                           step->stage == 2 ? "IPA " : "VA ", step->address);
}

void info_walk(struct arm_machine *m, unsigned cpu, unsigned el, uint64_t address, int access,
               GString *out)
{
    struct arm_translation t;

    if (arm_walk(m, cpu, el, address, (enum arm_access)access, add_step, out, &t))
        g_string_append_printf(out,
                               "PA 0x%" PRIx64
                               ", memory attributes %#04x, shareability %u, stage-1 page 2^%u, "
                               "stage-2 page 2^%u, privileged %c%c%c, unprivileged %c%c%c%s%s\n",
                               t.pa, t.attr, t.shareability, t.stage1_log2, t.stage2_log2,
                               t.perms & ARM_PERM_PR ? 'r' : '-', t.perms & ARM_PERM_PW ? 'w' : '-',
                               t.perms & ARM_PERM_PX ? 'x' : '-', t.perms & ARM_PERM_UR ? 'r' : '-',
                               t.perms & ARM_PERM_UW ? 'w' : '-', t.perms & ARM_PERM_UX ? 'x' : '-',
                               t.global ? "" : ", not global", t.guarded ? ", guarded" : "");
    else
        g_string_append_printf(out, "%s fault, stage %u, level %d%s\n",
                               t.fault ? t.fault : "no such EL:", t.stage, t.level,
                               t.on_walk ? ", on the stage-1 table walk" : "");
}

/* ---- the GIC, and the others ---- */

static bool info_irq(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    uint64_t intid;

    if (!words[2] || !parse_number(words[2], 0, UINT32_MAX, &intid))
        return false;
    if (!arm_describe_irq(m, cpu, (uint32_t)intid, add_line, out))
        g_string_append_printf(out, "there is no INTID %" PRIu64 "\n", intid);
    return true;
}

static bool info_gic(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)cpu;
    return arm_describe(m, words[1], add_line, out);
}

static bool info_tlb(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)cpu;
    return arm_describe(m, words[1], add_line, out);
}

static bool info_virtio(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)cpu;
    return arm_describe(m, words[1], add_line, out);
}

static bool info_pci(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)cpu;
    return arm_describe(m, words[1], add_line, out);
}

static bool info_usb(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    gsize before = out->len;

    (void)cpu;
    arm_describe(m, words[1], add_line, out);
    if (out->len == before)
        g_string_append(out, "there is no USB device\n");
    return true;
}

static bool info_mtree(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)cpu, (void)words;
    return arm_describe(m, "memory", add_line, out);
}

static bool info_block(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    gsize before = out->len;

    (void)cpu, (void)words;
    arm_describe(m, "disks", add_line, out);
    if (out->len == before)
        g_string_append(out, "there is no disk\n");
    return true;
}

static bool info_cpus(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)words;
    for (unsigned k = 0; k < arm_cpu_count(m); k++) {
        g_string_append(out, k == cpu ? "* " : "  ");
        registers_add_brief(out, m, k);
    }
    return true;
}

/* Whoever asks this way has the machine stopped; at a socket control.c answers. */
static bool info_status(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    uint64_t ns = arm_time_ns(m);

    (void)cpu, (void)words;
    g_string_append_printf(out,
                           "VM status: paused, at %" PRIu64 " instructions, %" PRIu64 ".%06" PRIu64
                           " s virtual time\n",
                           arm_retired(m), ns / 1000000000, ns / 1000 % 1000000);
    return true;
}

static bool info_version(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)m, (void)cpu, (void)words;
    g_string_append_printf(out, "armillary %s\n", arm_version());
    return true;
}

static bool info_why(struct arm_machine *m, unsigned cpu, char **words, GString *out)
{
    (void)words;
    if (!death_explain_now(m, cpu, out))
        g_string_append_printf(out, "cpu%u has taken no exception that says anything, and runs\n",
                               cpu);
    return true;
}

static bool is_there(size_t row, const struct outline *outline)
{
    return rows[row].fn || outline;
}

static bool show(size_t row, struct arm_machine *m, unsigned cpu, const struct outline *outline,
                 char **words, GString *out)
{
    return rows[row].fn ? rows[row].fn(m, cpu, words, out)
                        : outline_info(outline, rows[row].name, out);
}

/* What QEMU's monitor knows, and there is nothing of here. */
static bool answer_of_qemu(const char *word, GString *out)
{
    static const struct {
        const char *word, *text;
    } of_qemu[] = {
#define MONITOR_AS(word, command)
#define MONITOR_INSTEAD(word, instead)
#define MONITOR_INFO(word, text) {word, text},
#include "tools/cli/monitor_words.def"
#undef MONITOR_INFO
#undef MONITOR_INSTEAD
#undef MONITOR_AS
    };

    for (size_t k = 0; k < G_N_ELEMENTS(of_qemu); k++)
        if (!strcmp(of_qemu[k].word, word)) {
            g_string_append_printf(out, "%s\n", of_qemu[k].text);
            return true;
        }
    return false;
}

bool info_execute(struct arm_machine *m, unsigned cpu, const struct outline *outline, char **words,
                  GString *out)
{
    bool known = false;

    for (size_t k = 0; words[1] && k < G_N_ELEMENTS(rows); k++) {
        if (strcmp(words[1], rows[k].name) != 0 || !is_there(k, outline))
            continue;
        if (show(k, m, cpu, outline, words, out))
            return true;
        known = true;
    }
    if (words[1] && !known && answer_of_qemu(words[1], out))
        return true;
    if (words[1] && !known)
        g_string_append_printf(out, "no info of \"%s\"; there are:\n", words[1]);
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
        if (is_there(k, outline))
            g_string_append_printf(out, "info %-9s %-22s %s\n", rows[k].name, rows[k].arguments,
                                   rows[k].help);
    return false;
}

const char *info_name(size_t index)
{
    return index < G_N_ELEMENTS(rows) ? rows[index].name : NULL;
}
