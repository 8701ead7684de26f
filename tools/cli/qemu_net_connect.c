/* What -netdev, -nic and -net of `armillary qemu` become: devices of the configuration, and the
 * networks that they are connected to. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "qemu.h"
#include "qemu_net.h"

static struct qemu_netdev *find_netdev(struct qemu *q, const char *id)
{
    for (unsigned k = 0; id && k < q->net.netdev_count; k++)
        if (q->net.netdevs[k].id && !strcmp(q->net.netdevs[k].id, id))
            return &q->net.netdevs[k];
    return NULL;
}

/* QEMU's: 52:54:00:12:34:56, and the last byte counts. */
static bool parse_mac(const char *text, unsigned index, uint8_t mac[6])
{
    const uint8_t next[6] = {0x52, 0x54, 0x00, 0x12, 0x34, (uint8_t)(0x56 + index)};
    int length = 0;

    memcpy(mac, next, sizeof(next));
    if (!text)
        return true;
    return sscanf(text, "%2hhx%*1[:-]%2hhx%*1[:-]%2hhx%*1[:-]%2hhx%*1[:-]%2hhx%*1[:-]%2hhx%n",
                  &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &length) == 6 &&
           !text[length] && !(mac[0] & 1);
}

static bool plug(struct qemu *q, const char *what, struct qemu_netdev *to, const char *mac,
                 unsigned index, struct arm_device *device)
{
    struct networks *all = &q->net.networks;
    struct network *n = &all->rows[all->count];

    if (all->count == NETWORKS_MAX)
        return qemu_bad("%s: more than %d network devices", what, NETWORKS_MAX);
    *n = (struct network){.device = index};
    device->kind = ARM_VIRTIO_NET;
    if (!parse_mac(mac, all->count, device->wire.mac))
        return qemu_bad("%s: %s: expected an address as 52:54:00:12:34:56", what, mac);
    if (to) {
        n->spec = to->spec;
        n->id = to->id ? to->id : to->spec.kind;
        n->nic = qemu_keep(
            q,
            g_strdup_printf("%s.%u", g_str_has_prefix(what, "-device ") ? what + 8 : "virtio-net",
                            all->count));
        memcpy(n->mac, device->wire.mac, sizeof(n->mac));
        to->used = true;
        for (unsigned k = 0; k < q->net.dump_count; k++)
            if (to->id && !strcmp(q->net.dumps[k].netdev, to->id)) {
                n->dump = q->net.dumps[k].file;
                n->dump_max = q->net.dumps[k].max;
            }
        device->wire.send = network_send;
        device->wire.ctx = n;
        all->count++;
        q->req.networks = all;
    } else {
        qemu_note(q, "%s: it is connected to nothing", what);
    }
    return true;
}

bool qemu_net_plug(struct qemu *q, const char *what, const char *id, const char *mac,
                   unsigned index, struct arm_device *device)
{
    struct qemu_netdev *to = find_netdev(q, id);

    if (id && !to)
        return qemu_bad("%s,netdev=%s: expected the id of a -netdev", what, id);
    if (to && to->used)
        return qemu_bad("%s,netdev=%s: it is another device's", what, id);
    return plug(q, what, to, mac, index, device);
}

/* On PCI if nothing else is said. */
static bool place_nic(struct qemu *q, const struct qemu_nic *n, struct arm_device *device)
{
    const struct qemu_device wish = {.pci.addr = n->addr};

    return (n->model && !strcmp(n->model, "virtio-net-device")) ||
           qemu_pci_place(q, &wish, n->has_own ? "-nic" : "-net nic", &device->pci);
}

static bool connect_nic(struct qemu *q, const struct qemu_nic *n)
{
    struct arm_device device = {0};
    unsigned index = q->req.config.device_count;
    struct qemu_netdev *to = n->has_own                      ? &q->net.netdevs[n->own]
                             : !n->netdev && q->net.hub >= 0 ? &q->net.netdevs[q->net.hub]
                                                             : NULL;
    bool good;

    if (!n->netdev && to && to->used)
        return qemu_bad("-net nic: a second one at the same network is not offered, there is no "
                        "hub; use -nic or -netdev");
    good = n->netdev ? qemu_net_plug(q, "-net nic", n->netdev, n->mac, index, &device)
                     : plug(q, n->has_own ? "-nic" : "-net nic", to, n->mac, index, &device);
    if (n->model && !strcmp(n->model, "e1000"))
        device.kind = ARM_E1000;
    else if (n->model && !strcmp(n->model, "e1000e"))
        device.kind = ARM_E1000E;
    return good && place_nic(q, n, &device) &&
           (devices_add(&q->devices.options, &device, &q->req.config) ||
            qemu_bad("more than %d devices", ARM_DEVICES_MAX));
}

bool qemu_net_connect(struct qemu *q)
{
    bool good = qemu_redirs_connect(q);

    for (unsigned k = 0; k < q->net.nic_count; k++)
        good &= connect_nic(q, &q->net.nics[k]);
    return good;
}

bool qemu_net_check(struct qemu *q)
{
    bool good = true;

    for (unsigned k = 0; k < q->net.netdev_count; k++)
        if (!q->net.netdevs[k].used)
            qemu_note(q, "-netdev %s: no device is connected to it",
                      q->net.netdevs[k].id ? q->net.netdevs[k].id : q->net.netdevs[k].spec.kind);
    for (unsigned k = 0; k < q->net.dump_count; k++)
        if (!find_netdev(q, q->net.dumps[k].netdev))
            good = qemu_bad("-object filter-dump,netdev=%s: expected the id of a -netdev",
                            q->net.dumps[k].netdev);
    return good;
}
