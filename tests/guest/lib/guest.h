/*
 * What the guest test programs are made of. A program has a main(), reports each thing it checks with
 * check(), and ends with its number of failures as exit code (semihosting). It must pass on QEMU's virt
 * and on this machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BIT(n) (UINT64_C(1) << (n))

#define mrs(reg)                                                                                   \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory");                                    \
        v_;                                                                                        \
    })
#define msr(reg, value) __asm__ volatile("msr " #reg ", %0" ::"r"((uint64_t)(value)) : "memory")
#define isb()           __asm__ volatile("isb" ::: "memory")
#define dsb()           __asm__ volatile("dsb sy" ::: "memory")

/* As the vectors save it. */
struct frame {
    uint64_t x[31], elr, spsr, esr, far;
};

/* The last exception that a handler took. */
struct taken {
    unsigned count, el, offset;
    uint64_t esr, elr, far, spsr, hpfar;
};
extern volatile struct taken taken;

/* What to do with an exception; return true to resume after the instruction (sync) or at it (async).
 * NULL: the default, which records it in `taken` and skips a faulting instruction (SVC, HVC, SMC have
 * skipped themselves). */
typedef void handler_fn(struct frame *f, unsigned el, unsigned offset);
extern handler_fn *volatile guest_handler;

unsigned current_el(void);

/* Run fn(arg) at EL0 or EL1 from a higher EL; returns its result. */
uint64_t call_el(unsigned el, uint64_t (*fn)(uint64_t), uint64_t arg);

void print(const char *text);
void print_hex(uint64_t v);
void check(bool ok, const char *what);
void check_equal(uint64_t got, uint64_t expected, const char *what);

/* End the program; called with main()'s result too. */
void guest_exit(uint64_t code) __attribute__((noreturn));

/* Number of failed checks so far: what main() should return. */
extern unsigned failures;

struct secondary {
    uint64_t sp;
    void (*fn)(uint64_t arg);
    uint64_t arg;
};
void secondary_start(void);

/* PSCI by SMC at EL2, by HVC at EL1 of a machine without EL2. */
uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
