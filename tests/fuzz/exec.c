/*
 * Any instructions on a whole machine. The first byte chooses the machine; six bytes are one
 * instruction: a number that picks a row of the table, or none, and a word that fills the row's
 * free bits. Faulting instructions are skipped by handlers, registers point at RAM and devices.
 * The run must come back, whatever the guest does.
 */
#include <stdio.h>

#include "arch/insn.h"
#include "armillary.h"
#include "tests/fuzz/input.h"

#define RAM       UINT32_C(0x40000000)
#define CODE_BASE UINT32_C(0x40080000)
#define VECTORS   0x1000 /* offset in the code, behind all instructions: EL1's, then EL2's */
#define EL_BYTES  0x800
#define WORDS_MAX ((VECTORS + 2 * EL_BYTES) / 4)
#define INSNS_MAX 512
#define STEPS     2000

struct code {
    uint32_t words[WORDS_MAX];
    unsigned count;
};

static void emit(struct code *c, uint32_t word)
{
    c->words[c->count++] = word;
}

/* movz x<rd>, #hi, lsl #16; movk x<rd>, #lo */
static void emit_const(struct code *c, unsigned rd, uint32_t v)
{
    emit(c, UINT32_C(0xd2a00000) | (v >> 16) << 5 | rd);
    emit(c, UINT32_C(0xf2800000) | (v & 0xffff) << 5 | rd);
}

/* Each entry of each EL: return behind the instruction at fault. */
static void emit_vectors(struct code *c)
{
    static const uint32_t elr_read[] = {0xd538403e, 0xd53c403e}; /* mrs x30, elr_el<1, 2> */
    static const uint32_t elr_write[] = {0xd518403e, 0xd51c403e};

    for (unsigned el = 0; el < 2; el++)
        for (unsigned entry = 0; entry < EL_BYTES / 0x80; entry++) {
            c->count = (VECTORS + el * EL_BYTES + entry * 0x80) / 4;
            emit(c, elr_read[el]);
            emit(c, 0x910013de); /* add x30, x30, #4 */
            emit(c, elr_write[el]);
            emit(c, 0xd69f03e0); /* eret */
        }
}

static void emit_prologue(struct code *c, bool el2)
{
    static const uint32_t pointers[] = {
        0x08000000, 0x08010000, 0x08080000, 0x080a0000, 0x080b0000, 0x08090040,
        0x09000000, 0x09010000, 0x09020000, 0x09030000, 0x0a003e00, 0x00000000,
        0x40000000, 0x40081000, 0x40ff0000, 0x84000000, 0x00300000, 0x00000001,
    };

    c->count = 0;
    emit_const(c, 0, CODE_BASE + VECTORS);
    emit(c, 0xd518c000); /* msr vbar_el1, x0 */
    emit_const(c, 0, CODE_BASE + VECTORS + EL_BYTES);
    if (el2)
        emit(c, 0xd51cc000); /* msr vbar_el2, x0 */
    emit_const(c, 0, RAM + 0xf00000);
    emit(c, 0x9100001f); /* mov sp, x0 */
    for (unsigned i = 0; i < ARRAY_SIZE(pointers); i++)
        emit_const(c, i, pointers[i]);
}

/* The input's instructions, again and again. */
static void emit_input(struct code *c, struct input *in)
{
    unsigned first = c->count;

    for (unsigned n = 0; n < INSNS_MAX && in->left > 0; n++) {
        unsigned row = (unsigned)take(in, 2);
        uint32_t word = (uint32_t)take(in, 4);

        if (row < 0xc000) {
            const struct a64_row *r = &a64_rows[row % A64_OP_COUNT];
            word = (word & ~r->mask) | r->value;
        }
        emit(c, word);
    }
    emit(c, UINT32_C(0x14000000) | ((first - c->count) & 0x3ffffff)); /* b first */
    CHECK(c->count <= VECTORS / 4);
}

static void run(unsigned how, const struct memfile *file)
{
    static const char *const cpus[] = {"max", "n1", "a57", "max,-vhe"};
    const struct arm_port port = {.console = true, .testdev = how & 32};
    const struct arm_virtio virtio[] = {
        {.kind = ARM_VIRTIO_RNG}, {.kind = ARM_VIRTIO_CONSOLE, .ports = &port, .port_count = 1}};
    const struct arm_blob blob = {
        .path = file->path, .addr = CODE_BASE, .force_raw = true, .cpu = 0};
    struct arm_config config = {
        .size = sizeof(config),
        .cpu = cpus[how % ARRAY_SIZE(cpus)],
        .cpus = 1 + (how >> 2 & 1),
        .ram_size = 16 << 20,
        .el2 = how & 8,
        .start_el = how & 16 ? 1 : 0,
        .blobs = &blob,
        .blob_count = 1,
        .virtio = virtio,
        .virtio_count = ARRAY_SIZE(virtio),
        .gic = {.gicv = (how & 40) == 40},
        .semihosting = how & 64,
        .no_reboot = how & 128,
        .log = fuzz_log(),
    };
    struct arm_error err;
    struct arm_machine *m = arm_machine_new(&config, &err);

    if (!m) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    (void)arm_run(m, STEPS);
    CHECK(arm_retired(m) <= STEPS);
    arm_machine_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned how = below(&in, 256);
    struct code *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    emit_vectors(c);
    emit_prologue(c, how & 8 && !(how & 16));
    emit_input(c, &in);
    struct memfile file = memfile_open(c->words, sizeof(c->words));
    run(how, &file);
    memfile_close(&file);
    free(c);
    return 0;
}
