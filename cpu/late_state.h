/* What the files of late effects share. */
#pragma once

#include "cpu/late.h"

#define LATE_WRITES 32
#define LATE_TLBIS  32
#define LATE_STORES 32
#define LATE_LINES  64
#define LATE_POSTED 8

#define LATE_POSTED_BYTES 4 /* all registers of GICV have them */
#define LATE_PAGES        4096
#define LATE_WALKS        64

#define LATE_LINE_BYTES 64 /* of CTR_EL0.IminLine of every model */

struct late_register {
    uint64_t value;
    uint16_t sr;
    bool virt;
    bool result; /* of an instruction: direct reads do not see it */
};

struct late_op {
    struct tlbi op;
    bool broadcast;
    uint64_t until_ns; /* it takes effect then at the latest */
};

/* 8 bytes of a translation table. */
struct late_granule {
    uint64_t pa, old, until_ns;
    uint8_t cpu; /* whose store it was, */
    bool near;   /* and its own walks see it */
};

/* A line of code that fetches see as it was. */
enum line_state {
    LINE_STORED, /* no IC since */
    LINE_IC,     /* IC by @cpu, no DSB since */
    LINE_DONE,   /* what is left is a context synchronization event */
};

struct late_line {
    uint64_t pa;
    uint8_t state, cpu;
};

/* A store to the device that has such, of LATE_POSTED_BYTES. */
struct late_posted {
    uint64_t offset, value;
};

struct late_cpu {
    unsigned register_count, tlbi_count, posted_count;
    struct late_register registers[LATE_WRITES]; /* oldest first, as are all lists */
    struct late_op tlbis[LATE_TLBIS];
    struct late_posted posted[LATE_POSTED];
    uint64_t walks[LATE_WALKS]; /* pages, the oldest at walk_count % LATE_WALKS */
    uint32_t walk_count;
};

struct late {
    uint64_t rng;
    late_write_fn *write;
    struct device *device;
    unsigned cpu_count, store_count, line_count;
    unsigned due; /* TLBIs that take effect together, and have not yet */
    struct late_granule stores[LATE_STORES];
    struct late_line lines[LATE_LINES];
    uint64_t pages[LATE_PAGES]; /* 1 + number of a page with PAGE_WALKED, hashed by it */
    struct late_cpu cpus[];
};

/* True for one in @n. */
bool late_draw(struct late *late, unsigned n);

/* When what is written at @now_ns takes effect at the latest. */
uint64_t late_deadline(struct late *late, uint64_t now_ns);

/* TLBIs of @cpu whose deadline is not behind @now_ns take effect; UINT64_MAX: all. Not @shared: on
 * @cpu alone, and those that are broadcast are still on their way. Return: some did. */
bool late_apply_tlbis(struct cpu *cpu, uint64_t now_ns, bool shared);

/* Stores to tables are seen, likewise; those of @cpu by its own walks. */
void late_show_stores(struct late *late, uint64_t now_ns);
void late_show_near(struct cpu *cpu);

/* The stores of @cpu to the device reach it. Return: there were some. */
bool late_deliver(struct cpu *cpu);

/* Lines that only wait for a context synchronization event are fetched anew; with
 * @all every one. */
bool late_show_lines(struct late *late, struct code_cache *code, struct physmem *mem, bool all);

void late_clear_pages(struct late *late, struct physmem *mem);
