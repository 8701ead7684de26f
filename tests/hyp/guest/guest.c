#include "guest.h"

#include "hyp/fdt.h"

unsigned cpu_count, spare_count;
uint64_t rounds = 100;
void (*volatile on_irq[CPUS_MAX])(uint32_t intid);
void (*volatile on_sync[CPUS_MAX])(struct frame *f);
bool gic_deactivates[CPUS_MAX];

static const struct program *program;
static uint64_t failures, arrived, generation;
static bool eoi_split[CPUS_MAX];

extern char secondary_start[];

unsigned cpu_index(void)
{
    return mrs(mpidr_el1) & 0xff;
}

/* Interrupts of one virtual CPU may print while another does: lines may mix, and nothing else. */
void print(const char *text, ...)
{
    char line[200];
    va_list args;

    va_start(args, text);
    vformat(line, sizeof(line), text, args);
    va_end(args);
    for (char *c = line; *c; c++)
        write32(0x09000000, (uint8_t)*c);
}

void failed(bool *said, int where, const char *text, ...)
{
    char line[160];
    va_list args;

    __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(said, true, __ATOMIC_SEQ_CST))
        return;
    va_start(args, text);
    vformat(line, sizeof(line), text, args);
    va_end(args);
    print("%s:%d: cpu %u: %s\n", program ? program->name : "?", where, cpu_index(), line);
}

void barrier(void)
{
    uint64_t g = __atomic_load_n(&generation, __ATOMIC_SEQ_CST);

    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == cpu_count) {
        __atomic_store_n(&arrived, 0, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
        insn("dsb ish\n\tsev");
    } else {
        while (__atomic_load_n(&generation, __ATOMIC_SEQ_CST) == g)
            insn("wfe");
    }
}

void exception(unsigned kind, struct frame *f);
void exception(unsigned kind, struct frame *f)
{
    unsigned cpu = cpu_index();

    if (kind == 1) {
        uint32_t intid = (uint32_t)mrs(s3_0_c12_c12_0); /* ICC_IAR1_EL1 */

        if (intid == 1023)
            return;
        if (on_irq[cpu])
            on_irq[cpu](intid);
        else
            check(false, "interrupt %u", intid);
        msr(s3_0_c12_c12_1, intid);
        if (eoi_split[cpu] && gic_deactivates[cpu])
            msr(s3_0_c12_c11_1, intid);
    } else if (kind == 0 && on_sync[cpu]) {
        on_sync[cpu](f);
    } else {
        check(false, "exception %u: ESR 0x%lx ELR 0x%lx FAR 0x%lx", kind,
              (unsigned long)mrs(esr_el1), (unsigned long)f->elr, (unsigned long)mrs(far_el1));
        call(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
}

void gic_init(void)
{
    write32(GICD, 0x12);
    for (unsigned k = 32; k < 128; k += 32) {
        write32(GICD + 0x80 + k / 8, ~0u);
        write32(GICD + 0x180 + k / 8, ~0u);
    }
}

void gic_init_cpu(void)
{
    uint64_t sgi_frame = GICR + 0x20000 * cpu_index() + 0x10000;

    write32(sgi_frame + 0x80, ~0u);
    write32(sgi_frame + 0x180, ~0u);
    msr(s3_0_c12_c12_5, 7);
    msr(s3_0_c4_c6_0, 0xf8); /* ICC_PMR_EL1 */
    msr(s3_0_c12_c12_3, 0);  /* ICC_BPR1_EL1: every priority preempts */
    msr(s3_0_c12_c12_7, 1);
    gic_eoi_mode(false);
    gic_deactivates[cpu_index()] = true;
}

void gic_eoi_mode(bool split)
{
    eoi_split[cpu_index()] = split;
    msr(s3_0_c12_c12_4, split ? 2 : 0);
}

static uint64_t frame_of(uint32_t intid)
{
    return intid < 32 ? GICR + 0x20000 * cpu_index() + 0x10000 : GICD;
}

void gic_enable(uint32_t intid, uint8_t priority, bool edge)
{
    uint64_t base = frame_of(intid);

    *(volatile uint8_t *)(base + 0x400 + intid) = priority;
    if (intid >= 16) {
        uint32_t config = read32(base + 0xc00 + intid / 16 * 4) & ~(3u << intid % 16 * 2);
        write32(base + 0xc00 + intid / 16 * 4, config | (edge ? 2u << intid % 16 * 2 : 0));
    }
    write32(base + 0x100 + intid / 32 * 4, 1u << intid % 32);
}

void gic_disable(uint32_t intid)
{
    write32(frame_of(intid) + 0x180 + intid / 32 * 4, 1u << intid % 32);
}

void gic_set_pending(uint32_t intid)
{
    write32(frame_of(intid) + 0x200 + intid / 32 * 4, 1u << intid % 32);
}

bool gic_is_pending(uint32_t intid)
{
    return read32(frame_of(intid) + 0x200 + intid / 32 * 4) >> intid % 32 & 1;
}

void gic_route(uint32_t intid, unsigned cpu)
{
    write64(GICD + 0x6000 + 8 * intid, cpu);
}

void sgi(uint32_t intid, uint64_t cpu_mask)
{
    insn("dsb ishst");
    msr(s3_0_c12_c11_5, (uint64_t)intid << 24 | cpu_mask);
}

static void run(unsigned cpu)
{
    gic_init_cpu();
    barrier();
    program->run(cpu);
    barrier();
}

void secondary_main(void);
void secondary_main(void)
{
    run(cpu_index());
    call(PSCI_CPU_OFF, 0, 0, 0);
}

/* "name=word" in the command line. */
static const char *argument(const char *args, const char *name, size_t *n)
{
    size_t length = strlen(name);

    for (const char *at = args; *at; at++)
        if (!strncmp(at, name, length) && at[length] == '=' && (at == args || at[-1] == ' ')) {
            at += length + 1;
            for (*n = 0; at[*n] && at[*n] != ' ';)
                ++*n;
            return at;
        }
    return NULL;
}

static void choose(const char *args)
{
    size_t n;
    const char *word = argument(args, "program", &n);

    for (const struct program *p = programs; word && p->name; p++)
        if (strlen(p->name) == n && !strncmp(p->name, word, n))
            program = p;
    word = argument(args, "rounds", &n);
    if (word)
        rounds = parse_number(word, NULL);
}

void boot_main(const void *tree);
void boot_main(const void *tree)
{
    struct fdt f;
    int cpus;

    if (!fdt_open(&f, tree, UINT32_MAX))
        return;
    cpus = fdt_find(&f, "/cpus");
    for (int node = fdt_child(&f, cpus); node >= 0; node = fdt_sibling(&f, node))
        cpu_count++;
    const char *args = fdt_string(&f, fdt_find(&f, "/chosen"), "bootargs");
    choose(args ? args : "");
    if (!program) {
        print("no such program: %s\n", args ? args : "no arguments");
        call(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
    if (program->spares && cpu_count > 1) {
        cpu_count--;
        spare_count = 1;
    }
    gic_init();
    for (unsigned k = 1; k < cpu_count; k++)
        check(!call(PSCI_CPU_ON_64, k, (uint64_t)(uintptr_t)secondary_start, k), "CPU_ON of %u", k);
    run(0);
    if (failures)
        print("%s: %lu failures\n", program->name, (unsigned long)failures);
    else
        print("%s: ok\n", program->name);
    call(PSCI_SYSTEM_OFF, 0, 0, 0);
}
