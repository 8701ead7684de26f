/*
 * Executes the cases of tests/cpu/ldst_cases.h: reads them from standard input, writes the results
 * to standard output. Built by the test with aarch64-linux-gnu-gcc -nostdlib, run by qemu-aarch64.
 */
#include "ldst_cases.h"

#define SYS_READ  63
#define SYS_WRITE 64
#define SYS_EXIT  93
#define SYS_MMAP  222

/*
 * run(): load every register from `state`, execute the two words at `slot`, store every register
 * back. The host's own registers wait in `saved`; TPIDR_EL0 keeps the guest's X0 on both ways.
 */
__asm__(".bss\n.balign 16\n"
        ".globl state\nstate: .skip 1024\n"
        "saved: .skip 256\n"
        ".section .slot,\"awx\",@progbits\n.balign 16\n"
        ".globl slot\nslot: nop\n nop\n b after\n"
        ".text\n.globl run\n"
        "run: adrp x9,saved\n add x9,x9,:lo12:saved\n"
        " stp x19,x20,[x9]\n stp x21,x22,[x9,16]\n stp x23,x24,[x9,32]\n stp x25,x26,[x9,48]\n"
        " stp x27,x28,[x9,64]\n stp x29,x30,[x9,80]\n mov x10,sp\n str x10,[x9,96]\n"
        " adrp x30,state\n add x30,x30,:lo12:state\n"
        " ldr x10,[x30,256]\n msr nzcv,x10\n"
        " ldr x10,[x30,248]\n mov sp,x10\n"
        " add x10,x30,272\n"
        " ld1 {v0.2d-v3.2d},[x10],64\n ld1 {v4.2d-v7.2d},[x10],64\n"
        " ld1 {v8.2d-v11.2d},[x10],64\n ld1 {v12.2d-v15.2d},[x10],64\n"
        " ld1 {v16.2d-v19.2d},[x10],64\n ld1 {v20.2d-v23.2d},[x10],64\n"
        " ld1 {v24.2d-v27.2d},[x10],64\n ld1 {v28.2d-v31.2d},[x10],64\n"
        " ldp x0,x1,[x30]\n ldp x2,x3,[x30,16]\n ldp x4,x5,[x30,32]\n ldp x6,x7,[x30,48]\n"
        " ldp x8,x9,[x30,64]\n ldp x10,x11,[x30,80]\n ldp x12,x13,[x30,96]\n"
        " ldp x14,x15,[x30,112]\n ldp x16,x17,[x30,128]\n ldp x18,x19,[x30,144]\n"
        " ldp x20,x21,[x30,160]\n ldp x22,x23,[x30,176]\n ldp x24,x25,[x30,192]\n"
        " ldp x26,x27,[x30,208]\n ldp x28,x29,[x30,224]\n ldr x30,[x30,240]\n"
        " clrex\n b slot\n"
        "after: msr tpidr_el0,x0\n adrp x0,state\n add x0,x0,:lo12:state\n"
        " str x1,[x0,8]\n stp x2,x3,[x0,16]\n stp x4,x5,[x0,32]\n stp x6,x7,[x0,48]\n"
        " stp x8,x9,[x0,64]\n stp x10,x11,[x0,80]\n stp x12,x13,[x0,96]\n"
        " stp x14,x15,[x0,112]\n stp x16,x17,[x0,128]\n stp x18,x19,[x0,144]\n"
        " stp x20,x21,[x0,160]\n stp x22,x23,[x0,176]\n stp x24,x25,[x0,192]\n"
        " stp x26,x27,[x0,208]\n stp x28,x29,[x0,224]\n str x30,[x0,240]\n"
        " mrs x1,tpidr_el0\n str x1,[x0]\n mov x1,sp\n str x1,[x0,248]\n"
        " mrs x1,nzcv\n str x1,[x0,256]\n"
        " add x10,x0,272\n"
        " st1 {v0.2d-v3.2d},[x10],64\n st1 {v4.2d-v7.2d},[x10],64\n"
        " st1 {v8.2d-v11.2d},[x10],64\n st1 {v12.2d-v15.2d},[x10],64\n"
        " st1 {v16.2d-v19.2d},[x10],64\n st1 {v20.2d-v23.2d},[x10],64\n"
        " st1 {v24.2d-v27.2d},[x10],64\n st1 {v28.2d-v31.2d},[x10],64\n"
        " adrp x9,saved\n add x9,x9,:lo12:saved\n"
        " ldp x19,x20,[x9]\n ldp x21,x22,[x9,16]\n ldp x23,x24,[x9,32]\n ldp x25,x26,[x9,48]\n"
        " ldp x27,x28,[x9,64]\n ldp x29,x30,[x9,80]\n ldr x10,[x9,96]\n mov sp,x10\n ret\n");

extern struct ldst_state state;
extern volatile uint32_t slot[];
void run(void);
void _start(void);

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

/* All @size bytes, or 0 at the end of the file. */
static int transfer(long nr, int fd, void *buf, unsigned long size)
{
    unsigned long done = 0;

    while (done < size) {
        long n = call(nr, fd, (long)buf + (long)done, (long)(size - done), 0, 0, 0);
        if (n <= 0)
            return 0;
        done += (unsigned long)n;
    }
    return 1;
}

static void copy(volatile uint64_t *to, const volatile uint64_t *from, unsigned long size)
{
    for (unsigned long k = 0; k < size / 8; k++)
        to[k] = from[k];
}

static void place(const uint32_t words[2])
{
    slot[0] = words[0];
    slot[1] = words[1];
    __asm__ volatile("dc cvau,%0\n dsb ish\n ic ivau,%0\n dsb ish\n isb" : : "r"(slot) : "memory");
}

void _start(void)
{
    static struct ldst_case c;
    static struct ldst_result r;
    uint64_t *memory = (uint64_t *)LDST_BASE;

    /* PROT_READ | PROT_WRITE; MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS */
    if (call(SYS_MMAP, (long)memory, LDST_SIZE, 3, 0x32, -1, 0) != (long)memory)
        call(SYS_EXIT, 3, 0, 0, 0, 0, 0);
    while (transfer(SYS_READ, 0, &c, sizeof(c))) {
        ldst_fill(memory, c.seed);
        place(c.words);
        copy((uint64_t *)&state, (uint64_t *)&c.in, sizeof(state));
        run();
        copy((uint64_t *)&r.out, (uint64_t *)&state, sizeof(state));
        r.memory = ldst_hash(memory);
        if (!transfer(SYS_WRITE, 1, &r, sizeof(r)))
            call(SYS_EXIT, 4, 0, 0, 0, 0, 0);
    }
    call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
}
