/* What the MMU sweep is made of: the memory it uses, the configuration under test,
 * and its parts. */
#pragma once

#include "harness.h"

/* Physical memory. The stage-1 tables that map the harness are in FIXED, which stage 2 maps 1:1. */
#define CODE      UINT64_C(0x40200000)
#define FIXED_END UINT64_C(0x40400000)
#define S1_FIXED  UINT64_C(0x40300000)
#define S1_POOL   UINT64_C(0x42000000)
#define S2_ROOT   UINT64_C(0x43000000)
#define S2_FIXED  UINT64_C(0x43100000)
#define S2_POOL   UINT64_C(0x43200000)
#define DATA      UINT64_C(0x48000000)
#define RAM       UINT64_C(0x40000000)
#define RAM_END   UINT64_C(0x80000000)
#define TABLE     UINT64_C(0x10000) /* distance of tables: the largest granule */
#define POOL_SIZE 16

enum regime { EL10_S1, EL10_S12, EL10_S2, EL2, EL20, REGIME_COUNT };

#define MASK(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* One translation table walk: stage 1 of one half, or stage 2. */
struct walk {
    bool stage2, ds, lpa64, ee, xnx, single;
    unsigned granule, ia_bits;
    unsigned ps; /* TCR_ELx.PS, IPS */
    int start;
    uint64_t root;
};

struct config {
    enum regime regime;
    bool safe, fwb;
    uint64_t sctlr, tcr, ttbr[2], mair, hcr, vtcr, vttbr;
    struct walk half[2], s2;
};
extern struct config config;

extern uint64_t flags;         /* of struct params */
extern unsigned config_number; /* of the configuration under test */

/* mmu_tables.c: translation tables of random descriptors. */

/* Forget what has been allocated, of stage 1 or of stage 2, after @fixed for
 * the harness's tables. */
void tables_start(bool stage2, uint64_t fixed);
/* Complete the path of @ia with random descriptors, to @want if that is not zero; what it leads to,
 * or ~0. */
uint64_t tables_build(const struct walk *w, uint64_t ia, uint64_t want);
/* Map from @start to @end one to one, as the harness needs it. */
void tables_map_fixed(const struct walk *w, uint64_t start, uint64_t end);
/* How many tables of stage 1 are in use besides the fixed ones. */
unsigned tables_stage1_count(void);
/* A hash of all descriptors as they are now; they are cleared. */
uint64_t tables_take_hash(void);
uint64_t random_sh(void);

/* mmu_config.c: a random configuration, and its registers. */

void config_draw(void);
/* Write it, except what would affect the supervisor: SCTLR_EL2 and HCR_EL2. */
void config_install(void);
void config_flush_tlbs(void);
static inline bool config_el2_regime(void)
{
    return config.regime == EL2 || config.regime == EL20;
}

/* mmu_report.c: lines of the report. */

/* "configuration.address what": the key of a line. */
void put_key(unsigned n, const char *what, unsigned el);
/* Did the fragment get to its end? */
bool completed(void);
/* The exceptions that ended it. */
void put_exception(void);
/* PAR_EL1 of a translation by one stage or @both, without what the other machine does wrong. */
uint64_t shown_par(uint64_t par, bool both);
extern uint64_t s1_par; /* of the current address; zero: stage 1 faults */
