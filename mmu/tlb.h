/*
 * The software TLB of one CPU.
 *
 * L1 is a set of banks, each a direct-mapped table of host addresses for one translation context,
 * so that a change of context is a change of pointer. L2 holds what a TLB of hardware holds, tagged
 * with configuration, VMID and ASID. Beside them: a stage-2 TLB and a cache of stage-1 table
 * addresses.
 *
 * As in hardware an entry may be stale until a TLBI that covers it; nothing that faulted is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "mmu/walk.h"

struct state_io;

#define TLB_L1_SIZE 2048 /* entries of one half of a bank, direct mapped by page number */
#define TLB_X_SIZE  2048 /* entries of a bank's fetch side */
#define TLB_BANKS   32

/* Tags of L1. Their lowest four bits are clear, where blocks have those of an address that is no
 * multiple of the access's size: an empty one, equal to no page-aligned address; and what is or'ed
 * to others: only for aligned accesses, hence not for the fast path; of a store, for which
 * ram_changing() has to be called first; of a context where somebody watches accesses, hence
 * likewise not for the fast path. */
#define TLB_L1_EMPTY    0x10
#define TLB_L1_ALIGNED  0x20
#define TLB_L1_SHARED   0x40
#define TLB_L1_OBSERVED 0x80

#define TLB_X_EMPTY   UINT64_MAX /* a fetch tag that equals none, whatever its low two bits */
#define TLB_X_GUARDED 2          /* or'ed to a fetch tag: GP */
#define TLB_X_MARKED  4          /* likewise: not for the fast path (struct code_marks) */

/* tag: virtual page address (top byte as used); host address of a byte = addend + va. */
struct tlb_l1_entry {
    uint64_t tag;
    uint64_t addend;
};

struct tlb_x_entry {
    uint64_t tag; /* virtual page address, TLB_X_GUARDED, TLB_X_MARKED */
    void *page;   /* what the CPU keeps for the physical page: its decoded records */
};

/* The last page that DC ZVA has found to be blank (ram_is_blank()), by its entry for stores, which
 * is TLB_L1_SHARED. There is nothing to do for its other lines while that entry is there, and
 * nobody has set PAGE_CHANGED in *flags. tag == 0: none. */
struct tlb_blank {
    uint64_t tag, addend;
    const uint8_t *flags;
};

/* Addresses that entries of large pages may cover, per half of the address space: a TLBI in there
 * cannot find them by index. mask == 0: none yet. */
struct tlb_span {
    uint64_t base, mask;
};

#define TLB_LISTED 64 /* slots of a bank that are known one by one */

/* Which translation context a bank serves. */
struct tlb_bank_key {
    uint16_t config, vmid;
    uint16_t asid; /* 0 if priv, but for tlb.by_asid: those banks hold nearly only global entries */
    bool priv, pan;
};

/* One translation context: loads and stores that hit here need no further check. */
struct tlb_bank {
    struct tlb_l1_entry r[TLB_L1_SIZE], w[TLB_L1_SIZE];
    struct tlb_x_entry x[TLB_X_SIZE];
    struct tlb_bank_key key;
    enum regime_id regime;
    uint32_t serial; /* changes when the bank is given to another context; 0: never used */
    uint64_t stamp;  /* of the last use */
    struct tlb_blank blank;
    uint64_t used;           /* bit n: slots 32n..32n+31 of r or w may hold entries */
    uint64_t used_x;         /* bit n: slots 32n..32n+31 of x */
    bool has_global;         /* not only nG entries */
    uint16_t ng_asid;        /* ASID of the nG entries of a priv bank */
    uint16_t ng_count;       /* above TLB_LISTED: too many to list */
    uint16_t ng[TLB_LISTED]; /* their slots; TLB_L1_SIZE + n: slot n of x */
    /* Likewise all slots filled since the bank was empty; too many: used and used_x say where. */
    uint16_t filled_count, filled[TLB_LISTED];
    struct tlb_span span[2];
};

struct tlb_l2_entry {
    uint64_t tag; /* va >> class shift */
    uint64_t pa;  /* of the piece */
    uint32_t gen; /* sum of the generations that cover it, 0: empty */
    uint16_t config, vmid, asid;
    uint8_t cls;      /* index of the piece's size */
    uint8_t s1_shift; /* the page's size at stage 1, what TLBI compares */
    uint8_t perms, attr;
    uint8_t flags; /* TLB_L2_xx */
};

#define TLB_L2_NG      1
#define TLB_L2_GUARDED 2
#define TLB_L2_SECURE  4 /* of a Secure regime: the output is, too */

struct tlb_s2_entry {
    uint64_t ipa, pa; /* 4K pages */
    uint32_t gen;
    uint16_t config, vmid;
    uint8_t shift; /* of the stage-2 page */
    int8_t level;
    uint8_t perms; /* PERM_PR, PW, PX, UX */
    uint8_t memattr, sh;
};

/* A stage-1 table that a walk may start from. */
struct tlb_walk_entry {
    uint64_t va, table; /* va >> shift; table address, an IPA if stage 2 is on */
    uint32_t gen;
    uint16_t config, vmid, asid;
    int8_t level;
    uint8_t attrs; /* hierarchical permissions collected so far */
};

#define TLB_L2_SETS      4096
#define TLB_L2_SETS_WIDE 65536
#define TLB_L2_WAYS      4
#define TLB_S2_SIZE      1024
#define TLB_WALK_SIZE    512
#define TLB_GENS         1024
#define TLB_CONFIGS      128
#define TLB_CLASSES      4
#define TLB_CONFIG_WORDS 6
#define TLB_REGION_SHIFT 21
#define TLB_REGIONS      256 /* of 2 MiB, by their address modulo as many */

struct tlb {
    struct tlb_bank *banks; /* TLB_BANKS of them */
    unsigned bank_count;    /* of them used so far */
    uint32_t next_serial;
    uint64_t clock;

    /* Generations: a wide TLBI counts one up instead of looking for entries. */
    uint32_t gen_regime[REGIME_COUNT];
    uint32_t gen_vmid[TLB_GENS], gen_asid[TLB_GENS];
    uint32_t gen_s2, gen_walk;

    unsigned config_count;
    uint64_t configs[TLB_CONFIGS][TLB_CONFIG_WORDS];
    enum regime_id config_regime[TLB_CONFIGS];
    bool by_asid[TLB_CONFIGS]; /* without global entries: see tlb_bank_change_asid() */

    uint8_t classes[TLB_REGIONS]; /* bits: sizes of pieces that L2 may hold in these 2 MiB */
    uint64_t classes_1g;          /* bit n: of 1 GiB in the n-th 1 GiB, modulo 64 */
    struct tlb_span l2_span[2];   /* see tlb_span: pieces of larger stage-1 pages in L2 */
    struct tlb_span s2_span;      /* likewise, of larger stage-2 pages in s2 */
    unsigned victim;
    uint64_t l2_hits; /* statistics */
    unsigned l2_sets; /* TLB_L2_SETS, or TLB_L2_SETS_WIDE */
    struct tlb_l2_entry (*l2)[TLB_L2_WAYS];
    struct tlb_s2_entry s2[TLB_S2_SIZE];
    struct tlb_walk_entry walk[TLB_WALK_SIZE];
};

/* @wide: L2 hardly ever gives an entry up that no TLBI has named, as a TLB may do. NULL: out of
 * memory. */
struct tlb *tlb_create(bool wide);
void tlb_destroy(struct tlb *tlb);

/* Forget everything. */
void tlb_flush_all(struct tlb *tlb);

/* Set x->config: a small number for what steers translation beside ASID, VMID and table addresses.
 * @extra: more that banks must not share, e.g. that accesses are observed. */
void tlb_config(struct tlb *tlb, struct xlat *x, uint64_t extra);

/* The bank of @x for privileged or unprivileged accesses; valid while its serial stays. */
struct tlb_bank *tlb_bank(struct tlb *tlb, const struct xlat *x, bool priv, bool pan);

/* @bank, a privileged one, is in use with the ASID of @x, which is another than before. */
void tlb_bank_change_asid(struct tlb *tlb, struct tlb_bank *bank, const struct xlat *x);

/* Make @bank, found by an earlier tlb_bank() with the same arguments, the one in use. */
static inline void tlb_bank_use(struct tlb *tlb, struct tlb_bank *bank, const struct xlat *x)
{
    bank->stamp = ++tlb->clock;
    if (bank->key.priv && bank->ng_asid != x->asid)
        tlb_bank_change_asid(tlb, bank, x);
}

/* Fill @out from L2 if it holds @va (canonical) and permits @a. */
bool tlb_lookup(struct tlb *tlb, const struct xlat *x, uint64_t va, const struct mmu_access *a,
                struct translation *out);
void tlb_insert(struct tlb *tlb, const struct xlat *x, uint64_t va, const struct translation *t);

/* Enter one 4K page into L1. @host: its first byte; @tag_flags: TLB_L1_ALIGNED,
 * TLB_L1_OBSERVED, and for stores TLB_L1_SHARED. */
void tlb_l1_insert(struct tlb_bank *bank, uint64_t va, const struct translation *t, uint8_t *host,
                   bool r, bool w, uint64_t tag_flags);
/* Mark what is there of @page, a virtual page address, or take the mark away. */
void tlb_x_mark(struct tlb *tlb, uint64_t page, bool on);
void tlb_x_insert(struct tlb_bank *bank, uint64_t va, const struct translation *t, void *page);

/* Drop L1 write entries of the 4K page at @host: it holds code from now on. */
void tlb_l1_drop_writes(struct tlb *tlb, const uint8_t *host);
/* Set TLB_L1_SHARED in all entries for stores: a snapshot has been taken. */
void tlb_share_writes(struct tlb *tlb);
/* Drop fetch entries that hold @page; all fetch entries. */
void tlb_x_drop(struct tlb *tlb, const void *page);
void tlb_x_flush(struct tlb *tlb);

/* For the walker. Stage-2 entries by IPA; table addresses by VA, the deepest first. */
const struct tlb_s2_entry *tlb_s2_lookup(const struct tlb *tlb, const struct xlat *x, uint64_t ipa);
void tlb_s2_insert(struct tlb *tlb, const struct xlat *x, const struct tlb_s2_entry *e);
bool tlb_walk_lookup(const struct tlb *tlb, const struct xlat *x, const struct table_cfg *t,
                     uint64_t va, uint64_t *table, int *level, uint8_t *attrs);
void tlb_walk_insert(struct tlb *tlb, const struct xlat *x, const struct table_cfg *t, uint64_t va,
                     uint64_t table, int level, uint8_t attrs);

enum tlbi_scope {
    TLBI_REGIME, /* ALLE1, ALLE2: every entry of the regime, whatever VMID */
    TLBI_VMID,   /* VMALLE1, VMALLS12E1 */
    TLBI_ASID,
    TLBI_VA,  /* entries of the ASID, and global ones */
    TLBI_VAA, /* of any ASID */
    TLBI_IPA, /* stage 2 only */
};

struct tlbi {
    enum tlbi_scope scope;
    enum regime_id regime;
    uint16_t vmid, asid;
    bool last_level;     /* table addresses may stay */
    bool stage2;         /* stage-2 entries too (ALLE1, VMALLS12E1) */
    uint64_t start, end; /* VA (canonical) or IPA, not empty; end excluded, 0 is the very top */
};

/* Apply one TLBI to @tlb. */
void tlb_invalidate(struct tlb *tlb, const struct tlbi *op);

/* What tlb_x_insert() was given, by the physical address of its page; at() is NULL if there is no
 * such thing. */
struct tlb_code {
    uint64_t (*pa_of)(void *page);
    void *(*at)(void *ctx, uint64_t pa);
    void *ctx;
};

/* Everything that is in @tlb. RAM, with its flags, and decoded code have to be there before.
 * Whoever has banks has to look for them again. */
void tlb_state(struct state_io *io, struct tlb *tlb, struct physmem *mem,
               const struct tlb_code *code);
