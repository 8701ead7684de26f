#include "qemu_pci.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_connect.h"

#define DEVICES 32

static struct qemu_pci_wish *wish(struct qemu *q)
{
    return &q->devices.devices[q->devices.device_count].pci;
}

/* ---- properties ---- */

PROPERTY_TEXT(set_addr, wish(q)->addr)
PROPERTY_FLAG(set_multifunction, wish(q)->multifunction, true)
PROPERTY_FLAG(set_no_modern, wish(q)->no_modern, true)

static bool set_no_legacy(struct qemu *q, const char *value)
{
    wish(q)->no_legacy = !strcmp(value, "auto") ? NULL : property_is_on(value) ? "on" : "off";
    return true;
}

static bool set_vectors(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, 2048, &n))
        return qemu_bad("-device vectors=%s: expected a number", value);
    wish(q)->vectors = 1 + (unsigned)n;
    return true;
}

static bool set_slot(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, 0x1fff, &n))
        return qemu_bad("-device pcie-root-port,slot=%s: expected a number", value);
    wish(q)->slot = (unsigned)n;
    return true;
}

/* A ROM is code for the host of an x86 board; there is none in any case. */
const struct property qemu_pci_properties[] = {
    {"addr", "N", set_addr, NULL},
    {"multifunction", "on|off", set_multifunction, NULL},
    {"romfile", "FILE", NULL, NULL},
    {"rombar", "N", NULL, NULL},
    {"romsize", "N", NULL, NULL},
    {"acpi-index", "N", NULL, "no ACPI table says it"},
    {"failover-pair-id", "ID", NULL, "nothing is migrated"},
    {"x-pcie-lnksta-dllla", "on|off", NULL, NULL}, /* how old machines were, like the next */
    {"x-pcie-extcap-init", "on|off", NULL, NULL},
};
const size_t qemu_pci_property_count = G_N_ELEMENTS(qemu_pci_properties);

const struct property qemu_virtio_pci_properties[] = {
    {"disable-modern", "on|off", set_no_modern, NULL},
    {"disable-legacy", "on|off|auto", set_no_legacy, NULL},
    {"vectors", "N", set_vectors, NULL},
    {"ats", "on|off", NULL, "there is no ATS"},
    {"aer", "off", NULL, NULL},
    {"page-per-vq", "off", NULL, NULL},
    {"modern-pio-notify", "off", NULL, NULL},
    {"virtio-pci-bus-master-bug-migration", "off", NULL, NULL},
    {"failover", "off", NULL, NULL},
    {"ioeventfd", "on|off", NULL, NULL},
    {"class", "N", NULL, "its class is that of the kind of device"},
    {"x-disable-pcie", "on|off", NULL, NULL}, /* how old machines were, like the rest */
    {"x-disable-legacy-check", "on|off", NULL, NULL},
    {"x-ignore-backend-features", "on|off", NULL, NULL},
    {"x-ats-page-aligned", "on|off", NULL, NULL},
    {"x-pcie-deverr-init", "on|off", NULL, NULL},
    {"x-pcie-lnkctl-init", "on|off", NULL, NULL},
    {"x-pcie-pm-init", "on|off", NULL, NULL},
    {"x-pcie-flr-init", "on|off", NULL, NULL},
};
const size_t qemu_virtio_pci_property_count = G_N_ELEMENTS(qemu_virtio_pci_properties);

/* Where a hot-plugged device would find room is no question here. */
const struct property qemu_port_properties[] = {
    {"slot", "N", set_slot, NULL},
    {"chassis", "N", NULL, NULL},
    {"port", "N", NULL, NULL},
    {"hotplug", "on|off", NULL, "nothing is hot-plugged"},
    {"bus-reserve", "N", NULL, NULL},
    {"io-reserve", "N", NULL, NULL},
    {"mem-reserve", "N", NULL, NULL},
    {"pref32-reserve", "N", NULL, NULL},
    {"pref64-reserve", "N", NULL, NULL},
    {"x-speed", "N", NULL, NULL},
    {"x-width", "N", NULL, NULL},
    {"power-controller-present", "off", NULL, NULL},
    {"disable-acs", "on|off", NULL, NULL},
    {"aer-log-max", "N", NULL, NULL},
    {"x-native-hotplug", "on|off", NULL, NULL},
};
const size_t qemu_port_property_count = G_N_ELEMENTS(qemu_port_properties);

/* ---- places ---- */

static bool parse_addr(const char *what, const char *text, unsigned *device, unsigned *function)
{
    int length = 0, more = 0;

    *function = 0;
    if (sscanf(text, "%x%n", device, &length) == 1 && text[length] == '.' &&
        sscanf(text + length, ".%x%n", function, &more) == 1)
        length += more;
    if (!length || text[length] || *device >= DEVICES || *function > 7)
        return qemu_bad("%s,addr=%s: expected DEVICE or DEVICE.FUNCTION, 0 to 1f and 0 to 7", what,
                        text);
    return true;
}

/* 0: on bus 0; 1 + n: behind port n. */
static bool parse_bus(struct qemu *q, const char *what, const char *bus, unsigned *port)
{
    const struct qemu_pci *pci = &q->devices.pci;

    *port = 0;
    if (!bus || !strcmp(bus, "pcie.0") || !strcmp(bus, "pcie"))
        return true;
    for (unsigned n = 0; n < pci->port_count; n++)
        if (pci->port_ids[n] && !strcmp(pci->port_ids[n], bus)) {
            *port = 1 + n;
            return true;
        }
    return qemu_bad(
        "%s,bus=%s: expected pcie.0, or the id of a pcie-root-port or a bridge before it", what,
        bus);
}

/* The drivers that lead to a further bus, and the devices that are there. */
static const struct kind {
    const char *driver;
    enum arm_pcie_port_kind kind;
    unsigned first, last;
} kinds[] = {
    {"pcie-root-port", ARM_PCIE_ROOT_PORT, 0, 0}, {"ioh3420", ARM_PCIE_ROOT_PORT, 0, 0},
    {"x3130-upstream", ARM_PCIE_UPSTREAM, 0, 31}, {"xio3130-downstream", ARM_PCIE_DOWNSTREAM, 0, 0},
    {"pcie-pci-bridge", ARM_PCIE_TO_PCI, 1, 31},  {"pci-bridge", ARM_PCI_TO_PCI, 1, 31},
    {"i82801b11-bridge", ARM_PCI_DMI, 0, 31},     {"pxb-pcie", ARM_PCIE_EXPANDER, 0, 31},
};

/* What bus 0, or that behind a port, is like. */
static const struct kind *kind_of(const struct qemu_pci *pci, unsigned port)
{
    static const struct kind root = {.first = 1, .last = DEVICES - 1};

    for (size_t k = 0; port && k < G_N_ELEMENTS(kinds); k++)
        if (kinds[k].kind == pci->ports[port - 1].kind)
            return &kinds[k];
    return &root;
}

/* Is it at the end of a link? Virtio has its modern interface only there. */
static bool is_express(const struct qemu_pci *pci, unsigned port)
{
    return port && kind_of(pci, port)->last == 0;
}

/* The next device of which nothing is taken, as QEMU looks for it; DEVICES: none. */
static unsigned next_device(const struct qemu_pci *pci, unsigned port)
{
    const struct kind *kind = kind_of(pci, port);
    unsigned device = kind->first;

    while (device <= kind->last && pci->buses[port].taken[device])
        device++;
    return device <= kind->last ? device : DEVICES;
}

static bool take_place(struct qemu *q, const char *what, unsigned port, unsigned device,
                       unsigned function, bool shared)
{
    struct qemu_pci *pci = &q->devices.pci;
    const struct kind *kind = kind_of(pci, port);
    struct qemu_pci_bus *bus = &pci->buses[port];

    if (device == DEVICES)
        return qemu_bad("%s: %s", what,
                        is_express(pci, port) ? "there is a device behind that port"
                                              : "the PCI bus is full");
    if (port && (device < kind->first || device > kind->last))
        return qemu_bad("%s: PCI: slot %u is not valid behind a %s, expected addr=%x%s", what,
                        device, kind->driver, kind->first, kind->last ? " to 1f" : "");
    if (bus->taken[device] >> function & 1)
        return qemu_bad("%s,addr=%x.%x: the place is taken", what, device, function);
    if (function && (bus->taken[device] & 1) && !bus->shared[device] && !is_express(pci, port))
        return qemu_bad("%s,addr=%x.%x: expected multifunction=on at the device of %x.0", what,
                        device, function, device);
    bus->taken[device] |= (uint8_t)(1u << function);
    if (function == 0)
        bus->shared[device] = shared;
    return true;
}

static bool take(struct qemu *q, const struct qemu_device *device, const char *what, unsigned *port,
                 unsigned *devfn)
{
    const char *addr = device ? device->pci.addr : NULL;
    unsigned slot, function = 0;

    q->devices.pci.buses[0].taken[0] |= 1; /* the host bridge */
    if (!parse_bus(q, what, device ? device->on : NULL, port))
        return false;
    slot = next_device(&q->devices.pci, *port);
    if (addr && !parse_addr(what, addr, &slot, &function))
        return false;
    *devfn = slot << 3 | function;
    return take_place(q, what, *port, slot, function, device && device->pci.multifunction);
}

bool qemu_pci_place(struct qemu *q, const struct qemu_device *device, const char *what,
                    struct arm_pci_place *place)
{
    const struct qemu_pci_wish none = {0}, *w = device ? &device->pci : &none;

    *place = (struct arm_pci_place){.on = true, .no_modern = w->no_modern, .vectors = w->vectors};
    if (!take(q, device, what, &place->port, &place->devfn))
        return false;
    place->no_legacy =
        w->no_legacy ? property_is_on(w->no_legacy) : is_express(&q->devices.pci, place->port);
    if (place->no_legacy && place->no_modern)
        return qemu_bad("%s: device cannot work as neither modern nor legacy mode is enabled",
                        what);
    return true;
}

static bool parse_bus_nr(const struct qemu_device *device, unsigned *bus)
{
    uint64_t n;

    if (!parse_number(device->bus_nr ? device->bus_nr : "0", 1, UINT8_MAX, &n))
        return qemu_bad("-device pxb-pcie: expected bus_nr=N, 1 to 255");
    *bus = (unsigned)n;
    return true;
}

bool qemu_connect_pcie_port(struct qemu *q, const struct qemu_device *device)
{
    struct qemu_pci *pci = &q->devices.pci;
    struct arm_pcie_port port = {.slot = device->pci.slot};
    g_autofree char *what = g_strdup_printf("-device %s", device->driver->name);

    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        if (!strcmp(kinds[k].driver, device->driver->name))
            port.kind = kinds[k].kind;
    if (pci->port_count == ARM_PCIE_PORTS_MAX)
        return qemu_bad("%s: more than %d ports and bridges", what, ARM_PCIE_PORTS_MAX);
    if (!take(q, device, what, &port.port, &port.devfn))
        return false;
    if (!strcmp(device->driver->name, "ioh3420"))
        qemu_note(q, "%s: it is a pcie-root-port, with that one's numbers", what);
    if (port.kind == ARM_PCIE_EXPANDER) {
        port.bypass_iommu = device->bypass;
        if (!parse_bus_nr(device, &port.bus))
            return false;
        qemu_note(q, "-device pxb-pcie: its bus is there, and neither the device tree nor ACPI "
                     "names it: a guest finds what is on it by looking");
    }
    pci->port_ids[pci->port_count] = device->id;
    pci->ports[pci->port_count++] = port;
    q->req.config.pcie_ports = pci->ports;
    q->req.config.pcie_port_count = pci->port_count;
    return true;
}

bool qemu_connect_bridge(struct qemu *q, const struct qemu_device *device)
{
    return qemu_connect_pcie_port(q, device);
}
