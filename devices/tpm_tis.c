#include "devices/tpm_tis.h"

#include <string.h>

#include "base/state_io.h"

/* Offsets in a locality's page, table 15. */
enum {
    TPM_ACCESS = 0x000,
    TPM_INT_ENABLE = 0x008,
    TPM_INTF_CAPABILITY = 0x014,
    TPM_STS = 0x018,
    TPM_DATA_FIFO = 0x024,
    TPM_INTERFACE_ID = 0x030,
    TPM_XDATA_FIFO = 0x080,
    TPM_DID_VID = 0xf00,
    TPM_RID = 0xf04,
};

/* TPM_ACCESS, table 18 */
#define ACCESS_VALID     0x80
#define ACCESS_ACTIVE    0x20
#define ACCESS_SEIZED    0x10
#define ACCESS_SEIZE     0x08
#define ACCESS_PENDING   0x04
#define ACCESS_REQUEST   0x02
#define ACCESS_NO_LAUNCH 0x01 /* no dynamic launch has been */

/* TPM_STS, table 20 */
#define STS_FAMILY_2  UINT32_C(0x04000000)
#define STS_VALID     UINT32_C(0x80)
#define STS_READY     UINT32_C(0x40)
#define STS_GO        UINT32_C(0x20)
#define STS_AVAILABLE UINT32_C(0x10)
#define STS_EXPECT    UINT32_C(0x08)
#define STS_TESTED    UINT32_C(0x04)
#define STS_RETRY     UINT32_C(0x02)
#define BURST_SHIFT   8

#define CAPABILITY   UINT32_C(0x30000600) /* version 1.3, transfers of 64 bytes, no interrupts */
#define INTERFACE_ID UINT32_C(0x00002100) /* a FIFO; five localities */
#define DID_VID      UINT32_C(0x00011014) /* QEMU's: IBM */
#define REVISION     UINT32_C(1)
#define HEADER_BYTES 10
#define SIZE_AT      2

static struct tpm_tis *to_tpm(struct device *dev)
{
    return (struct tpm_tis *)dev;
}

static unsigned locality_of(uint64_t offset)
{
    return (unsigned)(offset >> 12);
}

static bool is_active(const struct tpm_tis *t, uint64_t offset)
{
    return t->active == locality_of(offset);
}

/* ---- commands ---- */

/* The length that a command or a response says it has, big-endian. */
static uint32_t said_size(const struct tpm_tis *t)
{
    uint32_t size = 0;

    for (unsigned i = 0; i < 4; i++)
        size = size << 8 | t->buffer[SIZE_AT + i];
    return size;
}

static bool expects(const struct tpm_tis *t)
{
    return t->phase == TPM_RECEPTION && t->at < TPM_BUFFER &&
           (t->at < HEADER_BYTES || t->at < said_size(t));
}

static void enter(struct tpm_tis *t, enum tpm_phase phase)
{
    t->phase = (uint8_t)phase;
    t->at = t->size = 0;
}

/* TPM_RC_FAILURE, with no parameters: TPM 2.0 part 2, 6.6. */
static const uint8_t failure[HEADER_BYTES] = {0x80, 0x01, 0, 0, 0, HEADER_BYTES, 0, 0, 0x01, 0x01};

static void run_command(struct tpm_tis *t)
{
    uint8_t response[TPM_BUFFER];
    size_t size = t->command(t->ctx, t->active, t->buffer, t->at, response, sizeof(response));

    if (size < HEADER_BYTES || size > sizeof(response)) {
        LOG(t->dev.log, DEVICE, WARN, "TPM: no response to a command");
        memcpy(response, failure, sizeof(failure));
        size = sizeof(failure);
    }
    enter(t, TPM_COMPLETION);
    memcpy(t->buffer, response, size);
    t->size = (uint32_t)size;
}

static void put_byte(struct tpm_tis *t, uint8_t value)
{
    if (t->phase == TPM_READY)
        enter(t, TPM_RECEPTION);
    if (expects(t))
        t->buffer[t->at++] = value;
}

static uint8_t get_byte(struct tpm_tis *t)
{
    return t->phase == TPM_COMPLETION && t->at < t->size ? t->buffer[t->at++] : 0xff;
}

/* ---- registers ---- */

static uint64_t read_access(struct device *dev, uint64_t offset, unsigned size)
{
    const struct tpm_tis *t = to_tpm(dev);
    uint8_t me = (uint8_t)(1u << locality_of(offset));
    uint64_t v = ACCESS_VALID | ACCESS_NO_LAUNCH;

    (void)size;
    if (is_active(t, offset))
        v |= ACCESS_ACTIVE;
    if (t->seized & me)
        v |= ACCESS_SEIZED;
    if (t->requested & me)
        v |= ACCESS_REQUEST;
    return t->requested & ~me ? v | ACCESS_PENDING : v;
}

static void activate(struct tpm_tis *t, unsigned locality)
{
    t->active = (uint8_t)locality;
    if (locality < TPM_LOCALITIES)
        t->requested &= (uint8_t) ~(1u << locality);
    enter(t, TPM_IDLE);
}

/* The highest that asks is the next one. */
static void relinquish(struct tpm_tis *t)
{
    unsigned next = TPM_LOCALITIES - 1;

    while (t->requested && !(t->requested >> next & 1))
        next--;
    activate(t, t->requested ? next : TPM_LOCALITIES);
}

static void write_access(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct tpm_tis *t = to_tpm(dev);
    unsigned locality = locality_of(offset);
    uint8_t me = (uint8_t)(1u << locality);

    (void)size;
    if (value & ACCESS_SEIZED)
        t->seized &= (uint8_t)~me;
    if (value & ACCESS_ACTIVE) {
        t->requested &= (uint8_t)~me;
        if (is_active(t, offset))
            relinquish(t);
    } else if (value & ACCESS_REQUEST && !is_active(t, offset)) {
        t->requested |= me;
        if (t->active == TPM_LOCALITIES)
            activate(t, locality);
    } else if (value & ACCESS_SEIZE && locality > t->active % TPM_LOCALITIES &&
               t->active < TPM_LOCALITIES) {
        t->seized |= (uint8_t)(1u << t->active);
        activate(t, locality);
    }
}

static uint64_t read_sts(struct device *dev, uint64_t offset, unsigned size)
{
    const struct tpm_tis *t = to_tpm(dev);
    uint64_t v = STS_FAMILY_2 | STS_VALID | STS_TESTED;
    uint32_t burst = 0;

    if (!is_active(t, offset))
        return zext(UINT64_MAX, size * 8);
    if (t->phase == TPM_READY)
        v |= STS_READY;
    if (t->phase == TPM_READY || t->phase == TPM_RECEPTION)
        burst = TPM_BUFFER - t->at;
    if (expects(t))
        v |= STS_EXPECT;
    if (t->phase == TPM_COMPLETION && t->at < t->size) {
        v |= STS_AVAILABLE;
        burst = t->size - t->at;
    }
    v |= (uint64_t)burst << BURST_SHIFT;
    return zext(v >> (offset % 4 * 8), size * 8);
}

static void write_sts(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct tpm_tis *t = to_tpm(dev);

    (void)size;
    if (!is_active(t, offset) || offset % 4)
        return;
    if (value & STS_READY)
        enter(t, TPM_READY);
    else if (value & STS_GO && t->phase == TPM_RECEPTION && !expects(t))
        run_command(t);
    else if (value & STS_RETRY && t->phase == TPM_COMPLETION)
        t->at = 0;
}

static uint64_t read_fifo(struct device *dev, uint64_t offset, unsigned size)
{
    struct tpm_tis *t = to_tpm(dev);
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)(is_active(t, offset) ? get_byte(t) : 0xff) << (8 * i);
    return v;
}

static void write_fifo(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct tpm_tis *t = to_tpm(dev);

    for (unsigned i = 0; i < size && is_active(t, offset); i++)
        put_byte(t, (uint8_t)(value >> (8 * i)));
}

#define CONSTANT(name, number)                                                                     \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        (void)dev;                                                                                 \
        return zext((number) >> (offset % 4 * 8), size * 8);                                       \
    }
CONSTANT(capability, CAPABILITY)
CONSTANT(interface, INTERFACE_ID)
CONSTANT(did_vid, DID_VID)
CONSTANT(rid, REVISION)
#undef CONSTANT

#define ANY   (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32)
#define AT(n) ((n)*UINT32_C(0x1000))
#define PAGE(n)                                                                                    \
    {"TPM_ACCESS", AT(n) + TPM_ACCESS, 1, REG_SIZE_8, read_access, write_access},                  \
        {"TPM_INT_ENABLE", AT(n) + TPM_INT_ENABLE, 12, ANY, NULL, NULL},                           \
        {"TPM_INTF_CAPABILITY", AT(n) + TPM_INTF_CAPABILITY, 4, ANY, read_capability, NULL},       \
        {"TPM_STS", AT(n) + TPM_STS, 4, ANY, read_sts, write_sts},                                 \
        {"TPM_DATA_FIFO", AT(n) + TPM_DATA_FIFO, 4, ANY, read_fifo, write_fifo},                   \
        {"TPM_INTERFACE_ID", AT(n) + TPM_INTERFACE_ID, 4, ANY, read_interface, NULL},              \
        {"TPM_XDATA_FIFO", AT(n) + TPM_XDATA_FIFO, 4, ANY, read_fifo, write_fifo},                 \
        {"TPM_DID_VID", AT(n) + TPM_DID_VID, 4, ANY, read_did_vid, NULL},                          \
    {                                                                                              \
        "TPM_RID", AT(n) + TPM_RID, 4, ANY, read_rid, NULL                                         \
    }

static const struct reg_row regs[] = {PAGE(0), PAGE(1), PAGE(2), PAGE(3), PAGE(4), {0}};

/* The TPM that the host has is not reset: that is its owner's to do. */
static void reset(struct device *dev)
{
    struct tpm_tis *t = to_tpm(dev);

    t->active = TPM_LOCALITIES;
    t->requested = t->seized = 0;
    enter(t, TPM_IDLE);
}

static void state(struct state_io *io, struct device *dev)
{
    struct tpm_tis *t = to_tpm(dev);

    STATE(io, t->active);
    STATE(io, t->requested);
    STATE(io, t->seized);
    STATE(io, t->phase);
    STATE(io, t->at);
    STATE(io, t->size);
    state_require(io, t->active <= TPM_LOCALITIES && t->requested < 1 << TPM_LOCALITIES,
                  "t->active");
    state_require(io, t->at <= TPM_BUFFER && t->size <= TPM_BUFFER, "t->at");
    state_bytes(io, "t->buffer", t->buffer, sizeof(t->buffer));
}

static const struct device_ops ops = {
    .name = "tpm-tis", .regs = regs, .reset = reset, .state = state};

void tpm_tis_init(struct tpm_tis *t, const struct arm_log *log, tpm_command_fn *command, void *ctx)
{
    *t = (struct tpm_tis){.dev = {&ops, log}, .command = command, .ctx = ctx};
    reset(&t->dev);
}
