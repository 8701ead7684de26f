/* The decoder: lookups in the tables that tools/a64_gen.c makes from arch/a64.def. */
#include "arch/a64_form.h"
#include "arch/insn.h"
#include "base/bits.h"

static inline uint8_t operand_ZR(unsigned r)
{
    return (uint8_t)r;
}

static inline uint8_t operand_SP(unsigned r)
{
    return r == 31 ? REG_SP : (uint8_t)r;
}

static inline uint8_t operand_SINK(unsigned r)
{
    return r == 31 ? REG_SINK : (uint8_t)r;
}

#include "a64_decode.inc"

enum a64_op a64_lookup(uint32_t word)
{
    unsigned top = word >> (32 - TOP_BITS);

    for (unsigned k = first_candidate[top]; k < first_candidate[top + 1]; k++) {
        unsigned op = candidates[k];
        if ((word & a64_rows[op].mask) == a64_rows[op].value && cond_holds(op, word))
            return (enum a64_op)op;
    }
    return A64_UNALLOCATED;
}

enum feature a64_missing_feature(enum a64_op op, const struct features *f)
{
    const struct a64_row *r = &a64_rows[op];

    if (r->feature != FEAT_BASE && !has_feature(f, r->feature))
        return r->feature;
    return r->feature2 != FEAT_BASE && !has_feature(f, r->feature2) ? r->feature2 : FEAT_BASE;
}

void a64_decode(uint32_t word, unsigned page_offset, struct insn *i)
{
    enum a64_op op = a64_lookup(word);

    *i = (struct insn){.op = (uint16_t)op, .imm = word};
    if (op == A64_UNALLOCATED)
        return;
    fill_operands(op, word, i);
    fill_form(op, word, page_offset, i);
}

uint64_t a64_facts(const struct a64_row *r, uint32_t word)
{
    uint64_t facts = r->facts;

    if (r->acquire && !(word & r->acquire))
        facts &= ~BIT(FACT_ACQ);
    if (r->release && !(word & r->release))
        facts &= ~BIT(FACT_REL);
    return facts;
}

static bool row_is(const struct a64_row *r, enum a64_fact f)
{
    return (r->facts >> f) & 1;
}

/* The general registers of a role: @count in a row. XZR and the sink are none. */
static uint64_t general_registers(unsigned first, unsigned count)
{
    uint64_t set = 0;

    for (unsigned k = 0; k < count; k++)
        set |= BIT(first + k);
    return set & ~(BIT(REG_ZR) | BIT(REG_SINK));
}

static uint32_t vector_registers(unsigned first, unsigned count)
{
    uint32_t set = 0;

    for (unsigned k = 0; k < count; k++)
        set |= UINT32_C(1) << ((first + k) & 31);
    return set;
}

/* How many registers a role is. */
static unsigned role_count(const struct a64_row *r, const struct insn *i, enum a64_role role)
{
    if (role == ROLE_RD)
        return row_is(r, FACT_T4) ? 4 : row_is(r, FACT_T3) ? 3 : row_is(r, FACT_T2) ? 2 : 1;
    if (role == ROLE_RM)
        return row_is(r, FACT_S2) ? 2 : 1;
    if (role == ROLE_RN && row_is(r, FACT_LIST))
        return (unsigned)bits((uint64_t)i->imm, 14, 13) + 1;
    return 1;
}

static unsigned role_register(const struct a64_row *r, const struct insn *i, enum a64_role role)
{
    switch (role) {
    case ROLE_RD:
        return i->rd;
    case ROLE_RN:
        return i->rn;
    case ROLE_RM:
        return row_is(r, FACT_VM4) && bits((uint64_t)i->imm, 23, 22) == 1 ? i->rm & 15 : i->rm;
    default:
        return i->ra;
    }
}

static void use_role(const struct a64_row *r, const struct insn *i, enum a64_role role,
                     struct a64_use *use)
{
    unsigned first = role_register(r, i, role), count = role_count(r, i, role);

    if (r->vectors & role) {
        use->v_reads |= r->reads & role ? vector_registers(first, count) : 0;
        use->v_writes |= r->writes & role ? vector_registers(first, count) : 0;
    } else {
        use->x_reads |= r->reads & role ? general_registers(first, count) : 0;
        use->x_writes |= r->writes & role ? general_registers(first, count) : 0;
    }
}

/* Registers that the encoding implies. */
static const struct {
    enum a64_fact fact;
    uint64_t reads, writes;
} implied[] = {
    {FACT_RX16, BIT(16), 0},    {FACT_RX17, BIT(17), 0},      {FACT_RX30, BIT(30), 0},
    {FACT_WX17, 0, BIT(17)},    {FACT_WX30, 0, BIT(30)},      {FACT_RSP, BIT(REG_SP), 0},
    {FACT_WSP, 0, BIT(REG_SP)}, {FACT_RCALL, MASK(17, 0), 0}, {FACT_WCALL, 0, MASK(17, 0)},
    {FACT_CALL, 0, BIT(30)},
};

struct a64_use a64_use(const struct a64_row *r, const struct insn *i)
{
    struct a64_use use = {0};

    use_role(r, i, ROLE_RD, &use);
    use_role(r, i, ROLE_RN, &use);
    use_role(r, i, ROLE_RM, &use);
    use_role(r, i, ROLE_RA, &use);
    for (unsigned k = 0; k < ARRAY_SIZE(implied); k++)
        if (row_is(r, implied[k].fact)) {
            use.x_reads |= implied[k].reads;
            use.x_writes |= implied[k].writes;
        }
    return use;
}

static const struct {
    const char *name, *text;
} facts[] = {
#define FACT(name, text) {#name, text},
#include "arch/a64_facts.def"
#undef FACT
};

const char *a64_fact_name(enum a64_fact f)
{
    return facts[f].name;
}

const char *a64_fact_text(enum a64_fact f)
{
    return facts[f].text;
}
