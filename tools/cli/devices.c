#include "devices.h"

#include <glib.h>
#include <string.h>

#include "links.h"
#include "run_options.h"

bool devices_add(struct device_options *store, const struct arm_device *device,
                 struct arm_config *config)
{
    if (config->device_count == ARM_DEVICES_MAX)
        return false;
    store->devices[config->device_count++] = *device;
    config->devices = store->devices;
    return true;
}

bool devices_add_console(struct device_options *store, const struct arm_device *device,
                         struct arm_config *config)
{
    store->has_console = true;
    store->console = config->device_count;
    return devices_add(store, device, config);
}

bool devices_add_port(struct device_options *store, const struct arm_port *port, const char *where,
                      struct arm_config *config)
{
    if (store->port_count == ARM_PORTS_MAX)
        return false;
    if (!store->has_console &&
        !devices_add_console(store, &(struct arm_device){.kind = ARM_VIRTIO_CONSOLE}, config))
        return false;
    store->where[store->port_count] = where;
    store->ports[store->port_count++] = *port;
    store->devices[store->console].ports = store->ports;
    store->devices[store->console].port_count = store->port_count;
    return true;
}

bool devices_add_serial(struct device_options *store, const struct arm_device *device,
                        const char *where, struct arm_config *config)
{
    struct device_serial *s = &store->serials[store->serial_count];
    struct arm_device with = *device;

    if (store->serial_count == DEVICE_SERIALS_MAX)
        return false;
    s->where = where;
    s->device = config->device_count;
    with.ports = &s->port;
    with.port_count = 1;
    store->serial_count++;
    return devices_add(store, &with, config);
}

/* The words that may stand behind FILE, which may have commas itself. */
static bool drive_word(struct arm_drive *drive, const char *word)
{
    static const struct {
        const char *name;
        enum arm_drive_mode mode;
    } modes[] = {{"snapshot", ARM_DRIVE_SNAPSHOT},
                 {"readonly", ARM_DRIVE_READONLY},
                 {"writable", ARM_DRIVE_WRITABLE}};

    for (size_t k = 0; k < G_N_ELEMENTS(modes); k++)
        if (!strcmp(word, modes[k].name)) {
            drive->mode = modes[k].mode;
            return true;
        }
    if (!g_str_has_prefix(word, "format="))
        return false;
    drive->format = word + strlen("format=");
    return true;
}

/* FILE[,MODE][,format=raw]; cuts @text. */
static bool parse_drive(struct device_options *store, char *text, struct arm_config *config)
{
    struct arm_device device = {.kind = ARM_VIRTIO_BLK, .drive = {.path = text}};
    char *comma;

    while ((comma = strrchr(text, ',')) && drive_word(&device.drive, comma + 1))
        *comma = '\0';
    return *text && devices_add(store, &device, config);
}

/* [name=NAME,][port,]WHERE; cuts @text. */
static bool parse_port(struct device_options *store, char *text, struct arm_config *config)
{
    struct arm_port port = {.console = true};
    char *comma;

    for (; (comma = strchr(text, ',')) && !g_str_has_prefix(text, "file:") && !link_valid(text);
         text = comma + 1) {
        *comma = '\0';
        if (g_str_has_prefix(text, "name="))
            port.name = text + strlen("name=");
        else if (!strcmp(text, "port"))
            port.console = false;
        else
            return false;
    }
    port.testdev = !strcmp(text, "testdev");
    if (port.testdev)
        port.console = false;
    if (!port.testdev && strcmp(text, "stdio") && strcmp(text, "null") &&
        (!g_str_has_prefix(text, "file:") || !text[5]) && !link_valid(text))
        return false;
    return devices_add_port(store, &port, text, config);
}

/* The board gives its last slot to the first device, but guests number disks from the first slot:
 * the order is turned round, so that the first --drive is the first disk. */
bool devices_parse(struct device_options *store, char **drives, char **ports, bool rng,
                   struct arm_config *config)
{
    unsigned count = 0;

    *store = (struct device_options){0};
    for (char **p = ports; p && *p; p++)
        if (!parse_port(store, *p, config))
            return run_options_refuse("virtio-console", *p,
                                      "[name=NAME,][port,]stdio|null|testdev|file:PATH|" LINK_FORMS
                                      ", at most 16 of them");
    if (rng && !devices_add(store, &(struct arm_device){.kind = ARM_VIRTIO_RNG}, config))
        return run_options_refuse("rng", "", "at most 32 virtio devices");
    while (drives && drives[count])
        count++;
    while (count--)
        if (!parse_drive(store, drives[count], config))
            return run_options_refuse(
                "drive", drives[count],
                "FILE[,readonly|writable|snapshot][,format=raw|qcow2], and at most 32 "
                "virtio devices");
    return true;
}

static bool open_host(struct console *host, struct arm_port *port, const char *where,
                      struct outputs *outputs, bool replays)
{
    bool is_null = port->testdev || (replays && link_valid(where));

    port->write = console_write;
    port->ctx = host;
    return console_open(host, outputs, is_null ? "null" : where);
}

bool devices_open(struct device_options *store, struct outputs *outputs, bool replays)
{
    for (unsigned n = 0; store && n < store->port_count; n++) {
        if (!open_host(&store->hosts[n], &store->ports[n], store->where[n], outputs, replays))
            return false;
        store->hosts[n].device = store->console;
        store->hosts[n].port = (int)n;
    }
    for (unsigned n = 0; store && n < store->serial_count; n++) {
        struct device_serial *s = &store->serials[n];
        if (!open_host(&s->host, &s->port, s->where, outputs, replays))
            return false;
        s->host.device = s->device;
        s->host.port = 0;
    }
    return true;
}

/* Of all ports, and of UARTs on PCI behind them; NULL: there are not so many. */
static struct console *host_of(struct device_options *store, unsigned n)
{
    if (!store || n >= store->port_count + store->serial_count)
        return NULL;
    return n < store->port_count ? &store->hosts[n] : &store->serials[n - store->port_count].host;
}

void devices_close(struct device_options *store)
{
    struct console *host;

    for (unsigned n = 0; (host = host_of(store, n)); n++)
        console_close(host);
}

void devices_add_links(struct device_options *store, struct links *links)
{
    struct console *host;

    for (unsigned n = 0; (host = host_of(store, n)); n++)
        links_add(links, host);
}

struct console *devices_stdin(struct device_options *store)
{
    struct console *host;

    for (unsigned n = 0; (host = host_of(store, n)); n++)
        if (host->input)
            return host;
    return NULL;
}
