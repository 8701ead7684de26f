/* An abort, for death_abort.c and death_trial.c. */
#pragma once

#include "death_state.h"

/* By the kinds of FSC that have a level in their low bits. */
enum fault_kind {
    FAULT_SIZE,
    FAULT_TRANSLATION,
    FAULT_AF,
    FAULT_PERMISSION,
    FAULT_EXTERNAL,
    FAULT_ALIGNMENT,
    FAULT_OTHER
};

/* An abort, and the walk that its address has now. */
struct abort {
    const struct corpse *c;
    const struct death_fault *f;
    enum fault_kind kind;
    enum arm_access access;
    uint64_t address; /* what was accessed */
    bool stage2;
    uint64_t ipa;
    struct arm_translation now;
    struct arm_walk_step last[3];  /* by stage: the last descriptor, */
    struct arm_walk_step above[3]; /* and the one before it, if there are two steps */
    unsigned steps[3];
    uint64_t tables; /* all bits of the table descriptors of stage 1 */
    char *at;        /* the instruction */
};

/* The EL whose SCTLR, TCR and TTBR translate for where it comes from. */
unsigned death_regime_el(const struct abort *a);

uint64_t death_sctlr(const struct abort *a);

/* "a load from", "a store to", "the fetch of" */
const char *death_verb(const struct abort *a);

void death_explain_alignment(const struct abort *a, struct verdict *v);

/* The one field by which the address would lead somewhere. Only sizes near what one means are
 * tried: nearly every size leads somewhere if the tables are full of zeros and blocks. */
bool death_add_trial(const struct abort *a, GString *out);

/* ---- what is wrong with the tables (death_tables.c); false or NULL: not that ---- */

bool death_add_unaligned_base(const struct abort *a, unsigned stage, GString *out);
bool death_add_tag(const struct abort *a, GString *out);

/* Where the last table is, if that is no RAM; that everything is read big-endian. */
bool death_add_table_place(const struct abort *a, unsigned stage, GString *out);
bool death_add_big_endian(const struct abort *a, GString *out);

/* Which address is beyond which size. */
void death_add_output_size(const struct abort *a, GString *out);

/* The address is none: its bytes are in the other order, text, or what stands where LDR (literal)
 * was to have the address of (death_value.c). False: not that, or not known. */
bool death_explain_value(const struct abort *a, struct verdict *v);

/* The bits of a descriptor, or of the tables above it, that forbid the access. */
const char *death_forbidding(const struct abort *a, unsigned stage);

/* EL2 has written EL1's registers of translation, and not its own; it has returned to EL1 with the
 * MMU of that on (death_registers.c). */
bool death_add_own_registers(const struct abort *a, GString *out);
bool death_add_entered_on(const struct abort *a, GString *out);

/* "VTTBR_EL2 was never written on cpu0, it is 0"; EL2, whose MMU is off, has switched EL1's on
 * (death_registers.c). False: it is not so, or not known. */
bool death_add_unwritten(const struct abort *a, GString *out);
bool death_add_own_mmu(const struct abort *a, GString *out);

/* Who has written the last descriptor goes into the evidence; if it was by the stack, that is the
 * cause. */
bool death_explain_tables_overwritten(const struct abort *a, struct verdict *v);

/* TCR_ELx of its regime; is it an address of TTBR1; TCR_ELx.EPD0 or EPD1 of it, in a regime that
 * has both. */
uint64_t death_tcr(const struct abort *a);
bool death_is_upper(const struct abort *a);
bool death_is_disabled(const struct abort *a);

/* The last descriptor of @stage that was read; why none of stage 1 was. */
void death_add_descriptor(const struct abort *a, unsigned stage, GString *out);
void death_explain_out_of_range(const struct abort *a, struct verdict *v);

/* The MMU was switched on, or was given other tables, just before (death_mmu_on.c). False: not so.
 */
bool death_has_switched(const struct abort *a);
bool death_explain_mmu_on(const struct abort *a, struct verdict *v);
