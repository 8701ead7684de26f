#include "fdt.h"

#define FDT_MAGIC      0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4
#define MAX_DEPTH      16

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void keep(struct fdt_node *node, const char *name, struct fdt_property p)
{
#define X(field, text)                                                                             \
    if (same(name, text))                                                                          \
        node->field = p;
    FDT_PROPERTIES(X)
#undef X
}

static uint32_t cells(const struct fdt_property *p, uint32_t otherwise)
{
    return p->data ? fdt_cell(p, 0) : otherwise;
}

static uint32_t padded(uint32_t size)
{
    return (size + 3) & ~3u;
}

/* Properties stand before subnodes, so a node is complete at the first node token behind it. */
bool fdt_walk(const void *tree, fdt_visit_fn *visit, void *context)
{
    const uint8_t *blob = tree, *at = blob + be32(blob + 8);
    const char *strings = (const char *)blob + be32(blob + 12);
    struct fdt_node nodes[MAX_DEPTH] = {0};
    unsigned depth = 0;
    bool open = false;

    if (be32(blob) != FDT_MAGIC || be32(blob + 20) < 16)
        return false;
    for (;;) {
        uint32_t token = be32(at);

        at += 4;
        if (open && token != FDT_PROP && token != FDT_NOP) {
            visit(&nodes[depth], context);
            open = false;
        }
        if (token == FDT_BEGIN_NODE) {
            const struct fdt_node *parent = &nodes[depth];
            uint32_t length = 0;

            if (++depth == MAX_DEPTH)
                return false;
            nodes[depth] = (struct fdt_node){
                .reg_address_cells = cells(&parent->address_cells, 2),
                .reg_size_cells = cells(&parent->size_cells, 1),
            };
            while (at[length++])
                ;
            at += padded(length);
            open = true;
        } else if (token == FDT_PROP) {
            uint32_t size = be32(at);

            keep(&nodes[depth], strings + be32(at + 4), (struct fdt_property){at + 8, size});
            at += 8 + padded(size);
        } else if (token == FDT_END_NODE) {
            depth--;
        } else if (token != FDT_NOP) {
            return true;
        }
    }
}

uint32_t fdt_bytes(const void *tree)
{
    return be32((const uint8_t *)tree + 4);
}

bool fdt_has(const struct fdt_property *p, const char *text)
{
    const char *at = (const char *)p->data, *end = at + p->size;

    while (at && at < end) {
        if (same(at, text))
            return true;
        while (at < end && *at++)
            ;
    }
    return false;
}

uint32_t fdt_cell(const struct fdt_property *p, unsigned n)
{
    return p->data && (n + 1) * 4 <= p->size ? be32(p->data + 4 * n) : 0;
}

static uint64_t number(const struct fdt_property *p, unsigned at, unsigned count)
{
    uint64_t v = 0;

    while (count--)
        v = v << 32 | fdt_cell(p, at++);
    return v;
}

bool fdt_reg(const struct fdt_node *node, unsigned n, uint64_t *address, uint64_t *size)
{
    unsigned ac = node->reg_address_cells, sc = node->reg_size_cells, at = n * (ac + sc);

    if (!node->reg.data || (at + ac + sc) * 4 > node->reg.size)
        return false;
    *address = number(&node->reg, at, ac);
    *size = number(&node->reg, at + ac, sc);
    return true;
}
