/*
 * The ownership automaton: for every register of every world, where its true value is. The unit
 * `own`; what data flow (checker/flow.h) tells it and asks of it.
 */
#pragma once

#include "arch/sysreg.h"
#include "checker/flow.h"
#include "checker/regs.h"

/* EL2 has stored a register's value, whole, at @pa. */
void own_saved(struct arm_checker *c, unsigned cpu, const struct tag *tag, uint64_t pa,
               uint64_t value, const struct site *at);

/* EL2 stores to the slot of a world's register, or what it has in one itself; what that comes to is
 * told by one of the others. */
void own_stored(struct arm_checker *c, unsigned cpu, const struct tag *slot);

/* The slot @g holds @now, which is not what was saved there. */
void own_modified(struct arm_checker *c, const struct granule *g, uint64_t now,
                  const struct site *at);

/* EL2 has cleared the state in what may be a list register's copy at @pa, and it was @lr there: it
 * takes the interrupt for done. */
void own_emptied(struct arm_checker *c, unsigned cpu, uint64_t pa, uint64_t lr,
                 const struct site *at);

/* EL2 has written V@n by an instruction that was followed. */
void own_vector_written(struct arm_checker *c, unsigned cpu, unsigned n, const struct site *at);

/* May a read of @sr by EL2 on @cpu be of a world's value, or be what ends the CPU's sleep? If not,
 * one that has been told has told all that the next ones would. */
bool own_needs_reads(const struct arm_checker *c, unsigned cpu, enum sysreg sr);

/* Are values of a world in a vector of @cpu: its own, or restored for it? */
bool own_has_vectors(const struct arm_checker *c, unsigned cpu);

/* What EL2 has loaded into V@n, by an instruction that was followed: it stands there until another
 * one writes it. */
void own_vector_loaded(struct arm_checker *c, unsigned cpu, unsigned n, const struct tag *tag);

/* EL2's instruction at @p computes with the general registers of the set @reads, which are values
 * of worlds. */
void own_consumed(struct arm_checker *c, const struct arm_event *p, const struct tag *x,
                  uint32_t reads);

/* Does @w, which is entered, take an exception at a vector that an old value of its VBAR_EL1 means,
 * or another's? */
bool own_enters_stale_vector(const struct arm_checker *c, const struct world *w,
                             const struct arm_event *p);

/* EL2 returns by @p, a WORLD event, with the general registers of a guest, and VMPIDR_EL2 as
 * another virtual CPU's return has left it, or the stage-2 tables of another VM: that guest, and
 * *wrong. NULL: the world that these two say. */
const struct world *own_identity(struct arm_checker *c, const struct arm_event *p,
                                 enum sysreg *wrong);

/* @p enters a virtual CPU that was never entered before, under the name of one that was: its
 * general registers come from another place than that one's, where all that it has left still is.
 * *wrong: the register that should tell them apart. */
bool own_is_twin(struct arm_checker *c, const struct arm_event *p, enum sysreg *wrong);

/* The guest whose values most general registers of @cpu are; or NULL. */
const struct world *own_known(const struct arm_checker *c, unsigned cpu);

/* The guest whose general registers have been loaded from its slots, most of them; or NULL. */
const struct world *own_restored(const struct arm_checker *c, unsigned cpu);

/* The tag of what @w has in @reg now. */
struct tag own_tag(const struct arm_checker *c, const struct world *w, unsigned reg);

/* The tag of what is in @reg of @cpu; of a MRS. TAG_NONE: nobody's. */
struct tag own_live_tag(const struct arm_checker *c, unsigned cpu, unsigned reg);
struct tag own_read_tag(const struct arm_checker *c, const struct arm_event *p);

/* Is @v the newest value of @reg of any world; is what the CPU has there EL2's own? */
bool own_is_worlds(const struct arm_checker *c, unsigned reg, struct value128 v);
bool own_is_el2s(const struct arm_checker *c, unsigned cpu, unsigned reg);

/* What has written @reg of @cpu last, at EL2. */
struct site own_written_at(const struct arm_checker *c, unsigned cpu, unsigned reg);

/* @tag, of EL2's own register that it has read by a world's name: is that world's value there? */
bool own_is_misread(const struct arm_checker *c, unsigned cpu, const struct tag *tag);
