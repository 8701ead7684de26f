/* -redir of `armillary qemu`: QEMU before 3.0 had forwarded ports so. */
#include <glib.h>
#include <string.h>

#include "qemu.h"

/* PROTOCOL:PORT:[ADDRESS]:PORT as hostfwd= has it; NULL: it is nothing like that. */
static char *forward_of(const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", -1);

    if (g_strv_length(parts) != 4 || (strcmp(parts[0], "tcp") != 0 && strcmp(parts[0], "udp") != 0))
        return NULL;
    return g_strdup_printf("%s::%s-%s:%s", parts[0], parts[1], parts[2], parts[3]);
}

bool qemu_redir(struct qemu *q, const char *option, const char *value)
{
    struct qemu_net *net = &q->net;
    char *forward = forward_of(value);

    if (!forward)
        return qemu_bad("-%s %s: expected tcp:PORT:[ADDRESS]:PORT, or udp", option, value);
    qemu_keep(q, forward);
    if (net->redir_count == NET_FORWARDS_MAX)
        return qemu_bad("-%s %s: more than %d of them", option, value, NET_FORWARDS_MAX);
    net->redirs[net->redir_count++] = forward;
    return true;
}

bool qemu_redirs_connect(struct qemu *q)
{
    struct qemu_net *net = &q->net;
    struct net_spec *user = NULL;

    for (unsigned k = net->netdev_count; k--;)
        if (!strcmp(net->netdevs[k].spec.kind, "user"))
            user = &net->netdevs[k].spec;
    for (unsigned k = 0; k < net->redir_count; k++) {
        if (!user)
            return qemu_bad("-redir: expected a user network, as -nic user makes one");
        if (user->forward_count == NET_FORWARDS_MAX)
            return qemu_bad("-redir: more than %d forwarded ports", NET_FORWARDS_MAX);
        user->forwards[user->forward_count++] = net->redirs[k];
    }
    return true;
}
