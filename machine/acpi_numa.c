/* The tables of NUMA nodes. */
#include "machine/acpi.h"
#include "machine/acpi_bytes.h"

#define ENABLED 1

/* ---- SRAT, 5.2.16 ---- */

enum { SRAT_MEMORY = 1, SRAT_GICC = 3 };

static void put_gicc(GByteArray *to, unsigned node, unsigned cpu)
{
    put_le(to, 1, SRAT_GICC);
    put_le(to, 1, 18);
    put_le(to, 4, node);
    put_le(to, 4, cpu);
    put_le(to, 4, ENABLED);
    put_le(to, 4, 0);
}

static void put_memory(GByteArray *to, unsigned node, uint64_t base, uint64_t size)
{
    put_le(to, 1, SRAT_MEMORY);
    put_le(to, 1, 40);
    put_le(to, 4, node);
    put_zeros(to, 2);
    put_le(to, 8, base);
    put_le(to, 8, size);
    put_zeros(to, 4);
    put_le(to, 4, ENABLED);
    put_zeros(to, 8);
}

void acpi_srat(struct acpi *a, const struct virt_config *cfg)
{
    uint64_t base = virt_memmap[VIRT_RAM].base;
    guint start;

    if (!cfg->node_count)
        return;
    start = acpi_begin(a, "SRAT", 3);
    put_le(a->tables, 4, 1);
    put_zeros(a->tables, 8);
    for (unsigned cpu = 0; cpu < cfg->cpu_count; cpu++)
        put_gicc(a->tables, virt_node_of(cfg, cpu), cpu);
    for (unsigned n = 0; n < cfg->node_count; base += cfg->nodes[n++].memory)
        if (cfg->nodes[n].memory)
            put_memory(a->tables, n, base, cfg->nodes[n].memory);
    acpi_end(a, start);
}

/* ---- SLIT, 5.2.17 ---- */

void acpi_slit(struct acpi *a, const struct virt_config *cfg)
{
    guint start;

    if (!cfg->distances[0])
        return;
    start = acpi_begin(a, "SLIT", 1);
    put_le(a->tables, 8, cfg->node_count);
    g_byte_array_append(a->tables, cfg->distances, cfg->node_count * cfg->node_count);
    acpi_end(a, start);
}
