#include "cpu/timer.h"

#include "cpu/accessors.h"
#include "cpu/parallel.h"
#include "cpu/world.h"

#define CTL_ENABLE  BIT(0)
#define CTL_IMASK   BIT(1)
#define CTL_ISTATUS BIT(2)

/* One row a timer: its registers, the offset of the counter it compares with, and its name among
 * the events of the clock. */
static const struct {
    enum sysreg ctl, cval, tval, offset;
    const char *name;
} timers[TIMER_COUNT] = {
    [TIMER_P] = {SR_CNTP_CTL_EL0, SR_CNTP_CVAL_EL0, SR_CNTP_TVAL_EL0, SR_CNTPOFF_EL2, "p"},
    [TIMER_V] = {SR_CNTV_CTL_EL0, SR_CNTV_CVAL_EL0, SR_CNTV_TVAL_EL0, SR_CNTVOFF_EL2, "v"},
    [TIMER_HP] = {SR_CNTHP_CTL_EL2, SR_CNTHP_CVAL_EL2, SR_CNTHP_TVAL_EL2, SR_NONE, "hp"},
    [TIMER_S] = {SR_CNTPS_CTL_EL1, SR_CNTPS_CVAL_EL1, SR_CNTPS_TVAL_EL1, SR_NONE, "s"},
    [TIMER_HV] = {SR_CNTHV_CTL_EL2, SR_CNTHV_CVAL_EL2, SR_CNTHV_TVAL_EL2, SR_NONE, "hv"},
};

static uint64_t physical_count(const struct cpu *cpu)
{
    return clock_now_ns(cpu->clock) / TIMER_NS_PER_TICK;
}

/* CNTPOFF_EL2 applies to EL1&0 only, and only with CNTHCTL_EL2.ECV and no E2H && TGE. */
static uint64_t physical_offset(const struct cpu *cpu)
{
    if (!cpu->has_el2 || !cpu_has(cpu, FEAT_ECV) || !SCR_EL3_ECVEn(cpu_scr(cpu)) ||
        !(cpu->sr[SR_CNTHCTL_EL2] & FIELD_MASK(CNTHCTL_EL2_ECV)) || cpu_host_regime(cpu))
        return 0;
    return cpu->sr[SR_CNTPOFF_EL2];
}

static uint64_t timer_offset(const struct cpu *cpu, enum cpu_timer t)
{
    if (timers[t].offset == SR_CNTPOFF_EL2)
        return physical_offset(cpu);
    return timers[t].offset == SR_NONE || !cpu->has_el2 ? 0 : cpu->sr[timers[t].offset];
}

/* What a read of CNTPCT_EL0 or CNTVCT_EL0 at @el takes off the count. */
static inline uint64_t offset_seen(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    bool is_virtual = sr == SR_CNTVCT_EL0 || sr == SR_CNTVCTSS_EL0;
    bool at_el2 = el == 2, host_el0 = el == 0 && cpu_host_regime(cpu);

    if (is_virtual && cpu->has_el2 && !(at_el2 && cpu_e2h(cpu)) && !host_el0)
        return cpu->sr[SR_CNTVOFF_EL2];
    return !is_virtual && el < 2 ? physical_offset(cpu) : 0;
}

/* The Secure timer, the last one, comes with EL3. */
static unsigned timer_count(const struct cpu *cpu)
{
    return cpu_has_el3(cpu) ? TIMER_COUNT : TIMER_S;
}

static enum cpu_timer timer_of(enum sysreg sr)
{
    for (unsigned t = 0; t < TIMER_COUNT; t++)
        if (sr == timers[t].ctl || sr == timers[t].cval || sr == timers[t].tval)
            return (enum cpu_timer)t;
    CHECK(!"not a timer register");
}

/* Counts left from @count, the physical one, until the compare value of @t; 0: it is reached. */
static uint64_t count_left(const struct cpu *cpu, enum cpu_timer t, uint64_t count)
{
    uint64_t now = count - timer_offset(cpu, t), cval = cpu->sr[timers[t].cval];

    return now < cval ? cval - now : 0;
}

static bool condition_met(const struct cpu *cpu, enum cpu_timer t)
{
    return count_left(cpu, t, physical_count(cpu)) == 0;
}

/* Virtual time at which there are @left counts more than @count. */
static uint64_t deadline_ns(uint64_t count, uint64_t left)
{
    return left > UINT64_MAX / TIMER_NS_PER_TICK - count ? CLOCK_NEVER
                                                         : (count + left) * TIMER_NS_PER_TICK;
}

/* The clock is looked at once: with CPUs that run at the same time it moves meanwhile. */
static void update(struct cpu *cpu, enum cpu_timer t)
{
    uint64_t ctl = cpu->sr[timers[t].ctl], count = physical_count(cpu);
    uint64_t left = count_left(cpu, t, count);
    bool enabled = ctl & CTL_ENABLE, level = enabled && !left && !(ctl & CTL_IMASK);

    if (level != bit(cpu->timer_level, t)) {
        cpu->timer_level ^= 1u << t;
        irq_set(&cpu->timer_line[t], level);
    }
    clock_event_set(cpu->clock, &cpu->timer_event[t],
                    enabled && left ? deadline_ns(count, left) : CLOCK_NEVER);
}

void cpu_timers_changed(struct cpu *cpu)
{
    for (unsigned t = 0; t < timer_count(cpu); t++)
        update(cpu, (enum cpu_timer)t);
}

static void expired(void *ctx, uint64_t now_ns)
{
    struct cpu *cpu = ctx;

    (void)now_ns;
    if (!cpu_asked(cpu, CPU_ASK_TIMERS))
        cpu_timers_changed(cpu);
}

void cpu_timers_create(struct cpu *cpu)
{
    for (unsigned t = 0; t < TIMER_COUNT; t++)
        cpu->timer_event[t].deadline_ns = CLOCK_NEVER;
    for (unsigned t = 0; t < timer_count(cpu); t++) {
        cpu->timer_event[t] = (struct clock_event){.fn = expired, .ctx = cpu};
        clock_event_add(cpu->clock, &cpu->timer_event[t], "cpu%u.timer.%s", cpu->index,
                        timers[t].name);
    }
}

uint64_t sr_read_CNT_COUNT(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    return physical_count(cpu) - offset_seen(cpu, sr, el);
}

uint64_t cpu_counter_running(const struct cpu *cpu, enum sysreg sr)
{
    uint64_t now = cpu->clock->now_ns + cpu_retired(cpu) - cpu->slice_start;

    return now / TIMER_NS_PER_TICK - offset_seen(cpu, sr, cpu->ps.el);
}

uint64_t sr_read_CNT_CTL(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    enum cpu_timer t = timer_of(sr);
    uint64_t ctl = cpu->sr[timers[t].ctl] & (CTL_ENABLE | CTL_IMASK);

    if ((ctl & CTL_ENABLE) && condition_met(cpu, t))
        ctl |= CTL_ISTATUS;
    (void)el;
    return ctl;
}

void sr_write_CNT_CTL(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    enum cpu_timer t = timer_of(sr);

    cpu->sr[timers[t].ctl] = value & (CTL_ENABLE | CTL_IMASK);
    update(cpu, t);
}

uint64_t sr_read_CNT_CVAL(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)el;
    return cpu->sr[timers[timer_of(sr)].cval];
}

void sr_write_CNT_CVAL(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    enum cpu_timer t = timer_of(sr);

    cpu->sr[timers[t].cval] = value;
    update(cpu, t);
}

/* TimerValue is CompareValue less the counter the timer compares with, 32 bits, signed. */
uint64_t sr_read_CNT_TVAL(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    enum cpu_timer t = timer_of(sr);
    uint64_t count = physical_count(cpu) - timer_offset(cpu, t);

    (void)el;
    return (uint32_t)(cpu->sr[timers[t].cval] - count);
}

void sr_write_CNT_TVAL(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    enum cpu_timer t = timer_of(sr);
    uint64_t count = physical_count(cpu) - timer_offset(cpu, t);

    cpu->sr[timers[t].cval] = count + sext(value, 32);
    update(cpu, t);
}

/*
 * The event streams. CNTKCTL_EL1 makes one of the virtual counter, CNTHCTL_EL2 one of the physical
 * counter, by the same fields: an event whenever the bit that EVNTI (and EVNTIS) chooses goes from
 * 0 to 1, or with EVNTDIR from 1 to 0.
 */
static const enum sysreg stream_control[] = {SR_CNTKCTL_EL1, SR_CNTHCTL_EL2};

/* The control of stream @k, 0 if it is off. CNTKCTL_EL1 makes none with
 * HCR_EL2.{E2H,TGE} == {1,1}. */
static uint64_t stream_on(const struct cpu *cpu, unsigned k)
{
    uint64_t ctl = cpu->sr[stream_control[k]];

    if (stream_control[k] == SR_CNTKCTL_EL1 && cpu_host_regime(cpu))
        return 0;
    return CNTKCTL_EL1_EVNTEN(ctl) ? ctl : 0;
}

/* Events are 1 << period_log2 ticks apart, twice the weight of the bit. */
static unsigned stream_period_log2(uint64_t ctl)
{
    return (unsigned)CNTKCTL_EL1_EVNTI(ctl) + (CNTKCTL_EL1_EVNTIS(ctl) ? 8 : 0) + 1;
}

/* Physical count at one of the events, the earliest or before it. */
static uint64_t stream_origin(const struct cpu *cpu, unsigned k, uint64_t ctl)
{
    uint64_t offset =
        stream_control[k] == SR_CNTKCTL_EL1 && cpu->has_el2 ? cpu->sr[SR_CNTVOFF_EL2] : 0;

    return offset + (CNTKCTL_EL1_EVNTDIR(ctl) ? 0 : BIT(stream_period_log2(ctl) - 1));
}

bool cpu_event_stream_ticked(struct cpu *cpu)
{
    uint64_t seen = cpu->stream_seen, now = physical_count(cpu);
    bool ticked = false;

    cpu->stream_seen = now;
    for (unsigned k = 0; k < ARRAY_SIZE(stream_control); k++) {
        uint64_t ctl = stream_on(cpu, k);
        uint64_t origin = stream_origin(cpu, k, ctl);
        if (ctl)
            ticked |= (seen - origin) >> stream_period_log2(ctl) !=
                      (now - origin) >> stream_period_log2(ctl);
    }
    return ticked;
}

uint64_t cpu_event_stream_next_ns(const struct cpu *cpu)
{
    uint64_t now = physical_count(cpu), next = CLOCK_NEVER;

    for (unsigned k = 0; k < ARRAY_SIZE(stream_control); k++) {
        uint64_t ctl = stream_on(cpu, k);
        uint64_t period = BIT(stream_period_log2(ctl));
        uint64_t left = period - ((now - stream_origin(cpu, k, ctl)) & (period - 1));
        if (ctl && (now + left) * TIMER_NS_PER_TICK < next)
            next = (now + left) * TIMER_NS_PER_TICK;
    }
    return next;
}

/* What the stream has ticked so far counts as before. */
void sr_write_CNT_STREAM(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    cpu->event |= cpu_event_stream_ticked(cpu);
    cpu->sr[sr] = value;
}
