/*
 * Worlds: the parties below EL2 that believe to own the registers. They are found, not declared: an
 * exception return from EL2 enters one, an exception to EL2 leaves it, and VTTBR_EL2 and VMPIDR_EL2
 * say which it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct arm_checker;

enum world_kind {
    WORLD_HOST,  /* EL1 of the CPU itself: entered with stage 2 off, or known from then, or by
                  * what its guests have and it has not */
    WORLD_GUEST, /* a virtual CPU */
};

/* Whose what is: EL2's own is NULL. */
struct world {
    unsigned index; /* among c->worlds, in the order of appearance */
    enum world_kind kind;
    uint64_t root;    /* VTTBR_EL2.BADDR; 0: stage 2 off */
    uint64_t vmpidr;  /* VMPIDR_EL2 */
    unsigned pe;      /* of a host's, and of one of those that share both: its CPU */
    bool pe_only;     /* others share root and vmpidr */
    bool like_host;   /* VMID 0, one CPU, and physical interrupts are its own, ever */
    unsigned twin;    /* likewise, and have run on the same CPU: from 2 */
    unsigned vm;      /* number of its root among the guests', from 1 */
    uint16_t vmid;    /* as last entered */
    char name[40];    /* "host/cpu0", "vm1/vcpu0" */
    unsigned last_pe; /* where it ran last */
    bool running;     /* on last_pe, now */
    uint64_t entries;
    uint64_t insns; /* retired in it */
};

/* What a hypervisor looks like. */
struct worlds {
    struct world **list;
    unsigned count, vms;
    bool vhe, host_below, protects; /* seen: E2H, a host at EL1, a host with stage 2 */
};

void worlds_free(struct worlds *ws);

/* The world that @p, a WORLD event, enters. @known: whose values it has in its general registers,
 * or NULL: of those that share a name it is this one. */
struct world *worlds_entered(struct worlds *ws, const struct arm_event *p,
                             const struct world *known);

/* Who was entered before under the name that @p enters a world by; or NULL. */
const struct world *worlds_named(const struct worlds *ws, const struct arm_event *p);

/* Another one of that name, which @p enters. With stage 2 off it is not told apart. */
struct world *worlds_twin(struct worlds *ws, const struct arm_event *p);

/* "VHE", "nVHE", ..., for the report. */
const char *worlds_design(const struct worlds *ws);
