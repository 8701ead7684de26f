/*
 * The decoder's table against two independent disassemblers: GNU objdump and capstone.
 *
 * For every row, random words with its fixed bits and with one of them flipped; then fully random
 * words. Both sides must agree on whether a word is allocated, and on its mnemonic. Differences
 * that are not ours are listed in decode_differences.h; any other fails.
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

#include "tests/arch/decode_differences.h"
#include "tests/random.h"

#define OBJDUMP           "aarch64-linux-gnu-objdump"
#define LINES_PER_ROW     3
#define LINES_UNALLOCATED 30 /* of random words that no row takes */

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

/* Words that differ from a row in one fixed bit: the row's negative cases, or
 * its neighbour's own. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_agrees_with_objdump),
        cmocka_unit_test(test_neighbours_of_every_row_agree_with_objdump),
        cmocka_unit_test(test_every_row_agrees_with_capstone),
        cmocka_unit_test(test_random_words_are_allocated_as_objdump_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
