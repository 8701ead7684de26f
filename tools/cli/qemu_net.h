/* -netdev, -nic, -net and the frames' dump of `armillary qemu`: what network devices are connected
 * to. Devices refer to them by id, in any order; all are connected at the end. */
#pragma once

#include <stdbool.h>

#include "net.h"

struct arm_device;
struct qemu;

struct qemu_netdev {
    const char *id;
    struct net_spec spec;
    const char *host, *port; /* of a stream by TCP, and of dgram, which has another end */
    const char *local_host, *local_port;
    bool used;
};

struct qemu_nic {
    const char *model, *mac, *addr,
        *netdev;  /* netdev NULL: that of the row of the same -nic, or -net's */
    bool has_own; /* -nic: the netdev made with it */
    unsigned own;
};

struct qemu_dump {
    const char *netdev, *file;
    unsigned max;
};

struct qemu_net {
    struct qemu_netdev netdevs[NETWORKS_MAX];
    struct qemu_nic nics[NETWORKS_MAX]; /* of -nic and -net nic */
    struct qemu_dump dumps[NETWORKS_MAX];
    const char *redirs[NET_FORWARDS_MAX]; /* -redir, as hostfwd= has it */
    unsigned netdev_count, nic_count, dump_count, redir_count;
    int hub;      /* -net's netdev, -1: none; of that one there is no id */
    bool refused; /* a -netdev, -nic or -net was */
    struct networks networks;
};

/* Options; false, and what is wrong was printed. */
bool qemu_netdev(struct qemu *q, const char *option, const char *value);
bool qemu_nic(struct qemu *q, const char *option, const char *value);
bool qemu_net(struct qemu *q, const char *option, const char *value);
bool qemu_redir(struct qemu *q, const char *option, const char *value);

/* What -redir asks for is the first user network's, before that is connected. */
bool qemu_redirs_connect(struct qemu *q);

/* A device whose netdev is @id (NULL: none, its frames are lost) and whose address is @mac (NULL:
 * the next of QEMU's), to be config.devices[@index]. @what: for messages. */
bool qemu_net_plug(struct qemu *q, const char *what, const char *id, const char *mac,
                   unsigned index, struct arm_device *device);

/* Before the devices: those of -nic and -net. */
bool qemu_net_connect(struct qemu *q);

/* After them: is each network somebody's, and what a dump is to be of there? */
bool qemu_net_check(struct qemu *q);
