/*
 * Which instruction saves a register and which one restores it, counted over a run: the matrix of a
 * report. What moved is asked when a world is entered; how a value came there is data flow's
 * (checker/flow.h).
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "checker/finding.h"
#include "checker/flow.h"

struct move {
    uint16_t reg;             /* as in checker/regs.h */
    bool host;                /* of a host's world, not of a guest's */
    bool save;                /* it was saved; else restored, and its world entered with it */
    uint64_t saved, restored; /* PCs at EL2; 0: not seen, or none */
    uint64_t times;
};

struct moves;

struct moves *moves_new(void);
void moves_free(struct moves *v);

/* EL2 has stored the register of @tag, whole. */
void moves_saved(struct arm_checker *c, const struct tag *tag, const struct site *at);

/* @w has been entered, and the units know. */
void moves_entered(struct arm_checker *c, const struct world *w, const struct arm_event *p);

/* struct move, by register and addresses. Free with g_array_unref(). */
GArray *moves_list(const struct moves *v);

/* "name+0x1c (file.c:12)" of an address in one of them; NULL: not known. */
const char *moves_name(const struct moves *v, uint64_t pc);

/* Those that there was no room for. */
uint64_t moves_dropped(const struct moves *v);
