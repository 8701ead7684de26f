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

/* A range of physical addresses, as QEMU's monitor has them. */
static void describe_range(uint64_t base, uint64_t size, bool secure, const char *what,
                           arm_line_fn *line, void *ctx)
{
    char text[160];

    snprintf(text, sizeof(text), "%016" PRIx64 "-%016" PRIx64 " %s%s", base, base + (size - 1),
             what, secure ? " (Secure)" : "");
    line(ctx, text);
}

/* RAM and ROM, and the windows of devices, by address. What is on PCI is in its host bridge's. */
static void describe_memory(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    const struct physmem *mem = &m->mem;
    uint64_t from = 0;

    for (;;) {
        const struct ram_bank *bank = NULL;
        const struct device_window *window = NULL;
        for (unsigned k = 0; k < mem->bank_count; k++)
            if (mem->banks[k].base >= from && (!bank || mem->banks[k].base < bank->base))
                bank = &mem->banks[k];
        for (unsigned k = 0; k < mem->window_count; k++)
            if (mem->windows[k].base >= from && (!window || mem->windows[k].base < window->base))
                window = &mem->windows[k];
        if (!bank && !window)
            return;
        if (bank && (!window || bank->base <= window->base)) {
            describe_range(bank->base, bank->size, bank->secure, bank->readonly ? "ROM" : "RAM",
                           line, ctx);
            from = bank->base + 1;
        } else {
            describe_range(window->base, window->size, window->secure, window->dev->ops->name, line,
                           ctx);
            from = window->base + 1;
        }
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

static void describe_usb(struct arm_machine *m, arm_line_fn *line, void *ctx)
{
    virt_describe_usb(&m->board, line, ctx);
}

static const struct {
    const char *part;
    void (*describe)(struct arm_machine *m, arm_line_fn *line, void *ctx);
} parts[] = {{"gic", describe_gic},      {"tlb", describe_tlb},     {"virtio", describe_virtio},
             {"pci", describe_pci},      {"disks", describe_disks}, {"usb", describe_usb},
             {"memory", describe_memory}};

bool arm_describe(struct arm_machine *m, const char *part, arm_line_fn *line, void *ctx)
{
    for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
        if (!strcmp(part, parts[k].part)) {
            parts[k].describe(m, line, ctx);
            return true;
        }
    return false;
}
