/*
 * Any instructions (tests/fuzz/guest_code.h) on a whole machine, which the first byte chooses. The
 * run must come back, whatever the guest does.
 */
#include <stdio.h>

#include "armillary.h"
#include "tests/fuzz/guest_code.h"

#define STEPS 2000

static void run(unsigned how, const struct memfile *file)
{
    static const char *const cpus[] = {"max", "n1", "a57", "max,-vhe"};
    const struct arm_port port = {.console = true, .testdev = how & 32};
    const struct arm_device virtio[] = {
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
        .devices = virtio,
        .device_count = ARRAY_SIZE(virtio),
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
    struct choices in = {data, size};
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
