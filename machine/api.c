/* The C API of a machine that exists: its input, time, memory and events. Creating it is machine.c,
 * running it run.c, its registers inspect.c. */
#include "base/le.h"
#include "cpu/context.h"
#include "machine/machine.h"
#include "machine/sized.h"

int arm_exit_code(const struct arm_machine *m)
{
    return m->exit_code;
}

/* While a log is replayed, input comes from there only. */
static size_t live_input(struct arm_machine *m, int device, int port, const uint8_t *data,
                         size_t size)
{
    size_t taken = m->input.replays ? 0 : input_deliver(m, device, port, data, size);

    input_record(m, device, port, data, taken);
    return taken;
}

size_t arm_console_input(struct arm_machine *m, const uint8_t *data, size_t size)
{
    size_t taken = live_input(m, -1, INPUT_UART, data, size);

    m->input_waits = taken < size && !m->input.replays;
    return taken;
}

bool arm_console_end(struct arm_machine *m)
{
    if (m->input.replays || m->semi.input_ended)
        return false;
    input_record_eof(m);
    return semihosting_end_input(m);
}

size_t arm_port_input(struct arm_machine *m, unsigned device, unsigned port, const uint8_t *data,
                      size_t size)
{
    return device < ARM_DEVICES_MAX && port < ARM_PORTS_MAX
               ? live_input(m, (int)device, (int)port, data, size)
               : 0;
}

bool arm_input(struct arm_machine *m, const struct arm_input_event *events, unsigned count)
{
    uint8_t bytes[ARM_INPUT_EVENTS_MAX * HOST_INPUT_EVENT_BYTES];

    if (count == 0 || count > ARM_INPUT_EVENTS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *at = bytes + (size_t)i * HOST_INPUT_EVENT_BYTES;
        le_put(at, 2, events[i].type);
        le_put(at + 2, 2, events[i].code);
        le_put(at + 4, 4, (uint32_t)events[i].value);
    }
    return live_input(m, -1, INPUT_HID, bytes, (size_t)count * HOST_INPUT_EVENT_BYTES) > 0;
}

uint64_t arm_retired(const struct arm_machine *m)
{
    return m->retired + (m->current ? cpu_retired(m->current) - m->current->slice_start : 0);
}

struct arm_position arm_cpu_position(const struct arm_machine *m, unsigned cpu)
{
    if (cpu >= m->cpu_count)
        return (struct arm_position){0};
    return (struct arm_position){cpu_retired(m->cpus[cpu]), m->cpus[cpu]->exceptions};
}

struct arm_position arm_machine_position(const struct arm_machine *m)
{
    struct arm_position p = {m->spent + arm_retired(m) - m->retired, 0};

    for (unsigned k = 0; k < m->cpu_count; k++)
        p.exceptions += m->cpus[k]->exceptions;
    return p;
}

uint64_t arm_time_ns(const struct arm_machine *m)
{
    return clock_now_ns(&m->clock);
}

const void *arm_device_tree(const struct arm_machine *m, size_t *size)
{
    *size = dt_size(&m->dt);
    return m->dt.blob;
}

bool arm_mem_read(struct arm_machine *m, uint64_t pa, void *buf, size_t size)
{
    return physmem_read(&m->mem, (pa_t){pa}, buf, size);
}

bool arm_mem_write(struct arm_machine *m, uint64_t pa, const void *buf, size_t size)
{
    return physmem_write(&m->mem, (pa_t){pa}, buf, size);
}

/* What is wanted decides how a CPU runs: observed memory has banks of its own. From within a
 * callback it counts from the running CPU's next instruction on. */
static void wishes_changed(struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        cpu_wishes_changed(m->cpus[k]);
    if (m->current)
        cpu_recheck(m->current);
}

int arm_subscribe(struct arm_machine *m, const struct arm_filter *filter, arm_event_fn *fn,
                  void *ctx)
{
    struct arm_filter known = {0};
    int handle;

    if (sized_copy(&known, sizeof(known), filter, "struct arm_filter", NULL) < 0)
        return 0;
    if (m->parallel || (known.lists && !machine_make_lists(m)))
        return 0;
    handle = probe_subscribe(&m->probes, &known, fn, ctx);
    wishes_changed(m);
    return handle;
}

bool arm_unsubscribe(struct arm_machine *m, int handle)
{
    bool found = probe_unsubscribe(&m->probes, handle);

    wishes_changed(m);
    return found;
}

const char *arm_version(void)
{
    return ARM_VERSION;
}

unsigned arm_cpu_count(const struct arm_machine *m)
{
    return m->cpu_count;
}

enum arm_cpu_state arm_cpu_state(const struct arm_machine *m, unsigned cpu)
{
    static const enum arm_cpu_state states[] = {
        [CPU_RUNNING] = ARM_CPU_RUNNING,
        [CPU_WFI] = ARM_CPU_WFI,
        [CPU_WFE] = ARM_CPU_WFE,
        [CPU_OFF] = ARM_CPU_OFF,
        [CPU_SUSPENDED] = ARM_CPU_SUSPENDED,
        [CPU_HALTED] = ARM_CPU_HALTED,
    };

    return cpu < m->cpu_count ? states[m->cpus[cpu]->power] : ARM_CPU_OFF;
}
