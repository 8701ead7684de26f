#include "mmu/attr.h"

bool s2_attr_is_device(const struct s2_attr *s2)
{
    return (s2->memattr & (s2->fwb ? 0x4 : 0xc)) == 0;
}

/* One cacheability nibble of stage 1 under one of stage 2 (1 NC, 2 WT, 3 WB): the weaker wins,
 * hints are stage 1's. */
static uint8_t combine_nibble(uint8_t s1, uint8_t s2)
{
    bool s1_wt = (s1 & 0xc) == 0 || (s1 & 0xc) == 0x8;

    if (s1 == 4 || s2 == 1 || s2 == 0)
        return 4;
    if (s1_wt)
        return s1;
    return s2 == 2 ? (uint8_t)(0x8 | (s1 & 3)) : s1;
}

static uint8_t combine_plain(uint8_t s1, uint8_t memattr)
{
    if ((memattr & 0xc) == 0) { /* stage 2 Device: the stricter of the two */
        uint8_t dev = (uint8_t)(memattr << 2);
        return s1 < 0x10 && s1 < dev ? s1 : dev;
    }
    if (s1 < 0x10)
        return s1;
    return (uint8_t)(combine_nibble(s1 >> 4, memattr >> 2) << 4 |
                     combine_nibble(s1 & 0xf, memattr & 3));
}

/* Write-Back with stage 1's hints, allocation and Transient, if it has any. */
static uint8_t force_wb_nibble(uint8_t s1)
{
    return s1 == 4 ? 0xf : (uint8_t)(s1 | 4);
}

/* HCR_EL2.FWB == 1. CU-choice: MemAttr<3> is not looked at; the reserved 4 is Device-nGnRnE. */
static uint8_t combine_fwb(uint8_t s1, uint8_t memattr)
{
    switch (memattr & 7) {
    case 7:
        return s1;
    case 6:
        if (s1 < 0x10)
            return ATTR_NORMAL_WB;
        return (uint8_t)(force_wb_nibble(s1 >> 4) << 4 | force_wb_nibble(s1 & 0xf));
    case 5:
        return s1 < 0x10 ? s1 : ATTR_NORMAL_NC;
    case 4:
        return ATTR_DEVICE_nGnRnE;
    default:
        return (uint8_t)((memattr & 3) << 2);
    }
}

uint8_t attr_effective_sh(uint8_t attr, uint8_t sh)
{
    return attr < 0x10 || attr == ATTR_NORMAL_NC ? 2 : sh;
}

uint8_t attr_combine(uint8_t s1, uint8_t *sh, const struct s2_attr *s2)
{
    uint8_t attr = s2->fwb ? combine_fwb(s1, s2->memattr) : combine_plain(s1, s2->memattr);

    if (s2->nc && attr >= 0x10)
        attr = ATTR_NORMAL_NC;
    if (*sh == 2 || s2->sh == 2)
        *sh = 2;
    else if (*sh == 3 || s2->sh == 3)
        *sh = 3;
    else
        *sh = 0;
    *sh = attr_effective_sh(attr, *sh);
    return attr;
}

uint8_t attr_normalize(uint8_t attr)
{
    if (attr < 0x10)
        return attr & 0xc; /* low bits: XS of FEAT_XS, otherwise reserved */
    if (attr == 0x40)
        return ATTR_NORMAL_NC; /* with FEAT_XS: Non-cacheable, XS = 0 */
    if (attr == 0xa0)
        return ATTR_NORMAL_WT_RA; /* with FEAT_XS: Write-Through, XS = 0 */
    if (attr == 0xf0)
        return ATTR_NORMAL_WB; /* Tagged memory without FEAT_MTE2 */
    return attr;
}
