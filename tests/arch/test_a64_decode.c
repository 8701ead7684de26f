/*
 * The decoder's table against two independent disassemblers: GNU objdump and capstone.
 *
 * For every row, random words with its fixed bits and with one of them flipped; then fully random
 * words. Both sides must agree
 * on whether a word is allocated, and on its mnemonic. Differences that are not ours are listed
 * below, each with its reason; any other fails.
 *
 *   ARMILLARY_ROW=LDR_      only rows whose name starts so (and no random words)
 *   ARMILLARY_ROWS_N=1000   words a row (default 200)
 *   ARMILLARY_WORDS_N=...   fully random words (default 200000)
 *   ARMILLARY_SEED=...      as printed by an earlier run
 */
#include <capstone/capstone.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "base/bits.h"
#include "tests/random.h"

#define OBJDUMP           "aarch64-linux-gnu-objdump"
#define LINES_PER_ROW     3
#define LINES_UNALLOCATED 30 /* of random words that no row takes */

/* A known difference: words with these fixed bits that differ in this way, if @when holds. */
struct exception {
    uint32_t mask, value;
    enum { MNEMONIC, OURS_UNALLOCATED, THEIRS_UNDEFINED } kind;
    bool (*when)(uint32_t word); /* NULL: always */
    const char *reason;
};

/* Do two register fields of a load or store name the same register? CONSTRAINED UNPREDICTABLE in
 * some. */
static bool registers_overlap(uint32_t word)
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
static bool group_out_of_scope(uint32_t word)
{
    unsigned op0 = (unsigned)bits(word, 28, 25);

    return op0 == 2 || (op0 == 0 && bit(word, 31));
}

static bool mnemonic_out_of_scope(uint32_t word, const char *mnemonic)
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

struct sample {
    uint32_t word;
    uint16_t row;  /* the row it was made from; A64_UNALLOCATED: a random word */
    char text[90]; /* what the other side says; empty: undefined */
};

struct samples {
    struct sample *s;
    size_t count, room;
};

static void add_sample(struct samples *all, uint32_t word, enum a64_op row)
{
    if (all->count == all->room) {
        all->room = all->room ? all->room * 2 : 65536;
        all->s = realloc(all->s, all->room * sizeof(all->s[0]));
        assert_non_null(all->s);
    }
    all->s[all->count++] = (struct sample){.word = word, .row = (uint16_t)row};
}

static bool row_wanted(unsigned op)
{
    const char *prefix = getenv("ARMILLARY_ROW");

    return !prefix || !strncmp(a64_rows[op].name, prefix, strlen(prefix));
}

static struct samples row_samples(void)
{
    struct samples all = {0};
    uint64_t state = test_seed(1), n = test_option("ARMILLARY_ROWS_N", 200);

    for (unsigned op = 0; op < A64_UNALLOCATED; op++)
        for (uint64_t k = 0; k < n && row_wanted(op); k++) {
            uint32_t r = (uint32_t)random_next(&state) & ~a64_rows[op].mask;
            add_sample(&all, r | a64_rows[op].value, (enum a64_op)op);
        }
    return all;
}

/* Words that differ from a row in one fixed bit: the row's negative cases, or its neighbour's own.
 */
static struct samples neighbour_samples(void)
{
    struct samples all = {0};
    uint64_t state = test_seed(1), n = test_option("ARMILLARY_ROWS_N", 200);

    for (unsigned op = 0; op < A64_UNALLOCATED; op++)
        for (uint64_t k = 0; k < n && row_wanted(op); k++) {
            uint32_t flip = UINT32_C(1) << (random_next(&state) & 31);
            uint32_t r = (uint32_t)random_next(&state) & ~a64_rows[op].mask;
            add_sample(&all, (r | a64_rows[op].value) ^ flip, A64_UNALLOCATED);
        }
    return all;
}

static struct samples random_samples(void)
{
    struct samples all = {0};
    uint64_t state = test_seed(1), n = test_option("ARMILLARY_WORDS_N", 200000);

    while (all.count < n) {
        uint32_t word = (uint32_t)random_next(&state);
        if (!group_out_of_scope(word))
            add_sample(&all, word, A64_UNALLOCATED);
    }
    return all;
}

/* One line of objdump: "   4:\t8b000000 \tadd\tx0, x0, x0". */
static void take_objdump_line(struct samples *all, char *line)
{
    char *colon = strstr(line, ":\t"), *text = colon ? strchr(colon + 2, '\t') : NULL;
    size_t index = colon ? strtoull(line, NULL, 16) / 4 : 0;

    if (!text || index >= all->count)
        return;
    text++;
    text[strcspn(text, "\n")] = 0;
    if (strncmp(text, ".inst", 5))
        snprintf(all->s[index].text, sizeof(all->s[index].text), "%s", text);
}

static void run_objdump(struct samples *all)
{
    char path[] = "/tmp/a64_decode_XXXXXX", command[200], line[400];
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "wb");
    assert_non_null(f);
    for (size_t k = 0; k < all->count; k++)
        assert_int_equal(fwrite(&all->s[k].word, 4, 1, f), 1);
    assert_int_equal(fclose(f), 0);
    snprintf(command, sizeof(command),
             OBJDUMP " -D -z -b binary -m aarch64 -M no-aliases,no-notes %s", path);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    while (fgets(line, sizeof(line), p))
        take_objdump_line(all, line);
    assert_int_equal(pclose(p), 0);
    unlink(path);
}

static void run_capstone(struct samples *all)
{
    csh cs;

    assert_int_equal(cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &cs), CS_ERR_OK);
    cs_insn *out = cs_malloc(cs);
    for (size_t k = 0; k < all->count; k++) {
        const uint8_t *code = (const uint8_t *)&all->s[k].word;
        size_t size = 4;
        uint64_t address = 0;
        if (cs_disasm_iter(cs, &code, &size, &address, out))
            snprintf(all->s[k].text, sizeof(all->s[k].text), "%.20s\t%.60s", out->mnemonic,
                     out->op_str);
    }
    cs_free(out, 1);
    cs_close(&cs);
}

static void first_word(const char *text, char out[32])
{
    size_t n = strcspn(text, "\t ");

    snprintf(out, 32, "%.*s", (int)(n < 31 ? n : 31), text);
}

/* Does @mnemonic equal one alternative of @pattern ("a|b", "sqdmull{2}") for @word? */
static bool mnemonic_matches(const char *pattern, uint32_t word, const char *mnemonic)
{
    while (*pattern) {
        const char *m = mnemonic;
        bool same = true;
        for (; *pattern && *pattern != '|'; pattern++) {
            if (*pattern == '{') {
                same &= !bit(word, 30) || *m++ == '2';
                pattern += 2;
            } else if (same) {
                same = *m++ == *pattern;
            }
        }
        if (same && *m == 0)
            return true;
        pattern += *pattern == '|';
    }
    return false;
}

static bool alias_matches(const char *pattern, uint32_t word, const char *mnemonic)
{
    for (unsigned k = 0; k < ARRAY_SIZE(capstone_aliases); k++) {
        const char *list = capstone_aliases[k].aliases, *at = list;
        size_t n = strlen(mnemonic);
        if (!mnemonic_matches(pattern, word, capstone_aliases[k].mnemonic))
            continue;
        while ((at = strstr(at, mnemonic))) {
            if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
                return true;
            at++;
        }
    }
    /* stadd is ldadd without a result; capstone prints b.eq for b.eq, but "b" for b.al */
    return !strncmp(mnemonic, "st", 2) && !strncmp(pattern, "ld", 2) &&
           mnemonic_matches(pattern + 2, word, mnemonic + 2);
}

static bool is_exception(const struct exception *e, size_t n, const struct sample *s,
                         enum a64_op ours)
{
    for (size_t k = 0; k < n; k++) {
        if ((s->word & e[k].mask) != e[k].value || (e[k].when && !e[k].when(s->word)))
            continue;
        if (e[k].kind == MNEMONIC || (e[k].kind == OURS_UNALLOCATED && ours == A64_UNALLOCATED) ||
            (e[k].kind == THEIRS_UNDEFINED && !s->text[0]))
            return true;
    }
    return false;
}

static bool capstone_may_miss(enum feature f)
{
    for (unsigned k = 0; k < ARRAY_SIZE(capstone_unknown); k++)
        if (capstone_unknown[k] == f)
            return true;
    return false;
}

static bool agrees_with_objdump(const struct sample *s, enum a64_op ours)
{
    char mnemonic[32];

    first_word(s->text, mnemonic);
    if (ours == A64_UNALLOCATED)
        return !s->text[0] || group_out_of_scope(s->word) ||
               mnemonic_out_of_scope(s->word, mnemonic);
    return s->text[0] && mnemonic_matches(a64_rows[ours].mnemonic, s->word, mnemonic);
}

static bool agrees_with_capstone(const struct sample *s, enum a64_op ours)
{
    char mnemonic[32];

    first_word(s->text, mnemonic);
    if (ours == A64_UNALLOCATED)
        return !s->text[0] || group_out_of_scope(s->word);
    if (!s->text[0])
        return capstone_may_miss(a64_rows[ours].feature);
    return mnemonic_matches(a64_rows[ours].mnemonic, s->word, mnemonic) ||
           alias_matches(a64_rows[ours].mnemonic, s->word, mnemonic);
}

/* Compare all; print a few lines a row. Return: how many rows differ. */
static unsigned compare(const struct samples *all, const char *whose,
                        bool (*agrees)(const struct sample *, enum a64_op),
                        const struct exception *exceptions, size_t exception_count)
{
    unsigned *lines = calloc(A64_OP_COUNT, sizeof(lines[0])), rows = 0;

    assert_non_null(lines);
    for (size_t k = 0; k < all->count; k++) {
        const struct sample *s = &all->s[k];
        enum a64_op ours = a64_lookup(s->word), row = s->row == A64_UNALLOCATED ? ours : s->row;
        if (agrees(s, ours) || is_exception(exceptions, exception_count, s, ours))
            continue;
        rows += lines[row]++ == 0;
        if (lines[row] <= (row == A64_UNALLOCATED ? LINES_UNALLOCATED : LINES_PER_ROW))
            print_message("%s %08x: ours %s (%s), %s: %s\n", a64_rows[row].name, s->word,
                          a64_rows[ours].name, a64_rows[ours].mnemonic, whose,
                          s->text[0] ? s->text : "undefined");
    }
    for (unsigned op = 0; op < A64_OP_COUNT; op++)
        if (lines[op] > LINES_PER_ROW)
            print_message("%s: %u words differ in all\n", a64_rows[op].name, lines[op]);
    free(lines);
    return rows;
}

static bool have_objdump(void)
{
    return system(OBJDUMP " --version >/dev/null 2>&1") == 0;
}

static void test_every_row_agrees_with_objdump(void **state)
{
    (void)state;
    if (!have_objdump())
        skip();
    struct samples all = row_samples();
    run_objdump(&all);
    assert_int_equal(compare(&all, "objdump", agrees_with_objdump, objdump_exceptions,
                             ARRAY_SIZE(objdump_exceptions)),
                     0);
    free(all.s);
}

static void test_every_row_agrees_with_capstone(void **state)
{
    struct samples all = row_samples();

    (void)state;
    run_capstone(&all);
    assert_int_equal(compare(&all, "capstone", agrees_with_capstone, capstone_exceptions,
                             ARRAY_SIZE(capstone_exceptions)),
                     0);
    free(all.s);
}

static void test_random_words_are_allocated_as_objdump_says(void **state)
{
    (void)state;
    if (!have_objdump() || getenv("ARMILLARY_ROW"))
        skip();
    struct samples all = random_samples();
    run_objdump(&all);
    assert_int_equal(compare(&all, "objdump", agrees_with_objdump, objdump_exceptions,
                             ARRAY_SIZE(objdump_exceptions)),
                     0);
    free(all.s);
}

static void test_neighbours_of_every_row_agree_with_objdump(void **state)
{
    (void)state;
    if (!have_objdump())
        skip();
    struct samples all = neighbour_samples();
    run_objdump(&all);
    assert_int_equal(compare(&all, "objdump", agrees_with_objdump, objdump_exceptions,
                             ARRAY_SIZE(objdump_exceptions)),
                     0);
    free(all.s);
}

static void test_every_row_can_be_reached(void **state)
{
    uint64_t random = test_seed(1);
    unsigned unreachable = 0;

    (void)state;
    for (unsigned op = 0; op < A64_UNALLOCATED; op++) {
        bool found = false;
        for (unsigned k = 0; k < 200000 && !found; k++) {
            uint32_t r = (uint32_t)random_next(&random) & ~a64_rows[op].mask;
            found = a64_lookup(r | a64_rows[op].value) == op;
        }
        if (!found)
            print_message("%s: no word decodes to this row\n", a64_rows[op].name);
        unreachable += !found;
    }
    assert_int_equal(unreachable, 0);
}

static void test_half_precision_complex_rows_need_two_features(void **state)
{
    static const enum a64_op ops[] = {A64_FCMLA_vec_h, A64_FCADD_vec_h, A64_FCMLA_elem_h};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        struct features f = {0};

        set_feature(&f, FEAT_FP16, true);
        assert_int_equal(a64_missing_feature(ops[k], &f), FEAT_FCMA);
        set_feature(&f, FEAT_FCMA, true);
        assert_int_equal(a64_missing_feature(ops[k], &f), FEAT_BASE);
        set_feature(&f, FEAT_FP16, false);
        assert_int_equal(a64_missing_feature(ops[k], &f), FEAT_FP16);
    }
}

static void test_row_names_are_unique(void **state)
{
    (void)state;
    for (unsigned a = 0; a < A64_UNALLOCATED; a++)
        for (unsigned b = a + 1; b < A64_UNALLOCATED; b++)
            if (!strcmp(a64_rows[a].name, a64_rows[b].name))
                fail_msg("two rows are called %s", a64_rows[a].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_names_are_unique),
        cmocka_unit_test(test_every_row_can_be_reached),
        cmocka_unit_test(test_every_row_agrees_with_objdump),
        cmocka_unit_test(test_neighbours_of_every_row_agree_with_objdump),
        cmocka_unit_test(test_every_row_agrees_with_capstone),
        cmocka_unit_test(test_half_precision_complex_rows_need_two_features),
        cmocka_unit_test(test_random_words_are_allocated_as_objdump_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
