/* Frames as a file that tcpdump and others read: pcap with nanoseconds, of virtual time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct output;

void pcap_begin(struct output *o);

/* @max: bytes of the frame that are kept. */
void pcap_write(struct output *o, uint64_t time_ns, const uint8_t *frame, size_t size, size_t max);
