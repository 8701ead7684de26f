#include "checker/lost_access.h"

#include <string.h>

#include "arch/esr.h"
#include "arch/insn.h"
#include "base/addr.h"
#include "base/bits.h"
#include "checker/checker.h"

/* ISS of a Data Abort (DDI0487, ESR_EL2): ISV bit 24, SAS 23 and 22, SSE 21, SRT 20:16, SF 15, CM
 * 8, WnR 6; DFSC 0b0001LL translation, 0b0010LL Access flag, 0b0011LL permission. */
static bool is_of_tables(uint64_t esr)
{
    return bits(esr, 5, 2) >= 1 && bits(esr, 5, 2) <= 3;
}

/* Where the access goes now. False: it would fault again. */
static bool translates(struct arm_checker *c, const struct exit_state *s, unsigned cpu,
                       uint64_t *pa)
{
    unsigned el = bits(s->pstate, 3, 2) ? 1 : 0;
    struct arm_translation t;

    if (!arm_translate(c->m, cpu, el, s->far, bit(s->esr, 6) ? ARM_ACCESS_WRITE : ARM_ACCESS_READ,
                       &t))
        return false;
    *pa = t.pa;
    return true;
}

/* What a load of @size bytes makes of them. */
static uint64_t loaded(uint64_t esr, uint64_t bytes, unsigned size)
{
    uint64_t value = bit(esr, 21) ? sext(bytes, 8 * size) : bytes;

    return bit(esr, 15) ? value : zext(value, 32);
}

/* One general register, which the syndrome names. */
static bool single_is_lost(struct arm_checker *c, const struct exit_state *s, unsigned cpu,
                           uint64_t pa)
{
    unsigned size = 1U << bits(s->esr, 23, 22), rt = (unsigned)bits(s->esr, 20, 16);
    uint64_t there = 0, had = rt < 31 ? s->x[rt] : 0;

    if ((pa & PAGE_MASK) + size > PAGE_SIZE || !arm_mem_read(c->m, pa, &there, size))
        return false;
    if (bit(s->esr, 6))
        return there != zext(had, 8 * size);
    return rt < 31 && checker_reg(c, cpu, ARM_X(rt)) == had && loaded(s->esr, there, size) != had;
}

/* Pairs, V registers, a base that is written back: none of the registers has changed that the
 * instruction writes. */
static bool other_is_lost(struct arm_checker *c, const struct exit_state *s, unsigned cpu,
                          uint64_t pa)
{
    uint32_t writes = justify(s, false).x;
    uint8_t byte;

    if (!s->word_known || !arm_mem_read(c->m, pa, &byte, 1))
        return false;
    for (unsigned n = 0; n < 31; n++)
        if (bit(writes, n) && checker_reg(c, cpu, ARM_X(n)) != s->x[n])
            return false;
    return true;
}

bool lost_access(struct arm_checker *c, const struct exit_state *s, const struct arm_event *p)
{
    uint64_t pa;

    if (!justify_left_by(s, ESR_EC_DABT_LOW) || !is_of_tables(s->esr) || bit(s->esr, 8) ||
        p->world.target != s->pc + 4 || !translates(c, s, p->cpu, &pa))
        return false;
    return bit(s->esr, 24) ? single_is_lost(c, s, p->cpu, pa) : other_is_lost(c, s, p->cpu, pa);
}
