/* The unit of translations, in files: tlb.c is events and worlds, tlb_store.c stores to tables,
 * tlb_maintain.c TLBI and DSB, tlb_control.c registers, tlb_vmid.c VMIDs, tlb_group.c the
 * Contiguous bit. */
#pragma once

#include "checker/stale.h"

/* What TLBs may hold of registers beside addresses, of stage 2. */
struct stage2_control {
    uint64_t vtcr, hcr;
};

/* A register that EL2's own translation goes by, written since EL2's TLB
 * entries were invalidated. */
struct own_control {
    struct site written; /* known: there is one */
    uint32_t number;
    enum rule rule;
    uint64_t clock;
};

/* What the next DSB of a CPU completes. */
struct tlb_mark {
    struct stale *stale; /* NULL: all of a VMID */
    enum coverage coverage;
    bool broadcast, every_vmid;
    bool stage1; /* all of a VMID's, and not of stage 2 */
    bool own;    /* all of EL2's instead */
    uint16_t vmid;
    uint64_t clock; /* when it was executed */
};

/* A finding that counts once the context is used again: until then its tables may be dead. */
struct deferred {
    const struct tlb_context *context;
    struct finding finding;
};

struct tlb_cpu {
    GArray *marks;       /* struct tlb_mark */
    uint64_t dsb;        /* clock of the last DSB that orders stores, */
    uint64_t dsb_shared; /* and of the last one that does for the other CPUs */
    struct tlb_context *running;
    GHashTable *vmids; /* struct vmid_use by VMID: entered since the VMID was invalidated */
    struct own_control own;
};

struct vmid_use {
    uint64_t root;
    struct stage2_control control;
    const struct world *vcpu; /* whose translations the CPU may hold; NULL: nobody's */
    struct site entered;
    struct site elsewhere; /* it was on another CPU since, with HCR_EL2.FB clear */
};

/* A group of descriptors with the Contiguous bit, and its last change. */
struct group_note {
    uint64_t group; /* address of its first */
    struct site at;
};

struct tlb_unit {
    struct arm_checker *checker;
    struct pages pages;
    struct tlb_cpu *cpu;
    unsigned cpu_count;
    unsigned stale_count;
    unsigned tightened; /* of those: a right was taken by a thread that has not returned since */
    GHashTable *stale;  /* the first struct stale of a descriptor, by its address */
    GArray *deferred;
    GArray *groups; /* struct group_note */
    bool armed;     /* a guest has been entered */
};

/* What @page says at @index becomes stale at @p: before the new value is noted. NULL: there are too
 * many. */
struct stale *tlb_stale_add(struct arm_checker *c, struct tlb_unit *u,
                            const struct table_page *page, unsigned index,
                            enum descriptor_change change, const struct arm_event *p);

/* TLBs hold @r no longer. A table that only it led to is no table any more. */
void tlb_stale_forget(struct arm_checker *c, struct tlb_unit *u, struct stale *r);

/* Has a thread of a host taken a right away in @r, and not returned to its program since? */
bool tlb_is_tightened(const struct stale *r);

/* Findings: one about a descriptor at @pa; @f relies on @r being invalid in TLBs: if a TLBI tried,
 * then it is to blame; @f is reported now, or when the tables turn out to be in use still; @r, and
 * what has changed with it, is told. */
struct finding tlb_finding(const struct arm_checker *c, enum rule rule, const struct arm_event *p,
                           uint64_t pa);
void tlb_blame(const struct stale *r, struct finding *f);
void tlb_report(struct arm_checker *c, struct tlb_unit *u, const struct tlb_context *x,
                const struct finding *f);
void tlb_silence(struct stale *r);

/* "EL2", "stage 2 of VMID 3". */
const char *tlb_context_text(const struct tlb_context *x, char *text, size_t size);

/* The events STORE, TLBI and BARRIER. */
void tlb_stored(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p);
void tlb_maintained(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p);
void tlb_barrier(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p);

/* Registers whose value TLBs may hold: a write at EL2; EL2's entries are invalidated on CPU @cpu; a
 * world is entered; those of stage 2 now. */
void tlb_control_written(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p);
void tlb_control_done(struct tlb_unit *u, const struct tlb_mark *m, unsigned cpu);
void tlb_control_check(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                       const struct arm_event *p);
struct stage2_control tlb_control_stage2(const struct arm_checker *c, const struct arm_event *p);

/* @w is entered with a VMID that the CPU has had before, or others have. */
void tlb_vmid_check(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                    const struct arm_event *p);

/* Groups with the Contiguous bit: @page's descriptor at @index has been stored, it was @before; a
 * world is entered. */
void tlb_group_stored(struct arm_checker *c, struct tlb_unit *u, const struct table_page *page,
                      unsigned index, uint64_t before, const struct arm_event *p);
void tlb_group_check(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                     const struct arm_event *p);
