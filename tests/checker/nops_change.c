#include "nops_change.h"

#include <glib.h>

#include "armillary.h"

#define ISB           UINT32_C(0xd5033fdf)
#define MRS_TPIDR_EL2 UINT32_C(0xd53cd040)
#define MRS_SP_EL0    UINT32_C(0xd5384100)

/* ---- which instruction it is ---- */

static bool is_barrier(uint32_t w)
{
    return (w & 0xfffff01f) == 0xd503301f && (w >> 5 & 7) >= 4;
}

static bool is_register(uint32_t w)
{
    return (w & 0xffd00000) == 0xd5100000; /* MSR and MRS */
}

bool is_write(uint32_t w)
{
    return is_register(w) && !(w & 0x200000);
}

static bool is_operation(uint32_t w)
{
    return (w & 0xfff80000) == 0xd5080000; /* AT, TLBI, DC, IC */
}

static bool is_tlbi(uint32_t w)
{
    return (w & 0xfff8f000) == 0xd5088000;
}

static bool is_pair(uint32_t w)
{
    return (w & 0x3b800000) == 0x29000000; /* LDP and STP, with an offset */
}

static bool is_word(uint32_t w)
{
    return (w & 0xff800000) == 0xf9000000; /* LDR and STR of an X register, with an offset */
}

/* It is in a function's frame: what its caller has, or what it has no register for. */
static bool is_in_frame(uint32_t w)
{
    return (w >> 5 & 31) == 31;
}

static bool is_own(uint32_t w) /* Linux's: its pointers to per-CPU data and the task */
{
    return (w & ~31u) == MRS_TPIDR_EL2 || (w & ~31u) == MRS_SP_EL0;
}

/* ---- what it becomes ---- */

static uint32_t with(uint32_t w, unsigned at, unsigned bits, uint32_t value)
{
    const uint32_t mask = ((UINT32_C(1) << bits) - 1) << at;

    return (w & ~mask) | (value << at & mask);
}

static uint32_t left_out(uint32_t w)
{
    return (is_barrier(w) || is_register(w) || is_operation(w)) && !is_own(w) ? NOP : w;
}

static uint32_t access_left_out(uint32_t w)
{
    return (w & 0x0a000000) == 0x08000000 ? NOP : w;
}

/* A DSB or DMB of another domain and type: CRm of it. */
static uint32_t barrier(uint32_t w, uint32_t crm)
{
    return is_barrier(w) && w != ISB ? with(w, 8, 4, crm) : w;
}

static uint32_t near_stores(uint32_t w)
{
    return barrier(w, 6); /* NSHST */
}

static uint32_t stores(uint32_t w)
{
    return barrier(w, w >> 8 & 14); /* SY, ISH, NSH: ST, ISHST, NSHST */
}

/* The register beside it: the same one of another number, or the next in the encoding. */
static uint32_t neighbour(uint32_t w)
{
    static const uint32_t of_system[] = {1 << 5, 3 << 5, 2 << 5, 1 << 8}; /* op2, CRm */
    static const uint32_t of_debug[] = {1 << 8};
    const bool debug = !(w & 1u << 19);
    const uint32_t *by = debug ? of_debug : of_system;

    if (!is_register(w) || is_own(w))
        return w;
    for (size_t k = 0; k < (debug ? G_N_ELEMENTS(of_debug) : G_N_ELEMENTS(of_system)); k++)
        if (arm_reg_name((w ^ by[k]) >> 5 & 0xffff))
            return w ^ by[k];
    return w;
}

/* EL1's own name, which means EL2's register where HCR_EL2.E2H is set. */
static uint32_t other_name(uint32_t w)
{
    if (!is_register(w) || (w >> 16 & 7) != 5)
        return w;
    return with(w, 16, 3, (w >> 12 & 15) == 14 ? 3 : 0);
}

static uint32_t next_slot(uint32_t w)
{
    return is_in_frame(w) ? w
           : is_pair(w)   ? with(w, 15, 7, (w >> 15) + 2)
           : is_word(w)   ? with(w, 10, 12, (w >> 10) + 1)
                          : w;
}

static uint32_t half(uint32_t w)
{
    return is_word(w) && !is_in_frame(w) && (w >> 10 & 0xfff) < 0x800
               ? with(w & ~(1u << 30), 10, 12, (w >> 10) * 2)
               : w;
}

static uint32_t exchanged(uint32_t w)
{
    return is_pair(w) && !is_in_frame(w) ? with(with(w, 0, 5, w >> 10), 10, 5, w) : w;
}

/* This CPU's TLBs only. */
static uint32_t local(uint32_t w)
{
    const unsigned crm = w >> 8 & 15;

    return !is_tlbi(w) ? w
           : crm == 3  ? with(w, 8, 4, 7) /* Inner Shareable */
           : crm == 0  ? with(w, 8, 4, 4) /* the same, by IPA */
                       : w;
}

/* Less of what it invalidates: of stage 1 alone, or of the last level alone. */
static uint32_t narrow(uint32_t w)
{
    const unsigned crm = w >> 8 & 15, op1 = w >> 16 & 7, op2 = w >> 5 & 7;

    if (!is_tlbi(w))
        return w;
    if (op1 == 4 && op2 == 6) /* VMALLS12E1 */
        return with(with(w, 16, 3, 0), 5, 3, 0);
    return op2 == 1 && (crm & 3) != 2 ? with(w, 5, 3, 5) : w; /* VAE, IPAS2E1 */
}

/* AND, ORR, EOR, ANDS (BIC with its mask inverted) with the mask of the bits beside. */
static uint32_t other_bit(uint32_t w)
{
    return (w & 0x1f800000) == 0x12000000 ? with(w, 16, 6, (w >> 16) - 1) : w;
}

static bool is_b_cond(uint32_t w)
{
    return (w & 0xff000010) == 0x54000000 && (w & 15) < 14;
}

static bool is_cbz(uint32_t w)
{
    return (w & 0x7e000000) == 0x34000000;
}

static bool is_tbz(uint32_t w)
{
    return (w & 0x7e000000) == 0x36000000;
}

static uint32_t inverted(uint32_t w)
{
    return is_b_cond(w) ? w ^ 1 : is_cbz(w) || is_tbz(w) ? w ^ 1u << 24 : w;
}

static uint32_t always(uint32_t w)
{
    const int32_t offset = is_tbz(w) ? (int32_t)(w << 13) >> 18 : (int32_t)(w << 8) >> 13;

    return inverted(w) == w ? w : UINT32_C(0x14000000) | ((uint32_t)offset & 0x3ffffff);
}

static uint32_t never(uint32_t w)
{
    return inverted(w) == w ? w : NOP;
}

const struct change changes[] = {
    {"nop", "MSR, MRS, AT, TLBI, DC, IC and barriers are left out", left_out},
    {"access", "loads and stores are left out", access_left_out},
    {"nshst", "DSB and DMB become NSHST", near_stores},
    {"stores", "DSB and DMB wait for stores alone", stores},
    {"neighbour", "MSR and MRS of the register beside", neighbour},
    {"alias", "MSR and MRS of NAME_EL1 for NAME_EL12", other_name},
    {"slot", "loads and stores of the slot behind", next_slot},
    {"half", "loads and stores of half a register", half},
    {"exchange", "LDP and STP with their registers exchanged", exchanged},
    {"local", "TLBI of this CPU alone", local},
    {"narrow", "TLBI of stage 1, or the last level, alone", narrow},
    {"mask", "AND, ORR, EOR with the mask of the bits beside", other_bit},
    {"invert", "conditional branches the other way", inverted},
    {"always", "and always", always},
    {"never", "and never", never},
};
const unsigned change_count = G_N_ELEMENTS(changes);

static void describe_access(uint32_t w, char *buf, size_t size)
{
    const char *name = w & 1u << 22 ? "ld" : "st", kind = w & 1u << 26 ? 'q' : 'x';
    const int32_t offset = is_pair(w) ? (int32_t)(w << 10) >> 25 : (int32_t)(w >> 10 & 0xfff);

    if (is_pair(w))
        g_snprintf(buf, size, "%sp %c%u, %c%u, [x%u, #%d]", name, kind, w & 31, kind, w >> 10 & 31,
                   w >> 5 & 31, offset * (kind == 'q' ? 16 : 8));
    else
        g_snprintf(buf, size, "%sr x%u, [x%u, #%d]", name, w & 31, w >> 5 & 31, offset * 8);
}

void describe(uint32_t w, char *buf, size_t size)
{
    const char *name = is_register(w) || is_operation(w) ? arm_reg_name(w >> 5 & 0xffff) : NULL;

    if (is_word(w) || (is_pair(w) && w >> 30 == 2))
        describe_access(w, buf, size);
    else if (is_barrier(w))
        g_snprintf(buf, size, "%s #%u", arm_insn_name(w), w >> 8 & 15);
    else if (name)
        g_snprintf(buf, size, "%s %s",
                   is_operation(w) ? "sys"
                   : w & 0x200000  ? "mrs"
                                   : "msr",
                   name);
    else
        g_snprintf(buf, size, "%s %#x", arm_insn_name(w), w);
}
