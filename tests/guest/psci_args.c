/* Runs on: a57 max; el2 el1; smp 2. */
/* PSCI and SMCCC argument by argument: what is offered and in which forms, which bits of arguments
 * count, which values are refused and how. */
#include "guest.h"

enum {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    ALREADY_ON = -4,
    INVALID_ADDRESS = -9,
};

#define FN32(n)             (UINT64_C(0x84000000) + (n))
#define FN64(n)             (UINT64_C(0xc4000000) + (n))
#define SMCCC_VERSION       UINT64_C(0x80000000)
#define SMCCC_ARCH_FEATURES UINT64_C(0x80000001)
#define SYSTEM_RESET2       0x12
#define NOWHERE             UINT64_C(0x3000000000000)

static volatile uint64_t arrived;

static void arrive(uint64_t value)
{
    arrived = value;
    psci(PSCI_CPU_OFF, 0, 0, 0);
}

static void check_call(uint64_t got, int64_t expected, const char *what)
{
    check_equal(got, (uint64_t)expected, what);
}

static void check_call_differs(uint64_t got, int64_t expected, const char *what, const char *row)
{
    check_differs(got, (uint64_t)expected, what, row);
}

/* The functions of PSCI 1.1 whose presence both machines agree on. */
static void offered(void)
{
    static const struct {
        uint8_t number, forms; /* 1: of 32 bits, 2: of 64 */
    } rows[] = {
        {0x00, 1}, {0x01, 3}, {0x02, 1}, {0x03, 3}, {0x04, 3}, {0x05, 0}, {0x06, 1},
        {0x07, 0}, {0x08, 1}, {0x09, 1}, {0x0a, 1}, {0x0b, 0}, {0x0c, 0}, {0x0d, 0},
        {0x0f, 0}, {0x10, 0}, {0x11, 0}, {0x13, 0}, {0x14, 0}, {0x15, 0}, {0x16, 0},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        for (unsigned wide = 0; wide < 2; wide++) {
            uint64_t id = wide ? FN64(rows[k].number) : FN32(rows[k].number);
            bool there = rows[k].forms & (wide ? 2 : 1);
            check_call(psci(PSCI_FEATURES, id, 0, 0), there ? SUCCESS : NOT_SUPPORTED, "FEATURES");
            if (!there)
                check_call(psci(id, 0, 0, 0), NOT_SUPPORTED, "a call of what is not offered");
        }
    check_call(psci(FN32(0x06), 0, 0, 0), 2, "MIGRATE_INFO_TYPE: nothing to migrate");
    check_call(psci(0x8400ff01, 0, 0, 0), NOT_SUPPORTED, "UID of the standard service");
    check_call(psci(0x84000050, 0, 0, 0), NOT_SUPPORTED, "TRNG_VERSION");
    check_call(psci(0x04000000, 0, 0, 0), NOT_SUPPORTED, "a yielding call");
    check_call(psci(0x84010000, 0, 0, 0), NOT_SUPPORTED, "a reserved bit of the identifier");
}

static void smccc(void)
{
    check_call_differs(psci(PSCI_FEATURES, SMCCC_VERSION, 0, 0), SUCCESS, "FEATURES: SMCCC_VERSION",
                       "smccc");
    check_call_differs(psci(SMCCC_VERSION, 0, 0, 0), 0x10002, "SMCCC_VERSION", "smccc");
    check_call_differs(psci(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), SUCCESS,
                       "ARCH_FEATURES: SMCCC_VERSION", "smccc");
    check_call_differs(psci(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), SUCCESS,
                       "ARCH_FEATURES: itself", "smccc");
    check_call(psci(SMCCC_ARCH_FEATURES, 0x80000002, 0, 0), NOT_SUPPORTED, "no SMCCC_ARCH_SOC_ID");
    check_call(psci(SMCCC_ARCH_FEATURES, 0x80008000, 0, 0), NOT_SUPPORTED, "no workaround");
    check_call(psci(SMCCC_ARCH_FEATURES, PSCI_VERSION, 0, 0), NOT_SUPPORTED, "not PSCI's");
    check_call(psci(PSCI_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), NOT_SUPPORTED, "and the reverse");
    check_call(psci(SMCCC_VERSION | BIT(30), 0, 0, 0), NOT_SUPPORTED, "no 64-bit form");
}

static uint64_t call_immediate(bool smc)
{
    register uint64_t x0 __asm__("x0") = PSCI_VERSION;

    if (smc)
        __asm__ volatile("smc #5" : "+r"(x0)::"memory");
    else
        __asm__ volatile("hvc #5" : "+r"(x0)::"memory");
    return x0;
}

/* X1 to X17 come back, and what a call answers is X0, all of it. */
static void registers(bool smc)
{
    uint64_t sum;

#define FILL_AND_SUM(call)                                                                         \
    __asm__ volatile(                                                                              \
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n mov x\\n, #\\n\n .endr\n"             \
        "mov x0, #0x1234\n movk x0, #0x8400, lsl #16\n" call "\n"                                  \
        "cmn x0, #1\n cset %0, ne\n"                                                               \
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n add %0, %0, x\\n\n .endr"             \
        : "=&r"(sum)::"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",    \
          "x12", "x13", "x14", "x15", "x16", "x17", "cc", "memory")
    if (smc)
        FILL_AND_SUM("smc #0");
    else
        FILL_AND_SUM("hvc #0");
    check_equal(sum, 17 * 18 / 2, "X0 is -1, X1 to X17 are kept");
    check_call_differs(call_immediate(smc), NOT_SUPPORTED, "an immediate other than 0",
                       "smccc-immediate");
}

static void targets(void)
{
    static const uint64_t bad[] = {BIT(8), BIT(16), BIT(24), BIT(31), BIT(32), BIT(40), BIT(63)};

    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        check_call(psci(FN64(3), 1 | bad[k], (uint64_t)arrive, 0), INVALID_PARAMETERS,
                   "CPU_ON: a bit that no CPU has");
        check_call(psci(FN64(4), 1 | bad[k], 0, 0), INVALID_PARAMETERS, "AFFINITY_INFO");
        if (bad[k] < BIT(32)) {
            check_call(psci(FN32(3), 1 | bad[k], (uint64_t)arrive, 0), INVALID_PARAMETERS,
                       "CPU_ON, 32 bits");
            check_call(psci(FN32(4), 1 | bad[k], 0, 0), INVALID_PARAMETERS, "AFFINITY_INFO");
        } else {
            check_call_differs(psci(FN32(4), 1 | bad[k], bad[k], 0), 1,
                               "32-bit calls have no upper half", "smccc-32");
        }
    }
    check_call(psci(FN64(4), 0, BIT(32), 0), 0, "the level has no upper half");
    check_call(psci(FN64(4), 0xff, 1, 0), 0, "a group of which one is on");
    check_call_differs(psci(FN64(4), 0x100, 1, 0), INVALID_PARAMETERS, "no such group",
                       "psci-affinity");
    check_call_differs(psci(FN64(4), 0, 4, 0), INVALID_PARAMETERS, "no such level",
                       "psci-affinity");
}

static void entry_points(void)
{
    check_call_differs(psci(FN64(3), 1, (uint64_t)arrive + 2, 0), INVALID_ADDRESS,
                       "CPU_ON: not an instruction's address", "psci-address");
    check_call_differs(psci(FN64(3), 0, (uint64_t)arrive + 2, 0), INVALID_ADDRESS,
                       "said before that the CPU is on", "psci-address");
    check_call(psci(FN64(3), 0, (uint64_t)arrive, 0), ALREADY_ON, "with an address");
    if (!on_qemu()) {
        check_call(psci(FN64(3), 1, NOWHERE, 0), INVALID_ADDRESS, "nothing is there");
        check_call(psci(FN64(3), 1, 0x09000000, 0), INVALID_ADDRESS, "a device is there");
    }
    check_call(psci(FN64(4), 1, 0, 0), 1, "it is still off");
}

static void others(void)
{
    static const uint32_t bad[] = {1u << 17, 1u << 23, 1u << 24, 1u << 25, 1u << 26, 1u << 31};

    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        check_call(psci(FN64(1), bad[k], (uint64_t)arrive, 0), INVALID_PARAMETERS,
                   "CPU_SUSPEND: power_state");
        check_call(psci(FN32(1), bad[k] | 1u << 16, (uint64_t)arrive, 0), INVALID_PARAMETERS,
                   "of a power-down state");
    }
    check_call_differs(psci(PSCI_FEATURES, FN64(SYSTEM_RESET2), 0, 0), SUCCESS, "SYSTEM_RESET2",
                       "psci-reset2");
    check_call_differs(psci(FN64(SYSTEM_RESET2), 1, 0, 0), INVALID_PARAMETERS, "no such reset",
                       "psci-reset2");
    check_call_differs(psci(FN32(SYSTEM_RESET2), BIT(31), 0, 0), INVALID_PARAMETERS, "no vendor's",
                       "psci-reset2");
}

int main(void)
{
    offered();
    smccc();
    registers(has_el2());
    targets();
    entry_points();
    others();
    return (int)failures;
}
