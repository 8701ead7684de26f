/*
 * Runs on QEMU at EL2, built by tests/cpu/test_sysreg_qemu.c with a table.h of its making. For each
 * setting of the control registers and each EL below, executes every word of the table and prints
 * nine hexadecimal digits: 0 if it did not trap, else the EL it trapped to and that EL's ESR.
 */
#include "table.h"

#define SVC_DONE 0x7777 /* SVC immediate behind each word */
#define HCR_RW   0x80000000ul
#define HCR_TGE  (1ul << 27)
#define HCR_E2H  (1ul << 34)

__asm__(".arch armv8-a\n"
        ".section .text.start\n"
        ".global _start\n"
        "_start: ldr x0, =0x48000000\n"
        " mov sp, x0\n"
        " adr x0, vectors_el2\n"
        " msr vbar_el2, x0\n"
        " isb\n"
        " bl main\n"
        " ldr x0, =0x84000008\n" /* PSCI SYSTEM_OFF */
        " smc #0\n"
        /* enter(elr, spsr, hcr, result): X1 of the lower EL is an address in RAM. */
        ".global enter\n"
        "enter: stp x29, x30, [sp, #-112]!\n"
        " stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n stp x23, x24, [sp, #48]\n"
        " stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n str x3, [sp, #96]\n"
        " msr elr_el2, x0\n msr spsr_el2, x1\n"
        " ldr x1, =0x45000000\n"
        " msr hcr_el2, x2\n isb\n eret\n"
        "leave: ldr x9, =0x80000000\n"
        " msr hcr_el2, x9\n isb\n"
        " mrs x11, esr_el1\n"
        " ldr x3, [sp, #96]\n"
        " stp x10, x11, [x3]\n"
        " ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n ldp x23, x24, [sp, #48]\n"
        " ldp x25, x26, [sp, #64]\n ldp x27, x28, [sp, #80]\n"
        " ldp x29, x30, [sp], #112\n"
        " ret\n"
        ".ltorg\n"
        ".balign 2048\n"
        "vectors_el2: .rept 16\n .balign 128\n msr spsel, #1\n mrs x10, esr_el2\n b leave\n .endr\n"
        ".balign 2048\n"
        ".global vectors_el1\n"
        "vectors_el1: .rept 16\n .balign 128\n hvc #0x55\n .endr\n"
        ".text\n");

extern char vectors_el1[];
void enter(unsigned long elr, unsigned long spsr, unsigned long hcr, unsigned long *result);

static unsigned stubs[WORD_COUNT * 2] __attribute__((section(".data")));

static void print(unsigned long v)
{
    volatile unsigned *uart = (volatile unsigned *)0x09000000;

    for (int shift = 32; shift >= 0; shift -= 4) {
        unsigned digit = (v >> shift) & 15;
        *uart = digit < 10 ? '0' + digit : 'a' + digit - 10;
    }
    *uart = '\n';
}

#define WRITE(reg, v) __asm__ volatile("msr " reg ", %0" ::"r"((unsigned long)(v)))

static void set_controls(const struct controls *c)
{
    WRITE("hcr_el2", HCR_RW);
    WRITE("vbar_el1", vectors_el1);
    WRITE("mdcr_el2", c->mdcr);
    WRITE("cntkctl_el1", c->cntkctl);
    WRITE("sctlr_el1", c->sctlr1);
    WRITE("cpacr_el1", c->cpacr);
    WRITE("pmuserenr_el0", c->pmuserenr);
    WRITE("mdscr_el1", c->mdscr);
    WRITE("sctlr_el2", c->sctlr2);
    WRITE("hcr_el2", (c->hcr & HCR_E2H) | HCR_RW);
    __asm__ volatile("isb");
    WRITE("cptr_el2", c->cptr);
    WRITE("cnthctl_el2", c->cnthctl);
}

static unsigned long outcome(const struct controls *c, unsigned el, unsigned word)
{
    unsigned long esr[2], done = 0x56000000 | SVC_DONE; /* [0]: of EL2, [1]: of EL1 */

    set_controls(c);
    enter((unsigned long)&stubs[2 * word], el ? 0x3c5 : 0x3c0, c->hcr, esr);
    unsigned long el2 = esr[0] & 0xffffffff, el1 = esr[1] & 0xffffffff;
    if (el2 == (0x5a000000 | 0x55)) /* EL1's vector */
        return el1 == done ? 0 : 1ul << 32 | el1;
    return el2 == done ? 0 : 2ul << 32 | el2;
}

void main(void)
{
    for (unsigned k = 0; k < WORD_COUNT; k++) {
        stubs[2 * k] = words[k];
        stubs[2 * k + 1] = 0xd4000001u | SVC_DONE << 5;
    }
    __asm__ volatile("dsb sy\n ic iallu\n dsb sy\n isb");
    for (unsigned n = 0; n < CONTROLS_COUNT; n++)
        for (unsigned el = 0; el < 2; el++)
            for (unsigned k = 0; k < WORD_COUNT; k++)
                if (el == 0 || !(controls[n].hcr & HCR_TGE))
                    print(outcome(&controls[n], el, k));
}
