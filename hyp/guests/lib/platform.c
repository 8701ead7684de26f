#include "platform.h"

#include "fdt.h"

extern char __bss_end[];
struct platform platform;

/* The INTID of the interrupt @n of a node: type, number, flags (arm,gic-v3 binding). */
static unsigned intid(const struct fdt_node *node, unsigned n)
{
    if ((n + 1) * 12 > node->interrupts.size)
        return 0;
    return fdt_cell(&node->interrupts, 3 * n + 1) + (fdt_cell(&node->interrupts, 3 * n) ? 16 : 32);
}

static void visit_cpu(struct platform *p, const struct fdt_node *node)
{
    uint64_t size, mpidr, own = mrs(mpidr_el1) & UINT64_C(0xff00ffffff);

    if (p->cpus == MAX_CPUS || !fdt_reg(node, 0, &mpidr, &size))
        return;
    p->mpidr[p->cpus] = mpidr;
    if (mpidr == own) {
        p->mpidr[p->cpus] = p->mpidr[0];
        p->mpidr[0] = own;
    }
    p->cpus++;
}

static void visit_gic(struct platform *p, const struct fdt_node *node)
{
    uint64_t size;

    if (!fdt_reg(node, 0, &p->gicd, &size))
        return;
    for (unsigned n = 0; n < MAX_REGIONS; n++)
        if (!fdt_reg(node, n + 1, &p->gicr[n].base, &p->gicr[n].size))
            break;
}

/* Xen's for a domain is the part of a PL011 that SBSA's generic UART has, which is all we use. */
static bool is_uart(const struct fdt_node *node)
{
    return fdt_has(&node->compatible, "arm,pl011") || fdt_has(&node->compatible, "arm,sbsa-uart");
}

static void visit(const struct fdt_node *node, void *context)
{
    struct platform *p = context;
    uint64_t size;

    if (node->bootargs.data)
        p->bootargs = (const char *)node->bootargs.data;
    if (fdt_has(&node->device_type, "cpu"))
        visit_cpu(p, node);
    if (fdt_has(&node->device_type, "memory"))
        for (unsigned n = 0, used = 0; n < MAX_REGIONS; n++) {
            if (p->ram[n].size)
                continue;
            if (!fdt_reg(node, used++, &p->ram[n].base, &p->ram[n].size))
                break;
        }
    if (fdt_has(&node->method, "smc"))
        p->smc = true;
    if (fdt_has(&node->compatible, "arm,gic-v3"))
        visit_gic(p, node);
    if (fdt_has(&node->compatible, "arm,cortex-a15-gic") && fdt_reg(node, 0, &p->gicd, &size))
        fdt_reg(node, 1, &p->gicc, &size);
    if (fdt_has(&node->compatible, "arm,gic-v3-its"))
        fdt_reg(node, 0, &p->its, &size);
    if (is_uart(node) && !p->uart) {
        fdt_reg(node, 0, &p->uart, &size);
        p->uart_intid = intid(node, 0);
    }
    if (fdt_has(&node->compatible, "arm,pl031")) {
        fdt_reg(node, 0, &p->rtc, &size);
        p->rtc_intid = intid(node, 0);
    }
    if (fdt_has(&node->compatible, "arm,armv8-timer")) {
        p->ptimer_intid = intid(node, 1);
        p->vtimer_intid = intid(node, 2);
    }
    if (fdt_has(&node->compatible, "arm,armv8-pmuv3"))
        p->pmu_intid = intid(node, 0);
}

bool platform_read(const void *tree)
{
    platform.bootargs = "";
    platform.tree = (struct region){(uint64_t)tree, fdt_bytes(tree)};
    return fdt_walk(tree, visit, &platform);
}

struct region platform_free_ram(void)
{
    const uint64_t page = 4096;
    uint64_t from = ((uint64_t)__bss_end + page - 1) & ~(page - 1);
    uint64_t end = platform.ram[0].base + platform.ram[0].size;
    uint64_t tree = platform.tree.base & ~(page - 1);
    uint64_t behind = (platform.tree.base + platform.tree.size + page - 1) & ~(page - 1);

    if (tree < from || tree >= end)
        return (struct region){from, end - from};
    if (tree - from > end - behind)
        return (struct region){from, tree - from};
    return (struct region){behind, end - behind};
}

/* What follows NAME= in the command line, or NULL. */
static const char *find(const char *name)
{
    const char *at = platform.bootargs;

    while (*at) {
        const char *n = name;

        while (*n && *at == *n) {
            at++;
            n++;
        }
        if (!*n && *at == '=')
            return at + 1;
        while (*at && *at != ' ')
            at++;
        while (*at == ' ')
            at++;
    }
    return 0;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

uint64_t option_number(const char *name, uint64_t otherwise)
{
    const char *at = find(name);
    uint64_t v = 0;
    unsigned base = 10;

    if (!at)
        return otherwise;
    if (at[0] == '0' && at[1] == 'x') {
        base = 16;
        at += 2;
    }
    for (; digit(*at) < base; at++)
        v = v * base + digit(*at);
    return v;
}

bool option_is(const char *name, const char *text)
{
    const char *at = find(name);

    if (!at)
        return false;
    while (*text && *at == *text) {
        at++;
        text++;
    }
    return !*text && (!*at || *at == ' ');
}
