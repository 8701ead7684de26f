/* The inside of the server (gdb/). */
#pragma once

#include "gdb/packet.h"
#include "gdb/server.h"

/* Numbers of registers in the target description: its features "core", "fpu" and "pauth_v2", and
 * behind them system registers in the order of s->system. */
enum {
    GDB_REG_SP = 31,
    GDB_REG_PC = 32,
    GDB_REG_CPSR = 33,
    GDB_REG_V0 = 34,
    GDB_REG_FPSR = 66,
    GDB_REG_FPCR = 67,
    GDB_REG_MASKS = 68, /* of data and code, in the lower half of addresses, and in the upper one */
    GDB_REG_SYSTEM = 72,
};

struct gdb_server {
    struct gdb_target target;
    struct gdb_reader reader;
    GByteArray *out;
    GByteArray *waiting; /* received, and not looked at yet */
    GByteArray *sent;    /* the last packet, with its frame */
    bool no_ack, no_ack_next, interrupted;
    bool tells_breaks; /* the client knows swbreak and hwbreak */
    unsigned cpu;      /* of register and memory packets (Hg) */
    unsigned cpu_goes; /* of c and s (Hc) */
    enum gdb_space space;
    GArray *points;    /* struct gdb_point */
    GArray *system;    /* struct arm_register */
    char *description; /* made when it is asked for */
    unsigned listed;   /* threads that the client has been told of */
    struct gdb_request request;
    struct gdb_stop last;
};

/* Does what a packet says. @rest: behind the name, ending in a 0 byte beyond @size bytes. @reply:
 * what is answered; empty is "not known". Return: false if there is no reply. */
typedef bool gdb_packet_fn(struct gdb_server *s, const char *rest, size_t size, GString *reply);

#define GDB_PACKET(name, fn, ...) gdb_packet_fn gdb_do_##fn;
#include "gdb/packets.def"
#undef GDB_PACKET

struct arm_machine *gdb_machine(const struct gdb_server *s);

/* Before a change. False: @reply says why not. */
bool gdb_may_change(const struct gdb_server *s, GString *reply);

/* What a stop looks like. */
void gdb_append_stop(struct gdb_server *s, const struct gdb_stop *stop, GString *reply);

/* How many bits an address has at the EL of @cpu, in the upper half of addresses or the lower one;
 * what is in those above is no part of it (a PAC, a tag). */
unsigned gdb_address_bits(const struct gdb_server *s, unsigned cpu, bool upper);

/* target.xml; s->description. */
char *gdb_describe(const struct gdb_server *s);

/* The system registers that the description lists. */
GArray *gdb_system_registers(struct arm_machine *m);

/* In the target's byte order; appends "x" for each digit of one that has no value. False: there is
 * none of that number. */
bool gdb_append_register(struct gdb_server *s, unsigned cpu, unsigned number, GString *out);
