/* Runs on: max; el2 el1; smp 2. */
/* FEAT_RNG: RNDR and RNDRRS. */
#include "guest.h"

/* A number and the flags behind it; the flags were all set before. */
#define DRAW(reg, flags)                                                                           \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mov %1, #0xf0000000; msr nzcv, %1; mrs %0, " reg "; mrs %1, nzcv"        \
                         : "=r"(v_), "=r"(flags)                                                   \
                         :                                                                         \
                         : "cc");                                                                  \
        v_;                                                                                        \
    })

static uint64_t drawn[8], count;

static uint64_t draw(uint64_t again)
{
    uint64_t flags;

    drawn[count] = again ? DRAW("s3_3_c2_c4_1", flags) : DRAW("s3_3_c2_c4_0", flags);
    count++;
    return flags;
}

static volatile uint64_t there;

static void second_cpu(uint64_t arg)
{
    draw(arg);
    there = 1;
}

int main(void)
{
    check_equal(FIELD(mrs(id_aa64isar0_el1), 63, 60), 1, "ID_AA64ISAR0_EL1.RNDR");
    check_equal(draw(0), 0, "RNDR: NZCV");
    check_equal(draw(1), 0, "RNDRRS: NZCV");
    check_equal(draw(0), 0, "RNDR: NZCV");
    check_equal(call_el(0, draw, 0), 0, "RNDR at EL0: NZCV");
    check_equal(call_el(0, draw, 1), 0, "RNDRRS at EL0: NZCV");
    check_equal((uint64_t)cpu_on(1, second_cpu, 0), 0, "CPU_ON");
    check(wait_for(&there, 1), "another CPU");
    check_none("no trap");
    for (unsigned k = 0; k < count; k++)
        for (unsigned before = 0; before < k; before++)
            check(drawn[before] != drawn[k], "numbers differ");
    check_equal(count, 6, "numbers drawn");
    return (int)failures;
}
