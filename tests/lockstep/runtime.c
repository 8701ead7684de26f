/*
 * The supervisor of a lockstep program: what its supervisor calls and exceptions do. Compiled twice
 * or more with EL and MMU as the configuration says (tests/lockstep/run).
 *
 * With the MMU on, memory is Normal and unaligned accesses work; the window's pages are mapped in
 * reverse order, so that what crosses a page is in two places. With the MMU off, memory is Device
 * and SCTLR_ELx.A asks for alignment, so that unaligned accesses are faults on every
 * implementation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../baremetal/freestanding.h"
#include "layout.h"

/* As runtime.S saves it. */
struct frame {
    uint64_t x[31], sp, elr, spsr, esr, far, fpcr, fpsr;
    uint64_t v[64];
};

/* From the generator: one a class, ended by a NULL name. */
struct class_state {
    const char *name;
    uint64_t memory; /* 1: the class stores to the window */
    uint64_t window_seed;
    uint64_t x[31], sp, nzcv, fpcr, fpsr;
    uint64_t v[64];
};

extern const struct class_state class_states[];
extern const uint32_t body[];
void set_mmu(uint64_t ttbr0, uint64_t tcr, uint64_t mair, uint64_t sctlr);
void handle(struct frame *f);
void prepare(void);
void report_unexpected(uint64_t esr, uint64_t elr, uint64_t far) __attribute__((noreturn));

#define UART0         ((volatile uint32_t *)0x09000000)
#define EC(esr)       ((esr) >> 26 & 63)
#define EC_SVC        0x15
#define EC_DABT_CUR   0x25
#define SPSR_COMPARED UINT64_C(0xf00003df) /* NZCV, DAIF, M */
#define EVENTS        8                    /* exceptions that a stop tells about */
#define WINDOW_DWORDS (WINDOW_SIZE / 8)

static const struct class_state *current; /* NULL before the first class */
static unsigned checkpoint;
static uint64_t event_count, event_hash;
static struct {
    uint64_t esr, offset, far, spsr;
} events[EVENTS];

static void put(char c)
{
    *UART0 = (uint8_t)c;
}

static void print(const char *s)
{
    while (*s)
        put(*s++);
}

static void print_hex(const char *label, uint64_t v)
{
    print(label);
    for (int shift = 60; shift >= 0; shift -= 4)
        put("0123456789abcdef"[v >> shift & 15]);
}

static void print_decimal(unsigned v)
{
    if (v >= 10)
        print_decimal(v / 10);
    put((char)('0' + v % 10));
}

void report_unexpected(uint64_t esr, uint64_t elr, uint64_t far)
{
    print_hex("unexpected exception: esr ", esr);
    print_hex(" elr ", elr);
    print_hex(" far ", far);
    print("\n");
    semihosting_exit(70);
}

static uint64_t hash(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t hash_all(const volatile uint64_t *v, unsigned count)
{
    uint64_t h = 0;

#pragma GCC unroll 8
    for (unsigned k = 0; k < count; k++)
        h = hash(h, v[k]);
    return h;
}

static void print_checkpoint(const struct frame *f)
{
    print(current->name);
    put(' ');
    print_decimal(checkpoint++);
    print_hex(" x ", hash_all(f->x, 32));
    print_hex(" v ", hash_all(f->v, 64));
    print_hex(" flags ", hash(hash(hash(0, f->spsr & SPSR_COMPARED), f->fpcr), f->fpsr));
    if (current->memory)
        print_hex(" memory ", hash_all((volatile uint64_t *)WINDOW, WINDOW_DWORDS));
    print(" exceptions ");
    print_decimal((unsigned)event_count);
    print_hex(" ", event_hash);
    print("\n");
}

static void print_register(char kind, unsigned k)
{
    put(kind);
    print_decimal(k);
}

static void print_everything(const struct frame *f)
{
    for (unsigned k = 0; k < 31; k++) {
        print_register('x', k);
        print_hex(" ", f->x[k]);
        print("\n");
    }
    for (unsigned k = 0; k < 32; k++) {
        print_register('v', k);
        print_hex(" ", f->v[2 * k + 1]);
        print_hex("_", f->v[2 * k]);
        print("\n");
    }
    print_hex("sp ", f->sp);
    print_hex("\nspsr ", f->spsr & SPSR_COMPARED);
    print_hex("\nfpcr ", f->fpcr);
    print_hex("\nfpsr ", f->fpsr);
    print("\n");
    for (unsigned k = 0; k < EVENTS && k < event_count; k++) {
        unsigned n = (unsigned)(event_count - 1 - k) % EVENTS;
        print_hex("exception at body+", events[n].offset);
        print_hex(" esr ", events[n].esr);
        print_hex(" far ", events[n].far);
        print_hex(" spsr ", events[n].spsr);
        print("\n");
    }
    for (const volatile uint64_t *p = (volatile uint64_t *)WINDOW;
         p < (volatile uint64_t *)(WINDOW + WINDOW_SIZE); p += 4) {
        print_hex("memory ", (uint64_t)(uintptr_t)p);
        for (unsigned k = 0; k < 4; k++)
            print_hex(" ", p[k]);
        print("\n");
    }
}

static void start_class(struct frame *f)
{
    const struct class_state *s = current = current ? current + 1 : class_states;
    uint64_t seed = s->window_seed;

    checkpoint = 0;
    event_count = event_hash = 0;
    for (unsigned k = 0; k < WINDOW_DWORDS; k++)
        ((volatile uint64_t *)WINDOW)[k] = seed = hash(seed, k);
    for (unsigned k = 0; k < 31; k++)
        f->x[k] = s->x[k];
    for (unsigned k = 0; k < 64; k++)
        f->v[k] = s->v[k];
    f->sp = s->sp;
    f->spsr = (f->spsr & ~(UINT64_C(15) << 28)) | s->nzcv << 28;
    f->fpcr = s->fpcr;
    f->fpsr = s->fpsr;
}

/* FAR_ELx says something after aborts, alignment faults and watchpoints only. */
static bool has_far(uint64_t esr)
{
    return EC(esr) >= 0x20 && EC(esr) <= 0x25;
}

/* ESR_ELx without ISS<24:14> of a Data Abort of our own EL: QEMU 7.2 describes the instruction
 * (ISV) in ESR_EL2 after stage-1 faults too, where the manual has it for stage 2 only. */
static uint64_t compared_esr(uint64_t esr)
{
    return EC(esr) == EC_DABT_CUR ? esr & ~(UINT64_C(0x7ff) << 14) : esr;
}

/* Remember the exception and step over the instruction. */
static void note_exception(struct frame *f)
{
    const unsigned n = (unsigned)(event_count++ % EVENTS);

    events[n].esr = compared_esr(f->esr);
    events[n].offset = f->elr - (uint64_t)(uintptr_t)body;
    events[n].far = has_far(f->esr) ? f->far : 0;
    events[n].spsr = f->spsr & SPSR_COMPARED;
    event_hash = hash(hash(hash(hash(event_hash, events[n].esr), events[n].offset), events[n].far),
                      events[n].spsr);
    f->elr += 4;
}

void handle(struct frame *f)
{
    if (EC(f->esr) != EC_SVC) {
        note_exception(f);
        return;
    }
    switch (f->esr & 0xffff) {
    case CALL_START:
        start_class(f);
        break;
    case CALL_CHECKPOINT:
        print_checkpoint(f);
        break;
    case CALL_STOP:
        print_everything(f);
        semihosting_exit(0);
        break;
    default:
        semihosting_exit(0);
    }
}

#define DESC_TABLE  UINT64_C(3)
#define DESC_BLOCK  UINT64_C(1)
#define DESC_PAGE   UINT64_C(3)
#define DESC_NORMAL (UINT64_C(0x700) | 0 << 2) /* AF, inner shareable, attribute 0 */
#define DESC_DEVICE (UINT64_C(0x400) | 1 << 2) /* attribute 1 */
#define DESC_RO     (UINT64_C(1) << 7)         /* AP[2] */
#define DESC_AF     (UINT64_C(1) << 10)
#define DESC_USER   (UINT64_C(1) << 6) /* AP[1]: LDTR and STTR may, too */
#define DESC_XN     (UINT64_C(1) << 54)
#define DESC_PXN    (UINT64_C(1) << 53)

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));

/* The pages at FAULTS. */
static void make_faults(void)
{
    uint64_t *page = level3 + (FAULTS - WINDOW) / 4096;

    page[FAULT_INVALID] = 0;
    page[FAULT_READ_ONLY] |= DESC_RO;
    if (EL == 1)
        page[FAULT_PRIVILEGED] &= ~DESC_USER;
    page[FAULT_NO_ACCESS] &= ~DESC_AF;
}

/* 39 bits of address: a gigabyte of devices, one of memory; the window's 2 MiB in pages. */
static void make_tables(void)
{
    const uint64_t data = DESC_NORMAL | DESC_USER | DESC_XN | (EL == 1 ? DESC_PXN : 0);

    for (unsigned k = 0; k < 512; k++) {
        unsigned page = k < WINDOW_SIZE / 4096 ? WINDOW_SIZE / 4096 - 1 - k : k;
        level3[k] = (WINDOW + page * UINT64_C(4096)) | data | DESC_PAGE;
        level2[k] = (UINT64_C(0x40000000) + ((uint64_t)k << 21)) | DESC_NORMAL |
                    (EL == 2 ? DESC_USER : 0) | DESC_BLOCK;
    }
    make_faults();
    level2[(WINDOW - 0x40000000) >> 21] = (uint64_t)(uintptr_t)level3 | DESC_TABLE;
    level1[0] = DESC_DEVICE | DESC_XN | (EL == 2 ? DESC_USER : 0) | DESC_BLOCK;
    level1[1] = (uint64_t)(uintptr_t)level2 | DESC_TABLE;
}

void prepare(void)
{
    const uint64_t res1 = EL == 2 ? 0x30c50830 : 0x30d00800;
    /* T0SZ 25, write-back, inner shareable, 40 bits out; EL1: no walks of TTBR1_EL1. */
    const uint64_t tcr =
        25 | 0x3500 | (EL == 2 ? 0x80820000 : UINT64_C(0x200000000) | UINT64_C(1) << 23);

    make_tables();
    set_mmu((uint64_t)(uintptr_t)level1, tcr, 0x00ff, MMU ? res1 | 0x1005 : res1 | 2);
}
