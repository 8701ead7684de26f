/* Aborts: which stage, which descriptor, which bit; and what would have worked. */
#include <inttypes.h>
#include <string.h>

#include "death_abort.h"

#define IS_WALK(fsc)    ((fsc) >= 0x13 && (fsc) <= 0x17) /* external, on a walk */
#define IS_ON_WALK(esr) ((esr) >> 7 & 1)

enum { FSC_ALIGNMENT = 0x21, FSC_EXTERNAL = 0x10 };

static enum fault_kind kind_of(unsigned fsc)
{
    if (fsc == FSC_ALIGNMENT)
        return FAULT_ALIGNMENT;
    if (fsc >= FSC_EXTERNAL && fsc < 0x18)
        return FAULT_EXTERNAL;
    if (fsc >= 0x29 && fsc <= 0x2b)
        return fsc == 0x2b ? FAULT_TRANSLATION : FAULT_SIZE;
    return fsc < 16 ? (enum fault_kind)(fsc >> 2) : FAULT_OTHER;
}

static void note_step(void *ctx, const struct arm_walk_step *s)
{
    struct abort *a = ctx;

    a->above[s->stage == 2 ? 2 : 1] = a->last[s->stage == 2 ? 2 : 1];
    a->last[s->stage == 2 ? 2 : 1] = *s;
    a->steps[s->stage == 2 ? 2 : 1]++;
    if (s->stage == 1 && s->level < 3 && (s->descriptor & 3) == 3)
        a->tables |= s->descriptor;
}

static void walk_now(struct abort *a)
{
    memset(a->steps, 0, sizeof(a->steps));
    a->tables = 0;
    arm_walk(a->c->m, a->f->cpu, a->f->from, a->address, a->access, note_step, a, &a->now);
}

const char *death_verb(const struct abort *a)
{
    enum { CM = ARM_BIT(8) }; /* of a data abort's ISS */

    return a->access == ARM_ACCESS_EXECUTE ? "the fetch of"
           : a->f->esr & CM                ? "cache maintenance (DC or IC) of"
           : a->access == ARM_ACCESS_WRITE ? "a store to"
                                           : "a load from";
}

/* ---- the regime's registers ---- */

unsigned death_regime_el(const struct abort *a)
{
    uint64_t hcr = death_reg(a->c, a->f->cpu, "HCR_EL2");

    return a->f->from == 2 || (a->f->from == 0 && (hcr >> 27 & 1) && (hcr >> 34 & 1)) ? 2 : 1;
}

uint64_t death_sctlr(const struct abort *a)
{
    return death_reg_el(a->c, a->f->cpu, "SCTLR", death_regime_el(a));
}

uint64_t death_tcr(const struct abort *a)
{
    return death_reg_el(a->c, a->f->cpu, "TCR", death_regime_el(a));
}

bool death_is_upper(const struct abort *a)
{
    return a->address >> 55 & 1;
}

/* ---- each kind ---- */

void death_add_descriptor(const struct abort *a, unsigned stage, GString *out)
{
    const struct arm_walk_step *s = &a->last[stage];
    struct death_overwritten o = {0};

    g_string_append_printf(out,
                           "the level-%d descriptor of stage %u, at PA %#" PRIx64 ", is %#" PRIx64,
                           s->level, stage, s->pa, s->descriptor);
    death_add_table_place(a, stage, out);
    if (s->descriptor & 1 || !death_add_overwritten(a->c, a->f, s->pa, 8, &o))
        return;
    g_string_append_printf(out, ", as cpu%u has written it last, at %s", o.cpu, o.at);
    g_free(o.at);
}

/* Where the walk began is what TTBRn_ELx has been given last. */
static void add_base(const struct abort *a, GString *out)
{
    char name[16];

    g_snprintf(name, sizeof(name), "TTBR%u_EL%u", death_is_upper(a), death_regime_el(a));
    const struct death_write *w = death_written(a->c, a->f->cpu, name);
    if (!w || a->steps[1] != 1)
        return;
    g_autofree char *at = death_place(a->c, a->f->cpu, w->el, w->pc);
    g_string_append_printf(out, "; %s was written last, as %#" PRIx64 ", at %s", name, w->value,
                           at);
}

/* TCR_ELx.EPD0 or EPD1, of a regime that has both. */
bool death_is_disabled(const struct abort *a)
{
    bool two = death_regime_el(a) == 1 || (death_reg(a->c, a->f->cpu, "HCR_EL2") >> 34 & 1);

    return two && death_tcr(a) >> (death_is_upper(a) ? 23 : 7) & 1;
}

/* A translation fault at a descriptor whose bits 1:0 are 01: at its level there are no blocks. */
static bool explain_no_block(const struct abort *a, struct verdict *v)
{
    unsigned stage = a->stage2 ? 2 : 1;
    const struct arm_walk_step *s = &a->last[stage];

    g_autoptr(GString) trial = g_string_new(NULL);
    if (a->now.mapped || !a->steps[stage] || (s->descriptor & 3) != 1)
        return false;
    if (s->level < 3 && death_add_trial(a, trial) &&
        (s->level > 0 || strstr(trial->str, "SZ ") || strstr(trial->str, "SL0 ")))
        return false; /* it is meant for another level, or another granule */
    g_string_printf(v->cause,
                    "the level-%d descriptor of %#" PRIx64 " at stage %u has 01 in bits 1:0, which "
                    "is reserved there: %s it, at %s",
                    s->level, a->stage2 ? a->ipa : a->address, stage, death_verb(a), a->at);
    death_add_descriptor(a, stage, v->evidence);
    g_string_assign(
        v->next, s->level == 3
                     ? "a page of level 3 has 11 in bits 1:0; 01 is a block, of levels 1 and 2"
                     : "01 is a block, which this level has not with this granule (4 KiB: levels "
                       "1 and 2, others: level 2); a table has 11");
    return true;
}

/* No table was read: the address is none of the regime's. */
void death_explain_out_of_range(const struct abort *a, struct verdict *v)
{
    unsigned el = death_regime_el(a), n = death_is_upper(a) ? 1 : 0;
    uint64_t value = death_tcr(a);
    unsigned size = (unsigned)(value >> (n ? 16 : 0)) & 63;

    if (death_add_tag(a, v->evidence))
        return;
    if (death_is_disabled(a))
        g_string_printf(v->evidence, "TCR_EL%u.EPD%u is 1: there are no walks of TTBR%u", el, n, n);
    else if (n && el == 2 && !(death_reg(a->c, a->f->cpu, "HCR_EL2") >> 34 & 1))
        g_string_assign(v->evidence, "EL2 without HCR_EL2.E2H has low addresses only (TTBR0_EL2)");
    else
        g_string_printf(
            v->evidence,
            "TCR_EL%u.T%uSZ is %u: TTBR%u has %u bits of addresses, and this is not among "
            "them",
            el, n, size, n, 64 - size);
}

/* A device of this board has the same physical address: it was not mapped with the rest. */
static bool add_board_place(const struct abort *a, GString *out)
{
    return a->access != ARM_ACCESS_EXECUTE && death_add_own_board(a->address, out);
}

static void explain_stage1(const struct abort *a, struct verdict *v)
{
    g_string_printf(v->cause,
                    "%s %#" PRIx64
                    " at EL%u: it is not mapped (stage-1 translation fault, level %u), at %s",
                    death_verb(a), a->address, a->f->from, death_fsc(a->f) & 3, a->at);
    if (a->now.mapped) {
        g_string_assign(
            v->evidence,
            "the tables map it now: the CPU had old translations or registers; a TLBI or an "
            "ISB is missing");
        return;
    }
    if (a->steps[1])
        death_add_descriptor(a, 1, v->evidence);
    else
        death_explain_out_of_range(a, v);
    if (death_explain_tables_overwritten(a, v) && v->next->len)
        return;
    g_autoptr(GString) base = g_string_new("; ");
    if (death_add_big_endian(a, base) || death_add_unaligned_base(a, 1, base) ||
        death_add_entered_on(a, base) || add_board_place(a, base))
        g_string_append(v->evidence, base->str);
    else if (death_add_unwritten(a, base)) {
        g_string_append(v->cause, base->str);
        g_string_assign(v->next, "write it before SCTLR_ELx.M, with an ISB between; or find who "
                                 "made the address");
        return;
    } else if (death_add_trial(a, base)) {
        g_string_append(v->evidence, base->str);
        g_string_printf(v->next,
                        "compare TCR_ELx (T%uSZ, TG%u), TTBR%u_ELx and the tables' first level: do "
                        "they fit together?",
                        death_is_upper(a), death_is_upper(a), death_is_upper(a));
        return;
    } else
        add_base(a, v->evidence);
    g_string_printf(v->next,
                    "map it, or find who made the address; `walk %#" PRIx64 "` in the monitor",
                    a->address);
}

/* An access that EL2 would emulate, of an instruction of which ESR_EL2.ISS says neither register
 * nor size: "ISS encoding for an exception from a Data Abort", ISV. */
static void add_no_syndrome(const struct abort *a, struct verdict *v)
{
    uint32_t word;

    if (a->access == ARM_ACCESS_EXECUTE || a->f->esr >> 24 & 1 || IS_ON_WALK(a->f->esr) ||
        a->ipa >= DEATH_RAM || !death_insn(a->c, a->f->cpu, a->f->from, a->f->elr, &word))
        return;
    g_string_append_printf(v->evidence,
                           "; ESR_EL2.ISV is 0: of %s hardware says neither register nor size, so "
                           "that it cannot be emulated by ESR_EL2 alone",
                           arm_insn_name(word));
    g_string_assign(v->next, "let the guest access devices by plain loads and stores of one "
                             "register (readl(), volatile in assembly), or decode the instruction");
}

static void explain_stage2(const struct abort *a, struct verdict *v)
{
    uint64_t vtcr = death_reg(a->c, a->f->cpu, "VTCR_EL2");

    g_string_printf(v->cause,
                    "stage 2 does not map the guest's IPA %#" PRIx64 "%s: %s %#" PRIx64
                    " at EL%u, at %s",
                    a->ipa, IS_ON_WALK(a->f->esr) ? " (one of its own translation tables)" : "",
                    death_verb(a), a->address, a->f->from, a->at);
    if (!(death_reg(a->c, a->f->cpu, "HCR_EL2") & 1))
        g_string_printf(v->evidence,
                        "HCR_EL2.VM is 0 now: EL2 has switched the world since; VTTBR_EL2 is "
                        "%#" PRIx64 ", VTCR_EL2 %#" PRIx64 ": are they its guest's?",
                        death_reg(a->c, a->f->cpu, "VTTBR_EL2"), vtcr);
    else if (a->steps[2])
        death_add_descriptor(a, 2, v->evidence);
    else
        g_string_printf(v->evidence,
                        "no table was read: VTCR_EL2 %#" PRIx64
                        " has T0SZ %u (%u bits), SL0 %u, TG0 %u, "
                        "and the IPA is not among these addresses, or they do not fit together",
                        vtcr, (unsigned)vtcr & 63, 64 - ((unsigned)vtcr & 63),
                        (unsigned)(vtcr >> 6) & 3, (unsigned)(vtcr >> 14) & 3);
    add_no_syndrome(a, v);
    g_autoptr(GString) base = g_string_new("; ");
    if (death_is_guests_vector(a->c, a->f)) {
        death_add_guests_vector(a->c, a->f, base);
        g_string_append(v->cause, base->str);
        g_string_assign(v->next, "the guest has to write VBAR_EL1 before its first exception");
        return;
    }
    if (death_explain_tables_overwritten(a, v) && v->next->len)
        return;
    if (a->access != ARM_ACCESS_EXECUTE && death_add_own_board(a->ipa, base))
        g_string_append(v->evidence, base->str);
    else if (death_add_unwritten(a, base)) {
        g_string_append(v->cause, base->str);
        g_string_assign(v->next, "EL2 writes VTCR_EL2 and VTTBR_EL2 on each CPU before it enters "
                                 "a guest with HCR_EL2.VM");
    } else if (death_add_unaligned_base(a, 2, base))
        g_string_append(v->cause, base->str);
    else
        death_add_trial(a, v->next);
    if (!v->next->len)
        g_string_assign(
            v->next, "map it at stage 2 (VTTBR_EL2), or emulate the access: HPFAR_EL2 has the IPA");
}

#define BLOCK_RES0 UINT64_C(0xf000) /* address bits that no block of any granule has */

static void explain_af(const struct abort *a, struct verdict *v)
{
    unsigned stage = a->stage2 ? 2 : 1;

    g_string_printf(v->cause,
                    "the access flag (AF, bit 10) is 0 in the stage-%u descriptor of %#" PRIx64
                    ": %s it, at %s",
                    stage, a->stage2 ? a->ipa : a->address, death_verb(a), a->at);
    death_add_descriptor(a, stage, v->evidence);
    if (a->last[stage].level < 3 && (a->last[stage].descriptor & 3) == 1 &&
        a->last[stage].descriptor & BLOCK_RES0)
        g_string_append(v->evidence, ", a block by bits 1:0 (01), but with the address of a table: "
                                     "a table has 11");
    g_string_printf(
        v->next,
        "set AF in descriptors that you write, or let hardware do it (%s.HA, with FEAT_HAFDBS)",
        a->stage2 ? "VTCR_EL2" : "TCR_ELx");
}

static void explain_permission(const struct abort *a, struct verdict *v)
{
    unsigned stage = a->stage2 ? 2 : 1;

    g_string_printf(v->cause, "%s %#" PRIx64 " at EL%u is not permitted (stage %u): %s, at %s",
                    death_verb(a), a->address, a->f->from, stage, death_forbidding(a, stage),
                    a->at);
    death_add_descriptor(a, stage, v->evidence);
    if (!death_explain_tables_overwritten(a, v) || !v->next->len)
        g_string_assign(v->next, "change the page's permissions, or the access");
}

/* What a physical address is, on this board. */
static void add_pa(const struct abort *a, uint64_t pa, GString *out)
{
    if (pa < UINT64_C(0x08000000))
        g_string_append_printf(out, "PA %#" PRIx64 " is flash memory (0 to 0x7ffffff)", pa);
    else if (pa < DEATH_RAM)
        g_string_append_printf(
            out, "PA %#" PRIx64 " is among the devices (0x8000000 to 0x3fffffff)%s", pa,
            a->access == ARM_ACCESS_EXECUTE ? ": nothing can be executed there"
                                            : ", and none answers so there");
    else if (pa >= DEATH_RAM + a->c->config->ram_size)
        g_string_append_printf(
            out, "PA %#" PRIx64 " is behind the end of RAM (0x40000000 to %#" PRIx64 ")", pa,
            DEATH_RAM + a->c->config->ram_size - 1);
    else
        g_string_append_printf(out, "PA %#" PRIx64 " is RAM", pa);
    g_autoptr(GString) other = g_string_new("; ");
    if (death_add_other_board(a->c, pa, other))
        g_string_append(out, other->str);
}

/* Not the access itself failed, but the walk for it: a table is where no memory is. */
static bool explain_walk(const struct abort *a, struct verdict *v)
{
    const struct arm_walk_step *s = &a->last[1];
    uint64_t table = s->descriptor & UINT64_C(0xfffffffff000);

    if (!IS_WALK(death_fsc(a->f)))
        return false;
    g_string_printf(v->cause,
                    "%s %#" PRIx64
                    " at EL%u: nothing answers where its table of level %u should be "
                    "(external abort on a walk), at %s",
                    death_verb(a), a->address, a->f->from, death_fsc(a->f) & 3, a->at);
    if (a->steps[1]) {
        death_add_descriptor(a, 1, v->evidence);
        g_string_append(v->evidence, "; ");
    } else {
        table = death_reg_el(a->c, a->f->cpu, death_is_upper(a) ? "TTBR1" : "TTBR0",
                             death_regime_el(a)) &
                UINT64_C(0xfffffffffffe);
        g_string_printf(v->evidence, "it is TTBR%u_EL%u's; ", death_is_upper(a),
                        death_regime_el(a));
    }
    add_pa(a, table, v->evidence);
    g_string_assign(v->next,
                    "a table descriptor has the physical address of the next table, in RAM");
    return true;
}

static void explain_external(const struct abort *a, struct verdict *v)
{
    uint64_t pa = a->now.mapped ? a->now.pa : a->address;

    if (explain_walk(a, v))
        return;
    g_string_printf(v->cause,
                    "%s %#" PRIx64 " at EL%u: nothing answers there (external abort), at %s",
                    death_verb(a), a->address, a->f->from, a->at);
    add_pa(a, pa, v->evidence);
    g_string_assign(
        v->next,
        pa >= DEATH_RAM
            ? "more RAM is --memory N; or the address is wrong: is the image linked for 0x40080000?"
            : "the board's addresses are in its device tree: --dump-dtb FILE");
}

/* A virtual address that is used as a physical one, or what is no address. */
static void explain_mmu_off(const struct abort *a, struct verdict *v)
{
    if (death_add_own_mmu(a, v->evidence)) {
        g_string_append(v->evidence, ": its own is off (SCTLR_EL2.M is 0)");
        g_string_assign(v->next, "EL2 has registers of its own: SCTLR_EL2, TTBR0_EL2, TCR_EL2 and "
                                 "MAIR_EL2; without HCR_EL2.E2H it has no upper addresses");
        return;
    }
    g_string_printf(v->evidence, "the MMU of cpu%u is off (SCTLR_EL%u.M is 0)", a->f->cpu,
                    death_regime_el(a));
    if (a->address >> 48 != 0xffff) {
        g_string_append(v->evidence, ": an address is a physical one");
        g_string_assign(v->next, "where has the address come from? `watch` of gdb and "
                                 "reverse-continue say who wrote it");
        return;
    }
    g_string_append_printf(v->evidence, ": a virtual address is used before it is on%s",
                           a->f->cpu ? "; PSCI starts CPUs so, at a physical address" : "");
    g_string_assign(
        v->next,
        "use addresses relative to the PC until the MMU is on; give CPU_ON a physical address");
}

static void explain_size(const struct abort *a, struct verdict *v)
{
    g_string_printf(v->cause,
                    "%s %#" PRIx64
                    " at EL%u: the address is too large (address size fault, stage %u), at %s",
                    death_verb(a), a->address, a->f->from, a->stage2 ? 2 : 1, a->at);
    if (!(death_sctlr(a) & 1) && !a->stage2) {
        explain_mmu_off(a, v);
        return;
    }
    death_add_output_size(a, v->evidence);
    g_string_assign(v->next, a->stage2 ? "set VTCR_EL2.PS to what ID_AA64MMFR0_EL1.PARange has, or "
                                         "mend the descriptor"
                                       : "set TCR_ELx.IPS (PS) to what ID_AA64MMFR0_EL1.PARange "
                                         "has, or mend the descriptor");
    death_explain_tables_overwritten(a, v);
}

/* At the instruction that EL2, or EL1, has returned to. */
static void add_return(const struct abort *a, struct verdict *v)
{
    if (a->access != ARM_ACCESS_EXECUTE || death_has_switched(a) ||
        death_is_guests_vector(a->c, a->f))
        return;
    if (v->evidence->len)
        g_string_append(v->evidence, "; ");
    death_add_way(a->c, a->f, v->evidence);
}

static void explain_kind(const struct abort *a, struct verdict *v)
{
    switch (a->kind) {
    case FAULT_TRANSLATION:
        if (explain_no_block(a, v))
            break;
        if (a->stage2)
            explain_stage2(a, v);
        else if (!death_explain_mmu_on(a, v))
            explain_stage1(a, v);
        break;
    case FAULT_AF:
        explain_af(a, v);
        break;
    case FAULT_PERMISSION:
        explain_permission(a, v);
        break;
    case FAULT_EXTERNAL:
        explain_external(a, v);
        break;
    case FAULT_ALIGNMENT:
        death_explain_alignment(a, v);
        break;
    case FAULT_SIZE:
        explain_size(a, v);
        break;
    case FAULT_OTHER:
        g_string_printf(v->cause, "%s %#" PRIx64 " at EL%u, fault status %#x, at %s", death_verb(a),
                        a->address, a->f->from, death_fsc(a->f), a->at);
        break;
    }
}

bool death_explain_abort(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    struct abort a = {.c = c,
                      .f = f,
                      .kind = kind_of(death_fsc(f)),
                      .access = death_access(f),
                      .address = f->far,
                      .at = death_place(c, f->cpu, f->from, f->elr)};

    walk_now(&a);
    /* From EL1, EL2 gets those of stage 2 only. EL2 may have switched that off since. */
    a.stage2 = f->el == 2 && f->from < 2 && a.kind < FAULT_EXTERNAL &&
               (f->from == 1 ||
                ((death_reg(c, f->cpu, "HCR_EL2") & 1) && (a.now.mapped || a.now.stage == 2)));
    a.ipa = (f->hpfar >> 4 & ((UINT64_C(1) << 40) - 1)) << 12 | (f->far & 0xfff);
    explain_kind(&a, v);
    if ((a.kind == FAULT_SIZE || a.kind == FAULT_TRANSLATION || a.kind == FAULT_EXTERNAL) &&
        !a.stage2 && !death_has_switched(&a))
        death_explain_value(&a, v);
    death_add_clobbered(c, f, v->cause);
    add_return(&a, v);
    g_free(a.at);
    return true;
}
