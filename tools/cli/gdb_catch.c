#include "gdb_catch.h"

#include <string.h>

#include "gdb_session.h"
#include "parse.h"

/* ---- what is caught ---- */

static int asid_now(struct arm_machine *m, unsigned cpu)
{
    uint64_t tcr = 0, ttbr = 0;

    arm_reg_read(m, cpu, "TCR_EL1", &tcr);
    arm_reg_read(m, cpu, tcr >> 22 & 1 ? "TTBR1_EL1" : "TTBR0_EL1", &ttbr);
    return (int)(ttbr >> 48);
}

static bool is_exception(const struct gdb_catch *c, const struct arm_event *e)
{
    unsigned ec = (unsigned)(e->exception.esr >> 26) & 0x3f;
    bool abort_below = ec == 0x20 || ec == 0x24; /* of instructions and data, from a lower EL */

    if (c->target_el >= 0 && e->exception.target_el != c->target_el)
        return false;
    if (c->stage2_fault)
        return abort_below && e->exception.target_el == 2 && e->exception.hpfar_written;
    return c->ec < 0 || (ec == (unsigned)c->ec && e->exception.esr);
}

/* What taking an exception writes without an instruction: DDI0487 D1.3, AArch64.TakeException(). */
static const struct {
    const char *stem;
    enum { ALWAYS, WITH_SYNDROME, WITH_FAR, WITH_HPFAR } when;
} taken[] = {{"ELR", ALWAYS},
             {"SPSR", ALWAYS},
             {"ESR", WITH_SYNDROME},
             {"FAR", WITH_FAR},
             {"HPFAR", WITH_HPFAR}};

/* The row of @taken that a register is of, and its EL; false: it is of none. */
static bool is_taken(uint32_t sysreg, size_t *row, unsigned *el)
{
    for (*el = 1; *el <= 2; (*el)++)
        for (*row = 0; *row < G_N_ELEMENTS(taken); (*row)++) {
            g_autofree char *name = g_strdup_printf("%s_EL%u", taken[*row].stem, *el);
            if (arm_reg_number(name) == sysreg)
                return true;
        }
    return false;
}

static bool writes(const struct gdb_catch *c, const struct arm_event *e)
{
    unsigned el;
    size_t row;

    if (!is_taken(c->sysreg, &row, &el) || e->exception.target_el != el)
        return false;
    return taken[row].when == WITH_SYNDROME ? e->exception.esr != 0
           : taken[row].when == WITH_FAR    ? e->exception.far_written
           : taken[row].when == WITH_HPFAR  ? e->exception.hpfar_written
                                            : true;
}

static bool is_wanted(const struct gdb_catch *c, const struct arm_event *e)
{
    switch (e->kind) {
    case ARM_EVENT_EXCEPTION:
        return c->sysreg == ARM_NO_REGISTER ? is_exception(c, e) : writes(c, e);
    case ARM_EVENT_SYSREG_WRITE:
        return e->sysreg_write.sr == c->sysreg;
    case ARM_EVENT_HWREG:
        return e->hwreg.sr == c->sysreg;
    case ARM_EVENT_STORE:
        return e->store.pa < c->address + 8 && c->address < e->store.pa + e->store.size;
    case ARM_EVENT_DMA:
        return e->dma.write && e->dma.pa < c->address + 8 && c->address < e->dma.pa + e->dma.size;
    default:
        return true;
    }
}

static bool matches(void *ctx, const struct arm_event *e)
{
    struct gdb_catch *c = ctx;
    struct arm_machine *m = timeline_machine(c->g->t);

    if (!is_wanted(c, e) ||
        (c->asid >= 0 && e->cpu != ARM_NO_CPU && asid_now(m, e->cpu) != c->asid))
        return false;
    arm_text_event(e, c->seen, sizeof(c->seen));
    c->cpu = e->cpu;
    return true;
}

static bool only_by_software(const struct gdb_catch *c)
{
    return c->sysreg != ARM_NO_REGISTER && !(c->filter.events & ARM_BIT(ARM_EVENT_EXCEPTION));
}

struct timeline_quest gdb_catch_quest(struct gdb_catch *c)
{
    bool memory = c->filter.events & ARM_BIT(ARM_EVENT_STORE);

    return (struct timeline_quest){.filter = c->filter,
                                   .match = matches,
                                   .ctx = c,
                                   .sysreg = only_by_software(c) ? c->sysreg : 0,
                                   .watch = memory,
                                   .pa = c->address};
}

/* Is @cpu where the filter wants it? */
static bool is_place(const struct gdb_catch *c, unsigned cpu)
{
    struct arm_machine *m = timeline_machine(c->g->t);
    const struct arm_filter *f = &c->filter;
    unsigned el = gdb_current_el(m, cpu);
    uint64_t hcr = 0, vttbr = 0;

    arm_reg_read(m, cpu, "HCR_EL2", &hcr);
    arm_reg_read(m, cpu, "VTTBR_EL2", &vttbr);
    bool guest = el < 2 && (hcr & 1) && !(el == 0 && (hcr >> 27 & 1));
    if ((f->els && !(f->els >> el & 1)) ||
        (f->worlds && !(f->worlds & (guest ? ARM_WORLD_GUEST : ARM_WORLD_HOST))))
        return false;
    if (f->one_vmid && (!guest || vttbr >> 48 != f->vmid))
        return false;
    if ((f->cpus[0] | f->cpus[1]) && !(f->cpus[cpu / 64] >> cpu % 64 & 1))
        return false;
    return c->asid < 0 || asid_now(m, cpu) == c->asid;
}

struct gdb_catch *gdb_catch_at(const struct gdb_session *g, unsigned cpu, uint64_t pc)
{
    for (guint k = 0; k < g->catches->len; k++) {
        struct gdb_catch *c = g->catches->pdata[k];
        if (c->is_pc && c->address == pc && is_place(c, cpu))
            return c;
    }
    return NULL;
}

const struct gdb_catch *gdb_catch_of_findings(const struct gdb_session *g)
{
    for (guint k = 0; k < g->catches->len; k++) {
        const struct gdb_catch *c = g->catches->pdata[k];
        if (c->is_finding)
            return c;
    }
    return NULL;
}

/* ---- setting them ---- */

/* "el N", "vmid N", "asid N", "cpu N", "guest", "host", in any order. */
static bool take_place(struct gdb_catch *c, char **words, GString *why)
{
    uint64_t n;

    for (; *words; words++) {
        bool guest = !strcmp(*words, "guest");
        if (guest || !strcmp(*words, "host")) {
            c->filter.worlds = guest ? ARM_WORLD_GUEST : ARM_WORLD_HOST;
            continue;
        }
        const char *key = *words++;
        if (!*words || !parse_number(*words, 0, UINT16_MAX, &n)) {
            g_string_printf(why, "%s: expected el, vmid, asid or cpu and a number, guest or host",
                            key);
            return false;
        }
        if (!strcmp(key, "el") && n <= 2) {
            c->filter.els = (uint8_t)ARM_BIT(n);
        } else if (!strcmp(key, "vmid")) {
            c->filter.worlds = ARM_WORLD_GUEST;
            c->filter.one_vmid = true;
            c->filter.vmid = (uint16_t)n;
        } else if (!strcmp(key, "asid")) {
            c->asid = (int)n;
        } else if (!strcmp(key, "cpu") && n < arm_cpu_count(timeline_machine(c->g->t))) {
            c->filter.cpus[n / 64] |= ARM_BIT(n % 64);
        } else {
            g_string_printf(why, "%s %s: there is none", key, *words);
            return false;
        }
    }
    return true;
}

/* A system register, pa:ADDR, or an address at the current EL. */
static bool take_target(struct gdb_catch *c, unsigned cpu, const char *text, GString *why)
{
    struct arm_machine *m = timeline_machine(c->g->t);
    bool physical = g_str_has_prefix(text, "pa:");
    struct arm_translation t;
    uint64_t word;

    c->sysreg = arm_reg_number(text);
    if (c->sysreg != ARM_NO_REGISTER) {
        unsigned el;
        size_t row;
        c->filter.events = ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_HWREG);
        if (is_taken(c->sysreg, &row, &el))
            c->filter.events |= ARM_BIT(ARM_EVENT_EXCEPTION);
        return c->sysreg < ARM_X(0);
    }
    if (!parse_hex(text + (physical ? 3 : 0), &c->address)) {
        g_string_printf(why, "%s: neither a register of this name nor an address in hex", text);
        return false;
    }
    if (!physical) {
        if (!arm_translate(m, cpu, gdb_current_el(m, cpu), c->address, ARM_ACCESS_READ, &t)) {
            g_string_printf(why, "%s: not mapped here; pa:ADDR is a physical address", text);
            return false;
        }
        c->address = t.pa;
    }
    g_string_printf(why, "%s: no memory is there", text);
    c->address &= ~UINT64_C(7);
    c->filter.events = ARM_BIT(ARM_EVENT_STORE) | ARM_BIT(ARM_EVENT_DMA);
    return arm_mem_read(m, c->address, &word, 8);
}

/* Return: how many words it took behind "catch"; 0: not understood. */
static unsigned take_event(struct gdb_catch *c, char **words, GString *why)
{
    const uint64_t exception = ARM_BIT(ARM_EVENT_EXCEPTION);
    unsigned used = 1;
    uint64_t n;

    if (!words[0])
        return 0;
    if (!strcmp(words[0], "eret")) {
        c->filter.events = ARM_BIT(ARM_EVENT_ERET);
    } else if (!strcmp(words[0], "switch")) {
        c->filter.events = ARM_BIT(ARM_EVENT_WORLD);
    } else if (!strcmp(words[0], "s2fault")) {
        c->filter.events = exception;
        c->stage2_fault = true;
    } else if (!strcmp(words[0], "finding")) {
        c->is_finding = true;
        return c->g->checker && !words[1] ? used : 0;
    } else if (!strcmp(words[0], "exception")) {
        c->filter.events = exception;
        for (; words[used] && words[used + 1]; used += 2)
            if (!strcmp(words[used], "ec") && parse_number(words[used + 1], 0, 0x3f, &n))
                c->ec = (int)n;
            else if (!strcmp(words[used], "to") && parse_number(words[used + 1], 1, 2, &n))
                c->target_el = (int)n;
            else
                break;
    } else {
        g_string_printf(why, "%s: no such event", words[0]);
        return 0;
    }
    return used;
}

static bool parse(struct gdb_catch *c, unsigned cpu, char **words, GString *why)
{
    unsigned used = 1;

    if (!words[1])
        return false;
    if (!strcmp(words[0], "break")) {
        c->is_pc = true;
        if (!parse_hex(words[1], &c->address)) {
            g_string_printf(why,
                            "%s: no address in hex; gdb's own `break` takes names, and `info "
                            "address %s` has it",
                            words[1], words[1]);
            return false;
        }
    } else if (!strcmp(words[0], "watch")) {
        if (!take_target(c, cpu, words[1], why))
            return false;
    } else {
        used = take_event(c, words + 1, why);
        if (!used)
            return false;
    }
    return take_place(c, words + 1 + used, why);
}

static const struct gdb_catch *nth(const struct gdb_session *g, unsigned k)
{
    return g->catches->pdata[k];
}

static bool find_number(const struct gdb_session *g, unsigned number, unsigned *k)
{
    for (*k = 0; *k < g->catches->len; (*k)++)
        if (nth(g, *k)->number == number)
            return true;
    return false;
}

bool gdb_catch_add(struct gdb_session *g, unsigned cpu, char **words, GString *why)
{
    struct gdb_catch *c = g_new0(struct gdb_catch, 1);

    *c = (struct gdb_catch){.g = g,
                            .filter.size = sizeof(c->filter),
                            .asid = -1,
                            .ec = -1,
                            .target_el = -1,
                            .sysreg = ARM_NO_REGISTER};
    if (g->catches->len == GDB_CATCHES_MAX || !parse(c, cpu, words, why)) {
        gdb_catch_free(c);
        return false;
    }
    c->text = g_strjoinv(" ", words);
    c->number = 1;
    for (unsigned k; find_number(g, c->number, &k);)
        c->number++;
    g_ptr_array_insert(g->catches, (int)c->number - 1, c);
    return true;
}

bool gdb_catch_remove(struct gdb_session *g, unsigned number)
{
    unsigned k;

    if (!find_number(g, number, &k))
        return false;
    g_ptr_array_remove_index(g->catches, k);
    return true;
}

void gdb_catch_list(const struct gdb_session *g, GString *out)
{
    for (guint k = 0; k < g->catches->len; k++)
        g_string_append_printf(out, "%u: %s\n", nth(g, k)->number, nth(g, k)->text);
    if (!g->catches->len)
        g_string_append(out, "nothing is set\n");
}

void gdb_catch_free(void *one)
{
    struct gdb_catch *c = one;

    g_free(c->text);
    g_free(c);
}
