#include "qemu_net.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_objects.h"

#define VMNET "vmnet-shared|vmnet-host|vmnet-bridged"
#define KINDS "user|socket|stream|dgram|tap|bridge|hubport|" VMNET

/* The rows being filled. */
static struct qemu_netdev *netdev(struct qemu *q)
{
    return &q->net.netdevs[q->net.netdev_count];
}

static struct qemu_nic *nic(struct qemu *q)
{
    return &q->net.nics[q->net.nic_count];
}

static struct qemu_dump *dump(struct qemu *q)
{
    return &q->net.dumps[q->net.dump_count];
}

#define TEXT(what, name, member) PROPERTY_TEXT(set_##what##_##name, what(q)->member)
TEXT(netdev, id, id)
TEXT(netdev, kind, spec.kind)
TEXT(netdev, net, spec.net)
TEXT(netdev, host, spec.host)
TEXT(netdev, dns, spec.dns)
TEXT(netdev, dhcpstart, spec.dhcp_start)
TEXT(netdev, net6, spec.net6)
TEXT(netdev, host6, spec.host6)
TEXT(netdev, dns6, spec.dns6)
TEXT(netdev, hostname, spec.hostname)
TEXT(netdev, domain, spec.domain)
TEXT(netdev, tftp, spec.tftp)
TEXT(netdev, bootfile, spec.bootfile)
TEXT(netdev, tftp_server, spec.tftp_server)
TEXT(netdev, listen, spec.listen)
TEXT(netdev, connect, spec.connect)
TEXT(netdev, fd, spec.fd)
TEXT(netdev, path, spec.path)
TEXT(netdev, ifname, spec.ifname)
TEXT(netdev, script, spec.script)
TEXT(netdev, downscript, spec.downscript)
TEXT(netdev, br, spec.bridge)
TEXT(netdev, helper, spec.helper)
TEXT(netdev, hubid, spec.hub)
TEXT(nic, model, model)
TEXT(nic, mac, mac)
TEXT(nic, netdev, netdev)
TEXT(nic, addr, addr)
TEXT(dump, netdev, netdev)
TEXT(dump, file, file)
#undef TEXT

#define LIST(name, list, count, max)                                                               \
    static bool set_netdev_##name(struct qemu *q, const char *value)                               \
    {                                                                                              \
        struct net_spec *spec = &netdev(q)->spec;                                                  \
        if (spec->count == (max))                                                                  \
            return qemu_bad("-netdev " #name "=%s: more than %d of them", value, max);             \
        spec->list[spec->count++] = qemu_keep(q, g_strdup(value));                                 \
        return true;                                                                               \
    }
LIST(hostfwd, forwards, forward_count, NET_FORWARDS_MAX)
LIST(guestfwd, commands, command_count, NET_FORWARDS_MAX)
LIST(dnssearch, search, search_count, NET_SEARCH_MAX)
#undef LIST

#define FLAG(name, member, to) PROPERTY_FLAG(set_netdev_##name, netdev(q)->spec.member, to)
FLAG(restrict, restricted, true)
FLAG(ipv4, no_ipv4, false)
FLAG(ipv6, no_ipv6, false)
FLAG(server, server, true)
#undef FLAG

PROPERTY_TEXT(set_netdev_host_name, netdev(q)->host)
PROPERTY_TEXT(set_netdev_port, netdev(q)->port)
PROPERTY_TEXT(set_netdev_local_host, netdev(q)->local_host)
PROPERTY_TEXT(set_netdev_local_port, netdev(q)->local_port)
PROPERTY_TEXT(set_netdev_local, netdev(q)->spec.local)

static bool set_netdev_datagrams(struct qemu *q, const char *value)
{
    netdev(q)->spec.kind = "dgram";
    netdev(q)->spec.remote = qemu_keep(q, g_strdup(value));
    return true;
}

/* ---- -netdev ---- */

static const struct property user_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"hostfwd", "RULE", set_netdev_hostfwd, NULL},
    {"guestfwd", "RULE", set_netdev_guestfwd, NULL},
    {"restrict", "on|off", set_netdev_restrict, NULL},
    {"net", "ADDRESS", set_netdev_net, NULL},
    {"host", "ADDRESS", set_netdev_host, NULL},
    {"dns", "ADDRESS", set_netdev_dns, NULL},
    {"dhcpstart", "ADDRESS", set_netdev_dhcpstart, NULL},
    {"hostname", "NAME", set_netdev_hostname, NULL},
    {"domainname", "NAME", set_netdev_domain, NULL},
    {"dnssearch", "NAME", set_netdev_dnssearch, NULL},
    {"tftp", "DIRECTORY", set_netdev_tftp, NULL},
    {"tftp-server-name", "NAME", set_netdev_tftp_server, NULL},
    {"bootfile", "NAME", set_netdev_bootfile, NULL},
    {"ipv4", "on|off", set_netdev_ipv4, NULL},
    {"ipv6", "on|off", set_netdev_ipv6, NULL},
    {"ipv6-net", "ADDRESS", set_netdev_net6, NULL},
    {"ipv6-host", "ADDRESS", set_netdev_host6, NULL},
    {"ipv6-dns", "ADDRESS", set_netdev_dns6, NULL},
    {"smb", "DIRECTORY", NULL, "no SMB server is run for the guest"},
    {"vlan", "0", NULL, NULL}, /* of old: one network */
    {"smbserver", "ADDRESS", NULL, NULL},
};

static const struct property socket_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"listen", "HOST:PORT", set_netdev_listen, NULL},
    {"connect", "HOST:PORT", set_netdev_connect, NULL},
    {"fd", "N", set_netdev_fd, NULL},
    {"mcast", "ADDRESS:PORT", set_netdev_datagrams, NULL},
    {"udp", "HOST:PORT", set_netdev_datagrams, NULL},
    {"localaddr", "HOST[:PORT]", set_netdev_local, NULL},
};

/* "dgram" by the addresses of both ends (join_address()). */
static const struct property dgram_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"local.type", "inet", NULL, NULL},
    {"local.host", "HOST", set_netdev_local_host, NULL},
    {"local.port", "PORT", set_netdev_local_port, NULL},
    {"remote.type", "inet", NULL, NULL},
    {"remote.host", "HOST", set_netdev_host_name, NULL},
    {"remote.port", "PORT", set_netdev_port, NULL},
};

static const struct property stream_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"server", "on|off", set_netdev_server, NULL},
    {"addr.type", "unix|inet", NULL, NULL},
    {"addr.path", "PATH", set_netdev_path, NULL},
    {"addr.host", "HOST", set_netdev_host_name, NULL},
    {"addr.port", "PORT", set_netdev_port, NULL},
    {"reconnect", "0", NULL, NULL},
};

static const struct property tap_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"ifname", "NAME", set_netdev_ifname, NULL},
    {"script", "FILE|no", set_netdev_script, NULL},
    {"downscript", "FILE|no", set_netdev_downscript, NULL},
    {"br", "BRIDGE", set_netdev_br, NULL},
    {"helper", "FILE", set_netdev_helper, NULL},
    {"fd", "N", set_netdev_fd, NULL},
    {"fds", "N:N", set_netdev_fd, NULL},
    {"vhost", "on|off", NULL, "frames come through this process"},
    {"vhostfd", "N", NULL, NULL}, /* said by vhost */
    {"vhostfds", "N:N", NULL, NULL},
    {"vhostforce", "on|off", NULL, NULL},
    {"vnet_hdr", "on|off", NULL, "frames have no header of the host's"},
    {"queues", "N", NULL, "there is one pair of queues"},
    {"sndbuf", "N", NULL, NULL},
};

static const struct property bridge_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"br", "BRIDGE", set_netdev_br, NULL},
    {"helper", "FILE", set_netdev_helper, NULL},
};

/* Each of its ports is a network device's. */
static const struct property hubport_properties[] = {
    {"type", KINDS, set_netdev_kind, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"hubid", "N", set_netdev_hubid, NULL},
};

/* The host's part of a Mac's system. To the guest it is a network with DHCP and a way out. */
static bool set_vmnet(struct qemu *q, const char *value)
{
    qemu_note(q, "-netdev %s: this host has no vmnet: taking a user network", value);
    netdev(q)->spec.kind = "user";
    return true;
}

static const struct property vmnet_properties[] = {
    {"type", VMNET, set_vmnet, NULL},
    {"id", "ID", set_netdev_id, NULL},
    {"ifname", "NAME", NULL, NULL},
    {"start-address", "ADDRESS", NULL, "the user network's addresses are 10.0.2.0/24"},
    {"end-address", "ADDRESS", NULL, NULL},
    {"subnet-mask", "MASK", NULL, NULL},
    {"isolated", "on|off", NULL, NULL},
    {"net-uuid", "UUID", NULL, NULL},
    {"nat66-prefix", "PREFIX", NULL, NULL},
};

static const struct {
    const char *names; /* "a|b|c" */
    const struct property *properties;
    size_t count;
} kinds[] = {
    {"user", user_properties, G_N_ELEMENTS(user_properties)},
    {"socket", socket_properties, G_N_ELEMENTS(socket_properties)},
    {"stream", stream_properties, G_N_ELEMENTS(stream_properties)},
    {"dgram", dgram_properties, G_N_ELEMENTS(dgram_properties)},
    {"tap", tap_properties, G_N_ELEMENTS(tap_properties)},
    {"bridge", bridge_properties, G_N_ELEMENTS(bridge_properties)},
    {"hubport", hubport_properties, G_N_ELEMENTS(hubport_properties)},
    {VMNET, vmnet_properties, G_N_ELEMENTS(vmnet_properties)},
};

static const char *host_and_port(struct qemu *q, const char *host, const char *port)
{
    return qemu_keep(q, g_strdup_printf("%s:%s", host ? host : "", port));
}

/* A stream by TCP is what a socket is. */
static void join_address(struct qemu *q)
{
    struct qemu_netdev *n = netdev(q);
    struct net_spec *s = &n->spec;

    if (!strcmp(s->kind, "stream") && n->port) {
        s->kind = "socket";
        *(s->server ? &s->listen : &s->connect) = host_and_port(q, n->host, n->port);
    } else if (!strcmp(s->kind, "dgram")) {
        if (n->port)
            s->remote = host_and_port(q, n->host, n->port);
        if (n->local_port)
            s->local = host_and_port(q, n->local_host, n->local_port);
    }
}

/* Exactly one other end. */
static bool check_ends(const struct net_spec *s, const char *option, const char *value)
{
    if (!strcmp(s->kind, "tap") && s->fd && (s->ifname || s->script || s->downscript || s->helper))
        return qemu_bad("-%s %s: expected nothing of ifname=, script=, downscript= and helper= "
                        "beside fd=",
                        option, value);
    if (!strcmp(s->kind, "hubport") && !s->hub)
        return qemu_bad("-%s %s: expected hubid=N", option, value);
    if (!strcmp(s->kind, "dgram") && !s->remote)
        return qemu_bad("-%s %s: expected remote.host=HOST,remote.port=PORT", option, value);
    if ((strcmp(s->kind, "socket") && strcmp(s->kind, "stream")) ||
        !!s->listen + !!s->connect + !!s->fd + !!s->path == 1)
        return true;
    return qemu_bad("-%s %s: expected %s", option, value,
                    strcmp(s->kind, "stream") ? "one of listen=, connect= and fd="
                                              : "addr.type=unix,addr.path=PATH, or "
                                                "addr.type=inet,addr.host=HOST,addr.port=PORT");
}

/* @text as -netdev has it; @more: properties of a NIC that may stand among them. */
static bool add_netdev(struct qemu *q, const char *option, const char *text,
                       const struct property *more, size_t more_count)
{
    g_autofree char *kind = properties_find(text, "type", "type");
    g_autofree char *what = g_strdup_printf("-%s %s", option, kind ? kind : text);
    bool good = false, known = false;

    if (q->net.netdev_count == NETWORKS_MAX)
        return qemu_bad("-%s: more than %d of them", option, NETWORKS_MAX);
    *netdev(q) = (struct qemu_netdev){0};
    for (size_t k = 0; kind && k < G_N_ELEMENTS(kinds); k++) {
        size_t count = kinds[k].count;
        if (!properties_accept(kinds[k].names, kind))
            continue;
        g_autofree struct property *table = g_new0(struct property, count + more_count);
        memcpy(table, kinds[k].properties, count * sizeof(*table));
        if (more_count)
            memcpy(table + count, more, more_count * sizeof(*table));
        known = true;
        good = properties_set(q, option, text, "type", table, count + more_count);
        if (good)
            join_address(q);
        good = good && check_ends(&netdev(q)->spec, option, text);
    }
    if (!known)
        return qemu_refuse("netdev", kind ? kind : "", what, KINDS);
    q->net.netdev_count += good;
    return good;
}

static bool answer(struct qemu *q, const char *title)
{
    printf("%s:\n", title);
    g_auto(GStrv) words = g_strsplit(KINDS, "|", -1);
    for (char **w = words; *w; w++)
        printf("%s\n", *w);
    q->answered = true;
    return true;
}

bool qemu_netdev(struct qemu *q, const char *option, const char *value)
{
    if (is_help(value))
        return answer(q, "Available netdev backend types");
    if (!add_netdev(q, option, value, NULL, 0))
        return false;
    if (!q->net.netdevs[q->net.netdev_count - 1].id)
        return qemu_bad("-netdev %s: expected id=ID", value);
    return true;
}

/* ---- -nic, -net ---- */

#define MODELS "virtio|virtio-net-pci|virtio-net-device|e1000|e1000e"

static const struct property nic_properties[] = {
    {"model", MODELS, set_nic_model, NULL},
    {"mac", "MAC", set_nic_mac, NULL},
    {"macaddr", "MAC", set_nic_mac, NULL},
};

static const struct property net_nic_properties[] = {
    {"type", "nic", NULL, NULL},
    {"model", MODELS, set_nic_model, NULL},
    {"macaddr", "MAC", set_nic_mac, NULL},
    {"netdev", "ID", set_nic_netdev, NULL},
    {"name", "NAME", NULL, NULL},
    {"addr", "N", set_nic_addr, NULL},
    {"id", "ID", NULL, NULL},
    {"vlan", "0", NULL, NULL}, /* of old: one network */
};

/* "-nic model=help" and the like. */
static bool asks_for_models(struct qemu *q, const char *value)
{
    g_autofree char *model = properties_find(value, "type", "model");

    if (!model || !is_help(model))
        return false;
    printf("Available NIC models:\n");
    g_auto(GStrv) words = g_strsplit(MODELS, "|", -1);
    for (char **w = words; *w; w++)
        printf("%s\n", *w);
    return q->answered = true;
}

static bool begin_nic(struct qemu *q, const char *option)
{
    if (q->net.nic_count == NETWORKS_MAX)
        return qemu_bad("-%s: more than %d devices", option, NETWORKS_MAX);
    *nic(q) = (struct qemu_nic){0};
    return true;
}

bool qemu_nic(struct qemu *q, const char *option, const char *value)
{
    if (!strcmp(value, "none") || asks_for_models(q, value))
        return true;
    if (properties_want_help(value))
        return answer(q, "Available netdev backend types");
    if (!begin_nic(q, option) ||
        !add_netdev(q, option, value, nic_properties, G_N_ELEMENTS(nic_properties)))
        return false;
    nic(q)->has_own = true;
    nic(q)->own = q->net.netdev_count - 1;
    q->net.nic_count++;
    return true;
}

bool qemu_net(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *kind = properties_find(value, "type", "type");

    if (!strcmp(value, "none") || asks_for_models(q, value))
        return true;
    if (is_help(value))
        return answer(q, "Available netdev backend types");
    if (kind && !strcmp(kind, "nic")) {
        if (!begin_nic(q, option) || !properties_set(q, option, value, "type", net_nic_properties,
                                                     G_N_ELEMENTS(net_nic_properties)))
            return false;
        q->net.nic_count++;
        return true;
    }
    if (q->net.hub >= 0)
        return qemu_bad("-net %s: a second one is not offered, there is no hub; use -netdev",
                        value);
    if (!add_netdev(q, option, value, NULL, 0))
        return false;
    q->net.hub = (int)q->net.netdev_count - 1;
    return true;
}

/* ---- filter-dump ---- */

static bool set_dump_maxlen(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 1, UINT32_MAX, &n))
        return qemu_bad("-object filter-dump,maxlen=%s: expected a number", value);
    dump(q)->max = (unsigned)n;
    return true;
}

static const struct property dump_properties[] = {
    {"qom-type", "filter-dump", NULL, NULL},
    {"id", "ID", NULL, NULL},
    {"netdev", "ID", set_dump_netdev, NULL},
    {"file", "FILE", set_dump_file, NULL},
    {"maxlen", "N", set_dump_maxlen, NULL},
    {"queue", "all", NULL, NULL},
    {"status", "on", NULL, NULL},
};

static bool add_dump(struct qemu *q, const char *value)
{
    if (q->net.dump_count == NETWORKS_MAX)
        return qemu_bad("-object filter-dump: more than %d of them", NETWORKS_MAX);
    *dump(q) = (struct qemu_dump){.max = 65536};
    if (!properties_set(q, "object", value, "qom-type", dump_properties,
                        G_N_ELEMENTS(dump_properties)))
        return false;
    if (!dump(q)->netdev || !dump(q)->file)
        return qemu_bad("-object %s: expected netdev=ID and file=FILE", value);
    q->net.dump_count++;
    return true;
}

const struct qemu_object_kind qemu_filter_dump = {dump_properties, G_N_ELEMENTS(dump_properties),
                                                  add_dump};
