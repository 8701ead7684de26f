#include "mmu/fault.h"

unsigned mmu_fault_fsc(const struct mmu_fault *f)
{
    unsigned level = (unsigned)f->level & 3;

    switch (f->type) {
    case MMU_FAULT_ADDRESS_SIZE:
        return f->level < 0 ? 0x29 : 0x00 | level;
    case MMU_FAULT_TRANSLATION:
        return f->level < 0 ? 0x2b : 0x04 | level;
    case MMU_FAULT_ACCESS_FLAG:
        return 0x08 | level;
    case MMU_FAULT_PERMISSION:
        return 0x0c | level;
    case MMU_FAULT_ALIGNMENT:
        return 0x21;
    case MMU_FAULT_EXTERNAL:
        return 0x10;
    case MMU_FAULT_EXTERNAL_WALK:
        return f->level < 0 ? 0x13 : 0x14 | level;
    case MMU_FAULT_UNSUPPORTED:
        return 0x35;
    case MMU_FAULT_DEBUG:
        return 0x22;
    }
    return 0;
}

const char *mmu_fault_name(enum mmu_fault_type type)
{
    static const char *const names[] = {
        [MMU_FAULT_ADDRESS_SIZE] = "address size",
        [MMU_FAULT_TRANSLATION] = "translation",
        [MMU_FAULT_ACCESS_FLAG] = "access flag",
        [MMU_FAULT_PERMISSION] = "permission",
        [MMU_FAULT_ALIGNMENT] = "alignment",
        [MMU_FAULT_EXTERNAL] = "external",
        [MMU_FAULT_EXTERNAL_WALK] = "external (on a table walk)",
        [MMU_FAULT_UNSUPPORTED] = "unsupported atomic or exclusive",
        [MMU_FAULT_DEBUG] = "debug",
    };
    return names[type];
}
