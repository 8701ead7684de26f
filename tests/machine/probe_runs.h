/* The programs of probe_programs.h, each run once with what it needs in memory. */
#pragma once

#include "tests/machine/probe_fixture.h"
#include "tests/machine/probe_programs.h"

/* What each program told. */
static struct events basic, walk, gic, power, dma;

#define B(label) AT(BASIC_##label)
#define W(label) AT(WALK_##label)
#define G(label) AT(GIC_##label)
#define P(label) AT(POWER_##label)
#define D(label) AT(DMA_##label)

static void run(struct arm_machine *m, struct events *events)
{
    events->count = 0;
    assert_true(arm_subscribe(m, &everything, keep, events) > 0);
    events->why = arm_run(m, 0);
    events->retired = arm_retired(m);
    arm_machine_free(m);
}

#define STAGE1 (RAM + 0x10000)
#define STAGE2 (RAM + 0x20000)

#define DESC_BLOCK  1
#define DESC_TABLE  3
#define S1_CLEAN    (UINT64_C(3) << 8 | BIT(7) | BIT(51)) /* inner shareable, read-only, DBM */
#define S1_DIRTY    (S1_CLEAN & ~BIT(7))
#define S2_CLEAN    (UINT64_C(0xf) << 2 | UINT64_C(3) << 8 | BIT(6) | BIT(51))
#define AF          BIT(10)
#define S1_LEVEL2   (STAGE1 + 0x1000)
#define WALK_DATA   (RAM + 0x200000) /* x4 of the program */
#define WALK_VMID   5
#define WALK_ASID   9
#define WALK_VMPIDR UINT64_C(0x80000007)
#define WALK_VTTBR  ((uint64_t)WALK_VMID << 48 | STAGE2)
#define WALK_HCR    UINT64_C(0x80000021)

static void put(struct arm_machine *m, uint64_t pa, uint64_t value)
{
    assert_true(arm_mem_write(m, pa, &value, sizeof(value)));
}

#define CREATE(program, ...)                                                                       \
    create_with((struct arm_config){__VA_ARGS__}, program##_code, sizeof(program##_code))

static struct arm_machine *make_walk(void)
{
    struct arm_machine *m = CREATE(walk, 0);

    put(m, STAGE1 + 8, S1_LEVEL2 | DESC_TABLE);
    put(m, S1_LEVEL2, RAM | S1_DIRTY | DESC_BLOCK);
    put(m, S1_LEVEL2 + 8, WALK_DATA | S1_CLEAN | DESC_BLOCK);
    put(m, STAGE2 + 8, RAM | S2_CLEAN | DESC_BLOCK);
    return m;
}

/* What the program gives the ITS: MAPC, MAPD, MAPTI, INT and CLEAR. */
#define LPI_CONFIG (RAM + 0x100000)
#define ITS_QUEUE  (RAM + 0x122000)
#define ITT        (RAM + 0x123000)
#define LPI        8192

static struct arm_machine *make_gic(void)
{
    static const uint64_t commands[][4] = {{9, 0, BIT(63), 0},
                                           {8, 0, BIT(63) | ITT, 0},
                                           {0xa, (uint64_t)LPI << 32, 0, 0},
                                           {3, 0, 0, 0},
                                           {4, 0, 0, 0}};
    struct arm_machine *m = CREATE(gic, 0);

    put(m, LPI_CONFIG, 0x81);
    assert_true(arm_mem_write(m, ITS_QUEUE, commands, sizeof(commands)));
    return m;
}

/* Two requests to fw_cfg, and a queue with one buffer for the random numbers. */
#define DMA_BUFFER (DATA + 0x100)
#define DMA_QUEUE  (DATA + 0x1000)
#define DMA_RANDOM (DATA + 0x2000)

static struct arm_machine *make_dma(void)
{
    static const struct arm_device rng = {.kind = ARM_VIRTIO_RNG};
    const uint64_t control = UINT64_C(0x0a000000) | UINT64_C(4) << 56; /* select, read; 4 bytes */
    struct arm_machine *m = CREATE(dma, .devices = &rng, .device_count = 1);

    put(m, DATA, control);
    put(m, DATA + 8, __builtin_bswap64(DMA_BUFFER));
    put(m, DATA + 16, control);
    put(m, DATA + 24, __builtin_bswap64(D(H)));
    put(m, DMA_QUEUE, DMA_RANDOM);
    put(m, DMA_QUEUE + 8, 16 | UINT64_C(2) << 32); /* length, VIRTQ_DESC_F_WRITE */
    put(m, DMA_QUEUE + 0x100, UINT64_C(1) << 16);  /* avail.idx */
    return m;
}

/* EL2's memory: devices, then RAM. */
static struct arm_machine *make_basic(void)
{
    struct arm_machine *m = CREATE(basic, 0);

    put(m, STAGE1, AF | UINT64_C(1) << 2 | DESC_BLOCK);
    put(m, STAGE1 + 8, RAM | AF | UINT64_C(3) << 8 | DESC_BLOCK);
    assert_true(arm_watch_page(m, DATA + 0x1000, true)); /* the second half of CROSS */
    assert_true(arm_watch_page(m, DATA, true));
    return m;
}

static struct arm_machine *make_power(void)
{
    return CREATE(power, 0);
}

static const struct program {
    const char *name;
    struct arm_machine *(*make)(void);
    struct events *events;
} programs[] = {{"basic", make_basic, &basic},
                {"walk", make_walk, &walk},
                {"gic", make_gic, &gic},
                {"power", make_power, &power},
                {"dma", make_dma, &dma}};

static int run_programs(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(programs); k++)
        run(programs[k].make(), programs[k].events);
    return 0;
}
