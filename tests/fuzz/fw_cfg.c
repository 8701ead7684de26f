/* fw_cfg: registers of all sizes and DMA requests that are anywhere, also in each other. */
#include "devices/fw_cfg.h"
#include "tests/fuzz/input.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x400000)

static void add_items(struct fw_cfg *fw, struct choices *in)
{
    static const char *const names[] = {"etc/a", "opt/b", "etc/boot-fail-wait", "bootorder", "z"};
    uint8_t bytes[64] = {0};
    int r = fw_cfg_set_le16(fw, FW_CFG_NB_CPUS, 4, NULL);

    for (unsigned i = 0; i < ARRAY_SIZE(names) && r == 0; i++)
        r = fw_cfg_add_file(fw, names[i], bytes, below(in, sizeof(bytes) + 1), NULL);
    if (r == 0)
        r = fw_cfg_add_writable(fw, "opt/written", bytes, below(in, FW_CFG_WRITABLE_MAX + 1), NULL);
    if (r != 0)
        abort();
}

static uint64_t address(struct choices *in)
{
    return below(in, 8) ? RAM + take(in, 3) % RAM_SIZE : value(in);
}

static void put_be(struct physmem *mem, uint64_t at, unsigned bytes, uint64_t v)
{
    uint8_t be[8];

    le_put(be, 8, __builtin_bswap64(v));
    (void)physmem_write(mem, pa(at), be + 8 - bytes, bytes);
}

static void dma(struct fw_cfg *fw, struct choices *in)
{
    uint64_t desc = address(in), to = address(in);
    uint32_t control = below(in, 64),
             length = (uint32_t)(below(in, 8) ? take(in, 1) << below(in, 16) : value(in));

    put_be(fw->mem, desc, 4, control | below(in, 40) << 16);
    put_be(fw->mem, desc + 4, 4, length);
    put_be(fw->mem, desc + 8, 8, to);
    if (below(in, 2)) {
        device_write(&fw->dev, 0x10, 8, __builtin_bswap64(desc));
    } else {
        device_write(&fw->dev, 0x10, 4, __builtin_bswap32((uint32_t)(desc >> 32)));
        device_write(&fw->dev, 0x14, 4, __builtin_bswap32((uint32_t)desc));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    const struct arm_log log = fuzz_log();
    struct physmem mem = {0};
    struct clock clock = {.next_ns = CLOCK_NEVER};
    struct fw_cfg fw;

    if (physmem_add_ram(&mem, pa(RAM), RAM_SIZE, NULL) != 0 ||
        fw_cfg_init(&fw, &log, &mem, &clock, NULL) != 0)
        abort();
    add_items(&fw, &in);
    while (in.left > 0) {
        switch (below(&in, 5)) {
        case 0:
            device_write(&fw.dev, 8, 2, __builtin_bswap16((uint16_t)below(&in, 48)));
            break;
        case 1:
            any_access(&in, &fw.dev, FW_CFG_BYTES);
            break;
        case 2:
            clock_run(&clock, clock.now_ns + 10 * below(&in, 256));
            break;
        default:
            dma(&fw, &in);
            break;
        }
    }
    fw.dev.ops->reset(&fw.dev);
    fw_cfg_destroy(&fw);
    physmem_destroy(&mem);
    return 0;
}
