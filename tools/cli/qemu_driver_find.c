/* Which driver -device names, and all that it takes. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "qemu.h"
#include "qemu_connect.h"

void qemu_print_drivers(void)
{
    for (size_t k = 0; k < qemu_driver_count; k++) {
        if (!k || strcmp(qemu_drivers[k].title, qemu_drivers[k - 1].title))
            printf("%s%s devices:\n", k ? "\n" : "", qemu_drivers[k].title);
        printf("name \"%s\"", qemu_drivers[k].name);
        if (qemu_drivers[k].bus)
            printf(", bus %s", qemu_drivers[k].bus);
        if (qemu_drivers[k].alias)
            printf(", alias \"%s\"", qemu_drivers[k].alias);
        printf("\n");
    }
}

bool qemu_is_on_pci(const struct qemu_driver *driver)
{
    return driver->bus && !strcmp(driver->bus, QEMU_PCI_BUS);
}

static bool is_virtio_pci(const struct qemu_driver *driver)
{
    return qemu_is_on_pci(driver) &&
           (g_str_has_prefix(driver->name, "virtio-") || g_str_has_prefix(driver->name, "vhost-"));
}

/* QEMU has names of their own for what disable-legacy and disable-modern say. */
static const struct {
    const char *suffix, *no_legacy;
} interfaces[] = {{"-non-transitional", "on"}, {"-transitional", "off"}};

static bool is_called(const struct qemu_driver *driver, const char *name, const char **no_legacy)
{
    *no_legacy = NULL;
    if (!strcmp(driver->name, name) || (driver->alias && !strcmp(driver->alias, name)))
        return true;
    for (size_t k = 0; is_virtio_pci(driver) && k < G_N_ELEMENTS(interfaces); k++)
        if (g_str_has_prefix(name, driver->name) &&
            !strcmp(name + strlen(driver->name), interfaces[k].suffix)) {
            *no_legacy = interfaces[k].no_legacy;
            return true;
        }
    return false;
}

const struct qemu_driver *qemu_find_driver(const char *name, const char **no_legacy)
{
    for (size_t k = 0; k < qemu_driver_count; k++)
        if (is_called(&qemu_drivers[k], name, no_legacy))
            return &qemu_drivers[k];
    return NULL;
}

/* Room for the driver's own name, its properties and those of its bus; the end of what is there. */
static struct property *append(struct property *to, const struct property *table, size_t count)
{
    memcpy(to, table, count * sizeof(*table));
    return to + count;
}

static bool set_driver(struct qemu *q, const char *value)
{
    (void)q, (void)value; /* qemu_find_driver() has */
    return true;
}

struct property *qemu_driver_properties(const struct qemu_driver *driver, size_t *count)
{
    struct property *all =
        g_new0(struct property, 1 + driver->count + qemu_pci_property_count +
                                    qemu_virtio_pci_property_count + qemu_port_property_count);
    struct property *end = append(all, &(struct property){"driver", "NAME", set_driver, NULL}, 1);

    end = append(end, driver->properties, driver->count);
    if (qemu_is_on_pci(driver))
        end = append(end, qemu_pci_properties, qemu_pci_property_count);
    if (is_virtio_pci(driver))
        end = append(end, qemu_virtio_pci_properties, qemu_virtio_pci_property_count);
    if (driver->connect == qemu_connect_pcie_port)
        end = append(end, qemu_port_properties, qemu_port_property_count);
    *count = (size_t)(end - all);
    return all;
}

char *qemu_driver_names(void)
{
    GString *names = g_string_new(NULL);

    for (size_t k = 0; k < qemu_driver_count; k++)
        g_string_append_printf(names, "%s%s", k ? "|" : "", qemu_drivers[k].name);
    return g_string_free(names, FALSE);
}
