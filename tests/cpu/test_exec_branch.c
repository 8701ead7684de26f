/* Branches: conditions, targets, links, and where PSTATE.BTYPE goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "cpu/cpu.h"
#include "cpu/fetch.h"

#define PAGE_VA UINT64_C(0xffff800010003000)

/* The code page's guarded bit, as the translation context would say. */
bool cpu_in_guarded_page(const struct cpu *cpu)
{
    return cpu->x[REG_SINK];
}

struct fixture {
    struct cpu cpu;
    struct insn page[1024];
};

static int setup(void **state)
{
    struct fixture *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);

    assert_non_null(f);
    *f = (struct fixture){.cpu.page_va = PAGE_VA};
    f->cpu.page = f->page;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* Decode @word as the instruction at @offset of the page and execute it. */
static enum exec_result run(struct fixture *f, unsigned offset, uint32_t word)
{
    static exec_fn *const fns[A64_OP_COUNT] = {
#define FN(name) [A64_##name] = exec_##name
        FN(B),    FN(BL),   FN(B_eq), FN(B_ne), FN(B_cs), FN(B_cc), FN(B_mi), FN(B_pl), FN(B_vs),
        FN(B_vc), FN(B_hi), FN(B_ls), FN(B_ge), FN(B_lt), FN(B_gt), FN(B_le), FN(B_al), FN(B_nv),
        FN(CBZ),  FN(CBNZ), FN(TBZ),  FN(TBNZ), FN(BR),   FN(BLR),  FN(RET),
#undef FN
    };
    struct insn *i = &f->page[offset / 4];

    a64_decode(word, offset, i);
    assert_non_null(fns[i->op]);
    return fns[i->op](&f->cpu, i);
}

static bool condition(unsigned cond, bool n, bool z, bool c, bool v)
{
    const bool base[8] = {z, c, n, v, c && !z, n == v, n == v && !z, true};

    return cond >= 14 || base[cond >> 1] != (cond & 1);
}

static void test_every_condition_with_every_nzcv(void **state)
{
    struct fixture *f = *state;

    for (unsigned k = 0; k < 256; k++) {
        unsigned cond = k >> 4, nzcv = k & 15;
        cpu_set_nzcv(&f->cpu, nzcv);
        assert_int_equal(cpu_nzcv(&f->cpu), nzcv);
        bool taken = condition(cond, nzcv & 8, nzcv & 4, nzcv & 2, nzcv & 1);
        assert_int_equal(run(f, 0x10, 0x54000040 | cond), taken ? EXEC_BRANCH : EXEC_NEXT);
        assert_int_equal(insn_target(&f->cpu, &f->page[4]), PAGE_VA + 0x18);
    }
}

static void test_compare_and_test_branches_look_at_their_width(void **state)
{
    struct fixture *f = *state;

    f->cpu.x[1] = UINT64_C(1) << 32;
    assert_int_equal(run(f, 0, 0x34000041), EXEC_BRANCH); /* cbz w1, . + 8 */
    assert_int_equal(run(f, 0, 0xb4000041), EXEC_NEXT);   /* cbz x1, . + 8 */
    assert_int_equal(run(f, 0, 0x35000041), EXEC_NEXT);   /* cbnz w1, . + 8 */
    assert_int_equal(run(f, 0, 0xb5000041), EXEC_BRANCH); /* cbnz x1, . + 8 */
    assert_int_equal(run(f, 0, 0xb7000041), EXEC_BRANCH); /* tbnz x1, #32, . + 8 */
    assert_int_equal(run(f, 0, 0x37000041), EXEC_NEXT);   /* tbnz w1, #0, . + 8 */
    assert_int_equal(run(f, 0, 0xb6000041), EXEC_NEXT);   /* tbz x1, #32, . + 8 */
    assert_int_equal(run(f, 0, 0x3400005f), EXEC_BRANCH); /* cbz wzr, . + 8 */
}

static void test_links_and_indirect_targets(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(run(f, 0xffc, 0x97ffffff), EXEC_BRANCH); /* bl . - 4 */
    assert_int_equal(insn_target(&f->cpu, &f->page[1023]), PAGE_VA + 0xff8);
    assert_int_equal(f->cpu.x[30], PAGE_VA + 0x1000);
    f->cpu.x[30] = 0x1234;
    assert_int_equal(run(f, 8, 0xd63f03c0), EXEC_JUMP); /* blr x30 */
    assert_int_equal(f->cpu.pc, 0x1234);
    assert_int_equal(f->cpu.x[30], PAGE_VA + 12);
    assert_int_equal(run(f, 8, 0xd65f03c0), EXEC_JUMP); /* ret */
    assert_int_equal(f->cpu.pc, PAGE_VA + 12);
    assert_int_equal(run(f, 8, 0xd61f03e0), EXEC_JUMP); /* br xzr */
    assert_int_equal(f->cpu.pc, 0);
}

static void test_btype_depends_on_branch_register_and_page(void **state)
{
    static const struct {
        uint32_t word;
        bool guarded;
        uint8_t btype;
    } rows[] = {
        {0xd61f0020, false, 1},                        /* br x1 */
        {0xd61f0020, true, 3},  {0xd61f0200, true, 1}, /* br x16 */
        {0xd61f0220, true, 1},                         /* br x17 */
        {0xd63f0020, true, 2},                         /* blr x1 */
        {0xd63f0020, false, 2}, {0xd65f0020, true, 0}, /* ret x1 */
    };
    struct fixture *f = *state;

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        f->cpu.x[REG_SINK] = rows[k].guarded;
        set_feature(&f->cpu.features, FEAT_BTI, true);
        assert_int_equal(run(f, 0, rows[k].word), EXEC_JUMP);
        assert_int_equal(f->cpu.ps.btype, rows[k].btype);
        f->cpu.ps.btype = 0;
        set_feature(&f->cpu.features, FEAT_BTI, false);
        assert_int_equal(run(f, 0, rows[k].word), EXEC_JUMP);
        assert_int_equal(f->cpu.ps.btype, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_condition_with_every_nzcv, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compare_and_test_branches_look_at_their_width, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_links_and_indirect_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_btype_depends_on_branch_register_and_page, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
