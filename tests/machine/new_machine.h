/* A machine that a test needs, or the sentence that says why there is none. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"

/* What a machine has printed: config.console_write and its context. */
struct output {
    size_t size;
    char text[1 << 16];
};

static inline void keep_output(void *ctx, const uint8_t *data, size_t size)
{
    struct output *o = ctx;

    for (size_t k = 0; k < size && o->size < sizeof(o->text) - 1; k++)
        o->text[o->size++] = (char)data[k];
}

static inline struct arm_machine *new_machine(const struct arm_config *config)
{
    struct arm_error err = {0};
    struct arm_machine *m = arm_machine_new(config, &err);

    if (!m)
        fail_msg("%s", err.text);
    return m;
}

/* Each CPU starts with a copy of @words of its own: CPU 0 at @entry, the others @stride bytes
 * apart; 0: CPU 0 alone starts. */
static inline struct arm_machine *new_machine_of(struct arm_config config, const uint32_t *words,
                                                 size_t size, uint64_t entry, uint64_t stride)
{
    char path[] = "/tmp/armillary-test-XXXXXX";
    struct arm_blob blobs[ARM_CPUS_MAX];
    struct arm_error err = {0};
    unsigned copies = stride ? config.cpus : 1;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, words, size), size);
    close(fd);
    for (unsigned k = 0; k < copies; k++)
        blobs[k] = (struct arm_blob){
            .path = path, .addr = entry + stride * k, .force_raw = true, .cpu = (int)k};
    config.blobs = blobs;
    config.blob_count = copies;
    struct arm_machine *m = arm_machine_new(&config, &err);
    unlink(path);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}
