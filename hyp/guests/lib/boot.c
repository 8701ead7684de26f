#include "gic.h"
#include "mmu.h"
#include "platform.h"
#include "report.h"

void (*volatile irq_handler)(struct frame *f);
bool (*volatile sync_handler)(struct frame *f);

extern char _start[];
void boot(const void *tree);
void exception_entry(struct frame *f, unsigned offset);

void exception_entry(struct frame *f, unsigned offset)
{
    bool sync = (offset & 0x180) == 0, serror = (offset & 0x180) == 0x180;

    if (!sync && !serror && irq_handler)
        irq_handler(f);
    else if (!sync || !sync_handler || !sync_handler(f))
        report_fail("exception at vector %x: ESR %lx ELR image+%lx FAR %lx SPSR %lx", offset,
                    f->esr, f->elr - (uint64_t)_start, f->far, f->spsr);
}

void boot(const void *tree)
{
    if (!platform_read(tree))
        for (;;)
            insn("wfi");
    report_options();
    if (!guest.mmu_off) {
        mmu_make_tables();
        mmu_on();
    }
    require(FIELD(mrs(CurrentEL), 3, 2) == 1, "entered at EL%lu, expected 1",
            FIELD(mrs(CurrentEL), 3, 2));
    require(platform.cpus > 0, "the device tree names no CPU");
    gic_init();
    gic_init_cpu();
    guest.run();
}
