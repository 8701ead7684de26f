/* A machine with a server of gdb's protocol, and a client that speaks it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "armillary.h"
#include "gdb/packet.h"
#include "gdb/server.h"
#include "tests/machine/new_machine.h"

#define ENTRY UINT64_C(0x40080000)

struct session {
    struct arm_machine *m;
    struct gdb_server *s;
    bool refuses; /* changes */
    char answer[2 * GDB_PACKET_MAX];
};

static inline struct arm_machine *session_machine(void *ctx)
{
    const struct session *t = ctx;

    return t->m;
}

static inline bool session_change(void *ctx, const char **why)
{
    const struct session *t = ctx;

    *why = "it is the past";
    return !t->refuses;
}

static inline void session_monitor(void *ctx, struct gdb_server *s, unsigned cpu, const char *line,
                                   GString *out)
{
    (void)ctx, (void)s;
    g_string_append_printf(out, "cpu %u: %s", cpu, line);
}

static inline void session_open(struct session *t, unsigned cpus)
{
    static const uint32_t words[] = {
        0xd2800540, /* mov x0, #42 */
        0xd503201f, /* nop */
        0x14000000, /* b . */
    };

    memset(t, 0, sizeof(*t));
    t->m = new_machine_of((struct arm_config){.size = sizeof(struct arm_config),
                                              .cpu = "max",
                                              .el2 = true,
                                              .cpus = cpus,
                                              .ram_size = UINT64_C(128) << 20},
                          words, sizeof(words), ENTRY, 0x1000);
    t->s =
        gdb_server_new(&(struct gdb_target){session_machine, session_change, session_monitor, t});
}

static inline void session_close(struct session *t)
{
    gdb_server_free(t->s);
    arm_machine_free(t->m);
}
