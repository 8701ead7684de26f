/* An architectural memory fault as a value: FaultRecord of the manual. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mmu_fault_type {
    MMU_FAULT_ADDRESS_SIZE,
    MMU_FAULT_TRANSLATION,
    MMU_FAULT_ACCESS_FLAG,
    MMU_FAULT_PERMISSION,
    MMU_FAULT_ALIGNMENT,
    MMU_FAULT_EXTERNAL,      /* synchronous External abort on the access itself */
    MMU_FAULT_EXTERNAL_WALK, /* ... on a table walk */
    MMU_FAULT_UNSUPPORTED,   /* exclusive or atomic to memory that cannot do it */
    MMU_FAULT_DEBUG,         /* watchpoint */
};

struct mmu_fault {
    enum mmu_fault_type type;
    int8_t level; /* -1..3, of the stage that faulted */
    bool stage2;
    bool s1ptw; /* stage 2, on a stage-1 table walk */
    bool write;
    uint64_t ipa; /* input of stage 2, valid if stage2 */
};

/* EncodeLDFSC(): the IFSC or DFSC field. */
unsigned mmu_fault_fsc(const struct mmu_fault *f);

/* "translation", "permission" ..., for people. */
const char *mmu_fault_name(enum mmu_fault_type type);
