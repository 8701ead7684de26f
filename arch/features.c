#include "arch/features.h"

#include <string.h>

static const struct {
    const char *name, *cli;
} rows[FEAT_COUNT] = {
    [FEAT_BASE] = {"BASE", ""},
    [FEAT_NEVER] = {"NEVER", ""},
#define FEATURE(name, cli, ...) [FEAT_##name] = {#name, cli},
#include "arch/features.def"
#undef FEATURE
};

/* The first does not go without the second (DDI0487 A2, "if FEAT_x is implemented, then FEAT_y").
 * FEAT_LPA2 and FEAT_GTG as they are here announce the 16K granule (arch/id_fields.def). */
static const struct {
    enum feature feature, needs;
} dependencies[] = {
    {FEAT_AdvSIMD, FEAT_FP},       {FEAT_FP, FEAT_AdvSIMD},
    {FEAT_AES, FEAT_AdvSIMD},      {FEAT_PMULL, FEAT_AES},
    {FEAT_SHA1, FEAT_AdvSIMD},     {FEAT_SHA256, FEAT_SHA1},
    {FEAT_SHA512, FEAT_SHA256},    {FEAT_SHA3, FEAT_SHA512},
    {FEAT_SM3, FEAT_AdvSIMD},      {FEAT_SM4, FEAT_SM3},
    {FEAT_RDM, FEAT_AdvSIMD},      {FEAT_DotProd, FEAT_AdvSIMD},
    {FEAT_FP16, FEAT_AdvSIMD},     {FEAT_FHM, FEAT_FP16},
    {FEAT_FCMA, FEAT_AdvSIMD},     {FEAT_JSCVT, FEAT_FP},
    {FEAT_BF16, FEAT_AdvSIMD},     {FEAT_I8MM, FEAT_AdvSIMD},
    {FEAT_FRINTTS, FEAT_FP},       {FEAT_LRCPC2, FEAT_LRCPC},
    {FEAT_PAuth2, FEAT_PAuth},     {FEAT_EPAC, FEAT_PAuth},
    {FEAT_FPAC, FEAT_PAuth2},      {FEAT_FPACCOMBINE, FEAT_FPAC},
    {FEAT_FlagM2, FEAT_FlagM},     {FEAT_SSBS2, FEAT_SSBS},
    {FEAT_CSV2_2, FEAT_CSV2},      {FEAT_DPB2, FEAT_DPB},
    {FEAT_PAN2, FEAT_PAN},         {FEAT_PAN3, FEAT_PAN2},
    {FEAT_VHE, FEAT_EL2},          {FEAT_HAFDBS, FEAT_HAFDBS_AF},
    {FEAT_HPDS2, FEAT_HPDS},       {FEAT_BBM, FEAT_TTL},
    {FEAT_LPA2, FEAT_LPA},         {FEAT_IESB, FEAT_RAS},
    {FEAT_NV, FEAT_VHE},           {FEAT_NV2, FEAT_NV},
    {FEAT_TLBIRANGE, FEAT_TLBIOS}, {FEAT_Debugv8p4, FEAT_Debugv8p2},
    {FEAT_PMUv3p1, FEAT_PMUv3},    {FEAT_PMUv3p4, FEAT_PMUv3p1},
    {FEAT_PMUv3p5, FEAT_PMUv3p4},  {FEAT_LPA2, FEAT_TGran16},
    {FEAT_GTG, FEAT_TGran16},
};

static const enum feature pauth_algorithms[] = {FEAT_PACIMP, FEAT_PACQARMA5, FEAT_PACQARMA3};

const char *feature_name(enum feature feat)
{
    return rows[feat].name;
}

enum feature feature_by_cli_name(const char *name)
{
    for (unsigned k = FEAT_BASE + 1; k < FEAT_NEVER; k++)
        if (!strcmp(rows[k].cli, name))
            return (enum feature)k;
    return FEAT_COUNT;
}

static bool is_pauth_algorithm(enum feature feat)
{
    return feat == FEAT_PACIMP || feat == FEAT_PACQARMA5 || feat == FEAT_PACQARMA3;
}

void feature_switch(struct features *f, enum feature feat, bool on)
{
    if (has_feature(f, feat) == on)
        return;
    if (on && is_pauth_algorithm(feat))
        for (unsigned k = 0; k < 3; k++)
            set_feature(f, pauth_algorithms[k], false);
    set_feature(f, feat, on);
    for (unsigned k = 0; k < sizeof(dependencies) / sizeof(dependencies[0]); k++) {
        if (on && dependencies[k].feature == feat)
            feature_switch(f, dependencies[k].needs, true);
        if (!on && dependencies[k].needs == feat)
            feature_switch(f, dependencies[k].feature, false);
    }
}
