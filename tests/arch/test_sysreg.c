/* The shape of arch/sysreg.def, arch/sysreg_fields.def, arch/traps.def;
 * encodings against objdump. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "arch/sysreg.h"
#include "arch/sysreg_owner.h"

static void test_rows_are_sorted_by_encoding_without_duplicates(void **state)
{
    (void)state;
    for (unsigned sr = 1; sr < SR_COUNT; sr++)
        if (sysreg_rows[sr].enc <= sysreg_rows[sr - 1].enc)
            fail_msg("%s comes after %s", sysreg_rows[sr].name, sysreg_rows[sr - 1].name);
}

static void test_lookup_finds_every_row_by_encoding_and_by_name(void **state)
{
    (void)state;
    unsigned found = 0;

    for (unsigned enc = 0; enc < 1 << 16; enc++)
        found += sysreg_lookup((uint16_t)enc) != SR_NONE;
    assert_int_equal(found, SR_COUNT);
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        assert_int_equal(sysreg_lookup(sysreg_rows[sr].enc), sr);
        assert_int_equal(sysreg_by_name(sysreg_rows[sr].name), sr);
    }
    assert_int_equal(sysreg_by_name("sctlr_el1"), SR_SCTLR_EL1);
    assert_int_equal(sysreg_by_name("sctlr_el"), SR_NONE);
}

/* The EL in a register's name is the one op1 stands for. */
static void test_el_in_the_name_agrees_with_op1(void **state)
{
    (void)state;
    static const struct {
        const char *suffix;
        unsigned min_el;
    } suffixes[] = {{"_EL0", 0}, {"_EL1", 1}, {"_EL2", 2}, {"_EL12", 2}, {"_EL02", 2}};

    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        const char *suffix = strrchr(sysreg_rows[sr].name, '_');
        if (sr == SR_SP_EL0 || sr == SR_SP_EL1 || sr == SR_SP_EL2 || !suffix)
            continue; /* stack pointers belong to the EL above */
        for (unsigned k = 0; k < ARRAY_SIZE(suffixes); k++)
            if (!strcmp(suffix, suffixes[k].suffix) &&
                sysreg_min_el(sysreg_rows[sr].enc) != suffixes[k].min_el)
                fail_msg("%s: op1 says EL%u", sysreg_rows[sr].name,
                         sysreg_min_el(sysreg_rows[sr].enc));
    }
}

/* The part of a name before its last underscore: what SCTLR_EL1, SCTLR_EL2, SCTLR_EL12 share. */
static size_t stem(const char *name)
{
    const char *p = strrchr(name, '_');

    return p ? (size_t)(p - name) : strlen(name);
}

static void test_el12_names_point_at_the_register_of_that_name(void **state)
{
    (void)state;
    unsigned count = 0;

    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        const struct sysreg_row *row = &sysreg_rows[sr];
        bool e2h_name = ((row->enc >> 11) & 7) == 5;

        if (!e2h_name)
            continue;
        count++;
        assert_true(row->alias);
        const struct sysreg_row *target = &sysreg_rows[row->alias];
        assert_int_equal(stem(row->name), stem(target->name));
        assert_memory_equal(row->name, target->name, stem(row->name));
        assert_int_equal(row->access, target->access);
        /* The same but for op1. */
        assert_int_equal(row->enc & ~(7 << 11), target->enc & ~(7 << 11));
        assert_true(target->e2h);
    }
    assert_int_equal(count, 25);
}

static void
test_e2h_redirection_goes_to_an_el2_register_that_software_can_access_alike(void **state)
{
    (void)state;
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        const struct sysreg_row *row = &sysreg_rows[sr];
        if (!row->e2h)
            continue;
        assert_int_equal(sysreg_min_el(sysreg_rows[row->e2h].enc), 2);
        assert_int_equal(row->access, sysreg_rows[row->e2h].access);
        assert_false(sysreg_rows[row->e2h].e2h);
    }
}

static void test_nxs_operations_are_the_plain_ones_at_crn_9(void **state)
{
    (void)state;
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        const struct sysreg_row *row = &sysreg_rows[sr];
        size_t len = strlen(row->name);
        if (len < 4 || strncmp(row->name, "TLBI_", 5) || strcmp(row->name + len - 3, "NXS"))
            continue;
        assert_int_equal(row->feature, FEAT_XS);
        assert_int_equal(sysreg_rows[row->alias].enc, row->enc - (1 << 7));
        assert_memory_equal(sysreg_rows[row->alias].name, row->name, len - 3);
    }
}

static void test_columns_fit_the_kind_of_row(void **state)
{
    (void)state;
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        const struct sysreg_row *row = &sysreg_rows[sr];
        bool operation = row->access == SR_OP;

        assert_int_equal(operation, row->enc >> 14 == 1);
        assert_true(!operation || row->alias || row->op);
        assert_true(operation || !row->op);
        assert_true(!row->rd || (row->access & SR_READ) || sr == SR_SP_EL2);
        assert_true(!row->wr || (row->access & SR_WRITE));
        assert_true(!row->fgt.set || operation == (row->fgt.set == FGT_HFGI));
    }
}

static void test_every_trap_group_is_used_and_every_rule_looks_at_a_control(void **state)
{
    (void)state;
    bool used[TRAP_GROUP_COUNT] = {[TRAP_NONE] = true};

    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        for (unsigned k = 0; k < SYSREG_TRAPS; k++)
            used[sysreg_rows[sr].trap[k]] = true;
    for (unsigned g = 1; g < TRAP_GROUP_COUNT; g++) {
        if (!used[g])
            fail_msg("no row names trap group %s", trap_groups[g].name);
        assert_true(trap_groups[g].rules[0].mask);
        assert_false(trap_groups[g].rules[TRAP_RULES_MAX - 1].mask);
    }
}

/* Controls of EL1 are asked before those of EL2, and these before those of EL3, within a group and
 * between the groups of a row. */
static void test_rules_of_lower_controls_come_first(void **state)
{
    (void)state;
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        for (unsigned el = 0; el < 3; el++) {
            unsigned seen = 0;
            for (unsigned k = 0; k < SYSREG_TRAPS; k++)
                for (const struct trap_rule *r = trap_groups[sysreg_rows[sr].trap[k]].rules;
                     r->mask; r++) {
                    if (r->when == WHEN_NEVER_ALLOWED || !bit(r->els, el))
                        continue;
                    unsigned of = sysreg_min_el(sysreg_rows[r->control].enc);
                    of = of ? of : 1; /* PMUSERENR_EL0 is EL1's */
                    if (of < seen)
                        fail_msg("%s: %s after a control of EL%u", sysreg_rows[sr].name,
                                 sysreg_rows[r->control].name, seen);
                    /* Rules of host EL0 and of guests exclude each other. */
                    if (r->when != WHEN_HOST)
                        seen = of;
                }
        }
}

static void test_fields_lie_in_their_register_and_have_unique_names(void **state)
{
    (void)state;
    for (const struct sysreg_field *a = sysreg_fields; a->name[0]; a++) {
        assert_true(a->hi < 64 && a->lo <= a->hi);
        for (const struct sysreg_field *b = a + 1; b->name[0] && b->sr == a->sr; b++)
            if (!strcmp(a->name, b->name))
                fail_msg("%s.%s twice", sysreg_rows[a->sr].name, a->name);
    }
}

static void write_mask_of(const char *model, enum sysreg sr, uint64_t *mask, uint64_t *res1)
{
    struct features f = cpu_model_features(cpu_model_find(model));
    uint64_t masks[SR_COUNT], ones[SR_COUNT];

    sysreg_write_masks(&f, masks, ones);
    *mask = masks[sr];
    *res1 = ones[sr];
}

static void test_write_masks_follow_the_features(void **state)
{
    (void)state;
    uint64_t mask, res1;

    write_mask_of("a57", SR_SCTLR_EL1, &mask, &res1);
    assert_int_equal(res1, 0x30d00980); /* LSMAOE nTLSMD SPAN EIS TSCXT EOS SED ITD */
    assert_int_equal(mask, 0x070dd21f);
    write_mask_of("max", SR_SCTLR_EL1, &mask, &res1);
    assert_int_equal(res1, 0x30400980);
    assert_true(mask & BIT(57)); /* EPAN */

    write_mask_of("a57", SR_HCR_EL2, &mask, &res1);
    assert_int_equal(mask, 0x000000437fffffff);
    assert_int_equal(res1, FIELD_MASK(HCR_EL2_RW));
    write_mask_of("n1", SR_HCR_EL2, &mask, &res1);
    assert_int_equal(mask, 0x0000007f7fffffff);

    write_mask_of("a57", SR_TCR_EL2, &mask, &res1);
    assert_int_equal(mask, 0x17ff3f);
    assert_int_equal(res1, 0x80800000);

    write_mask_of("a57", SR_CPTR_EL2, &mask, &res1);
    assert_int_equal(mask, BIT(31) | BIT(10));
    assert_int_equal(res1, 0x33ff);
    write_mask_of("max", SR_ACTLR_EL1, &mask, &res1);
    assert_int_equal(mask, 0);
    write_mask_of("max", SR_TPIDR_EL1, &mask, &res1);
    assert_int_equal(mask, UINT64_MAX);
    write_mask_of("max", SR_CONTEXTIDR_EL1, &mask, &res1);
    assert_int_equal(mask, UINT32_MAX);
}

static uint64_t id_of(const char *model, enum sysreg sr)
{
    const struct cpu_model *m = cpu_model_find(model);
    struct features f = cpu_model_features(m);

    return cpu_model_id(m, &f, sr);
}

static void test_id_registers_of_the_models(void **state)
{
    (void)state;
    assert_int_equal(id_of("a57", SR_MIDR_EL1), 0x411fd070);
    assert_int_equal(id_of("a57", SR_ID_AA64PFR0_EL1), 0x111);
    assert_int_equal(id_of("a57", SR_ID_AA64ISAR0_EL1), 0x11120);
    assert_int_equal(id_of("a57", SR_ID_AA64MMFR0_EL1), 0x1124);
    assert_int_equal(id_of("a57", SR_ID_AA64DFR0_EL1), 0x10305106);
    assert_int_equal(id_of("a57", SR_ID_AA64MMFR1_EL1), 0);
    assert_int_equal(id_of("n1", SR_ID_AA64ISAR0_EL1), 0x0000100010211120);
    assert_int_equal(id_of("n1", SR_ID_AA64ISAR1_EL1), 0x0000000000100001);
    assert_int_equal(id_of("n1", SR_ID_AA64MMFR0_EL1), 0x0000000000101125);
    assert_int_equal(id_of("n1", SR_ID_AA64MMFR1_EL1), 0x0000000010212122);
    assert_int_equal(id_of("n1", SR_ID_AA64MMFR2_EL1), 0x0000000000001011);
    assert_int_equal(id_of("n1", SR_ID_AA64PFR1_EL1), 0x20);
    assert_int_equal(id_of("n1", SR_ID_AA64DFR0_EL1), 0x10305408);
    assert_int_equal(id_of("max", SR_MIDR_EL1), 0x000f0510); /* as QEMU, for firmware */
    assert_int_equal(id_of("max", SR_ID_AA64ISAR1_EL1) & 0xf00000f0, 0x10000000); /* GPI, no APA */
    assert_int_equal(id_of("max", SR_ID_AA64ISAR1_EL1) & 0xf00, 0x500); /* API: FPACCOMBINE */
    assert_int_equal(ID_AA64MMFR0_EL1_TGran4_2(id_of("max", SR_ID_AA64MMFR0_EL1)), 3);
}

static void test_models_have_two_names_and_one_row(void **state)
{
    static const char *const names[][2] = {
        {"a35", "cortex-a35"},   {"a53", "cortex-a53"}, {"a55", "cortex-a55"},
        {"a57", "cortex-a57"},   {"a72", "cortex-a72"}, {"a76", "cortex-a76"},
        {"a710", "cortex-a710"}, {"n1", "neoverse-n1"}, {"n2", "neoverse-n2"},
        {"v1", "neoverse-v1"},   {"max", "max"}};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(names); k++) {
        assert_ptr_equal(cpu_model_find(names[k][0]), &cpu_models[k]);
        assert_ptr_equal(cpu_model_find(names[k][1]), &cpu_models[k]);
    }
    assert_null(cpu_model_find("a77"));
    assert_int_equal(id_of("a53", SR_MIDR_EL1), 0x410fd034);
    assert_int_equal(id_of("a53", SR_ID_AA64MMFR0_EL1), 0x1122);
    assert_int_equal(id_of("a72", SR_MIDR_EL1), 0x410fd083);
    assert_int_equal(id_of("a72", SR_ID_AA64DFR0_EL1), 0x10305106);
}

/* The cores' own values, less what no CPU here has: in ID_AA64PFR0_EL1 AArch32 and EL3, RAS 1.1,
 * SVE, secure EL2, memory partitioning, activity monitors; in ID_AA64PFR1_EL1 MTE; in
 * ID_AA64MMFR2_EL1 CCIDX and nested virtualization. */
static void test_newer_cores_announce_what_they_have_and_is_here(void **state)
{
    static const struct {
        const char *name;
        uint64_t pfr0, pfr1, isar0, isar1, mmfr0, mmfr1, mmfr2;
    } rows[] = {
        {"a35", 0x0000000000000111, 0x00, 0x0000000000011120, 0, 0x1122, 0, 0},
        {"a55", 0x0000000010110111, 0x10, 0x0000100010211120, 0x0000000000100001, 0x101122,
         0x10212122, 0x1011},
        {"a76", 0x1100000010110111, 0x10, 0x0000100010211120, 0x0000000000100001, 0x101122,
         0x10212122, 0x1011},
        {"v1", 0x1101000010110111, 0x20, 0x1011111110212120, 0x0011100001211032, 0x101125,
         0x10212122, 0x0220011100001011},
        {"a710", 0x1201000010110111, 0x21, 0x0221111110212120, 0x0010111101211052, 0x22200101122,
         0x10212122, 0x1221011110001011},
        {"n2", 0x1201000010110111, 0x21, 0x1221111110212120, 0x0011111101211052, 0x22200101125,
         0x10212122, 0x1221011110001011},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64PFR0_EL1), rows[k].pfr0);
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64PFR1_EL1), rows[k].pfr1);
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64ISAR0_EL1), rows[k].isar0);
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64ISAR1_EL1), rows[k].isar1);
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64MMFR0_EL1), rows[k].mmfr0);
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64MMFR1_EL1), rows[k].mmfr1);
        assert_int_equal(id_of(rows[k].name, SR_ID_AA64MMFR2_EL1), rows[k].mmfr2);
    }
}

static void test_switching_a_feature_takes_along_what_depends_on_it(void **state)
{
    (void)state;
    const struct cpu_model *m = cpu_model_find("max");
    struct features f = cpu_model_features(m);

    feature_switch(&f, FEAT_VHE, false);
    assert_false(has_feature(&f, FEAT_VHE));
    assert_true(has_feature(&f, FEAT_EL2));
    feature_switch(&f, FEAT_PACQARMA5, true);
    assert_false(has_feature(&f, FEAT_PACIMP));
    assert_int_equal(cpu_model_id(m, &f, SR_ID_AA64ISAR1_EL1) & 0xff000ff0, 0x01000050);
    feature_switch(&f, FEAT_FP, false);
    assert_false(has_feature(&f, FEAT_SHA512));
    assert_int_equal(cpu_model_id(m, &f, SR_ID_AA64PFR0_EL1) >> 16 & 0xff, 0xff);
    feature_switch(&f, FEAT_LPA, false);
    assert_int_equal(cpu_model_id(m, &f, SR_ID_AA64MMFR0_EL1) & 15, 5);
    assert_int_equal(feature_by_cli_name("vhe"), FEAT_VHE);
    assert_int_equal(feature_by_cli_name("nonsense"), FEAT_COUNT);
}

/* MRS, MSR or SYS of a row, with X0. */
static uint32_t word_of(const struct sysreg_row *row)
{
    uint32_t word = 0xd5000000 | (uint32_t)row->enc << 5;

    return row->access & SR_READ ? word | BIT(21) : word;
}

static void lower_name(const struct sysreg_row *row, char *out, size_t size)
{
    size_t k;
    unsigned crn = (row->enc >> 7) & 15;

    if (crn == 11 || crn == 15) { /* IMPLEMENTATION DEFINED: no name but the encoding */
        snprintf(out, size, "s%u_%u_c%u_c%u_%u", row->enc >> 14, (row->enc >> 11) & 7u, crn,
                 (row->enc >> 3) & 15u, row->enc & 7u);
        return;
    }
    for (k = 0; row->name[k] && k + 1 < size; k++)
        out[k] = (char)tolower((unsigned char)row->name[k]);
    out[k] = 0;
    char *space = row->access == SR_OP ? strchr(out, '_') : NULL;
    if (space)
        *space = ' '; /* "dc zva", "cfp rctx" */
}

/* Names that binutils 2.40 does not know, and the one that nothing has. */
static bool unknown_to_objdump(const struct sysreg_row *row)
{
    return (row->alias && row->feature == FEAT_XS) || row == &sysreg_rows[SR_SP_EL3];
}

static void test_objdump_prints_each_rows_name(void **state)
{
    (void)state;
    char path[] = "/tmp/test_sysregXXXXXX", command[200], line[300];
    int fd = mkstemp(path);
    unsigned sr = 0;

    assert_true(fd >= 0);
    for (unsigned k = 0; k < SR_COUNT; k++) {
        uint32_t word = word_of(&sysreg_rows[k]);
        assert_int_equal(write(fd, &word, 4), 4);
    }
    close(fd);
    snprintf(command, sizeof(command), "aarch64-linux-gnu-objdump -D -b binary -m aarch64 %s 2>&1",
             path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char name[64];
        char *text = strchr(line, '\t');
        if (!text || sr == SR_COUNT)
            continue;
        for (char *p = text; *p; p++)
            *p = *p == ',' || *p == '\t' || *p == '\n' ? ' ' : (char)tolower((unsigned char)*p);
        lower_name(&sysreg_rows[sr], name, sizeof(name));
        char *at = strstr(text, name);
        if (!unknown_to_objdump(&sysreg_rows[sr]) && (!at || isalnum(at[strlen(name)])))
            fail_msg("%s: objdump says %s", sysreg_rows[sr].name, text);
        sr++;
    }
    pclose(f);
    unlink(path);
    if (sr == 0)
        skip(); /* no cross binutils here */
    assert_int_equal(sr, SR_COUNT);
}

/* Each register has a home, and an owner that goes with what it is. */
static void test_owners_fit_their_rows(void **state)
{
    (void)state;
    unsigned seen[SYSREG_OWNER_COUNT] = {0};

    for (unsigned k = 0; k < SR_COUNT; k++) {
        const struct sysreg_row *row = &sysreg_rows[k];
        enum sysreg_owner owner = sysreg_owner((enum sysreg)k);
        enum sysreg_home home = sysreg_home((enum sysreg)k);
        bool key = !strncmp(row->name, "AP", 2) && strstr(row->name, "Key");

        seen[owner]++;
        assert_int_not_equal(owner, OWNER_NAME); /* resolved */
        if ((owner == OWNER_OP) != ((row->access & SR_OP) != 0))
            fail_msg("%s: operations, and only they, are OP", row->name);
        if (owner == OWNER_RO && (row->access & SR_WRITE))
            fail_msg("%s is not read-only", row->name);
        if (home == HOME_CONSTANT && owner != OWNER_RO)
            fail_msg("%s is constant, so nobody's", row->name);
        if ((owner == OWNER_PAUTH) != key)
            fail_msg("%s: keys, and only they, are PAUTH", row->name);
        if (row->alias && owner != sysreg_owner((enum sysreg)row->alias))
            fail_msg("%s: another owner than %s", row->name, sysreg_rows[row->alias].name);
        if (home == HOME_PMU && owner != OWNER_PMU && owner != OWNER_RO)
            fail_msg("%s is a performance monitor's", row->name);
        if (row->gic && sysreg_min_el(row->enc) < 3 && owner != OWNER_GICC && owner != OWNER_GICV &&
            owner != OWNER_RO)
            fail_msg("%s is in the GIC", row->name);
        if (sysreg_min_el(row->enc) < 2 && owner == OWNER_EL2)
            fail_msg("%s can be used below EL2", row->name);
    }
    for (unsigned owner = 0; owner < SYSREG_OWNER_COUNT; owner++)
        if (owner != OWNER_NAME)
            assert_true(seen[owner] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners_fit_their_rows),
        cmocka_unit_test(test_rows_are_sorted_by_encoding_without_duplicates),
        cmocka_unit_test(test_lookup_finds_every_row_by_encoding_and_by_name),
        cmocka_unit_test(test_el_in_the_name_agrees_with_op1),
        cmocka_unit_test(test_el12_names_point_at_the_register_of_that_name),
        cmocka_unit_test(
            test_e2h_redirection_goes_to_an_el2_register_that_software_can_access_alike),
        cmocka_unit_test(test_nxs_operations_are_the_plain_ones_at_crn_9),
        cmocka_unit_test(test_columns_fit_the_kind_of_row),
        cmocka_unit_test(test_every_trap_group_is_used_and_every_rule_looks_at_a_control),
        cmocka_unit_test(test_rules_of_lower_controls_come_first),
        cmocka_unit_test(test_fields_lie_in_their_register_and_have_unique_names),
        cmocka_unit_test(test_write_masks_follow_the_features),
        cmocka_unit_test(test_id_registers_of_the_models),
        cmocka_unit_test(test_models_have_two_names_and_one_row),
        cmocka_unit_test(test_newer_cores_announce_what_they_have_and_is_here),
        cmocka_unit_test(test_switching_a_feature_takes_along_what_depends_on_it),
        cmocka_unit_test(test_objdump_prints_each_rows_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
