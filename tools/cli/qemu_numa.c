#include "qemu_numa.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"

#define LOCAL    10
#define FARTHEST 255

/* ---- what one option says ---- */

static bool parse_id(const char *what, const char *value, unsigned *id)
{
    uint64_t n;

    if (!parse_number(value, 0, ARM_NODES_MAX - 1, &n))
        return qemu_bad("-numa %s=%s: expected a node, 0 to %d", what, value, ARM_NODES_MAX - 1);
    *id = (unsigned)n;
    return true;
}

/* The node that the option is about: that of nodeid=, or the next one. */
static struct qemu_node *node(struct qemu *q)
{
    return &q->numa.nodes[q->numa.count];
}

/* FIRST or FIRST-LAST */
static bool set_cpus(struct qemu *q, const char *value)
{
    g_auto(GStrv) ends = g_strsplit(value, "-", 2);
    uint64_t first, last;

    if (!parse_number(ends[0] ? ends[0] : "", 0, ARM_NODE_CPUS_MAX - 1, &first) ||
        !parse_number(ends[0] && ends[1] ? ends[1] : ends[0], 0, ARM_NODE_CPUS_MAX - 1, &last) ||
        last < first)
        return qemu_bad("-numa cpus=%s: expected FIRST-LAST, 0 to %d", value,
                        ARM_NODE_CPUS_MAX - 1);
    node(q)->cpus |= UINT64_MAX >> (63 - (last - first)) << first;
    return true;
}

static bool set_mem(struct qemu *q, const char *value)
{
    return parse_size(value, ARM_BIT(20), &node(q)->memory) ||
           qemu_bad("-numa mem=%s: expected MiB, or a number with K, M or G", value);
}

static bool set_memdev(struct qemu *q, const char *value)
{
    node(q)->memdev = qemu_keep(q, g_strdup(value));
    return qemu_use_backend(q, value);
}

static const struct property node_properties[] = {
    {"type", "node", NULL, NULL},
    {"nodeid", "N", NULL, NULL}, /* by take_node() */
    {"cpus", "CPUS", set_cpus, NULL},
    {"mem", "SIZE", set_mem, NULL},
    {"memdev", "ID", set_memdev, NULL},
    {"initiator", "N", NULL, "no table says who is whose: there is no HMAT"},
};

/* The properties are set behind the last node, and moved to the one that they are of. */
static bool take_node(struct qemu *q, const char *value)
{
    g_autofree char *id = properties_find(value, "type", "nodeid");
    struct qemu_numa *n = &q->numa;
    unsigned at = n->count;
    struct qemu_node given;

    if (id && !parse_id("nodeid", id, &at))
        return false;
    if (at == ARM_NODES_MAX)
        return qemu_bad("-numa node: more than %d of them", ARM_NODES_MAX);
    if (n->nodes[at].there)
        return qemu_bad("-numa nodeid=%u: there is one already", at);
    given = n->nodes[n->count];
    n->nodes[n->count] = (struct qemu_node){.there = true};
    if (!properties_set(q, "numa", value, "type", node_properties, G_N_ELEMENTS(node_properties)))
        return false;
    struct qemu_node taken = n->nodes[n->count];
    n->nodes[n->count] = given;
    n->nodes[at] = taken;
    while (n->count < ARM_NODES_MAX && n->nodes[n->count].there)
        n->count++;
    return true;
}

static bool take_distance(struct qemu *q, const char *value)
{
    static const char *const keys[] = {"src", "dst", "val"};
    unsigned ends[2] = {0, 0};
    uint64_t distance;

    for (unsigned k = 0; k < 3; k++) {
        g_autofree char *text = properties_find(value, "type", keys[k]);
        if (!text)
            return qemu_bad("-numa %s: expected src=NODE,dst=NODE,val=DISTANCE", value);
        if (k < 2 ? !parse_id(keys[k], text, &ends[k])
                  : !parse_number(text, LOCAL, FARTHEST, &distance))
            return k < 2 ? false
                         : qemu_bad("-numa val=%s: expected %d to %d", text, LOCAL, FARTHEST);
    }
    q->numa.distances[ends[0]][ends[1]] = (uint8_t)distance;
    return q->numa.has_distances = true;
}

bool qemu_numa(struct qemu *q, const char *option, const char *value)
{
    static const char hmat[] = "hmat-lb|hmat-cache";
    g_autofree char *type = properties_find(value, "type", "type");

    if (type && properties_accept(hmat, type)) {
        qemu_note(q, "-%s %s: there is no HMAT: no table says it", option, type);
        return true;
    }
    if (type && !strcmp(type, "cpu")) {
        qemu_note(q, "-%s cpu: a CPU is in the node whose cpus= has its number", option);
        return true;
    }
    return type && !strcmp(type, "dist") ? take_distance(q, value) : take_node(q, value);
}

/* ---- what all of them make ---- */

/* What nobody has been given is the first node's. */
static bool divide_memory(struct qemu *q)
{
    uint64_t left = q->req.config.ram_size, given = 0;

    for (unsigned n = 0; n < q->numa.count; n++) {
        const struct qemu_node *node = &q->numa.nodes[n];
        const struct qemu_backend *b = node->memdev ? qemu_find_backend(q, node->memdev) : NULL;
        q->numa.told[n].memory = b ? b->size : node->memory;
        given += q->numa.told[n].memory;
    }
    if (!given)
        q->numa.told[0].memory = left;
    else if (given != left)
        return qemu_bad("-numa: the nodes have %" PRIu64 " MiB, and -m says %" PRIu64, given >> 20,
                        left >> 20);
    return true;
}

static bool divide_cpus(struct qemu *q)
{
    unsigned cpus = q->req.config.cpus;

    if (cpus > ARM_NODE_CPUS_MAX)
        return qemu_bad("-numa: -smp has %u CPUs, expected at most %d with nodes", cpus,
                        ARM_NODE_CPUS_MAX);
    uint64_t all = UINT64_MAX >> (64 - cpus), given = 0;
    for (unsigned n = 0; n < q->numa.count; n++) {
        uint64_t its = q->numa.nodes[n].cpus & all;
        if (given & its)
            return qemu_bad("-numa: a CPU is in node %u and in another", n);
        given |= its;
        q->numa.told[n].cpus = its;
    }
    if (given && given != all)
        qemu_note(q, "-numa: CPUs that no node names are in node 0");
    q->numa.told[0].cpus |= all & ~given;
    return true;
}

/* The way back is as long if nothing else is said. */
static bool fill_distances(struct qemu *q)
{
    const struct qemu_numa *n = &q->numa;
    uint8_t *to = q->numa.told_distances;

    for (unsigned src = 0; src < n->count; src++)
        for (unsigned dst = 0; dst < n->count; dst++) {
            uint8_t there = n->distances[src][dst], back = n->distances[dst][src];
            *to = there ? there : back ? back : src == dst ? LOCAL : 0;
            if (!*to || (*to == LOCAL) != (src == dst))
                return qemu_bad("-numa dist,src=%u,dst=%u: expected val=%s", src, dst,
                                src == dst ? "10" : "11 to 255");
            to++;
        }
    return true;
}

bool qemu_numa_connect(struct qemu *q)
{
    struct qemu_numa *n = &q->numa;

    for (unsigned k = n->count; k < ARM_NODES_MAX; k++)
        if (n->nodes[k].there)
            return qemu_bad("-numa nodeid=%u: there is no node %u", k, n->count);
    if (!n->count)
        return true;
    if (!divide_memory(q) || !divide_cpus(q) || (n->has_distances && !fill_distances(q)))
        return false;
    q->req.config.nodes = n->told;
    q->req.config.node_count = n->count;
    q->req.config.distances = n->has_distances ? n->told_distances : NULL;
    return true;
}
