/*
 * Any instructions (tests/fuzz/guest_code.h) by the interpreter and by the JIT, cut elsewhere: the
 * same registers, time and memory. The MMU is on, so that accesses are fast ones; registers point
 * at the code itself, at an alias of it, at what is read-only or not there, and at ends of pages.
 */
#include <stdio.h>

#include "armillary.h"
#include "tests/fuzz/guest_code.h"

#define STEPS  6000
#define TABLE  (RAM + 0xe00000)
#define PAGES  3               /* of what is compared */
#define NORMAL UINT64_C(0x705) /* a block: AF, inner shareable, MAIR's attribute 1 */

/* One level-1 table: GiB 0 is Device, 1 RAM, 2 nothing; 3 RAM again, and without writes. */
static const uint64_t table[512] = {
    0x401,
    RAM | NORMAL,
    0,
    RAM | NORMAL | 0x80,
};

static void emit_mmu(struct code *c)
{
    static const struct {
        uint32_t value, msr;
    } registers[] = {
        {0xff00, 0xd518a200},     /* mair_el1 */
        {0x00803519, 0xd5182040}, /* tcr_el1: 39 bits, no TTBR1 */
        {TABLE, 0xd5182000},      /* ttbr0_el1 */
        {0x30d0180d, 0xd5181000}, /* sctlr_el1: M, C, I, SA */
    };

    for (unsigned k = 0; k < ARRAY_SIZE(registers); k++) {
        emit_const(c, 0, registers[k].value);
        emit(c, registers[k].msr);
    }
    emit(c, 0xd5033fdf); /* isb */
    emit_const(c, 0, CODE_BASE + 4 * c->count + 0x80);
    emit_const(c, 1, CODE_BASE + 0x200);
    emit_const(c, 2, RAM + 0xeffff0); /* ends of pages */
    emit_const(c, 3, RAM + 0xf00ffb);
    emit_const(c, 4, 0xc0000000 + 0xf00000); /* read-only */
    emit_const(c, 5, 0x80000000);            /* nothing */
    emit_const(c, 6, 0xc0000000 + 0x80000);
}

static struct arm_machine *start(const struct arm_blob blobs[2], const char *cpu,
                                 enum arm_engine engine)
{
    struct arm_config config = {.size = sizeof(config),
                                .cpu = cpu,
                                .cpus = 1,
                                .ram_size = 16 << 20,
                                .el2 = true,
                                .start_el = 1,
                                .blobs = blobs,
                                .blob_count = 2,
                                .no_reboot = true,
                                .engine = engine,
                                .log = fuzz_log()};
    struct arm_error err;
    struct arm_machine *m = arm_machine_new(&config, &err);

    if (!m) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return m;
}

static void check_registers(struct arm_machine *a, struct arm_machine *b)
{
    static struct arm_register list[1024];
    size_t count = arm_reg_list(a, 0, list, ARRAY_SIZE(list));

    CHECK(count <= ARRAY_SIZE(list));
    for (size_t k = 0; k < count; k++) {
        uint64_t v[2] = {0}, w[2] = {0};
        arm_reg_get(a, 0, list[k].number, v);
        arm_reg_get(b, 0, list[k].number, w);
        if (v[0] == w[0] && v[1] == w[1])
            continue;
        fprintf(stderr, "%s: %#llx %#llx\n", list[k].name, (unsigned long long)v[0],
                (unsigned long long)w[0]);
        abort();
    }
}

static void check_memory(struct arm_machine *a, struct arm_machine *b)
{
    static const uint64_t places[] = {RAM, CODE_BASE, RAM + 0xeff000};
    static uint8_t bytes[2][PAGES * 4096];

    for (unsigned k = 0; k < ARRAY_SIZE(places); k++) {
        CHECK(arm_mem_read(a, places[k], bytes[0], sizeof(bytes[0])));
        CHECK(arm_mem_read(b, places[k], bytes[1], sizeof(bytes[1])));
        CHECK(memcmp(bytes[0], bytes[1], sizeof(bytes[0])) == 0);
    }
}

/* The interpreter at once, the JIT in pieces. */
static void run(struct choices *in, struct arm_machine *interp, struct arm_machine *jit)
{
    enum arm_stop_reason why = arm_run(interp, STEPS), r = ARM_STOP_LIMIT;

    for (unsigned left = STEPS; left && r == ARM_STOP_LIMIT;) {
        unsigned n = 1 + (unsigned)take(in, 2) % STEPS;
        n = n < left ? n : left;
        r = arm_run(jit, n);
        left -= n;
    }
    CHECK(r == why);
    CHECK(arm_retired(interp) == arm_retired(jit) && arm_time_ns(interp) == arm_time_ns(jit));
    check_registers(interp, jit);
    check_memory(interp, jit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const cpus[] = {"max", "n1", "a57", "max,-lse2"};
    struct choices in = {data, size};
    unsigned how = below(&in, 256);
    struct choices cuts = in;
    struct code *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    emit_vectors(c);
    emit_prologue(c, false);
    emit_mmu(c);
    emit_input(c, &in);
    struct memfile file = memfile_open(c->words, sizeof(c->words));
    struct memfile tables = memfile_open(table, sizeof(table));
    const struct arm_blob blobs[] = {
        {.path = file.path, .addr = CODE_BASE, .force_raw = true, .cpu = 0},
        {.path = tables.path, .addr = TABLE, .force_raw = true, .cpu = -1}};
    struct arm_machine *a = start(blobs, cpus[how % ARRAY_SIZE(cpus)], ARM_ENGINE_INTERP);
    struct arm_machine *b =
        start(blobs, cpus[how % ARRAY_SIZE(cpus)], how & 4 ? ARM_ENGINE_JIT : ARM_ENGINE_JIT_EAGER);

    run(&cuts, a, b);
    arm_machine_free(a);
    arm_machine_free(b);
    memfile_close(&tables);
    memfile_close(&file);
    free(c);
    return 0;
}
