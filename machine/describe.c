/* State for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/machine.h"

static void describe_gic(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    gic_describe(m->gic, line, ctx);
}

static void describe_bank(const struct cpu *cpu, unsigned b, arm_line_fn *line, void *ctx)
{
    const struct tlb_bank *bank = &cpu->tlb->banks[b];
    unsigned r = 0, w = 0;
    char text[160];

    for (unsigned k = 0; k < TLB_L1_SIZE; k++) {
        r += bank->r[k].tag != TLB_L1_EMPTY;
        w += bank->w[k].tag != TLB_L1_EMPTY;
    }
    snprintf(text, sizeof(text),
             "  bank %2u: context %u VMID %u ASID %u %s: %u pages to read, %u to write%s", b,
             bank->key.config, bank->key.vmid, bank->key.asid,
             bank->key.priv ? "privileged" : "unprivileged", r, w,
             bank == cpu->bank ? " (in use)" : "");
    line(ctx, text);
}

static void describe_tlb(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    char text[160];

    for (unsigned k = 0; k < m->cpu_count; k++) {
        const struct cpu *cpu = m->cpus[k];
        snprintf(text, sizeof(text), "cpu%u: %" PRIu64 " L2 hits, %u contexts", cpu->index,
                 cpu->tlb->l2_hits, cpu->tlb->config_count);
        line(ctx, text);
        for (unsigned b = 0; b < TLB_BANKS; b++)
            if (cpu->tlb->banks[b].serial)
                describe_bank(cpu, b, line, ctx);
    }
}

static void describe_virtio(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    virt_describe_virtio(&m->board, line, ctx);
}

static void describe_pci(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    virt_describe_pci(&m->board, line, ctx);
}

static void describe_disks(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    virt_describe_disks(&m->board, line, ctx);
}

static const struct {
    const char *part;
    void (*describe)(struct arm_machine *m, arm_line_fn *line, void *ctx);
} parts[] = {{"gic", describe_gic},
             {"tlb", describe_tlb},
             {"virtio", describe_virtio},
             {"pci", describe_pci},
             {"disks", describe_disks}};

bool arm_describe(struct arm_machine *m, const char *part, arm_line_fn *line, void *ctx)
{
    for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
        if (!strcmp(part, parts[k].part)) {
            parts[k].describe(m, line, ctx);
            return true;
        }
    return false;
}
