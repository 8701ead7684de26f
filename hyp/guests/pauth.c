/*
 * Pointer authentication: each CPU signs with keys of its own, and authenticates after everything
 * that makes a hypervisor switch. Without FEAT_PAuth there is nothing to do (DDI0487, "Pointer
 * authentication").
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define SCTLR_ENABLES (BIT(31) | BIT(30) | BIT(27) | BIT(13)) /* EnIA, EnIB, EnDA, EnDB */
#define POINTERS      16

enum { BREAK_KEY, BREAK_SWAP, BREAK_OFF };
static const char *const breaks[] = {"key", "swap", "off", 0};

/* Halves of keys, lower and upper: APIA, APIB, APDA, APDB, APGA. */
#define HALVES(X)                                                                                  \
    X(APIAKeyLo_EL1, s3_0_c2_c1_0)                                                                 \
    X(APIAKeyHi_EL1, s3_0_c2_c1_1)                                                                 \
    X(APIBKeyLo_EL1, s3_0_c2_c1_2)                                                                 \
    X(APIBKeyHi_EL1, s3_0_c2_c1_3)                                                                 \
    X(APDAKeyLo_EL1, s3_0_c2_c2_0)                                                                 \
    X(APDAKeyHi_EL1, s3_0_c2_c2_1)                                                                 \
    X(APDBKeyLo_EL1, s3_0_c2_c2_2)                                                                 \
    X(APDBKeyHi_EL1, s3_0_c2_c2_3)                                                                 \
    X(APGAKeyLo_EL1, s3_0_c2_c3_0)                                                                 \
    X(APGAKeyHi_EL1, s3_0_c2_c3_1)

static const char *const half_names[] = {
#define X(name, reg) #name,
    HALVES(X)
#undef X
};
enum { HALF_COUNT = ARRAY_SIZE(half_names) };

static uint64_t rounds, interrupts[MAX_CPUS];
static bool generic; /* PACGA is there */

static void write_keys(const uint64_t *key)
{
#define X(name, reg)                                                                               \
    if (generic || #name[2] != 'G')                                                                \
        msr(reg, *key);                                                                            \
    key++;
    HALVES(X)
#undef X
}

static void read_keys(uint64_t *key)
{
#define X(name, reg)                                                                               \
    if (generic || #name[2] != 'G')                                                                \
        *key = mrs(reg);                                                                           \
    key++;
    HALVES(X)
#undef X
}

#define TWO_OPERANDS(fn, mnemonic)                                                                 \
    static uint64_t fn(uint64_t pointer, uint64_t modifier)                                        \
    {                                                                                              \
        __asm__ volatile(mnemonic " %0, %1" : "+r"(pointer) : "r"(modifier));                      \
        return pointer;                                                                            \
    }
TWO_OPERANDS(pacia, "pacia")
TWO_OPERANDS(pacib, "pacib")
TWO_OPERANDS(pacda, "pacda")
TWO_OPERANDS(pacdb, "pacdb")
TWO_OPERANDS(autia, "autia")
TWO_OPERANDS(autib, "autib")
TWO_OPERANDS(autda, "autda")
TWO_OPERANDS(autdb, "autdb")

static uint64_t pacga(uint64_t pointer, uint64_t modifier)
{
    uint64_t result;

    __asm__ volatile("pacga %0, %1, %2" : "=r"(result) : "r"(pointer), "r"(modifier));
    return result;
}

static const struct key {
    const char *name;
    uint64_t (*sign)(uint64_t pointer, uint64_t modifier);
    uint64_t (*authenticate)(uint64_t pointer, uint64_t modifier);
} keys[] = {
    {"IA", pacia, autia},
    {"IB", pacib, autib},
    {"DA", pacda, autda},
    {"DB", pacdb, autdb},
};

struct signing {
    uint64_t pointer, modifier, with[ARRAY_SIZE(keys)], generic;
};

static void sign(struct signing *s, struct random *r)
{
    s->pointer = random_next(r) & (BIT(39) - 1); /* what TTBR0 translates */
    s->modifier = random_next(r);
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++)
        s->with[k] = keys[k].sign(s->pointer, s->modifier);
    if (generic)
        s->generic = pacga(s->pointer, s->modifier);
}

/* Signed again it is the same; authenticated it is the pointer. */
static void check(const struct signing *s, uint64_t round)
{
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
        uint64_t again = keys[k].sign(s->pointer, s->modifier), back;

        require(again == s->with[k], "round %lu: %lx signed with %s: %lx, later %lx", round,
                s->pointer, keys[k].name, s->with[k], again);
        back = keys[k].authenticate(s->with[k], s->modifier);
        require(back == s->pointer, "round %lu: %lx authenticated with %s: expected %lx, got %lx",
                round, s->with[k], keys[k].name, s->pointer, back);
    }
    if (generic)
        expect("PACGA", pacga(s->pointer, s->modifier), s->generic);
}

/* That it signs at all: one code in thousands is that of an unsigned pointer. */
static void check_signed(const struct signing *s, uint64_t round)
{
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
        unsigned plain = 0;

        for (unsigned n = 0; n < POINTERS; n++)
            plain += s[n].with[k] == s[n].pointer;
        require(plain < POINTERS / 2, "round %lu: %s signs nothing", round, keys[k].name);
    }
}

static void maybe_break(uint64_t *key)
{
    uint64_t other[HALF_COUNT];

    for (unsigned n = 0; n < HALF_COUNT; n++)
        other[n] = key[n];
    if (sabotage(BREAK_KEY)) {
        other[5] ^= BIT(33);
        write_keys(other);
    }
    if (sabotage(BREAK_SWAP)) {
        other[0] = key[2];
        other[2] = key[0];
        write_keys(other);
    }
    if (sabotage(BREAK_OFF))
        msr(sctlr_el1, mrs(sctlr_el1) & ~BIT(27));
}

static void compare_keys(const uint64_t *key, uint64_t round)
{
    uint64_t is[HALF_COUNT];

    read_keys(is);
    for (unsigned n = 0; n < (generic ? HALF_COUNT : HALF_COUNT - 2); n++)
        require(is[n] == key[n], "round %lu: %s: expected %lx, got %lx", round, half_names[n],
                key[n], is[n]);
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};
    struct signing signings[POINTERS];
    uint64_t key[HALF_COUNT];

    msr(sctlr_el1, mrs(sctlr_el1) | SCTLR_ENABLES);
    disturb_init(0);
    irqs_on();
    for (uint64_t round = 0; round < rounds; round++) {
        smp_progress(round);
        for (unsigned n = 0; n < HALF_COUNT; n++)
            key[n] = random_next(&r);
        write_keys(key);
        for (unsigned n = 0; n < POINTERS; n++)
            sign(&signings[n], &r);
        check_signed(signings, round);
        for (unsigned steps = 1 + random_below(&r, 4); steps; steps--)
            disturb(&r);
        if (round == rounds / 2)
            maybe_break(key);
        for (unsigned n = 0; n < POINTERS; n++)
            check(&signings[n], round);
        compare_keys(key, round);
    }
    disturb_end();
    interrupts[cpu] = disturb_interrupts();
}

static void run(void)
{
    uint64_t isar1 = mrs(id_aa64isar1_el1), isar2 = mrs(s3_0_c0_c6_2), total = 0;

    rounds = option_number("rounds", 100);
    generic = FIELD(isar1, 27, 24)
    || FIELD(isar1, 31, 28)
    || FIELD(isar2, 11, 8);
    if (!FIELD(isar1, 7, 4) && !FIELD(isar1, 11, 8) && !FIELD(isar2, 15, 12))
        report_ok("absent");
    smp_run(test);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        total += interrupts[cpu];
    report_ok("vcpus=%u rounds=%lu interrupts=%lu", platform.cpus, rounds, total);
}

const struct guest guest = {.name = "pauth", .breaks = breaks, .run = run};
