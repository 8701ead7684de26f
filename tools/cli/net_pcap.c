#include "net_pcap.h"

#include "output.h"

#define MAGIC_NS      0xa1b23c4d
#define LINK_ETHERNET 1
#define LENGTH_MAX    65536

/* Numbers are in the byte order of whoever writes, which the first one shows. */
void pcap_begin(struct output *o)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, length_max, link;
    } header = {MAGIC_NS, 2, 4, 0, 0, LENGTH_MAX, LINK_ETHERNET};

    output_write(o, &header, sizeof(header));
}

void pcap_write(struct output *o, uint64_t time_ns, const uint8_t *frame, size_t size, size_t max)
{
    size_t kept = size < max ? size : max;
    const struct {
        uint32_t seconds, ns, kept, size;
    } header = {(uint32_t)(time_ns / 1000000000), (uint32_t)(time_ns % 1000000000), (uint32_t)kept,
                (uint32_t)size};

    output_write(o, &header, sizeof(header));
    output_write(o, frame, kept);
}
