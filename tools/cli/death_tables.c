/* What is wrong with a regime's tables: their registers, a descriptor's address, the tables above a
 * page, and who has overwritten them. */
#include <inttypes.h>

#include "death_abort.h"

#define TABLE_MIN_LOG2 6 /* 64 bytes: VMSAv8-64 has no smaller one */
#define ADDRESS(d)     ((d)&UINT64_C(0xfffffffff000))

/* By TCR_ELx.IPS, TCR_EL2.PS and VTCR_EL2.PS. */
static unsigned output_bits(unsigned field)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52, 56};

    return bits[field & 7];
}

struct base {
    const char *name;
    uint64_t value;
    unsigned log2; /* bytes of the first table */
};

/* TG0 of both stages, and TG1: log2 of the granule; 0: reserved. */
static unsigned granule(uint64_t tcr, bool upper)
{
    static const uint8_t tg0[] = {12, 16, 14, 0}, tg1[] = {0, 14, 12, 16};

    return upper ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

/* D8.2: the first table resolves what the levels below it leave of the address. */
static bool base_of(const struct abort *a, unsigned stage, struct base *b)
{
    unsigned el = death_regime_el(a), g, bits, levels;
    bool upper = stage == 1 && a->address >> 55 & 1;
    static const char *const names[2][2] = {{"TTBR0_EL1", "TTBR1_EL1"}, {"TTBR0_EL2", "TTBR1_EL2"}};
    uint64_t tcr = stage == 2 ? death_reg(a->c, a->f->cpu, "VTCR_EL2")
                              : death_reg_el(a->c, a->f->cpu, "TCR", el);

    b->name = stage == 2 ? "VTTBR_EL2" : names[el - 1][upper];
    b->value = death_reg(a->c, a->f->cpu, b->name) & UINT64_C(0xfffffffffffe);
    g = granule(tcr, upper);
    bits = 64 - ((unsigned)(tcr >> (upper ? 16 : 0)) & 63);
    if (!g || bits <= g)
        return false;
    levels = (bits - g + g - 4) / (g - 3);
    if (stage == 2) /* SL0 is 0 for level 2 with 4 KiB, for level 3 with others */
        levels = (g == 12 ? 2 : 1) + ((unsigned)(tcr >> 6) & 3);
    if (bits <= g + (levels - 1) * (g - 3))
        return false;
    b->log2 = MAX(bits - g - (levels - 1) * (g - 3) + 3, TABLE_MIN_LOG2);
    return true;
}

bool death_add_unaligned_base(const struct abort *a, unsigned stage, GString *out)
{
    struct base b;

    if (!base_of(a, stage, &b) || b.log2 > 20 || !(b.value & ((UINT64_C(1) << b.log2) - 1)))
        return false;
    g_string_append_printf(out,
                           "%s is %#" PRIx64
                           ", which is no multiple of its table's size, %u bytes: its low bits "
                           "are ignored",
                           b.name, b.value, 1U << b.log2);
    return true;
}

/* ---- tables in the wrong memory, or read the wrong way ---- */

bool death_add_table_place(const struct abort *a, unsigned stage, GString *out)
{
    const struct arm_walk_step *s = &a->last[stage], *above = &a->above[stage];
    uint64_t base = s->pa & ~UINT64_C(0xfff), number = ADDRESS(above->descriptor << 12);
    uint8_t byte;

    if (a->steps[stage] < 2 || s->pa >= FLASH_END)
        return false;
    g_string_append_printf(out,
                           ": that is flash memory, and not RAM; the level-%d descriptor that "
                           "leads to %#" PRIx64 ", at PA %#" PRIx64 ", is %#" PRIx64,
                           above->level, base, above->pa, above->descriptor);
    if (arm_mem_read(a->c->m, number, &byte, 1))
        g_string_append_printf(out,
                               ": the number of a page (of %#" PRIx64 "), where its address "
                               "should be",
                               number);
    return true;
}

#define SCTLR_EE 25

bool death_add_big_endian(const struct abort *a, GString *out)
{
    unsigned el = death_regime_el(a);
    char name[16];

    if (!(death_sctlr(a) >> SCTLR_EE & 1))
        return false;
    g_snprintf(name, sizeof(name), "SCTLR_EL%u", el);
    const struct death_write *w = death_written(a->c, a->f->cpu, name);
    g_string_append_printf(out, "%s.EE (bit 25) is 1: tables and data are read big-endian", name);
    if (!w)
        return true;
    g_autofree char *at = death_place(a->c, a->f->cpu, w->el, w->pc);
    g_string_append_printf(out, "; it was written as %#" PRIx64 " at %s", w->value, at);
    return true;
}

/* ---- addresses beyond the sizes ---- */

void death_add_output_size(const struct abort *a, GString *out)
{
    unsigned stage = a->stage2 ? 2 : 1, el = death_regime_el(a);
    const struct arm_walk_step *s = &a->last[stage];
    bool e2h = death_reg(a->c, a->f->cpu, "HCR_EL2") >> 34 & 1, ips = el == 1 || e2h;
    uint64_t tcr = stage == 2 ? death_reg(a->c, a->f->cpu, "VTCR_EL2")
                              : death_reg_el(a->c, a->f->cpu, "TCR", el);
    unsigned field = (unsigned)(tcr >> (stage == 1 && ips ? 32 : 16)) & 7;
    struct base b = {"", 0, 0};

    if (a->steps[stage])
        g_string_append_printf(out,
                               "the level-%d descriptor of stage %u, at PA %#" PRIx64
                               ", is %#" PRIx64 ": it leads to %#" PRIx64,
                               s->level, stage, s->pa, s->descriptor, ADDRESS(s->descriptor));
    else if (base_of(a, stage, &b))
        g_string_append_printf(out, "%s is %#" PRIx64, b.name, b.value);
    uint64_t address = a->steps[stage] ? ADDRESS(s->descriptor) : b.value;
    if (stage == 2)
        g_string_append_printf(out, ", and VTCR_EL2.PS %u allows %u bits", field,
                               output_bits(field));
    else
        g_string_append_printf(out, ", and TCR_EL%u.%s %u allows %u bits", el, ips ? "IPS" : "PS",
                               field, output_bits(field));
    if (address >> 47 & 1)
        g_string_append(out, "; it looks like a virtual address: tables have physical ones");
}

/* ---- the tables above a page ---- */

/* D8.3.1: what a table descriptor forbids for all below it. */
static const struct {
    unsigned bit;
    bool fetch, write, el0_only, el1_only;
    const char *name;
} above[] = {
    {59, true, false, false, true, "PXNTable (bit 59)"},
    {60, true, false, true, false, "UXNTable (bit 60)"},
    {62, false, true, false, false, "APTable[1] (bit 62): read-only"},
    {61, false, false, true, false, "APTable[0] (bit 61): not for EL0"},
};

static const char *forbidden_above(const struct abort *a)
{
    for (size_t k = 0; k < G_N_ELEMENTS(above); k++)
        if (a->tables >> above[k].bit & 1 && (!above[k].fetch || a->access == ARM_ACCESS_EXECUTE) &&
            (!above[k].write || a->access == ARM_ACCESS_WRITE) &&
            (!above[k].el0_only || a->f->from == 0) && (!above[k].el1_only || a->f->from))
            return above[k].name;
    return NULL;
}

const char *death_forbidding(const struct abort *a, unsigned stage)
{
    uint64_t d = a->last[stage].descriptor;
    bool fetch = a->access == ARM_ACCESS_EXECUTE;
    bool two = death_regime_el(a) == 1 || (death_reg(a->c, a->f->cpu, "HCR_EL2") >> 34 & 1);

    if (stage == 2)
        return fetch                           ? "XN (bits 54:53)"
               : a->access == ARM_ACCESS_WRITE ? "S2AP (bits 7:6): no write"
                                               : "S2AP (bits 7:6): no read";
    if (fetch && a->f->from && two && d >> 53 & 1)
        return "PXN (bit 53) is 1";
    if (fetch && (!a->f->from || !two) && d >> 54 & 1)
        return two ? "UXN (bit 54) is 1" : "XN (bit 54) is 1";
    if (forbidden_above(a))
        return forbidden_above(a);
    if (fetch && (death_sctlr(a) >> 19 & 1))
        return "SCTLR.WXN is 1: what is writable is not executable";
    if (fetch && d >> 6 & 1 && !(d >> 7 & 1))
        return "AP[1]: EL0 may write it, so EL1 may not execute it";
    if (!a->f->from && !(d >> 6 & 1))
        return "AP[1] (bit 6) is 0: not for EL0";
    if (a->access == ARM_ACCESS_WRITE && d >> 7 & 1)
        return "AP[2] (bit 7) is 1: read-only";
    if (!fetch && a->f->from && d >> 6 & 1 && a->f->spsr >> 22 & 1)
        return "PSTATE.PAN is 1, and AP[1] (bit 6) gives the page to EL0";
    return "its permissions, or those of the tables above it";
}

/* ---- overwritten ---- */

bool death_explain_tables_overwritten(const struct abort *a, struct verdict *v)
{
    unsigned stage = a->stage2 ? 2 : 1;
    const struct arm_walk_step *s = &a->last[stage];
    struct death_overwritten o = {0};

    if (!a->steps[stage] || !s->descriptor || !death_add_overwritten(a->c, a->f, s->pa, 8, &o))
        return false;
    if (o.by_stack) {
        g_autofree char *was = g_strdup(v->cause->str);
        g_string_printf(v->cause,
                        "the stack has grown into the translation tables: what was pushed at %s is "
                        "the level-%d descriptor of stage %u now",
                        o.at, s->level, stage);
        g_string_prepend(v->evidence, "; ");
        g_string_prepend(v->evidence, was);
        g_string_assign(v->next, "does a function call itself without an end? give the stack more "
                                 "room, and nothing below it");
        death_add_nested(a->c, a->f, v);
    } else if (s->descriptor & 1) { /* of others it has been said with the descriptor */
        g_string_append_printf(v->evidence, "; it was written at %s", o.at);
    }
    g_free(o.at);
    return true;
}

/* ---- tags ---- */

/* Without its top byte the address is mapped: a tag, which the regime does not ignore. */
bool death_add_tag(const struct abort *a, GString *out)
{
    unsigned top = (unsigned)(a->address >> 56), el = death_regime_el(a);
    uint64_t plain = (uint64_t)((int64_t)(a->address << 8) >> 8);
    struct arm_translation t;

    if (plain == a->address || !arm_translate(a->c->m, a->f->cpu, a->f->from, plain, a->access, &t))
        return false;
    g_string_append_printf(
        out,
        "bits 63:56 are %#x: a tag, and TCR_EL%u.TBI%s is 0, so that they count; "
        "%#" PRIx64 " is mapped",
        top, el,
        el == 2 && !(death_reg(a->c, a->f->cpu, "HCR_EL2") >> 34 & 1) ? ""
        : a->address >> 55 & 1                                        ? "1"
                                                                      : "0",
        plain);
    return true;
}
