/* --bios, --drive, --virtio-console and --rng of `armillary run`, and what `armillary qemu` makes
 * of -drive, -device and -chardev: the storage and virtio devices of a machine. */
#pragma once

#include <stdbool.h>

#include "armillary.h"
#include "console.h"

struct links;

#define DEVICE_SERIALS_MAX 4

/* A UART on PCI. */
struct device_serial {
    struct arm_port port;
    const char *where; /* as a port of the console */
    unsigned device;   /* its index in devices */
    struct console host;
};

/* What the configuration refers to. */
struct device_options {
    struct arm_device devices[ARM_DEVICES_MAX];
    struct arm_port ports[ARM_PORTS_MAX]; /* of the one console */
    const char *where[ARM_PORTS_MAX];     /* stdio, null, testdev, file:PATH or a link */
    unsigned port_count;
    bool has_console;
    unsigned console; /* its index in devices */
    struct console hosts[ARM_PORTS_MAX];
    struct device_serial serials[DEVICE_SERIALS_MAX];
    unsigned serial_count;
};

/* One more device; false: there are ARM_DEVICES_MAX already. */
bool devices_add(struct device_options *store, const struct arm_device *device,
                 struct arm_config *config);

/* The console, before its first port; false: too many devices. */
bool devices_add_console(struct device_options *store, const struct arm_device *device,
                         struct arm_config *config);

/* One more port, which is the console's first or next one; false: too many. */
bool devices_add_port(struct device_options *store, const struct arm_port *port, const char *where,
                      struct arm_config *config);

/* A UART on PCI, which is at @where; false: too many. */
bool devices_add_serial(struct device_options *store, const struct arm_device *device,
                        const char *where, struct arm_config *config);

/**
 * devices_parse() - fill @config's virtio devices from repeated options.
 * @drives: of "FILE[,readonly|writable|snapshot][,format=raw]"; @ports: of
 * "[name=NAME,][port,]WHERE"; both NULL-ended or NULL. Their texts are cut, and referred to by
 * @store.
 *
 * Return: false, and the option, its value and what was expected are printed.
 */
bool devices_parse(struct device_options *store, char **drives, char **ports, bool rng,
                   struct arm_config *config);

/* Connect the ports to the host before the machine is made. False: a file cannot be opened, and a
 * message was printed. @store may be NULL. @replays: links (link.h) are not opened. */
bool devices_open(struct device_options *store, struct outputs *outputs, bool replays);
void devices_close(struct device_options *store);

/* Those of the ports that have one. */
void devices_add_links(struct device_options *store, struct links *links);

/* The port that standard input belongs to, or NULL. */
struct console *devices_stdin(struct device_options *store);
