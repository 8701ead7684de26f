/*
 * What ui.perfetto.dev shows: as the Trace Event Format (JSON), or as Perfetto's own if the file is
 * named so (trace/perfetto_json.c, perfetto_proto.c). Time is the machine's. The views are
 * processes, with rows:
 *
 * - CPUs: where each CPU is. A slice for each stay at a level, "WFI" while it waits, an instant for
 *   power.
 * - Worlds: a row for each VCPU of a VMID, and one for what runs on each CPU below EL2 without.
 *   Slices while it runs.
 * - Exits: a row for each CPU. A slice from an exit to the next entry, named by its reason.
 * - Interrupts: a row for each CPU. From acknowledge to deactivation of each INTID.
 * - Lines: pending interrupts, a row for each CPU that they are for.
 * - Devices: accesses to registers, and of devices to memory.
 */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "arch/psci.h"
#include "trace/format.h"
#include "trace/perfetto.h"

enum view { VIEW_CPUS = 1, VIEW_WORLDS, VIEW_EXITS, VIEW_INTERRUPTS, VIEW_LINES, VIEW_DEVICES };

static const char *const views[] = {
    [VIEW_CPUS] = "CPUs",   [VIEW_WORLDS] = "Worlds",
    [VIEW_EXITS] = "Exits", [VIEW_INTERRUPTS] = "Interrupts",
    [VIEW_LINES] = "Lines", [VIEW_DEVICES] = "Devices",
};

/* A row, and the slice that is open in it. */
struct row {
    enum view view;
    unsigned tid;
    bool open;
};

struct cpu_rows {
    struct row level, exit, world; /* world: what it runs; its tid changes */
    bool waits;
};

struct perfetto {
    const struct perfetto_writer *writer;
    struct perfetto_event event; /* the one being made */
    struct perfetto_out out;
    uint64_t ns;          /* of the last event */
    struct cpu_rows *cpu; /* by index */
    GHashTable *rows;     /* view and tid in one number: has its name been written? */
    GHashTable *spans;    /* open asynchronous ones, by view, CPU, INTID and kind */
    GPtrArray *worlds;    /* names; the tid is the index and 1 */
};

/* Arguments may follow, and then put(). @name: until then. */
static struct perfetto_event *begin(struct trace *t, enum perfetto_phase phase, const char *name,
                                    enum view view, unsigned tid)
{
    struct perfetto *p = t->self;

    p->event = (struct perfetto_event){
        .phase = phase, .name = name, .ns = p->ns, .view = view, .row = tid};
    return &p->event;
}

static void put(struct trace *t)
{
    struct perfetto *p = t->self;

    p->writer->event(&p->out, &p->event);
    trace_sink_put(&t->sink, t->text);
}

static struct perfetto_argument *argument(struct trace *t, const char *key)
{
    struct perfetto *p = t->self;
    struct perfetto_argument *a = &p->event.argument[p->event.argument_count++];

    *a = (struct perfetto_argument){.key = key};
    return a;
}

static void number(struct trace *t, const char *key, uint64_t value)
{
    argument(t, key)->number = value;
}

static void hex(struct trace *t, const char *key, uint64_t value)
{
    struct perfetto_argument *a = argument(t, key);

    g_snprintf(a->text, sizeof(a->text), "%#" PRIx64, value);
}

/* ---- rows ---- */

static void name_it(struct trace *t, enum perfetto_phase what, const char *name, enum view view,
                    unsigned tid)
{
    begin(t, what, name, view, tid);
    put(t);
}

/* The row gets its name, and its view's, when something first stands in it. */
static void name_row(struct trace *t, enum view view, unsigned tid, const char *name)
{
    struct perfetto *p = t->self;

    if (g_hash_table_add(p->rows, GUINT_TO_POINTER((unsigned)view << 16)))
        name_it(t, PERFETTO_VIEW, views[view], view, 0);
    if (g_hash_table_add(p->rows, GUINT_TO_POINTER((unsigned)view << 16 | tid)))
        name_it(t, PERFETTO_ROW, name, view, tid);
}

static void name_cpu_row(struct trace *t, enum view view, unsigned cpu)
{
    char name[16];

    g_snprintf(name, sizeof(name), "cpu%u", cpu);
    name_row(t, view, cpu + 1, name);
}

static void close_slice(struct trace *t, struct row *row)
{
    if (!row->open)
        return;
    begin(t, PERFETTO_CLOSE, NULL, row->view, row->tid);
    put(t);
    row->open = false;
}

/* Arguments may follow, and then put(). */
static void open_slice(struct trace *t, struct row *row, const char *name)
{
    close_slice(t, row);
    begin(t, PERFETTO_OPEN, name, row->view, row->tid);
    row->open = true;
}

/* ---- CPUs and worlds ---- */

static void stay(struct trace *t, unsigned cpu, const char *name, uint64_t insns)
{
    struct perfetto *p = t->self;

    name_cpu_row(t, VIEW_CPUS, cpu);
    open_slice(t, &p->cpu[cpu].level, name);
    number(t, "instructions", insns);
    put(t);
}

static void go_on_at(struct trace *t, const struct arm_event *e, unsigned el)
{
    char name[32];

    trace_world(e, el, name, sizeof(name));
    stay(t, e->cpu, name, e->count);
}

/* Where the CPUs are that are on when the trace begins. */
static void first_stays(struct trace *t)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(t->m); cpu++) {
        struct arm_event e = {.cpu = (uint8_t)cpu, .el = trace_reg(t, cpu, "PSTATE") >> 2 & 3};
        if (arm_cpu_state(t->m, cpu) == ARM_CPU_OFF)
            continue;
        if (e.el < 2)
            trace_set_world(t, &e);
        e.count = arm_cpu_position(t->m, cpu).insns;
        go_on_at(t, &e, e.el);
    }
}

static void wait(struct trace *t, const struct arm_event *e)
{
    struct perfetto *p = t->self;

    name_cpu_row(t, VIEW_CPUS, e->cpu);
    open_slice(t, &p->cpu[e->cpu].level, e->wfx.wfe ? "WFE" : "WFI");
    hex(t, "pc", e->pc);
    put(t);
    p->cpu[e->cpu].waits = true;
}

/* "vmid 3 vcpu 0": VMPIDR_EL2 says which; its Aff0 and what else of it is not 0. */
static unsigned world_row(struct trace *t, const struct arm_event *e)
{
    struct perfetto *p = t->self;
    uint64_t affinity = e->world.vmpidr & MPIDR_AFFINITY;
    g_autofree char *name = (e->world.hcr & 1)
                                ? g_strdup_printf("vmid %u vcpu %" PRIx64, e->world.vmid, affinity)
                                : g_strdup_printf("host cpu%u", e->cpu);
    unsigned k = 0;

    while (k < p->worlds->len && strcmp(p->worlds->pdata[k], name) != 0)
        k++;
    if (k == p->worlds->len)
        g_ptr_array_add(p->worlds, g_strdup(name));
    name_row(t, VIEW_WORLDS, k + 1, name);
    return k + 1;
}

/* The reason of an exit: the syndrome's class, or the interrupt's kind. */
static void reason(const struct arm_event *e, char *buf, size_t size)
{
    static const char *const kinds[] = {"", "IRQ", "FIQ", "SError"};
    unsigned kind = e->world.vector >> 7 & 3;

    if (kind)
        g_snprintf(buf, size, "%s", kinds[kind]);
    else
        arm_text_esr(e->world.esr, buf, size);
}

static void world(struct trace *t, const struct arm_event *e)
{
    struct perfetto *p = t->self;
    struct cpu_rows *rows = &p->cpu[e->cpu];
    char text[160];

    close_slice(t, &rows->world);
    if (e->world.enter) {
        struct arm_event in = *e;
        in.guest = e->world.hcr & 1;
        in.vmid = e->world.vmid;
        go_on_at(t, &in, e->world.el);
        close_slice(t, &rows->exit);
        rows->world.tid = world_row(t, e);
        g_snprintf(text, sizeof(text), "on cpu%u", e->cpu);
        open_slice(t, &rows->world, text);
        hex(t, "target", e->world.target);
        put(t);
        return;
    }
    reason(e, text, sizeof(text));
    name_cpu_row(t, VIEW_EXITS, e->cpu);
    open_slice(t, &rows->exit, text);
    hex(t, "esr", e->world.esr);
    hex(t, "vttbr", e->world.vttbr);
    hex(t, "pc", e->pc);
    put(t);
}

static void power(struct trace *t, const struct arm_event *e)
{
    struct perfetto *p = t->self;
    g_autofree char *name = g_strdup_printf("power %s", arm_event_word("POWER", e->power.state));

    name_cpu_row(t, VIEW_CPUS, e->cpu);
    if (e->power.state != ARM_POWER_ON)
        close_slice(t, &p->cpu[e->cpu].level);
    begin(t, PERFETTO_INSTANT, name, VIEW_CPUS, e->cpu + 1);
    put(t);
}

/* ---- interrupts and devices ---- */

/* "INTID 33 (SPI 1)": its kind and number among those. */
static char *interrupt_name(const struct arm_event *e)
{
    static const struct {
        unsigned end, first;
        const char *kind;
    } kinds[] = {{16, 0, "SGI"},
                 {32, 16, "PPI"},
                 {1020, 32, "SPI"},
                 {8192, 1020, "special"},
                 {UINT_MAX, 8192, "LPI"}};
    unsigned k = 0;

    while (e->irq.intid >= kinds[k].end && kinds[k].end != UINT_MAX)
        k++;
    return g_strdup_printf("%sINTID %u (%s %u)", e->irq.virt ? "virtual " : "", e->irq.intid,
                           kinds[k].kind, e->irq.intid - kinds[k].first);
}

/* Spans of one row may overlap: an id each. */
static void span(struct trace *t, const struct arm_event *e, enum view view, bool opens)
{
    struct perfetto *p = t->self;
    g_autofree char *id = g_strdup_printf("%u.%u.%u.%u", view, e->cpu, e->irq.intid, e->irq.virt);
    g_autofree char *name = interrupt_name(e);
    unsigned tid = e->cpu == ARM_NO_CPU ? 0 : e->cpu + 1;

    if (opens == g_hash_table_contains(p->spans, id))
        return;
    if (e->cpu == ARM_NO_CPU)
        name_row(t, view, 0, "no CPU");
    else
        name_cpu_row(t, view, e->cpu);
    struct perfetto_event *event =
        begin(t, opens ? PERFETTO_SPAN : PERFETTO_SPAN_END, name, view, tid);
    event->category = view == VIEW_LINES ? "pending" : "active";
    event->id = id;
    put(t);
    if (opens)
        g_hash_table_add(p->spans, g_steal_pointer(&id));
    else
        g_hash_table_remove(p->spans, id);
}

/* Those that are open when the run ends, in an order of their own. */
static void close_spans(struct trace *t)
{
    struct perfetto *p = t->self;
    g_autoptr(GList) ids = g_list_sort(g_hash_table_get_keys(p->spans), (GCompareFunc)strcmp);
    unsigned view, cpu, intid, virt;

    for (GList *l = ids; l; l = l->next)
        if (sscanf(l->data, "%u.%u.%u.%u", &view, &cpu, &intid, &virt) == 4)
            span(t,
                 &(struct arm_event){.cpu = (uint8_t)cpu,
                                     .irq = {.intid = intid, .virt = virt != 0}},
                 view, false);
}

static void irq(struct trace *t, const struct arm_event *e)
{
    switch (e->irq.change) {
    case ARM_IRQ_HIGH:
    case ARM_IRQ_LOW:
        span(t, e, VIEW_LINES, e->irq.change == ARM_IRQ_HIGH);
        break;
    case ARM_IRQ_ACKNOWLEDGED:
    case ARM_IRQ_ACTIVATED:
    case ARM_IRQ_DEACTIVATED:
        span(t, e, VIEW_INTERRUPTS, e->irq.change != ARM_IRQ_DEACTIVATED);
        break;
    default:
        break;
    }
}

static void device(struct trace *t, const struct arm_event *e)
{
    bool dma = e->kind == ARM_EVENT_DMA, write = dma ? e->dma.write : e->mmio.write;
    const char *row = dma ? arm_event_word("DMA", e->dma.device) : "registers";
    unsigned tid = dma ? 2 + e->dma.device : 1;
    g_autofree char *name =
        g_strdup_printf("%s %s", dma ? "DMA" : "MMIO", write ? "write" : "read");

    name_row(t, VIEW_DEVICES, tid, row ? row : "device");
    begin(t, PERFETTO_INSTANT, name, VIEW_DEVICES, tid);
    hex(t, "pa", dma ? e->dma.pa : e->mmio.pa);
    number(t, "bytes", dma ? e->dma.size : e->mmio.size);
    if (dma)
        number(t, "unit", e->dma.unit);
    else
        hex(t, "value", e->mmio.value);
    put(t);
}

/* ---- all of it ---- */

void trace_perfetto_begin(struct trace *t)
{
    struct perfetto *p = g_new0(struct perfetto, 1);
    unsigned count = arm_cpu_count(t->m);

    t->self = p;
    p->writer = perfetto_writer(t->spec.file);
    p->out.text = t->text;
    p->cpu = g_new0(struct cpu_rows, count);
    for (unsigned k = 0; k < count; k++)
        p->cpu[k] = (struct cpu_rows){.level = {VIEW_CPUS, k + 1, false},
                                      .exit = {VIEW_EXITS, k + 1, false},
                                      .world = {VIEW_WORLDS, 0, false}};
    p->rows = g_hash_table_new(g_direct_hash, g_direct_equal);
    p->spans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->worlds = g_ptr_array_new_with_free_func(g_free);
    p->writer->begin(&p->out);
    p->ns = arm_time_ns(t->m);
    first_stays(t);
}

void trace_perfetto_event(struct trace *t, const struct arm_event *e)
{
    struct perfetto *p = t->self;

    p->ns = MAX(p->ns, arm_time_ns(t->m));
    if (e->cpu != ARM_NO_CPU && e->kind != ARM_EVENT_IRQ && p->cpu[e->cpu].waits) {
        p->cpu[e->cpu].waits = false;
        if (e->kind != ARM_EVENT_EXCEPTION)
            go_on_at(t, e, e->el);
    }
    switch (e->kind) {
    case ARM_EVENT_EXCEPTION:
        go_on_at(t, e, e->exception.target_el);
        break;
    case ARM_EVENT_ERET:
        /* Of one from EL2 to a world WORLD says which. */
        if (e->el < 2 || e->eret.target_el == 2 || (trace_reg(t, e->cpu, "HCR_EL2") >> 27 & 1))
            go_on_at(t, e, e->eret.target_el);
        break;
    case ARM_EVENT_WORLD:
        world(t, e);
        break;
    case ARM_EVENT_WFX:
        wait(t, e);
        break;
    case ARM_EVENT_POWER:
        power(t, e);
        break;
    case ARM_EVENT_IRQ:
        irq(t, e);
        break;
    default:
        device(t, e);
        break;
    }
}

void trace_perfetto_end(struct trace *t)
{
    struct perfetto *p = t->self;

    p->ns = MAX(p->ns, arm_time_ns(t->m));
    for (unsigned k = 0; k < arm_cpu_count(t->m); k++) {
        close_slice(t, &p->cpu[k].level);
        close_slice(t, &p->cpu[k].exit);
        close_slice(t, &p->cpu[k].world);
    }
    close_spans(t);
    p->writer->end(&p->out);
    trace_sink_put(&t->sink, t->text);
    g_hash_table_unref(p->rows);
    g_hash_table_unref(p->spans);
    g_ptr_array_unref(p->worlds);
    g_free(p->cpu);
    g_free(p);
}
