#include "checker/descriptor.h"

#include "base/bits.h"

#define VALID      BIT(0)
#define TABLE      BIT(1)
#define AF         BIT(10)
#define NG         BIT(11)
#define NT         BIT(16)
#define DBM        BIT(51)
#define CONTIGUOUS BIT(52)

bool descriptor_is_table(const struct descriptor_place *at, uint64_t desc)
{
    return at->level < 3 && (desc & TABLE);
}

bool descriptor_valid(const struct descriptor_place *at, uint64_t desc)
{
    if (!(desc & VALID))
        return false;
    return (desc & TABLE) || (at->level < 3 && at->level > (at->granule_bits == 12 ? 0 : 1));
}

unsigned descriptor_shift(const struct descriptor_place *at)
{
    return (unsigned)(3 - at->level) * (at->granule_bits - 3u) + at->granule_bits;
}

uint64_t descriptor_address(const struct descriptor_place *at, uint64_t desc)
{
    unsigned low = descriptor_is_table(at, desc) ? at->granule_bits : descriptor_shift(at);

    return low > 47 ? 0 : desc & MASK(47, low);
}

/* Permissions as bits that are set where something is allowed. */
static uint64_t allowed(const struct descriptor_place *at, uint64_t desc)
{
    if (descriptor_is_table(at, desc))
        return at->stage == 1 ? ~desc & (MASK(62, 61) | MASK(60, 59)) : 0;
    if (at->stage == 2) /* S2AP; DBM makes a page writable; XN<1>, XN<0> is looked at as it is */
        return (desc & MASK(7, 6)) | (desc & DBM ? BIT(7) : 0) | (~desc & BIT(54));
    uint64_t readonly = desc & DBM ? 0 : desc & BIT(7);
    return (desc & BIT(6)) | (readonly ^ BIT(7)) | (~desc & MASK(54, 53));
}

static uint64_t memory_type(const struct descriptor_place *at, uint64_t desc)
{
    return desc & (MASK(9, 8) | (at->stage == 2 ? MASK(5, 2) : MASK(4, 2)));
}

/* FEAT_BBM: sizes may change, at level 1 with nT only. */
static bool may_resize(uint64_t before, uint64_t after, unsigned bbm)
{
    return bbm >= 2 || (bbm == 1 && ((before | after) & NT));
}

static enum descriptor_change compare_leaves(const struct descriptor_place *at, uint64_t before,
                                             uint64_t after, unsigned bbm)
{
    if (descriptor_address(at, before) != descriptor_address(at, after))
        return CHANGE_ADDRESS;
    if (memory_type(at, before) != memory_type(at, after))
        return CHANGE_TYPE;
    if (((before ^ after) & CONTIGUOUS) && !may_resize(before, after, bbm))
        return CHANGE_CONTIGUOUS;
    if (at->stage == 1 && at->two_ranges && (before & NG) && !(after & NG))
        return CHANGE_GLOBAL;
    return allowed(at, before) & ~allowed(at, after) ? CHANGE_PERMISSION : CHANGE_NONE;
}

enum descriptor_change descriptor_compare(const struct descriptor_place *at, uint64_t before,
                                          uint64_t after, unsigned bbm)
{
    bool table = descriptor_is_table(at, before);

    if (!descriptor_valid(at, after))
        return CHANGE_GONE;
    if (table != descriptor_is_table(at, after))
        return may_resize(before, after, bbm) ? CHANGE_NONE : CHANGE_SIZE;
    if (!table)
        return compare_leaves(at, before, after, bbm);
    if (descriptor_address(at, before) != descriptor_address(at, after))
        return CHANGE_ADDRESS;
    return allowed(at, before) & ~allowed(at, after) ? CHANGE_PERMISSION : CHANGE_NONE;
}

unsigned descriptor_group(const struct descriptor_place *at)
{
    switch (at->granule_bits) {
    case 12:
        return at->level >= 1 ? 16 : 1;
    case 14:
        return at->level == 3 ? 128 : at->level == 2 ? 32 : 1;
    default:
        return at->level >= 2 ? 32 : 1;
    }
}

bool descriptor_is_contiguous(const struct descriptor_place *at, uint64_t desc)
{
    return descriptor_valid(at, desc) && !descriptor_is_table(at, desc) && (desc & CONTIGUOUS);
}

bool descriptor_continues(const struct descriptor_place *at, uint64_t first, uint64_t desc,
                          unsigned k)
{
    uint64_t address = descriptor_address(at, first);
    /* Hardware sets the flag, and makes what DBM lets it writable, in one of them; 63 to 55 are
     * software's, or ignored. */
    uint64_t own = AF | (first & DBM ? BIT(7) : 0) | MASK(63, 55) | address;

    return descriptor_address(at, desc) == address + ((uint64_t)k << descriptor_shift(at)) &&
           ((desc & ~descriptor_address(at, desc)) | own) == (first | own);
}

bool descriptor_is_clean(const struct descriptor_place *at, uint64_t desc)
{
    return at->stage == 2 && descriptor_valid(at, desc) && !descriptor_is_table(at, desc) &&
           (desc & DBM) && !bit(desc, 7);
}

const char *descriptor_change_text(enum descriptor_change change)
{
    static const char *const texts[] = {
        [CHANGE_NONE] = "nothing that matters",     [CHANGE_PERMISSION] = "permissions",
        [CHANGE_GONE] = "valid to invalid",         [CHANGE_ADDRESS] = "the output address",
        [CHANGE_SIZE] = "table to block, or back",  [CHANGE_TYPE] = "memory type or shareability",
        [CHANGE_CONTIGUOUS] = "the Contiguous bit", [CHANGE_GLOBAL] = "nG to global",
    };

    return texts[change];
}
