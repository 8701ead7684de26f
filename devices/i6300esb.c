#include "devices/i6300esb.h"

#include "base/bits.h"
#include "base/state_io.h"

#define BAR_BYTES   16
#define CLOCK_HZ    UINT64_C(33000000) /* of PCI */
#define SECOND_NS   UINT64_C(1000000000)
#define PRELOAD_MAX UINT32_C(0xfffff)

/* Configuration space. */
enum { CFG = 0x60, LOCK = 0x68 };
#define CFG_INT_TYPE UINT16_C(0x03) /* of the first stage's end: 0 IRQ, 2 SMI, 3 none */
#define CFG_FAST     UINT16_C(0x04) /* the counter's steps: 2^5 clocks, otherwise 2^15 */
#define CFG_NO_TOUT  UINT16_C(0x20) /* WDT_TOUT# is not driven */
#define LOCK_LOCKED  UINT8_C(0x01)
#define LOCK_ENABLE  UINT8_C(0x02)
#define LOCK_FREE                                                                                  \
    UINT8_C(0x04) /* free running: of the stages there is the second, again and again */

/* Memory. */
enum { PRELOAD_1 = 0x0, PRELOAD_2 = 0x4, INTERRUPT = 0x8, RELOAD = 0xc };
#define RELOAD_START   UINT64_C(0x100)
#define RELOAD_TIMEOUT UINT64_C(0x200)

/* To be written to RELOAD before each write of one of the others, or of RELOAD itself. */
static const uint8_t sequence[] = {0x80, 0x86};

static struct i6300esb *to_watchdog(struct pci_function *f)
{
    return (struct i6300esb *)f;
}

static uint16_t cfg_of(const struct i6300esb *w)
{
    return (uint16_t)pci_get(&w->function, CFG, 2);
}

static uint8_t lock_of(const struct i6300esb *w)
{
    return (uint8_t)pci_get(&w->function, LOCK, 1);
}

static void begin(struct i6300esb *w, unsigned stage)
{
    unsigned step = cfg_of(w) & CFG_FAST ? 5 : 15;
    uint64_t preload = w->preload[stage - 1], clocks = (preload ? preload : 1) << step;

    w->stage = (uint8_t)stage;
    clock_event_set(w->config.clock, &w->end,
                    clock_now_ns(w->config.clock) +
                        clocks * (SECOND_NS / 1000000) / (CLOCK_HZ / 1000000));
}

static void start(struct i6300esb *w)
{
    begin(w, lock_of(w) & LOCK_FREE ? 2 : 1);
}

static void stop(struct i6300esb *w)
{
    w->stage = 0;
    clock_event_set(w->config.clock, &w->end, CLOCK_NEVER);
}

/* Differs: the interrupt of the first stage is only to be read: it is a line of the hub's own,
 * which a card has not. */
static void end(void *ctx, uint64_t now_ns)
{
    struct i6300esb *w = ctx;

    (void)now_ns;
    if (w->stage == 1) {
        w->interrupt |= !(cfg_of(w) & CFG_INT_TYPE);
        begin(w, 2);
        return;
    }
    stop(w);
    if (!(cfg_of(w) & CFG_NO_TOUT)) {
        if (!w->timed_out)
            LOG(w->function.log, DEVICE, WARN,
                "i6300esb: the guest has not reloaded its watchdog in time");
        w->timed_out = true;
        if (w->config.power)
            w->config.power(w->config.power_ctx, w->config.restart);
    }
    if (lock_of(w) & LOCK_FREE)
        start(w);
}

/* ---- registers ---- */

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    const struct i6300esb *w = to_watchdog(f);

    (void)bar, (void)size;
    switch (offset) {
    case INTERRUPT:
        return w->interrupt;
    case RELOAD:
        return w->timed_out ? RELOAD_TIMEOUT : 0;
    default:
        return 0; /* the preload values are only written */
    }
}

static void write_reload(struct i6300esb *w, uint64_t value)
{
    if (w->unlocked < sizeof(sequence)) {
        w->unlocked = value == sequence[w->unlocked] ? w->unlocked + 1 : 0;
        return;
    }
    w->unlocked = 0;
    if (value & RELOAD_TIMEOUT)
        w->timed_out = false;
    if (value & RELOAD_START && w->stage)
        start(w);
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct i6300esb *w = to_watchdog(f);

    (void)bar;
    if (offset == RELOAD) {
        write_reload(w, value);
    } else if (offset == INTERRUPT) {
        w->interrupt &= !(value & 1);
    } else if ((offset == PRELOAD_1 || offset == PRELOAD_2) && size == 4 &&
               w->unlocked == sizeof(sequence)) {
        w->preload[offset == PRELOAD_2] = (uint32_t)value & PRELOAD_MAX;
        w->unlocked = 0;
    }
}

/* The lock holds until a reset. */
static void keep_locked(struct i6300esb *w)
{
    w->function.writable[LOCK] =
        lock_of(w) & LOCK_LOCKED ? 0 : LOCK_LOCKED | LOCK_ENABLE | LOCK_FREE;
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct i6300esb *w = to_watchdog(f);

    if (offset > LOCK || offset + size <= LOCK)
        return;
    keep_locked(w);
    if (!(lock_of(w) & LOCK_ENABLE))
        stop(w);
    else if (!w->stage)
        start(w);
}

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    struct i6300esb *w = to_watchdog(f);

    keep_locked(w);
    w->preload[0] = w->preload[1] = PRELOAD_MAX;
    w->unlocked = 0;
    w->interrupt = false;
    stop(w);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct i6300esb *w = to_watchdog(f);

    STATE(io, w->preload[0]);
    STATE(io, w->preload[1]);
    STATE(io, w->stage);
    STATE(io, w->unlocked);
    STATE(io, w->interrupt);
    STATE(io, w->timed_out);
    state_require(io, w->stage <= 2, "stage");
    state_require(io, w->unlocked <= sizeof(sequence), "unlocked");
    state_require(io, (w->preload[0] | w->preload[1]) <= PRELOAD_MAX, "preload");
    keep_locked(w);
}

static const struct pci_ops ops = {.name = "i6300esb",
                                   .read = read_bar,
                                   .write = write_bar,
                                   .config_written = config_written,
                                   .reset = reset,
                                   .state = state};

void i6300esb_init(struct i6300esb *w, const struct i6300esb_config *config,
                   const struct arm_log *log)
{
    struct pci_function *f = &w->function;

    *w = (struct i6300esb){.config = *config, .end = {.fn = end, .ctx = w}};
    pci_init(f, &ops, log,
             &(struct pci_identity){.vendor = 0x8086,
                                    .device = 0x25ab,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0880});
    pci_field(f, CFG, 2, 0, CFG_INT_TYPE | CFG_FAST | CFG_NO_TOUT);
    pci_field(f, LOCK, 1, 0, LOCK_LOCKED | LOCK_ENABLE | LOCK_FREE);
    pci_add_bar(f, 0, (struct pci_bar){.size = BAR_BYTES});
    clock_event_add(config->clock, &w->end, "i6300esb%u", config->unit);
    reset(f);
}
