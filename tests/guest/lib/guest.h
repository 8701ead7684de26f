/*
 * What the guest test programs are made of. A program has a main(), reports each thing it checks
 * with check(), and ends with its number of failures, 255 at most, as exit code (semihosting). It
 * must pass on QEMU's virt and on this machine; where QEMU 7.2 is wrong, check_differs() says which
 * row of docs/divergences.md it is. The first line of a program says where it runs (see
 * tests/guest/run).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../../hyp/guests/lib/insns.h"
#include "../../baremetal/freestanding.h"

#define MAX_CPUS 8

/* As the vectors save it. */
struct frame {
    uint64_t x[31], elr, spsr, esr, far;
};

/* The last exception that a handler took on a CPU, and how many. */
struct event {
    uint64_t count, el, offset, esr, elr, far, spsr, hpfar;
};
extern volatile struct event taken_by[MAX_CPUS];
#define taken (taken_by[cpu_index()])

/* What to do with an exception instead of the default, which records it in `taken` and skips a
 * faulting instruction (SVC, HVC and SMC that were not trapped have skipped themselves); a fetch
 * that faults returns to the caller, X30. */
typedef void handler_fn(struct frame *f, unsigned el, unsigned offset);
extern handler_fn *volatile guest_handler;

/* Called by the default handler for IRQ and FIQ, after recording. */
extern handler_fn *volatile irq_handler;

/* EC of a syndrome, and an ESR value from its parts (IL = 1). */
#define EC(esr)      (((esr) >> 26) & 63)
#define ESR(ec, iss) ((uint64_t)(ec) << 26 | BIT(25) | (iss))

enum ec {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_PAC = 0x09,
    EC_BTI = 0x0d,
    EC_ILLEGAL = 0x0e,
    EC_SVC = 0x15,
    EC_HVC = 0x16,
    EC_SMC = 0x17,
    EC_SYSREG = 0x18,
    EC_SVE = 0x19,
    EC_ERET = 0x1a,
    EC_IABT_LOW = 0x20,
    EC_IABT_CUR = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOW = 0x24,
    EC_DABT_CUR = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_SERROR = 0x2f,
    EC_BREAK_LOW = 0x30,
    EC_BREAK_CUR = 0x31,
    EC_STEP_LOW = 0x32,
    EC_STEP_CUR = 0x33,
    EC_WATCH_LOW = 0x34,
    EC_WATCH_CUR = 0x35,
    EC_BRK = 0x3c,
};

/* Vector offsets. */
enum {
    V_CUR_SP0 = 0x000,
    V_CUR_SPX = 0x200,
    V_LOWER = 0x400,
    V_SYNC = 0,
    V_IRQ = 0x80,
    V_FIQ = 0x100,
    V_SERROR = 0x180,
};

/* HCR_EL2. */
#define HCR_RW    BIT(31)
#define HCR_VM    BIT(0)
#define HCR_FMO   BIT(3)
#define HCR_IMO   BIT(4)
#define HCR_AMO   BIT(5)
#define HCR_VF    BIT(6)
#define HCR_VI    BIT(7)
#define HCR_VSE   BIT(8)
#define HCR_TWI   BIT(13)
#define HCR_TWE   BIT(14)
#define HCR_TSC   BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TGE   BIT(27)
#define HCR_TDZ   BIT(28)
#define HCR_HCD   BIT(29)
#define HCR_E2H   BIT(34)

#define SCTLR_INIT UINT64_C(0x30d00818) /* SCTLR_EL1 as start.S sets it: RES1, SA, SA0 */
#define SPSR_EL1H  UINT64_C(0x3c5)
#define SPSR_EL1T  UINT64_C(0x3c4)
#define SPSR_EL0   UINT64_C(0x3c0)
#define SPSR_EL2H  UINT64_C(0x3c9)

/* SCR_EL3. */
#define SCR_NS  BIT(0)
#define SCR_IRQ BIT(1)
#define SCR_FIQ BIT(2)
#define SCR_EA  BIT(3)
#define SCR_SMD BIT(7)
#define SCR_HCE BIT(8)
#define SCR_ST  BIT(11)
#define SCR_TWI BIT(12)
#define SCR_TWE BIT(13)

unsigned current_el(void);
unsigned cpu_index(void);
bool has_el2(void);
bool has_vhe(void);

/* Is this QEMU? The runner puts a word below the program there. */
bool on_qemu(void);

/* Run fn(arg) at EL0 or EL1 (from EL3 at EL2, too) from a higher EL, all of DAIF masked or with the
 * given SPSR; returns its result. An exception taken meanwhile is handled and returns to fn, as
 * always. */
uint64_t call_el(unsigned el, uint64_t (*fn)(uint64_t), uint64_t arg);
uint64_t call_spsr(uint64_t spsr, uint64_t (*fn)(uint64_t), uint64_t arg);

void print(const char *text);
void print_hex(uint64_t v);
void note(const char *text);
void check(bool ok, const char *what);
void check_equal(uint64_t got, uint64_t expected, const char *what);

/* As check_equal(), but only reported on QEMU; @row: the row's name in docs/divergences.md. */
void check_differs(uint64_t got, uint64_t expected, const char *what, const char *row);

/* Nothing was taken since the count was cleared / one exception with this syndrome was. */
void taken_clear(void);
void check_none(const char *what);
void check_taken(unsigned el, unsigned offset, uint64_t esr, const char *what);

void check_taken_differs(unsigned el, unsigned offset, uint64_t esr, const char *what,
                         const char *row);

/* Said before each line of a check: "from EL0: ". */
extern const char *context;

/* Number of failed checks so far: what main() should return. */
extern unsigned failures;

/* PSCI by SMC at EL2, by HVC at EL1 of a machine without EL2. */
uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

#define PSCI_VERSION       0x84000000
#define PSCI_CPU_SUSPEND   0xc4000001
#define PSCI_CPU_OFF       0x84000002
#define PSCI_CPU_ON        0xc4000003
#define PSCI_AFFINITY_INFO 0xc4000004
#define PSCI_SYSTEM_OFF    0x84000008
#define PSCI_SYSTEM_RESET  0x84000009
#define PSCI_FEATURES      0x8400000a

/* Run fn(arg) on another CPU, on a stack of its own, at our EL; PSCI's result. It waits in WFI when
 * fn returns. cpu_count(): how many CPUs the machine has. */
int64_t cpu_on(unsigned cpu, void (*fn)(uint64_t), uint64_t arg);
unsigned cpu_count(void);

/* By exclusives: acquire and release. */
static inline void atomic_add(volatile uint64_t *p, uint64_t v)
{
    uint64_t old, fail;

    __asm__ volatile("1: ldaxr %0, [%2]; add %0, %0, %3; stlxr %w1, %0, [%2]; cbnz %w1, 1b"
                     : "=&r"(old), "=&r"(fail)
                     : "r"(p), "r"(v)
                     : "memory");
}

/* Counter ticks from now, and waiting for a word to change (false: it did not in a second). */
uint64_t now(void);
bool wait_for(volatile uint64_t *word, uint64_t value);

/* Run one instruction, given as a word, at an EL with x0 = arg; returns x0. CPU 0 only. */
uint64_t run_word_at(unsigned el, uint64_t word, uint64_t arg);

/* System instruction words by op0, op1, CRn, CRm, op2; register x0. sys_iss(): ISS of its trap. */
#define SYS(op0, op1, crn, crm, op2)                                                               \
    (0xd5000000u | (op0) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define MRS_WORD(sys) ((sys) | BIT(21))
uint64_t sys_iss(uint64_t word);
