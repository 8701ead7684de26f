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
    {"addr", "N", set_addr, NULL},   {"multifunction", "on|off", set_multifunction, NULL},
    {"romfile", "FILE", NULL, NULL}, {"rombar", "N", NULL, NULL},
    {"romsize", "N", NULL, NULL},    {"acpi-index", "N", NULL, "no ACPI table says it"},
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
    return qemu_bad("%s,bus=%s: expected pcie.0, or the id of a pcie-root-port before it", what,
                    bus);
}

/* The next device of which nothing is taken, as QEMU looks for it; DEVICES: none. */
static unsigned next_device(const struct qemu_pci *pci)
{
    unsigned device = 1;

    while (device < DEVICES && pci->taken[device])
        device++;
    return device;
}

static bool take_root(struct qemu *q, const char *what, unsigned device, unsigned function,
                      bool shared)
{
    struct qemu_pci *pci = &q->devices.pci;

    pci->taken[0] |= 1; /* the host bridge */
    if (device == DEVICES)
        return qemu_bad("%s: the PCI bus is full", what);
    if (pci->taken[device] >> function & 1)
        return qemu_bad("%s,addr=%x.%x: the place is taken", what, device, function);
    if (function && (pci->taken[device] & 1) && !pci->shared[device])
        return qemu_bad("%s,addr=%x.%x: expected multifunction=on at the device of %x.0", what,
                        device, function, device);
    pci->taken[device] |= (uint8_t)(1u << function);
    if (function == 0)
        pci->shared[device] = shared;
    return true;
}

static bool take_behind(struct qemu *q, const char *what, unsigned port, unsigned device,
                        unsigned function)
{
    uint8_t *taken = &q->devices.pci.behind[port - 1];

    if (device)
        return qemu_bad("%s: PCI: slot %u is not valid behind a root port, expected addr=0", what,
                        device);
    if (*taken >> function & 1)
        return qemu_bad("%s: there is a device behind that root port", what);
    *taken |= (uint8_t)(1u << function);
    return true;
}

static bool take(struct qemu *q, const struct qemu_device *device, const char *what, unsigned *port,
                 unsigned *devfn)
{
    const char *addr = device ? device->pci.addr : NULL;
    unsigned slot, function = 0;

    if (!parse_bus(q, what, device ? device->on : NULL, port))
        return false;
    slot = *port ? 0 : next_device(&q->devices.pci);
    if (addr && !parse_addr(what, addr, &slot, &function))
        return false;
    *devfn = slot << 3 | function;
    return *port ? take_behind(q, what, *port, slot, function)
                 : take_root(q, what, slot, function, device && device->pci.multifunction);
}

bool qemu_pci_place(struct qemu *q, const struct qemu_device *device, const char *what,
                    struct arm_pci_place *place)
{
    const struct qemu_pci_wish none = {0}, *w = device ? &device->pci : &none;

    *place = (struct arm_pci_place){.on = true, .no_modern = w->no_modern, .vectors = w->vectors};
    if (!take(q, device, what, &place->port, &place->devfn))
        return false;
    place->no_legacy = w->no_legacy ? property_is_on(w->no_legacy) : place->port != 0;
    if (place->no_legacy && place->no_modern)
        return qemu_bad("%s: device cannot work as neither modern nor legacy mode is enabled",
                        what);
    return true;
}

bool qemu_connect_pcie_port(struct qemu *q, const struct qemu_device *device)
{
    struct qemu_pci *pci = &q->devices.pci;
    unsigned port, devfn;

    if (pci->port_count == ARM_PCIE_PORTS_MAX)
        return qemu_bad("-device pcie-root-port: more than %d of them", ARM_PCIE_PORTS_MAX);
    if (!take(q, device, "-device pcie-root-port", &port, &devfn))
        return false;
    if (port)
        return qemu_bad("-device pcie-root-port,bus=%s: expected pcie.0", device->on);
    pci->port_ids[pci->port_count] = device->id;
    pci->ports[pci->port_count++] = (struct arm_pcie_port){devfn, device->pci.slot};
    q->req.config.pcie_ports = pci->ports;
    q->req.config.pcie_port_count = pci->port_count;
    return true;
}
