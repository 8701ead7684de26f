#include "guest.h"

#define UART ((volatile uint32_t *)0x09000000)

volatile struct taken taken;
handler_fn *volatile guest_handler;
unsigned failures;
extern char el0_stack_top[];

uint64_t enter_el(uint64_t spsr, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t sp);

unsigned current_el(void)
{
    return (unsigned)(mrs(CurrentEL) >> 2);
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

void check(bool ok, const char *what)
{
    print(ok ? "ok   " : "FAIL ");
    print(what);
    print("\n");
    failures += !ok;
}

void check_equal(uint64_t got, uint64_t expected, const char *what)
{
    if (got == expected) {
        check(true, what);
        return;
    }
    print("FAIL ");
    print(what);
    print(": got ");
    print_hex(got);
    print(", expected ");
    print_hex(expected);
    print("\n");
    failures++;
}

void guest_exit(uint64_t code)
{
    uint64_t block[2] = {0x20026, code};
    register uint64_t x0 __asm__("x0") = 0x18;
    register uint64_t *x1 __asm__("x1") = block;

    for (;;)
        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
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

uint64_t call_el(unsigned el, uint64_t (*fn)(uint64_t), uint64_t arg)
{
    uint64_t spsr = el == 1 ? 0x3c5 : 0x3c0;
    uint64_t sp = (uint64_t)el0_stack_top - (el == 1 ? 32768 : 0);

    return enter_el(spsr, fn, arg, sp);
}

/* Result of exception_entry(): x0 nonzero leaves the innermost enter_el() with x1. */
struct pair {
    uint64_t leave, result;
};

struct pair exception_entry(struct frame *f, unsigned el, unsigned offset)
{
    unsigned ec = (unsigned)(f->esr >> 26) & 63;
    bool sync = (offset & 0x180) == 0;

    if (sync && (ec == 0x15 || ec == 0x16) && (f->esr & 0xffff) == 0xfff)
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
    if (sync && ec != 0x15 && ec != 0x16)
        f->elr += 4;
    return (struct pair){0, 0};
}
