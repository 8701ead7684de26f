/* Where two disassemblers and the decoder's table may differ, each with its reason. */
#pragma once

#include <string.h>

#include "arch/insn.h"
#include "base/bits.h"

/* A known difference: words with these fixed bits that differ in this way, if @when holds. */
struct exception {
    uint32_t mask, value;
    enum { MNEMONIC, OURS_UNALLOCATED, THEIRS_UNDEFINED } kind;
    bool (*when)(uint32_t word); /* NULL: always */
    const char *reason;
};

/* Do two register fields of a load or store name the same register? CONSTRAINED UNPREDICTABLE in
 * some. */
static inline bool registers_overlap(uint32_t word)
{
    unsigned t = word & 31, n = (word >> 5) & 31, t2 = (word >> 10) & 31, s = (word >> 16) & 31;

    return t == n || t == t2 || t2 == n || s == t || s == n || s == t2;
}

static const struct exception objdump_exceptions[] = {
    {0xfe400000, 0x68400000, THEIRS_UNDEFINED, registers_overlap,
     "LDPSW, Rt == Rt2 or Rn: CONSTRAINED UNPREDICTABLE, executed"},
    {0x3fe08000, 0x08c08000, THEIRS_UNDEFINED, NULL,
     "LDAR: fields that should be one are ignored, as in every other of its class"},
    {0xffd80000, 0xd5000000, OURS_UNALLOCATED, NULL, "MSR, MRS with op0 == 0: nothing there"},
    {0x9f60dc00, 0x0e60cc00, OURS_UNALLOCATED, NULL, "FMLAL, FMLSL (vector) with sz == 1"},
};

static const struct exception capstone_exceptions[] = {
    {0x0a000000, 0x08000000, THEIRS_UNDEFINED, registers_overlap,
     "CONSTRAINED UNPREDICTABLE: executed"},
    {0xffff0000, 0x00000000, THEIRS_UNDEFINED, NULL, "UDF is not known"},
    {0xbfe0fc00, 0x0e000c00, THEIRS_UNDEFINED, NULL, "DUP: bits of imm5 to ignore"},
    {0xffe08400, 0x6e000400, THEIRS_UNDEFINED, NULL, "INS (element): bits of imm4 to ignore"},
    {0xfffff000, 0xd5031000, MNEMONIC, NULL, "WFET, WFIT: printed as an MSR"},
    {0xfffff000, 0xd5033000, MNEMONIC, NULL, "SB, DSB nXS: printed as an MSR"},
};

/* Encodings outside our scope that a disassembler knows; a '*' ends a prefix. */
static const char *const out_of_scope[] = {
    /* MTE */
    "addg",
    "subg",
    "irg",
    "gmi",
    "subp",
    "subps",
    "stg",
    "stzg",
    "st2g",
    "stz2g",
    "ldg",
    "stgp",
    "stgm",
    "stzgm",
    "ldgm",
    /* LS64, MOPS, CSSC, HBC, TME */
    "ld64b",
    "st64b",
    "st64bv",
    "st64bv0",
    "cpy*",
    "setp*",
    "setm*",
    "sete*",
    "setg*",
    "abs",
    "cnt",
    "ctz",
    "smax",
    "smin",
    "umax",
    "umin",
    "bc.*",
    "tstart",
    "tcommit",
    "tcancel",
    "ttest",
};

/* SVE and SME are whole encoding groups: op0, bits 28:25. */
static inline bool group_out_of_scope(uint32_t word)
{
    unsigned op0 = (unsigned)bits(word, 28, 25);

    return op0 == 2 || (op0 == 0 && bit(word, 31));
}

static inline bool mnemonic_out_of_scope(uint32_t word, const char *mnemonic)
{
    bool simd = bits(word, 27, 25) == 7; /* "abs", "cnt", "smax" are old there */

    for (unsigned k = 0; k < ARRAY_SIZE(out_of_scope) && !simd; k++) {
        const char *o = out_of_scope[k];
        size_t n = strlen(o);
        if (o[n - 1] == '*' ? !strncmp(o, mnemonic, n - 1) : !strcmp(o, mnemonic))
            return true;
    }
    return false;
}

/* What capstone calls an instruction by another name: it has no switch for aliases. */
static const struct {
    const char *mnemonic, *aliases;
} capstone_aliases[] = {
    {"b.cs", "b.hs"},
    {"b.cc", "b.lo"},
    {"add", "mov"},
    {"adds", "cmn"},
    {"sub", "neg"},
    {"subs", "cmp negs"},
    {"ands", "tst"},
    {"orr", "mov"},
    {"orn", "mvn"},
    {"movz", "mov"},
    {"movn", "mov"},
    {"sbfm", "asr sbfx sbfiz sxtb sxth sxtw"},
    {"ubfm", "lsl lsr ubfx ubfiz uxtb uxth"},
    {"bfm", "bfi bfxil bfc"},
    {"extr", "ror"},
    {"lslv", "lsl"},
    {"lsrv", "lsr"},
    {"asrv", "asr"},
    {"rorv", "ror"},
    {"sbc", "ngc"},
    {"sbcs", "ngcs"},
    {"csinc", "cset cinc"},
    {"csinv", "csetm cinv"},
    {"csneg", "cneg"},
    {"madd", "mul"},
    {"msub", "mneg"},
    {"smaddl", "smull"},
    {"smsubl", "smnegl"},
    {"umaddl", "umull"},
    {"umsubl", "umnegl"},
    {"ins", "mov"},
    {"umov", "mov"},
    {"dup", "mov"},
    {"not", "mvn"},
    {"sshll", "sxtl"},
    {"sshll2", "sxtl2"},
    {"ushll", "uxtl"},
    {"ushll2", "uxtl2"},
    {"hint", "nop yield wfe wfi sev sevl esb psb csdb"},
    {"sys", "ic dc at tlbi cfp dvp cpp"},
    {"dsb", "ssbb pssbb"},
};

/* Newer than capstone 4: it may call these undefined. */
static const enum feature capstone_unknown[] = {
    FEAT_FlagM, FEAT_FlagM2,  FEAT_LRCPC2,  FEAT_FHM,    FEAT_FCMA, FEAT_JSCVT, FEAT_BF16,
    FEAT_I8MM,  FEAT_FRINTTS, FEAT_DotProd, FEAT_SHA512, FEAT_SHA3, FEAT_SM3,   FEAT_SM4,
    FEAT_PAuth, FEAT_BTI,     FEAT_SB,      FEAT_WFxT,   FEAT_DPB,  FEAT_DPB2,  FEAT_FP16,
    FEAT_RDM,   FEAT_LRCPC,   FEAT_LOR,     FEAT_LSE,    FEAT_XS,   FEAT_SSBS,  FEAT_DIT,
};
