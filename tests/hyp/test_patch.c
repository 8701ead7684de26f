/* Sites in an array of words, keys and calls that own them, and the order in which caches are
 * told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/arch.h"
#include "hyp/patch.h"
#include "hyp/static_call.h"
#include "hyp/static_key.h"
#include "tests/random.h"

/* In one object, so that distances fit. */
static struct world {
    uint32_t text[64];
    struct patch_site site[16];
    struct static_key key[4];
    struct static_call call;
    struct call_target target[4];
    unsigned sites;
} w;

static void near(int32_t *from, const void *to)
{
    *from = (int32_t)((intptr_t)to - (intptr_t)from);
}

static uint32_t *add_site(unsigned word, unsigned target, const void *owner, uint32_t flags)
{
    struct patch_site *s = &w.site[w.sites++];

    near(&s->at, &w.text[word]);
    near(&s->target, &w.text[target]);
    near(&s->owner, owner);
    s->flags = flags;
    return &w.text[word];
}

/* Functions are places in the text. */
static void (*text_fn(unsigned word))(void)
{
    return (void (*)(void))(uintptr_t)&w.text[word];
}

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(&w, 0, sizeof(w));
    w.target[0] = (struct call_target){text_fn(40), NULL, 0, INSN_NOP};
    w.target[1] = (struct call_target){text_fn(41), NULL, CHANGES_KEEPING, 0};
    w.target[2] = (struct call_target){text_fn(42), text_fn(43), CHANGES_AAPCS, 0};
    w.target[3] = (struct call_target){text_fn(44), NULL, 0, 0x91000400}; /* ADD X0, X0, #1 */
    w.call.target = &w.target[0];
    return 0;
}

static void begin(void)
{
    patch_init(w.site, w.site + w.sites);
    fake.logged = 0;
}

static uint32_t b_to(unsigned from, unsigned to)
{
    return 0x14000000 | ((to - from) & 0x03ffffff);
}

static void test_the_list_is_b_bl_brk_hvc_isb_nop_smc_svc(void **state)
{
    static const uint32_t in[] = {0x14000001, 0x17ffffff, 0x94000000, 0xd4200000, 0xd4394b40,
                                  0xd4000002, 0xd5033fdf, 0xd503201f, 0xd4000003, 0xd4000001};
    static const uint32_t out[] = {0x54000000, 0xb4000000, 0xd61f0000, 0xd63f0000, 0xd65f03c0,
                                   0xd5033f9f, 0xd503203f, 0xd4400000, 0xd4a00001, 0xd503309f,
                                   0x91000400, 0x00000000, 0xd50330bf, 0x34000001, 0xd4200001};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(in); k++)
        assert_true(patch_is_concurrent(in[k]));
    for (unsigned k = 0; k < ARRAY_SIZE(out); k++)
        assert_false(patch_is_concurrent(out[k]));
}

static void test_a_branch_reaches_128_mib_and_no_further(void **state)
{
    uint32_t insn;

    (void)state;
    assert_true(patch_branch(&insn, 0x80000000, 0x80000000, false));
    assert_int_equal(insn, 0x14000000);
    assert_true(patch_branch(&insn, 0x80000000, 0x7ffffffc, true));
    assert_int_equal(insn, 0x97ffffff);
    assert_true(patch_branch(&insn, 0x80000000, 0x87fffffc, false));
    assert_int_equal(insn, 0x15ffffff);
    assert_false(patch_branch(&insn, 0x80000000, 0x88000000, false));
    assert_true(patch_branch(&insn, 0x80000000, 0x78000000, false));
    assert_int_equal(insn, 0x16000000);
    assert_false(patch_branch(&insn, 0x80000000, 0x77fffffc, false));
    assert_false(patch_branch(&insn, 0x80000000, 0x80000002, false));
}

static void test_a_site_is_nop_or_branch_as_the_key_and_its_bias_say(void **state)
{
    uint32_t *unlikely = add_site(0, 9, &w.key[0], 0);
    uint32_t *likely = add_site(1, 9, &w.key[0], SITE_LIKELY);

    (void)state;
    begin();
    assert_int_equal(*unlikely, INSN_NOP);
    assert_int_equal(*likely, b_to(1, 9));
    static_key_inc(&w.key[0]);
    assert_int_equal(*unlikely, b_to(0, 9));
    assert_int_equal(*likely, INSN_NOP);
    static_key_dec(&w.key[0]);
    assert_int_equal(*unlikely, INSN_NOP);
    assert_int_equal(*likely, b_to(1, 9));
}

static void test_a_key_is_on_while_anybody_wants_it(void **state)
{
    uint32_t *site = add_site(0, 9, &w.key[0], 0);

    (void)state;
    begin();
    static_key_inc(&w.key[0]);
    fake.logged = 0;
    static_key_inc(&w.key[0]);
    static_key_dec(&w.key[0]);
    assert_int_equal(fake.logged, 0); /* nothing was written */
    assert_int_equal(*site, b_to(0, 9));
    static_key_dec(&w.key[0]);
    assert_int_equal(*site, INSN_NOP);
}

/* DDI0487 B2.2.5: two sites of the key, one of another. */
static void test_text_goes_to_the_point_of_unification_then_instruction_caches_forget(void **state)
{
    static const char *const order[] = {"cvau", "cvau", "ish", "ivau",
                                        "ivau", "ish",  "isb", "rendezvous_sync"};

    (void)state;
    add_site(0, 9, &w.key[0], 0);
    add_site(1, 9, &w.key[1], 0);
    add_site(2, 9, &w.key[0], 0);
    begin();
    static_key_inc(&w.key[0]);
    assert_int_equal(fake.logged, ARRAY_SIZE(order));
    for (unsigned k = 0; k < ARRAY_SIZE(order); k++)
        assert_string_equal(fake.log[k].name, order[k]);
    assert_int_equal(fake.log[0].arg, (uintptr_t)&w.text[0]);
    assert_int_equal(fake.log[4].arg, (uintptr_t)&w.text[2]);
}

static void test_an_instruction_outside_the_list_is_replaced_while_all_wait(void **state)
{
    uint32_t *site = add_site(0, 0, &w.call, SITE_CALL | CHANGES_AAPCS);

    (void)state;
    begin();
    static_call_set(&w.call, &w.target[3]); /* NOP to ADD */
    assert_int_equal(*site, 0x91000400);
    assert_string_equal(fake.log[0].name, "rendezvous_run");
    fake.logged = 0;
    static_call_set(&w.call, &w.target[1]); /* and back from it */
    assert_string_equal(fake.log[0].name, "rendezvous_run");
    fake.logged = 0;
    static_call_set(&w.call, &w.target[2]); /* BL to BL */
    assert_string_equal(fake.log[0].name, "cvau");
    assert_int_equal(patch_counts().stopped, 2);
    assert_int_equal(patch_counts().live, 1);
}

static void test_a_call_saves_registers_only_where_the_site_needs_them(void **state)
{
    uint32_t *any = add_site(0, 0, &w.call, SITE_CALL | CHANGES_AAPCS);
    uint32_t *few = add_site(1, 1, &w.call, SITE_CALL | CHANGES_KEEPING);

    (void)state;
    begin();
    assert_int_equal(*any, INSN_NOP);
    static_call_set(&w.call, &w.target[1]);
    assert_int_equal(*any, 0x94000000 | 41);
    assert_int_equal(*few, 0x94000000 | 40);
    static_call_set(&w.call, &w.target[2]);
    assert_int_equal(*any, 0x94000000 | 42);
    assert_int_equal(*few, 0x94000000 | 42); /* word 43: the thunk */
}

static void check_all(const unsigned *on)
{
    for (unsigned k = 0; k < w.sites; k++) {
        unsigned key = k % 4;
        bool likely = w.site[k].flags & SITE_LIKELY;

        assert_int_equal(w.text[k], (on[key] > 0) == likely ? INSN_NOP : b_to(k, 20 + k));
    }
}

static void test_any_order_of_turning_keys_leaves_what_the_counts_say(void **state)
{
    uint64_t seed = test_seed(7);
    unsigned on[4] = {0};

    (void)state;
    for (unsigned k = 0; k < 16; k++)
        add_site(k, 20 + k, &w.key[k % 4], k / 4 % 2 ? SITE_LIKELY : 0);
    begin();
    for (unsigned n = 0; n < 2000; n++) {
        uint64_t random = random_next(&seed);
        unsigned key = random % 4;

        if (on[key] && random >> 32 & 1) {
            static_key_dec(&w.key[key]);
            on[key]--;
        } else {
            static_key_inc(&w.key[key]);
            on[key]++;
        }
        check_all(on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_list_is_b_bl_brk_hvc_isb_nop_smc_svc, setup),
        cmocka_unit_test_setup(test_a_branch_reaches_128_mib_and_no_further, setup),
        cmocka_unit_test_setup(test_a_site_is_nop_or_branch_as_the_key_and_its_bias_say, setup),
        cmocka_unit_test_setup(test_a_key_is_on_while_anybody_wants_it, setup),
        cmocka_unit_test_setup(
            test_text_goes_to_the_point_of_unification_then_instruction_caches_forget, setup),
        cmocka_unit_test_setup(test_an_instruction_outside_the_list_is_replaced_while_all_wait,
                               setup),
        cmocka_unit_test_setup(test_a_call_saves_registers_only_where_the_site_needs_them, setup),
        cmocka_unit_test_setup(test_any_order_of_turning_keys_leaves_what_the_counts_say, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
