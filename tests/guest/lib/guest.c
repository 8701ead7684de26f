#include "guest.h"

#include <stddef.h>

#define UART      ((volatile uint32_t *)0x09000000)
#define RUNNER_ID (*(volatile uint32_t *)0x401ffff8)

volatile struct event taken_by[MAX_CPUS];
handler_fn *volatile guest_handler, *volatile irq_handler;
unsigned failures;
const char *context = "";
extern char el0_stack_top[], el1_stack_top[], secondary_start[];

uint64_t enter_el(uint64_t spsr, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t sp);

unsigned current_el(void)
{
    return (unsigned)(mrs(CurrentEL) >> 2);
}

unsigned cpu_index(void)
{
    return (unsigned)mrs(mpidr_el1) & (MAX_CPUS - 1);
}

bool has_el2(void)
{
    return current_el() == 2;
}

bool has_vhe(void)
{
    return FIELD(mrs(id_aa64mmfr1_el1), 11, 8)
    != 0;
}

bool on_qemu(void)
{
    return RUNNER_ID == 0x51454d55;
}

void print(const char *text)
{
    for (; *text; text++)
        UART[0] = (uint8_t)*text;
}

void print_hex(uint64_t v)
{
    char text[19] = "0x";

    for (int k = 0; k < 16; k++)
        text[2 + k] = "0123456789abcdef"[(v >> (60 - 4 * k)) & 15];
    text[18] = 0;
    print(text);
}

static void line(const char *verdict, const char *what)
{
    print(verdict);
    print(context);
    print(what);
}

void note(const char *text)
{
    line("     ", text);
    print("\n");
}

void check(bool ok, const char *what)
{
    line(ok ? "ok   " : "FAIL ", what);
    print("\n");
    failures += !ok;
}

static void got_instead(const char *verdict, uint64_t got, uint64_t expected, const char *what)
{
    line(verdict, what);
    print(": got ");
    print_hex(got);
    print(", expected ");
    print_hex(expected);
}

void check_equal(uint64_t got, uint64_t expected, const char *what)
{
    if (got == expected) {
        check(true, what);
        return;
    }
    got_instead("FAIL ", got, expected, what);
    print("\n");
    failures++;
}

static void says_row(const char *row)
{
    print(": divergence ");
    print(row);
    print("\n");
}

void check_differs(uint64_t got, uint64_t expected, const char *what, const char *row)
{
    if (!on_qemu() || got == expected) {
        check_equal(got, expected, what);
        return;
    }
    got_instead("qemu ", got, expected, what);
    says_row(row);
}

void taken_clear(void)
{
    taken = (struct event){0};
}

void check_none(const char *what)
{
    if (taken.count == 0) {
        check(true, what);
    } else {
        got_instead("FAIL ", taken.esr, 0, what);
        print(" (an exception)\n");
        failures++;
    }
    taken_clear();
}

void check_taken_differs(unsigned el, unsigned offset, uint64_t esr, const char *what,
                         const char *row)
{
    struct event t = taken;

    taken_clear();
    if (t.count == 1 && t.el == el && t.offset == offset && t.esr == esr) {
        check(true, what);
        return;
    }
    got_instead(row && on_qemu() ? "qemu " : "FAIL ", t.esr, esr, what);
    print("; count, EL, vector ");
    print_hex(t.count << 32 | t.el << 16 | t.offset);
    print(", expected ");
    print_hex(BIT(32) | el << 16 | offset);
    if (row && on_qemu()) {
        says_row(row);
        return;
    }
    print("\n");
    failures++;
}

void check_taken(unsigned el, unsigned offset, uint64_t esr, const char *what)
{
    check_taken_differs(el, offset, esr, what, NULL);
}

uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    if (current_el() == 2)
        __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    else
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return x0;
}

uint64_t call_spsr(uint64_t spsr, uint64_t (*fn)(uint64_t), uint64_t arg)
{
    const char *top = spsr & 0xc ? el1_stack_top : el0_stack_top;

    return enter_el(spsr, fn, arg, (uint64_t)top - 65536 * cpu_index());
}

uint64_t call_el(unsigned el, uint64_t (*fn)(uint64_t), uint64_t arg)
{
    return call_spsr(el == 2 ? SPSR_EL2H : el == 1 ? SPSR_EL1H : SPSR_EL0, fn, arg);
}

/* What secondary_start reads. */
static struct secondary {
    uint64_t cpu;
    void (*fn)(uint64_t);
    uint64_t arg;
} secondary[MAX_CPUS];

int64_t cpu_on(unsigned cpu, void (*fn)(uint64_t), uint64_t arg)
{
    secondary[cpu] = (struct secondary){cpu, fn, arg};
    dsb();
    return (int64_t)psci(PSCI_CPU_ON, cpu, (uint64_t)secondary_start, (uint64_t)&secondary[cpu]);
}

unsigned cpu_count(void)
{
    unsigned n = 1;

    while (n < MAX_CPUS && (int64_t)psci(PSCI_AFFINITY_INFO, n, 0, 0) >= 0)
        n++;
    return n;
}

uint64_t now(void)
{
    isb();
    return mrs(cntpct_el0);
}

bool wait_for(volatile uint64_t *word, uint64_t value)
{
    uint64_t end = now() + mrs(cntfrq_el0);

    while (*word != value)
        if (now() > end)
            return false;
    return true;
}

/* Result of exception_entry(): x0 nonzero leaves the innermost enter_el() with x1. */
struct pair {
    uint64_t leave, result;
};

static bool skips_itself(unsigned ec, unsigned el)
{
    return ec == EC_SVC || ec == EC_HVC || (ec == EC_SMC && el == 3) || ec == EC_ILLEGAL ||
           ec == EC_STEP_LOW || ec == EC_STEP_CUR;
}

struct pair exception_entry(struct frame *f, unsigned el, unsigned offset)
{
    unsigned ec = (unsigned)EC(f->esr);
    bool sync = (offset & 0x180) == 0;

    if (sync && (ec == EC_SVC || ec == EC_HVC || ec == EC_SMC) && (f->esr & 0xffff) == 0xfff)
        return (struct pair){1, f->x[0]};
    if (guest_handler) {
        guest_handler(f, el, offset);
        return (struct pair){0, 0};
    }
    taken.count++;
    taken.el = el;
    taken.offset = offset;
    taken.esr = f->esr;
    taken.elr = f->elr;
    taken.far = f->far;
    taken.spsr = f->spsr;
    taken.hpfar = el == 2 ? mrs(hpfar_el2) : 0;
    if (sync && ec == EC_ILLEGAL)
        f->spsr &= ~BIT(20);
    else if (sync && (ec == EC_IABT_LOW || ec == EC_IABT_CUR))
        f->elr = f->x[30];
    else if (sync && !skips_itself(ec, el))
        f->elr = (f->elr + 4) & ~UINT64_C(3); /* a misaligned PC: the next instruction */
    if (!sync && irq_handler)
        irq_handler(f, el, offset);
    return (struct pair){0, 0};
}

/* One instruction and a RET, on a page that EL1 may write and both EL0 and EL1 may execute (mmu.c).
 * They are written by run_word_prepare(), since cache maintenance may trap at EL0. */
static uint32_t code[1024]
    __attribute__((aligned(4096), section(".code_page,\"awx\",@progbits//")));

static void run_word_prepare(uint64_t word)
{
    code[0] = (uint32_t)word;
    code[1] = 0xd65f03c0;
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(code) : "memory");
}

static uint64_t run_word(uint64_t arg)
{
    register uint64_t x0 __asm__("x0") = arg;

    __asm__ volatile("blr %1" : "+r"(x0) : "r"(code) : "x30", "memory");
    return x0;
}

uint64_t run_word_at(unsigned el, uint64_t word, uint64_t arg)
{
    run_word_prepare(word);
    return el == current_el() ? run_word(arg) : call_el(el, run_word, arg);
}

uint64_t sys_iss(uint64_t w)
{
    return FIELD(w, 20, 19)
    << 20 | FIELD(w, 7, 5)
    << 17 | FIELD(w, 18, 16)
    << 14 | FIELD(w, 15, 12)
    << 10 | FIELD(w, 4, 0)
    << 5 | FIELD(w, 11, 8)
    << 1 | FIELD(w, 21, 21);
}
