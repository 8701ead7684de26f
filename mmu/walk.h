/* Address translation: stage 1, stage 2 and both. */
#pragma once

#include "base/physmem.h"
#include "mmu/fault.h"
#include "mmu/regime.h"

struct tlb;

enum mmu_kind { MMU_READ, MMU_WRITE, MMU_EXEC };

/* A descriptor that a walk has read, or updated. */
struct mmu_step {
    bool stage2;
    bool walk; /* stage 2: of a stage-1 descriptor */
    int8_t level;
    uint64_t ia;     /* what is translated: VA; of stage 2 IPA */
    uint64_t ipa;    /* of the descriptor, where stage 2 translates it; else as pa */
    uint64_t pa;     /* of the descriptor */
    uint64_t before; /* its value, as the walk sees it */
    uint64_t after;  /* the same, if it was only read */
};

/* Either may be NULL. */
struct mmu_watcher {
    /* The descriptor @raw at @pa as a walk sees it that updates no flags. */
    uint64_t (*read)(void *ctx, uint64_t pa, uint64_t raw);
    void (*step)(void *ctx, const struct xlat *x, const struct mmu_step *s);
    void *ctx;
};

struct mmu_access {
    enum mmu_kind kind;
    bool priv;                         /* EL1 or EL2 rather than EL0 */
    bool pan;                          /* PSTATE.PAN applies */
    bool unaligned;                    /* Alignment fault if the memory turns out to be Device */
    bool at;                           /* AT or cache maintenance: no dirty state update */
    bool any;                          /* cache maintenance that no permission forbids */
    bool look;                         /* a debugger: nothing changes, no access flag either */
    bool stage1_only;                  /* AT S1E*: stage 2 serves the table walk only */
    const struct mmu_watcher *watcher; /* told of each step; NULL: nobody */
};

/* What an access may do, in the order of enum mmu_kind; PERM_PAN: PSTATE.PAN denies it to
 * privileged data accesses. */
#define PERM_PR  1
#define PERM_PW  2
#define PERM_PX  4
#define PERM_UR  8
#define PERM_UW  16
#define PERM_UX  32
#define PERM_PAN 64

struct translation {
    uint64_t pa;                /* of the byte asked for */
    uint8_t page_shift;         /* log2 bytes around it that this result covers */
    uint8_t s1_shift, s2_shift; /* of each stage's page; 52 or more: stage off */
    uint8_t perms;              /* PERM_xx, as a TLB may keep them */
    uint8_t attr;               /* of data accesses, as in MAIR: 0x0? is Device */
    uint8_t sh;                 /* 0 none, 2 outer, 3 inner */
    bool guarded;               /* GP */
    bool ng;                    /* tagged with the ASID */
    bool ns;                    /* pa is in the Non-secure physical address space */
};

static inline bool attr_is_device(uint8_t attr)
{
    return attr < 0x10;
}

/* Do @perms allow @a? */
static inline bool mmu_permits(unsigned perms, const struct mmu_access *a)
{
    unsigned need = (a->priv ? PERM_PR : PERM_UR) << a->kind;

    if (a->any)
        return true;
    if (!(perms & need))
        return false;
    return !(a->priv && a->pan && a->kind != MMU_EXEC && (perms & PERM_PAN));
}

/**
 * mmu_translate() - stage-1 and stage-2 translation of one access.
 * @va: guest address, tag bits included. @tlb: its stage-2 and walk caches are used and filled; may
 * be NULL.
 *
 * Access flag and dirty state updates are written to the tables as the access needs them.
 *
 * Return: true and *out, or false and *flt. Never logs, never allocates.
 * Source: AArch64.FullTranslate(), AArch64.S1Translate(), AArch64.S2Translate().
 */
bool mmu_translate(const struct xlat *x, struct physmem *mem, struct tlb *tlb, va_t va,
                   const struct mmu_access *a, struct translation *out, struct mmu_fault *flt);
