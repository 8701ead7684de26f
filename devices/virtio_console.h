/*
 * Virtio console device with several ports (Virtual I/O Device specification 1.1, section 5.3).
 * What the guest writes to a port leaves at once; what comes in for it is taken only when the guest
 * has opened the port and provided a buffer.
 */
#pragma once

#include "devices/virtio.h"

#define VIRTIO_CONSOLE_PORTS_MAX 16
#define VIRTIO_CONSOLE_NAME_MAX  31 /* characters */

/* Characters the guest transmitted; @n >= 1. */
typedef void virtio_port_write_fn(void *ctx, const uint8_t *data, size_t n);

struct virtio_port {
    char name[VIRTIO_CONSOLE_NAME_MAX + 1]; /* what Linux links in /dev/virtio-ports; "": none */
    bool is_console;                        /* hvcN; otherwise a plain stream, vportNpM */
    virtio_port_write_fn *write;            /* NULL: output is lost */
    void *write_ctx;
    bool open; /* by the guest */
};

/* A message of the device to the driver that waits for a buffer. */
struct virtio_console_event {
    uint32_t port;
    uint16_t event, value;
};

#define VIRTIO_CONSOLE_EVENTS_MAX (4 * VIRTIO_CONSOLE_PORTS_MAX)

struct virtio_console {
    struct virtio virtio; /* first */
    unsigned port_count;
    struct virtio_port ports[VIRTIO_CONSOLE_PORTS_MAX];
    unsigned event_first, event_count;
    struct virtio_console_event events[VIRTIO_CONSOLE_EVENTS_MAX];
    struct virtq_chain rx_chain; /* of a queue that the device fills */
};

/* @ports: copied. @count <= VIRTIO_CONSOLE_PORTS_MAX; 0: nothing is at the bus, and what a driver
 * that knows of one port only writes is dropped. */
void virtio_console_init(struct virtio_console *con, const struct arm_log *log, struct physmem *mem,
                         const struct virtio_port *ports, unsigned count);

/* Characters arrive at port @n; returns how many were taken, 0: try again later. */
size_t virtio_console_receive(struct virtio_console *con, unsigned n, const uint8_t *data,
                              size_t len);
