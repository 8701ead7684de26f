/*
 * The rows of arch/a64_ldst.def against QEMU's user-mode emulator: random words, registers and
 * memory; every register and all of memory is compared. Half of the cases find their pages in the
 * L1 TLB, half take the slow path, which here is a plain copy: cpu/mem.c has tests of its own.
 *
 * ARMILLARY_SEED repeats a run, ARMILLARY_N sets the cases of each row, ARMILLARY_ROW restricts to
 * the rows whose name begins with it. Literal loads depend on the PC, LDRAA on QEMU's keys: not
 * here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "cpu/cpu.h"
#include "cpu/events.h"
#include "cpu/mem_swap.h"
#include "tests/cpu/ldst_cases.h"
#include "tests/random.h"

#define NOP UINT32_C(0xd503201f)

static const struct {
    enum a64_op op;
    exec_fn *fn;
} rows[] = {
#define A64(name, ...) {A64_##name, exec_##name},
#include "arch/a64_ldst.def"
#undef A64
};

/* Our side: a CPU, its two pages, and an L1 bank that may know them. */
struct side {
    struct cpu cpu; /* first: the slow path finds its side by it */
    struct tlb_bank bank;
    struct xlat xlat;
    uint64_t memory[LDST_SIZE / 8];
};

static uint8_t *slow_host(struct cpu *cpu, uint64_t va, unsigned size)
{
    struct side *s = (struct side *)cpu;

    if (va < LDST_BASE || va - LDST_BASE > LDST_SIZE - size)
        return NULL;
    return (uint8_t *)s->memory + (va - LDST_BASE);
}

bool mem_load_slow(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc)
{
    const uint8_t *host = slow_host(cpu, va, size);

    (void)i;
    (void)acc;
    cpu->mem_data[0] = cpu->mem_data[1] = 0;
    if (host)
        memcpy(cpu->mem_data, host, size);
    return host;
}

bool mem_store_slow(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
                    uint64_t lo, uint64_t hi)
{
    uint8_t *host = slow_host(cpu, va, size);
    const uint64_t data[2] = {lo, hi};

    (void)i;
    (void)acc;
    if (host)
        memcpy(host, data, size);
    return host;
}

bool mem_probe(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
               bool write)
{
    (void)i;
    (void)acc;
    (void)write;
    return slow_host(cpu, va, size);
}

bool mem_sp_aligned(struct cpu *cpu, const struct insn *i)
{
    (void)cpu;
    (void)i;
    return true;
}

bool mem_excl_set(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size)
{
    (void)i;
    cpu->excl_valid = true;
    cpu->excl_pa = va;
    cpu->excl_size = (uint8_t)size;
    return true;
}

bool mem_excl_pass(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, bool *pass)
{
    (void)i;
    *pass = cpu->excl_valid && cpu->excl_pa == va && cpu->excl_size == size;
    cpu->excl_valid = false;
    return true;
}

/* CPUs take turns here. */
bool mem_swap(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
              uint64_t expected, uint64_t desired, bool *swapped)
{
    (void)cpu, (void)i, (void)va, (void)size, (void)acc, (void)expected, (void)desired;
    (void)swapped;
    abort();
}

bool mem_swap128(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned acc,
                 const uint64_t expected[2], const uint64_t desired[2], bool *swapped)
{
    (void)cpu, (void)i, (void)va, (void)acc, (void)expected, (void)desired, (void)swapped;
    abort();
}

/* Not compared, and their own definitions would bring in the real slow path. */
void cpu_fire_insn(struct cpu *cpu, const struct insn *i, struct arm_event *p)
{
    (void)cpu, (void)i, (void)p; /* nobody wants it */
    abort();
}

enum exec_result exec_LDRAA(struct cpu *cpu, const struct insn *i)
{
    (void)cpu;
    (void)i;
    return EXEC_ABORT;
}

enum exec_result exec_LDRAB(struct cpu *cpu, const struct insn *i)
{
    return exec_LDRAA(cpu, i);
}

static exec_fn *row_fn(enum a64_op op)
{
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        if (rows[k].op == op)
            return rows[k].fn;
    return NULL;
}

/* Make the pages known to L1, or not. */
static void set_l1(struct side *s, bool known)
{
    for (unsigned k = 0; k < TLB_L1_SIZE; k++)
        s->bank.r[k].tag = s->bank.w[k].tag = TLB_L1_EMPTY;
    for (uint64_t va = LDST_BASE; known && va < LDST_BASE + LDST_SIZE; va += PAGE_SIZE) {
        struct tlb_l1_entry e = {.tag = va, .addend = (uintptr_t)s->memory - LDST_BASE};
        s->bank.r[(va >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)] = e;
        s->bank.w[(va >> PAGE_SHIFT) & (TLB_L1_SIZE - 1)] = e;
    }
}

/* Execute @c on our side. False: it left the two pages (then it is not a case). */
static bool run_ours(struct side *s, const struct ldst_case *c, struct ldst_result *r)
{
    struct cpu *cpu = &s->cpu;

    ldst_fill(s->memory, c->seed);
    set_l1(s, c->seed & 1);
    memcpy(cpu->x, c->in.x, sizeof(c->in.x));
    cpu->x[REG_ZR] = 0;
    cpu->x[REG_SP] = c->in.sp;
    memcpy(cpu->v, c->in.v, sizeof(c->in.v));
    cpu_set_nzcv(cpu, (unsigned)(c->in.nzcv >> 28));
    cpu->excl_valid = false;
    for (unsigned k = 0; k < 2; k++) {
        struct insn i;
        if (c->words[k] == NOP)
            continue;
        a64_decode(c->words[k], 0, &i);
        if (row_fn(i.op)(cpu, &i) != EXEC_NEXT)
            return false;
    }
    assert_int_equal(cpu->x[REG_ZR], 0);
    *r = (struct ldst_result){.memory = ldst_hash(s->memory)};
    memcpy(r->out.x, cpu->x, sizeof(r->out.x));
    r->out.sp = cpu->x[REG_SP];
    memcpy(r->out.v, cpu->v, sizeof(r->out.v));
    r->out.nzcv = (uint64_t)cpu_nzcv(cpu) << 28;
    return true;
}

/* Instructions that QEMU 7.2 wants aligned to their size: exclusive, ordered, atomic. */
static bool wants_alignment(uint32_t word)
{
    return (word & 0x3f000000) == 0x08000000 || /* exclusive, ordered, CAS */
           (word & 0x3f000000) == 0x19000000 || /* LDAPUR, STLUR */
           ((word & 0x3f200c00) == 0x38200000); /* atomics, LDAPR */
}

/* LDAPUR and STLUR with an offset from SP that SP's own alignment does not allow. */
static bool is_unaligned_from_sp(uint32_t word)
{
    return (word & 0x3f000000) == 0x19000000 && bits(word, 9, 5) == 31 && bits(word, 15, 12);
}

static bool is_store_exclusive(uint32_t word)
{
    bool casp = !bit(word, 31) && bit(word, 21);

    return (word & 0x3fc00000) == 0x08000000 && !casp;
}

/* The load-exclusive that opens the monitor for the store-exclusive @word,
 * into unused registers. */
static uint32_t matching_load(uint32_t word)
{
    unsigned n = (word >> 5) & 31, s = (word >> 16) & 31, spare = 0;
    uint32_t load = (word & 0xffe003e0) | 0x00400000;

    while (spare == n || spare == s)
        spare++;
    if (word & 0x00200000)
        return load | spare | 31u << 10; /* LDXP <spare>, XZR */
    return load | spare | 31u << 16 | 31u << 10;
}

static unsigned base_number(const struct ldst_case *c)
{
    return (c->words[1] >> 5) & 31;
}

/* Random registers, with a base that stays in the two pages and often near their border. */
static void make_state(uint64_t *rng, struct ldst_case *c)
{
    uint32_t word = c->words[1];
    struct insn i;
    uint64_t r = random_next(rng), base;

    for (unsigned k = 0; k < 31; k++)
        c->in.x[k] = random_next(rng) >> (random_next(rng) & 63);
    for (unsigned k = 0; k < 64; k++)
        c->in.v[k / 2][k % 2] = random_next(rng);
    c->in.sp = 0;
    c->in.nzcv = random_next(rng) & 0xf0000000;
    a64_decode(word, 0, &i);
    if ((word & 0x3b200c00) ==
        0x38200800) { /* register offset: a small index, its top half garbage */
        uint64_t index = r & 0x7f;
        index = i.mod & 4 && r & 0x80 ? 0 - index : index;
        if (i.rm != REG_ZR)
            c->in.x[i.rm] = i.mod & 1 ? index : (uint32_t)index | r >> 32 << 32;
    }
    base = LDST_BASE + (r & 0x300 ? 1500 + (r >> 16) % 5000 : PAGE_SIZE - 40 + (r >> 16) % 80);
    if (wants_alignment(word))
        base = (base & ~UINT64_C(15)) - ((word & 0x3f000000) == 0x19000000 ? (uint64_t)i.imm : 0);
    if (i.rn == REG_SP)
        c->in.sp = base & ~UINT64_C(15);
    else
        c->in.x[i.rn] = base;
}

/* One case of @op that our side can execute. False after many tries. */
static bool make_case(uint64_t *rng, struct side *s, enum a64_op op, struct ldst_case *c,
                      struct ldst_result *ours)
{
    for (unsigned tries = 0; tries < 2000; tries++) {
        uint32_t word = (uint32_t)random_next(rng);
        if ((a64_rows[op].value & 0x3b000000) == 0x39000000)
            word &= ~UINT32_C(0x003f8000); /* unsigned offset: small */
        word = (word & ~a64_rows[op].mask) | a64_rows[op].value;
        if (a64_lookup(word) != op || is_unaligned_from_sp(word))
            continue;
        *c = (struct ldst_case){.words = {NOP, word}, .seed = random_next(rng)};
        if (is_store_exclusive(word))
            c->words[0] = c->seed & 6 ? matching_load(word) : NOP;
        make_state(rng, c);
        if (run_ours(s, c, ours))
            return true;
    }
    return false;
}

static void run_theirs(const struct ldst_case *cases, struct ldst_result *results, size_t n)
{
    char dir[] = "/tmp/exec_ldst_XXXXXX", command[1200];
    char path[64];

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/in", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(cases, sizeof(*cases), n, f), n);
    assert_int_equal(fclose(f), 0);
    snprintf(command, sizeof(command),
             "aarch64-linux-gnu-gcc -O1 -fno-builtin -ffreestanding -fno-stack-protector -nostdlib "
             "-static -Wl,--no-warn-rwx-segments -o %s/guest " TESTS_DIR "/cpu/ldst_guest.c && "
             "qemu-aarch64 -cpu max %s/guest <%s/in >%s/out",
             dir, dir, dir, dir);
    if (system(command) != 0)
        fail_msg("not installed, or it died: %s", command);
    snprintf(path, sizeof(path), "%s/out", dir);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(results, sizeof(*results), n, f), n);
    fclose(f);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void explain(const struct ldst_case *c, const struct ldst_result *ours,
                    const struct ldst_result *theirs)
{
    const uint64_t *in = (const uint64_t *)&c->in, *a = (const uint64_t *)&ours->out,
                   *b = (const uint64_t *)&theirs->out;

    print_error("%s %08x after %08x, base x%u\n", a64_rows[a64_lookup(c->words[1])].name,
                c->words[1], c->words[0], base_number(c));
    for (size_t k = 0; k < sizeof(c->in) / 8; k++)
        if (a[k] != b[k])
            print_error("  %c%zu was %016llx, ours %016llx, qemu %016llx\n", k < 34 ? 'x' : 'v',
                        k < 34 ? k : (k - 34) / 2, (unsigned long long)in[k],
                        (unsigned long long)a[k], (unsigned long long)b[k]);
    if (ours->memory != theirs->memory)
        print_error("  memory differs\n");
}

static bool row_wanted(enum a64_op op, uint32_t value)
{
    const char *prefix = getenv("ARMILLARY_ROW");

    return (value & 0x3b000000) != 0x18000000 && a64_rows[op].feature != FEAT_PAuth &&
           (!prefix || !strncmp(a64_rows[op].name, prefix, strlen(prefix)));
}

static struct side *make_side(void)
{
    struct side *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);

    assert_non_null(s);
    memset(s, 0, sizeof(*s));
    s->cpu.contexts.x = &s->xlat;
    s->cpu.bank = s->cpu.bank_unpriv = &s->bank;
    return s;
}

static void test_every_row_agrees_with_qemu(void **state)
{
    uint64_t rng = test_seed(1), per_row = test_option("ARMILLARY_N", 30);
    size_t n = 0, bad = 0, max = ARRAY_SIZE(rows) * per_row;
    struct side *s = make_side();
    struct ldst_case *cases = calloc(max, sizeof(*cases));
    struct ldst_result *ours = calloc(max, sizeof(*ours)), *theirs = calloc(max, sizeof(*theirs));

    (void)state;
    assert_true(cases && ours && theirs);
    for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
        if (!row_wanted(rows[r].op, a64_rows[rows[r].op].value))
            continue;
        for (uint64_t k = 0; k < per_row; k++, n++)
            if (!make_case(&rng, s, rows[r].op, &cases[n], &ours[n]))
                fail_msg("row %s: no case found", a64_rows[rows[r].op].name);
    }
    run_theirs(cases, theirs, n);
    for (size_t k = 0; k < n; k++)
        if (memcmp(&ours[k], &theirs[k], sizeof(ours[k])) && bad++ < 20)
            explain(&cases[k], &ours[k], &theirs[k]);
    free(s);
    free(cases);
    free(ours);
    free(theirs);
    if (bad)
        fail_msg("%zu of %zu cases differ from QEMU", bad, n);
}

static bool nothing_changed(const struct side *s, const struct ldst_case *c)
{
    uint64_t memory[LDST_SIZE / 8];

    ldst_fill(memory, c->seed);
    return !memcmp(s->cpu.x, c->in.x, sizeof(c->in.x)) && s->cpu.x[REG_SP] == c->in.sp &&
           !memcmp(s->cpu.v, c->in.v, sizeof(c->in.v)) &&
           !memcmp(s->memory, memory, sizeof(memory));
}

/* Bases just before the end of the two pages: some accesses start inside and end outside. */
static void test_an_access_that_aborts_changes_nothing(void **state)
{
    uint64_t rng = test_seed(1), per_row = test_option("ARMILLARY_N", 30);
    struct side *s = make_side();
    struct ldst_result unused;
    size_t aborted = 0;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows) * per_row; k++) {
        enum a64_op op = rows[k / per_row].op;
        struct ldst_case c = {.words = {NOP, 0}, .seed = random_next(&rng)};
        c.words[1] = ((uint32_t)random_next(&rng) & ~a64_rows[op].mask) | a64_rows[op].value;
        if (!row_wanted(op, a64_rows[op].value) || a64_lookup(c.words[1]) != op)
            continue;
        make_state(&rng, &c);
        uint64_t base = LDST_BASE + LDST_SIZE - 1 - random_next(&rng) % 70;
        if (base_number(&c) == 31)
            c.in.sp = base;
        else
            c.in.x[base_number(&c)] = base;
        if (run_ours(s, &c, &unused))
            continue;
        aborted++;
        if (!nothing_changed(s, &c))
            fail_msg("%s %08x: aborted, but not without a trace", a64_rows[op].name, c.words[1]);
    }
    assert_true(aborted > ARRAY_SIZE(rows) || getenv("ARMILLARY_ROW"));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_access_that_aborts_changes_nothing),
        cmocka_unit_test(test_every_row_agrees_with_qemu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
