/* The tables of arch/sysreg.def, arch/sysreg_fields.def and arch/traps.def. */
#include "arch/sysreg.h"

#include <strings.h>

/* Columns of arch/sysreg.def. */
#define ACCESS_NA  0
#define ACCESS_RO  SR_READ
#define ACCESS_WO  SR_WRITE
#define ACCESS_RW  (SR_READ | SR_WRITE)
#define ACCESS_OP  SR_OP
#define RD(name)   SYSREG_RD_##name
#define WR(name)   SYSREG_WR_##name
#define TAKE(name) SYSREG_TAKE_##name
#define OP(name)   SYSREG_OP_##name
#define GIC(name)  SYSREG_GIC_##name
#define ONLY(name) ONLY_##name
#define HFG(field)                                                                                 \
    {                                                                                              \
        FGT_HFG, HFGRTR_EL2_##field##_LO                                                           \
    }
#define HFGW(field)                                                                                \
    {                                                                                              \
        FGT_HFG, HFGWTR_EL2_##field##_LO                                                           \
    }
#define HDFG(field)                                                                                \
    {                                                                                              \
        FGT_HDFG, HDFGRTR_EL2_##field##_LO                                                         \
    }
#define HDFGW(field)                                                                               \
    {                                                                                              \
        FGT_HDFG, HDFGWTR_EL2_##field##_LO                                                         \
    }
#define HFGI(field)                                                                                \
    {                                                                                              \
        FGT_HFGI, HFGITR_EL2_##field##_LO                                                          \
    }
#define ALL_BITS      (~UINT64_C(0))
#define TOP_HALF      (~UINT64_C(0) << 32)
#define DBGVCR32_BITS UINT64_C(0xde)       /* F I D P S U: there is no EL3 */
#define DBGBCR_BITS   UINT64_C(0x00ffe1e7) /* BT LBN SSC HMC BAS PMC E */
#define DBGWCR_BITS   UINT64_C(0x1f1fffff) /* MASK WT LBN SSC HMC BAS LSC PAC E */

/* The owner is nobody's business here. The comma that the caller adds makes rows without columns a
 * call with enough arguments. */
#define COLUMNS(owner, ...) __VA_ARGS__

const struct sysreg_row sysreg_rows[SR_COUNT] = {
#define SYSREG(id, op0, op1, crn, crm, op2, allowed, ...)                                          \
    [SR_##id] = {.name = #id,                                                                      \
                 .enc = SYSREG_ENC(op0, op1, crn, crm, op2),                                       \
                 .access = ACCESS_##allowed,                                                       \
                 COLUMNS(__VA_ARGS__, )},
#include "arch/sysreg.def"
#undef SYSREG
};

/* C lets a text that just fills its room go without a 0 behind it. */
#define SYSREG(id, ...) _Static_assert(sizeof(#id) <= sizeof(sysreg_rows->name), #id);
#include "arch/sysreg.def"
#undef SYSREG
#define FIELD(reg, field, ...)                                                                     \
    _Static_assert(sizeof(#field) <= sizeof(sysreg_fields->name), #reg "." #field);
#include "arch/sysreg_fields.def"
#undef FIELD

const uint16_t sysreg_fgt_read[] = {[FGT_NONE] = SR_NONE,
                                    [FGT_HFG] = SR_HFGRTR_EL2,
                                    [FGT_HDFG] = SR_HDFGRTR_EL2,
                                    [FGT_HFGI] = SR_HFGITR_EL2};
const uint16_t sysreg_fgt_write[] = {[FGT_NONE] = SR_NONE,
                                     [FGT_HFG] = SR_HFGWTR_EL2,
                                     [FGT_HDFG] = SR_HDFGWTR_EL2,
                                     [FGT_HFGI] = SR_HFGITR_EL2};

/* A second row with the same encoding is an error here (-Woverride-init). */
const uint16_t sysreg_by_enc[1 << 16] = {
#define SYSREG(name, op0, op1, crn, crm, op2, ...)                                                 \
    [SYSREG_ENC(op0, op1, crn, crm, op2)] = 1 + SR_##name,
#include "arch/sysreg.def"
#undef SYSREG
};

#define RES0 false
#define RES1 true

const struct sysreg_field sysreg_fields[] = {
#define FIELD(reg, field, hi, lo, feature, otherwise)                                              \
    {SR_##reg, hi, lo, FEAT_##feature, otherwise, #field},
#include "arch/sysreg_fields.def"
#undef FIELD
    {.name = ""},
};

#define R     SR_READ
#define W     SR_WRITE
#define RW    (SR_READ | SR_WRITE)
#define EL0   1
#define EL1   2
#define EL2   4
#define EL01  3
#define EL12  6
#define EL012 7
#define ON(reg, field, access, els, when)                                                          \
    {                                                                                              \
        SR_##reg, access, els, WHEN_##when, true, FIELD_MASK(reg##_##field)                        \
    }
#define OFF(reg, field, access, els, when)                                                         \
    {                                                                                              \
        SR_##reg, access, els, WHEN_##when, false, FIELD_MASK(reg##_##field)                       \
    }
#define OFF2(reg, a, b, access, els, when)                                                         \
    {                                                                                              \
        SR_##reg, access, els, WHEN_##when, false, FIELD_MASK(reg##_##a) | FIELD_MASK(reg##_##b)   \
    }
#define NEVER(access, els)                                                                         \
    {                                                                                              \
        SR_NONE, access, els, WHEN_NEVER_ALLOWED, false, 1                                         \
    }

const struct trap_group_row trap_groups[TRAP_GROUP_COUNT] = {
    [TRAP_NONE] = {"NONE", "no control", {{0, 0, 0, 0, false, 0}}},
#define TRAP_GROUP(name, text, ...) [TRAP_##name] = {#name, text, {__VA_ARGS__}},
#include "arch/traps.def"
#undef TRAP_GROUP
};

enum sysreg_home sysreg_home(enum sysreg sr)
{
    static const uint8_t of_reader[] = {[SYSREG_RD_NONE] = HOME_STORAGE,
#define X(name, home) [SYSREG_RD_##name] = HOME_##home,
                                        SYSREG_READERS(X)
#undef X
    };
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (!(row->access & SR_READ) || row->alias || row->take)
        return HOME_NONE;
    if (row->gic)
        return HOME_GIC;
    return row->rd || (row->access & SR_WRITE) ? (enum sysreg_home)of_reader[row->rd]
                                               : HOME_CONSTANT;
}

bool sysreg_is_stored(enum sysreg sr)
{
    switch (sysreg_home(sr)) {
    case HOME_STORAGE:
    case HOME_CONSTANT:
    case HOME_TIMER:
    case HOME_PMU:
    case HOME_DEBUG:
        return true;
    default:
        return false;
    }
}

const char *sysreg_home_name(enum sysreg_home home)
{
    static const char *const names[] = {
        [HOME_NONE] = "none",     [HOME_STORAGE] = "storage", [HOME_CONSTANT] = "constant",
        [HOME_PSTATE] = "PSTATE", [HOME_GIC] = "GIC",         [HOME_TIMER] = "timer",
        [HOME_PMU] = "PMU",       [HOME_DEBUG] = "debug",     [HOME_COMPUTED] = "computed",
    };
    return names[home];
}

enum sysreg sysreg_by_name(const char *name)
{
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        if (!strcasecmp(sysreg_rows[sr].name, name))
            return (enum sysreg)sr;
    return SR_NONE;
}

void sysreg_write_masks(const struct features *f, uint64_t mask[SR_COUNT], uint64_t res1[SR_COUNT])
{
    bool any[SR_COUNT] = {false};

    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        mask[sr] = res1[sr] = 0;
    for (const struct sysreg_field *d = sysreg_fields; d->name[0]; d++) {
        any[d->sr] = true;
        if (has_feature(f, (enum feature)d->feature))
            mask[d->sr] |= MASK(d->hi, d->lo);
        else if (d->res1)
            res1[d->sr] |= MASK(d->hi, d->lo);
    }
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        if (!any[sr])
            mask[sr] = ~sysreg_rows[sr].res0;
        res1[sr] &= ~mask[sr];
    }
}
