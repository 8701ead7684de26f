/* -device of `armillary qemu`, what -global says of devices, and the connection of all. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "qemu.h"
#include "qemu_connect.h"
#include "suggest.h"

static bool has_near(const char *name, const char *known)
{
    struct suggestion near = suggest_for(name);
    g_auto(GStrv) words = g_strsplit(known, "|", -1);

    for (char **w = words; *w; w++)
        suggest_offer(&near, *w);
    return near.best != NULL;
}

static bool no_driver(const char *name)
{
    g_autofree char *what = g_strdup_printf("-device %s", name);
    g_autofree char *known = qemu_driver_names();

    if (qemu_missing("device", name) || has_near(name, known))
        return qemu_refuse("device", name, what, known);
    return qemu_bad("%s is not offered; `-device help` lists what is", what);
}

bool qemu_device_default(struct qemu *q, const char *word)
{
    struct qemu_devices *d = &q->devices;
    g_autofree char *name = g_strndup(word, strcspn(word, "."));
    const char *no_legacy;
    const struct qemu_driver *driver = qemu_find_driver(name, &no_legacy);

    if (!driver || strcmp(driver->name, name)) {
        qemu_note(q, "-global %s: there is no %s: it changes nothing", word, name);
        return true;
    }
    if (d->default_count == QEMU_DEFAULTS_MAX)
        return qemu_bad("-global: more than %d of them", QEMU_DEFAULTS_MAX);
    d->defaults[d->default_count++] = qemu_keep(q, g_strdup(word));
    return true;
}

/* What -global says of the driver, before what the device says itself. */
static bool set_defaults(struct qemu *q, const struct qemu_driver *driver,
                         const struct property *table, size_t count)
{
    size_t length = strlen(driver->name);
    bool good = true;

    for (unsigned k = 0; k < q->devices.default_count; k++) {
        const char *word = q->devices.defaults[k];
        if (!strncmp(word, driver->name, length) && word[length] == '.')
            good &= properties_set(q, "device", word + length + 1, NULL, table, count);
    }
    return good;
}

static bool set_device(struct qemu *q, const char *value, const struct qemu_driver *driver,
                       const char *no_legacy)
{
    size_t count;
    g_autofree struct property *table = qemu_driver_properties(driver, &count);

    q->devices.devices[q->devices.device_count] =
        (struct qemu_device){.driver = driver, .pci.no_legacy = no_legacy};
    return set_defaults(q, driver, table, count) &&
           properties_set(q, "device", value, "driver", table, count);
}

static void print_driver(const char *name, const struct qemu_driver *driver)
{
    size_t count;
    g_autofree struct property *table = qemu_driver_properties(driver, &count);

    properties_print(name, table + 1, count - 1);
}

bool qemu_device(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *name = properties_find(value, "driver", "driver");

    (void)option;
    if (is_help(value)) {
        qemu_print_drivers();
        q->answered = true;
        return true;
    }
    if (!name)
        return qemu_bad("-device %s: expected a driver; `-device help` lists them", value);
    const char *no_legacy;
    const struct qemu_driver *driver = qemu_find_driver(name, &no_legacy);
    if (!driver)
        return no_driver(name);
    if (!driver->connect)
        return qemu_loader(q, name, value);
    if (properties_want_help(value)) {
        print_driver(name, driver);
        q->answered = true;
        return true;
    }
    if (q->devices.device_count == QEMU_DEVICES_MAX)
        return qemu_bad("-device: more than %d of them", QEMU_DEVICES_MAX);
    if (!set_device(q, value, driver, no_legacy))
        return false;
    q->devices.device_count++;
    return true;
}

/* In the order in which QEMU gives them their places: network devices of -nic and -net, -device,
 * and the disks of if=virtio. */
bool qemu_devices_connect(struct qemu *q)
{
    struct qemu_devices *d = &q->devices;
    bool good = qemu_complete_drives(q);

    good &= qemu_net_connect(q);
    for (unsigned n = 0; n < d->device_count; n++)
        good &= d->devices[n].driver->connect(q, &d->devices[n]);
    good &= qemu_net_check(q);
    good &= qemu_connect_flash(q);
    good &= qemu_connect_disks(q);
    q->req.devices = &d->options;
    return good;
}
