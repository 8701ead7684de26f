#include "loader/modules.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "loader/fdt.h"
#include "loader/file.h"
#include "loader/place.h"

#define MODULE_ALIGN (UINT64_C(2) << 20) /* the hypervisor maps them by blocks */

static const struct kind {
    const char *name;
    const char *compatible; /* two strings */
    size_t size;
    enum format_role role;
} kinds[] = {
#define KIND(name, text, role)                                                                     \
    {                                                                                              \
        name, text, sizeof(text), role                                                             \
    }
    [MODULE_KERNEL] = KIND("kernel", "multiboot,kernel\0multiboot,module", FORMAT_MODULE),
    [MODULE_RAMDISK] = KIND("ramdisk", "multiboot,ramdisk\0multiboot,module", FORMAT_INITRD),
    [MODULE_DTB] = KIND("device tree", "multiboot,device-tree\0multiboot,module", FORMAT_RAW),
    [MODULE_XSM] = KIND("policy", "xen,xsm-policy\0multiboot,module", FORMAT_RAW),
#undef KIND
};

static int place(struct load_map *map, struct load_module *m, uint64_t base, struct arm_error *err)
{
    const struct file_limit limit = {map->ram_size, "the machine's RAM"};
    struct file_data f;
    int rc = file_begin(&f, m->file, kinds[m->kind].role, &limit, err);

    if (!rc && m->kind == MODULE_DTB)
        rc = file_read_all(&f, &limit, err);
    if (!rc && m->kind == MODULE_DTB)
        rc = dt_check(&f, err);
    if (!rc) {
        m->base = base;
        m->size = file_extent(&f);
        rc = load_place_file(map, &f, kinds[m->kind].name, base, m->size, err);
    }
    file_free(&f);
    return rc;
}

/* Nodes whose children have numbers of two cells. */
static void two_cells(struct dt *dt, int node)
{
    dt_set_cells(dt, node, "#address-cells", (const uint32_t[]){2}, 1);
    dt_set_cells(dt, node, "#size-cells", (const uint32_t[]){2}, 1);
}

static void module_node(struct dt *dt, int parent, const struct load_module *m)
{
    const uint32_t reg[] = {(uint32_t)(m->base >> 32), (uint32_t)m->base, (uint32_t)(m->size >> 32),
                            (uint32_t)m->size};
    const struct kind *kind = &kinds[m->kind];
    char name[32];
    int node;

    snprintf(name, sizeof(name), "module@%llx", (unsigned long long)m->base);
    node = dt_add_node(dt, parent, name);
    dt_set(dt, node, "compatible", kind->compatible, kind->size);
    dt_set_cells(dt, node, "reg", reg, ARRAY_SIZE(reg));
    if (m->args && *m->args)
        dt_set(dt, node, "bootargs", m->args, strlen(m->args) + 1);
}

/* Backwards, since a node is added in front of its siblings. */
static void module_nodes(struct dt *dt, int parent, const struct load_modules *list,
                         unsigned domain)
{
    for (unsigned k = list->count; k-- > 0;)
        if (list->modules[k].domain == domain)
            module_node(dt, parent, &list->modules[k]);
}

static int domain_node(struct dt *dt, int chosen, const struct load_domain *d)
{
    uint64_t kib = d->memory >> 10;
    int node = dt_add_node(dt, chosen, d->name);

    dt_set(dt, node, "compatible", "xen,domain", sizeof("xen,domain"));
    two_cells(dt, node);
    dt_set_cells(dt, node, "memory", (const uint32_t[]){(uint32_t)(kib >> 32), (uint32_t)kib}, 2);
    dt_set_cells(dt, node, "cpus", (const uint32_t[]){d->cpus}, 1);
    if (d->console)
        dt_set(dt, node, "vpl011", "", 0);
    return node;
}

static int describe(struct dt *dt, const struct load_modules *list, const char *append,
                    struct arm_error *err)
{
    size_t room = append ? strlen(append) : 0;
    int chosen;

    for (unsigned k = 0; k < list->count; k++)
        room += 256 + (list->modules[k].args ? strlen(list->modules[k].args) : 0);
    for (unsigned k = 0; k < list->domain_count; k++)
        room += 256 + strlen(list->domains[k].name);
    dt_edit(dt, room);
    chosen = dt_find(dt, "/chosen");
    if (append && *append)
        dt_set(dt, chosen, "xen,xen-bootargs", append, strlen(append) + 1);
    two_cells(dt, chosen);
    for (unsigned d = list->domain_count; d-- > 0;) {
        int node = domain_node(dt, chosen, &list->domains[d]);
        module_nodes(dt, node, list, d + 1);
    }
    module_nodes(dt, chosen, list, 0);
    return dt_pack(dt, err);
}

int modules_load(struct load_map *map, const struct load_modules *list, uint64_t base,
                 const char *append, struct dt *dt, struct arm_error *err)
{
    int rc = 0;

    for (unsigned k = 0; !rc && k < list->count; k++) {
        struct load_module *m = &list->modules[k];
        base = align_up(base, MODULE_ALIGN);
        rc = place(map, m, m->addr ? m->addr : base, err);
        if (!m->addr)
            base += m->size;
    }
    return rc ? rc : describe(dt, list, append, err);
}
