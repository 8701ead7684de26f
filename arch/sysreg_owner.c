#include "arch/sysreg_owner.h"

/* The comma that the caller adds makes rows without columns a call with enough arguments. */
#define OWNER(owner, ...) OWNER_##owner

static const uint8_t owners[SR_COUNT] = {
#define SYSREG(name, op0, op1, crn, crm, op2, access, ...) [SR_##name] = OWNER(__VA_ARGS__, ),
#include "arch/sysreg.def"
#undef SYSREG
};

enum sysreg_owner sysreg_owner(enum sysreg sr)
{
    return (enum sysreg_owner)owners[sysreg_rows[sr].alias ? sysreg_rows[sr].alias : sr];
}

const char *sysreg_owner_name(enum sysreg_owner owner)
{
    static const char *const names[] = {
#define X(name, text) #name,
        SYSREG_OWNERS(X)
#undef X
    };
    return names[owner];
}

const char *sysreg_owner_text(enum sysreg_owner owner)
{
    static const char *const texts[] = {
#define X(name, text) text,
        SYSREG_OWNERS(X)
#undef X
    };
    return texts[owner];
}
