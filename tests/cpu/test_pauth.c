/* Pointer authentication: the ciphers by published vectors, the pointer's layout against QEMU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "arch/esr.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/exception.h"
#include "cpu/interp_plain.h"
#include "cpu/pauth.h"
#include "cpu/pstate.h"
#include "cpu/qarma.h"
#include "tests/cpu/exec_oracle.h"

#define HCR_TGE BIT(27)
#define HCR_RW  BIT(31)
#define HCR_E2H BIT(34)
#define HCR_API BIT(41)
#define TCR_48  (UINT64_C(16) << 16 | 16) /* both halves of 48 bits, no tags */
#define TCR_TBI (TCR_48 | UINT64_C(3) << 37)
#define ENABLES (BIT(31) | BIT(30) | BIT(27) | BIT(13))

enum { KEY_COUNT = 4 };

struct fixture {
    struct clock clock;
    struct probes probes;
    struct physmem mem;
    struct arm_log log;
    struct code_cache *code;
    struct cpu *cpu;
    struct insn insn[2]; /* the current page: the exceptions here are those of insn[1] */
    uint64_t rng;
};

static const enum sysreg key_regs[] = {
    SR_APIAKeyLo_EL1, SR_APIAKeyHi_EL1, SR_APIBKeyLo_EL1, SR_APIBKeyHi_EL1, SR_APDAKeyLo_EL1,
    SR_APDAKeyHi_EL1, SR_APDBKeyLo_EL1, SR_APDBKeyHi_EL1, SR_APGAKeyLo_EL1, SR_APGAKeyHi_EL1,
};

/* A CPU at @el with random keys, all enabled, and the features of @list (FEAT_BASE ends it) on top
 * of those the address layout depends on. */
static void use(struct fixture *f, unsigned el, uint64_t tcr, const enum feature *list)
{
    struct cpu *cpu = f->cpu;

    cpu->features = (struct features){0};
    set_feature(&cpu->features, FEAT_PAuth, true);
    set_feature(&cpu->features, FEAT_VHE, true);
    set_feature(&cpu->features, FEAT_LVA, true);
    set_feature(&cpu->features, FEAT_LPA2, true);
    set_feature(&cpu->features, FEAT_TTST, true);
    for (; list && *list != FEAT_BASE; list++)
        set_feature(&cpu->features, *list, true);
    for (size_t k = 0; k < ARRAY_SIZE(key_regs); k++)
        cpu->sr[key_regs[k]] = random_next(&f->rng);
    cpu->sr[SR_HCR_EL2] = HCR_RW | HCR_API;
    cpu->sr[SR_TCR_EL1] = cpu->sr[SR_TCR_EL2] = tcr;
    cpu->sr[SR_SCTLR_EL1] = cpu->sr[SR_SCTLR_EL2] = ENABLES;
    cpu->sr[SR_ESR_EL1] = cpu->sr[SR_ESR_EL2] = 0;
    cpu_set_el_sp(cpu, el, 1);
    cpu->page = f->insn;
    cpu->page_va = 0x4000;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct cpu_model *model = cpu_model_find("max");
    const struct features features = cpu_model_features(model);

    assert_non_null(f);
    f->code = code_cache_create(&interp_engine);
    assert_non_null(f->code);
    f->cpu = cpu_create(&(struct cpu_params){.model = model,
                                             .features = &features,
                                             .has_el2 = true,
                                             .code = f->code,
                                             .mem = &f->mem,
                                             .clock = &f->clock,
                                             .log = &f->log,
                                             .probes = &f->probes});
    assert_non_null(f->cpu);
    f->rng = test_option("ARMILLARY_SEED", 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cpu_destroy(f->cpu);
    code_cache_destroy(f->code);
    free(f);
    return 0;
}

/* R. Avanzi, "The QARMA Block Cipher Family", test vectors of QARMA-64 with five rounds. It has
 * none with three: that value is what QEMU 10.0's QARMA3 gives as well. */
static void test_qarma_matches_the_published_vectors(void **state)
{
    static const struct {
        unsigned rounds, sigma;
        uint64_t block;
    } vectors[] = {
        {5, 1, UINT64_C(0x544b0ab95bda7c3a)},
        {5, 2, UINT64_C(0xc003b93999b33765)},
        {3, 1, UINT64_C(0xc8b7fdc1d507b9ef)},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(vectors); k++)
        assert_int_equal(qarma64(UINT64_C(0xfb623599da6e8127), UINT64_C(0x477d469dec0b8762),
                                 UINT64_C(0x84be85ce9804e94b), UINT64_C(0xec2802d4e0a488e9),
                                 vectors[k].rounds, vectors[k].sigma),
                         vectors[k].block);
}

/* ComputePACQARMA() cell by cell, in the order of the paper's figures. Cell 0 is the most
 * significant. */
struct cells {
    uint8_t c[16];
};

static struct cells to_cells(uint64_t v)
{
    struct cells r;

    for (unsigned k = 0; k < 16; k++)
        r.c[k] = (v >> (60 - 4 * k)) & 15;
    return r;
}

static struct cells xor_word(struct cells s, uint64_t v)
{
    const struct cells w = to_cells(v);

    for (unsigned k = 0; k < 16; k++)
        s.c[k] ^= w.c[k];
    return s;
}

static uint64_t to_word(struct cells s)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < 16; k++)
        v = v << 4 | s.c[k];
    return v;
}

static const uint8_t sigma[3][16] = {
    [1] = {10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4},
    [2] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10},
};
static const uint8_t tau[16] = {0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2};
static const uint8_t tweak_h[16] = {6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11};

static struct cells box_cells(struct cells s, unsigned n, bool inverse)
{
    struct cells r = s;

    for (unsigned k = 0; k < 16; k++)
        for (uint8_t v = 0; v < 16; v++)
            if (inverse && sigma[n][v] == s.c[k])
                r.c[k] = v;
            else if (!inverse && v == s.c[k])
                r.c[k] = sigma[n][v];
    return r;
}

static struct cells shuffle_cells(struct cells s, const uint8_t p[16], bool inverse)
{
    struct cells r = s;

    for (unsigned k = 0; k < 16; k++)
        r.c[inverse ? p[k] : k] = s.c[inverse ? k : p[k]];
    return r;
}

/* Row r of the matrix is circ(0, rho, rho^2, rho) turned by r. */
static struct cells mix_cells(struct cells s)
{
    static const unsigned turns[4] = {0, 1, 2, 1};
    struct cells r;

    for (unsigned k = 0; k < 16; k++) {
        r.c[k] = 0;
        for (unsigned row = 0; row < 4; row++) {
            const unsigned n = turns[(row - k / 4) & 3], v = s.c[4 * row + k % 4];
            if (n)
                r.c[k] ^= (v << n | v >> (4 - n)) & 15;
        }
    }
    return r;
}

static uint64_t next_tweak(uint64_t tweak)
{
    struct cells t = shuffle_cells(to_cells(tweak), tweak_h, false);
    static const uint8_t stepped[] = {0, 1, 3, 4, 8, 11, 13};

    for (unsigned k = 0; k < ARRAY_SIZE(stepped); k++) {
        uint8_t *c = &t.c[stepped[k]];
        *c = (uint8_t)(*c >> 1 | ((*c ^ *c >> 1) & 1) << 3);
    }
    return to_word(t);
}

static uint64_t reference_qarma(uint64_t data, uint64_t tweak, uint64_t w0, uint64_t k0,
                                unsigned rounds, unsigned n)
{
    static const uint64_t c[] = {0, UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
                                 UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377)};
    const uint64_t w1 = (w0 >> 1 | w0 << 63) ^ (w0 >> 63);
    uint64_t t[6] = {tweak};
    struct cells s = to_cells(data ^ w0);

    for (unsigned k = 0; k < rounds; k++) {
        s = xor_word(s, k0 ^ t[k] ^ c[k]);
        if (k > 0)
            s = mix_cells(shuffle_cells(s, tau, false));
        s = box_cells(s, n, false);
        t[k + 1] = next_tweak(t[k]);
    }
    s = mix_cells(shuffle_cells(xor_word(s, w1 ^ t[rounds]), tau, false));
    s = mix_cells(shuffle_cells(box_cells(s, n, false), tau, false));
    s = shuffle_cells(xor_word(s, k0), tau, true);
    s = shuffle_cells(mix_cells(box_cells(s, n, true)), tau, true);
    s = xor_word(s, w0 ^ t[rounds]);
    for (unsigned k = rounds; k-- > 0;) {
        s = box_cells(s, n, true);
        if (k > 0)
            s = shuffle_cells(mix_cells(s), tau, true);
        s = xor_word(s, k0 ^ t[k] ^ c[k] ^ UINT64_C(0xc0ac29b7c97c50dd));
    }
    return to_word(xor_word(s, w1));
}

static void test_qarma_is_what_its_definition_says(void **state)
{
    struct fixture *f = *state;
    const size_t n = (size_t)test_option("ARMILLARY_N", 2000);

    f->rng = test_seed((uint64_t)time(NULL));
    for (size_t k = 0; k < n; k++) {
        const uint64_t data = random_next(&f->rng), tweak = random_next(&f->rng),
                       w0 = random_next(&f->rng), k0 = random_next(&f->rng);
        const unsigned rounds = 1 + k % 5, box = 1 + k / 5 % 2;

        assert_int_equal(qarma64(data, tweak, w0, k0, rounds, box),
                         reference_qarma(data, tweak, w0, k0, rounds, box));
    }
}

/* A pointer into the lower or upper 48-bit half. */
static uint64_t random_pointer(struct fixture *f)
{
    return sext(random_next(&f->rng), 49);
}

static uint64_t authenticate(struct fixture *f, uint64_t ptr, uint64_t modifier, enum pauth_key key)
{
    uint64_t out;

    assert_true(pauth_auth(f->cpu, &f->insn[1], ptr, modifier, key, false, &out));
    return out;
}

static const enum feature pauth1[] = {FEAT_BASE};
static const enum feature qarma5[] = {FEAT_PACQARMA5, FEAT_BASE};
static const enum feature qarma3[] = {FEAT_PACQARMA3, FEAT_BASE};
static const enum feature epac[] = {FEAT_EPAC, FEAT_BASE};
static const enum feature pauth2[] = {FEAT_PAuth2, FEAT_BASE};
static const enum feature constpac[] = {FEAT_PAuth2, FEAT_CONSTPACFIELD, FEAT_BASE};
static const enum feature fpac[] = {FEAT_PAuth2, FEAT_FPAC, FEAT_BASE};
static const enum feature fpaccombine[] = {FEAT_PAuth2, FEAT_FPAC, FEAT_FPACCOMBINE, FEAT_BASE};

static void test_a_signed_pointer_authenticates(void **state)
{
    static const enum feature *const lists[] = {pauth1, qarma5,   qarma3, epac,
                                                pauth2, constpac, fpac,   fpaccombine};
    struct fixture *f = *state;

    for (size_t n = 0; n < ARRAY_SIZE(lists); n++)
        for (unsigned k = 0; k < 256; k++) {
            const uint64_t ptr = random_pointer(f), modifier = random_next(&f->rng);
            const enum pauth_key key = (enum pauth_key)(k % KEY_COUNT);

            use(f, k & 8 ? 2 : 1, k & 4 ? TCR_TBI : TCR_48, lists[n]);
            if (k & 8)
                f->cpu->sr[SR_HCR_EL2] |= HCR_E2H;
            const uint64_t signed_ptr = pauth_add(f->cpu, ptr, modifier, key);
            assert_int_equal(bit(signed_ptr, 55), bit(ptr, 55));
            assert_int_equal(signed_ptr & MASK(47, 0), ptr & MASK(47, 0));
            assert_int_equal(authenticate(f, signed_ptr, modifier, key), ptr);
            assert_int_equal(pauth_strip(f->cpu, signed_ptr, k % KEY_COUNT >= PAUTH_DA), ptr);
        }
}

static void test_a_key_or_modifier_changes_the_code(void **state)
{
    static const enum feature *const lists[] = {pauth1, qarma5, qarma3};
    struct fixture *f = *state;

    for (size_t n = 0; n < ARRAY_SIZE(lists); n++) {
        unsigned same = 0;

        use(f, 1, TCR_48, lists[n]);
        for (unsigned k = 0; k < 400; k++) {
            const uint64_t ptr = random_pointer(f), modifier = random_next(&f->rng);
            const uint64_t a = pauth_add(f->cpu, ptr, modifier, PAUTH_IA);

            same += a == pauth_add(f->cpu, ptr, modifier ^ BIT(k % 64), PAUTH_IA);
            same += a == pauth_add(f->cpu, ptr, modifier, (enum pauth_key)(1 + k % 3));
            f->cpu->sr[key_regs[k % 2]] ^= BIT(k % 64);
            same += a == pauth_add(f->cpu, ptr, modifier, PAUTH_IA);
        }
        assert_in_range(same, 0, 2); /* 15 bits of code: 1200 / 32768 by chance */
    }
}

/* Results are remembered: inputs that come back, inputs that share a place, and inputs that differ
 * in one of the four words or in the algorithm only. */
static void test_a_code_is_always_that_of_its_inputs(void **state)
{
    struct fixture *f = *state;
    uint64_t pool[4][8];

    f->rng = test_seed((uint64_t)time(NULL));
    for (unsigned k = 0; k < 32; k++)
        pool[k / 8][k % 8] = k % 8 == 0 ? 0 : k % 8 < 4 ? BIT(k) : random_next(&f->rng);
    for (unsigned k = 0; k < 40000; k++) {
        const uint64_t r = random_next(&f->rng), x = pool[0][r & 7], y = pool[1][r >> 3 & 7],
                       hi = pool[2][r >> 6 & 7], lo = pool[3][r >> 9 & 7];
        const bool three = r >> 12 & 1;

        set_feature(&f->cpu->features, FEAT_PACQARMA5, !three);
        set_feature(&f->cpu->features, FEAT_PACQARMA3, three);
        f->cpu->sr[SR_APGAKeyHi_EL1] = hi;
        f->cpu->sr[SR_APGAKeyLo_EL1] = lo;
        assert_int_equal(pauth_generic(f->cpu, x, y),
                         qarma64(x, y, hi, lo, three ? 3 : 5, three ? 1 : 2) & MASK(63, 32));
    }
}

/* The two bits below the sign, 01 for an A key and 10 for a B key: bits 62:61, or 54:53 with a tag.
 */
static void test_without_pauth2_a_failure_leaves_an_error_code(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = UINT64_C(0x0000123456789ab0);

    for (unsigned k = 0; k < KEY_COUNT; k++)
        for (unsigned tbi = 0; tbi < 2; tbi++) {
            const uint64_t code = k == PAUTH_IB || k == PAUTH_DB ? 2 : 1;

            use(f, 1, tbi ? TCR_TBI : TCR_48, pauth1);
            const uint64_t bad = pauth_add(f->cpu, ptr, 1, (enum pauth_key)k) ^ BIT(50);
            assert_int_equal(authenticate(f, bad, 1, (enum pauth_key)k),
                             ptr | code << (tbi ? 53 : 61));
        }
}

static void test_pauth2_keeps_the_difference_in_the_pointer(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = UINT64_C(0xffff923456789ab0);

    use(f, 1, TCR_48, pauth2);
    const uint64_t good = pauth_add(f->cpu, ptr, 1, PAUTH_IA);
    assert_int_equal(authenticate(f, good ^ BIT(50), 1, PAUTH_IA), ptr ^ BIT(50));
    assert_int_equal(pauth_add(f->cpu, ptr ^ BIT(50), 1, PAUTH_IA), good ^ BIT(50));
}

/* Bad extension bits: the plain code has one bit inverted, FEAT_EPAC makes the code zero. */
static void test_a_pointer_with_bad_extension_is_not_signed_well(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = UINT64_C(0x0000123456789ab0);

    use(f, 1, TCR_48, pauth1);
    assert_int_equal(pauth_add(f->cpu, ptr | BIT(50), 1, PAUTH_IA),
                     pauth_add(f->cpu, ptr, 1, PAUTH_IA) ^ BIT(62));
    use(f, 1, TCR_48, epac);
    assert_int_equal(pauth_add(f->cpu, ptr | BIT(50), 1, PAUTH_IA), ptr);
}

/* Without tags bit 63 selects the half, with FEAT_CONSTPACFIELD bit 55. */
static void test_constpacfield_selects_by_bit_55(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = BIT(63) | 0x1000;

    use(f, 1, TCR_48, pauth2);
    assert_true(bit(pauth_add(f->cpu, ptr, 1, PAUTH_DA), 55));
    use(f, 1, TCR_48, constpac);
    assert_false(bit(pauth_add(f->cpu, ptr, 1, PAUTH_DA), 55));
}

static void expect_fault(struct fixture *f, enum pauth_key key, bool combined, unsigned el)
{
    uint64_t out;
    const uint64_t bad = pauth_add(f->cpu, 0x1230, 1, key) ^ BIT(50);

    assert_false(pauth_auth(f->cpu, &f->insn[1], bad, 1, key, combined, &out));
    assert_int_equal(f->cpu->raised.target_el, el);
    exec_take_raised(f->cpu, &f->insn[1]);
    assert_int_equal(f->cpu->ps.el, el);
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ESR_EL2 : SR_ESR_EL1],
                     esr(ESR_EC_FPAC, (uint64_t)key)); /* ISS: data key, B key */
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ELR_EL2 : SR_ELR_EL1], 0x4004);
}

static void test_fpac_takes_an_exception(void **state)
{
    struct fixture *f = *state;

    for (unsigned k = 0; k < KEY_COUNT; k++) {
        use(f, 1, TCR_48, fpac);
        expect_fault(f, (enum pauth_key)k, false, 1);
        use(f, 0, TCR_48, fpac);
        expect_fault(f, (enum pauth_key)k, false, 1);
        use(f, 0, TCR_48, fpac);
        f->cpu->sr[SR_HCR_EL2] |= HCR_TGE | HCR_E2H;
        expect_fault(f, (enum pauth_key)k, false, 2);
        use(f, 2, TCR_48, fpaccombine);
        expect_fault(f, (enum pauth_key)k, true, 2);
    }
}

static void test_fpac_alone_does_not_fault_combined_instructions(void **state)
{
    struct fixture *f = *state;
    uint64_t out;

    use(f, 1, TCR_48, fpac);
    const uint64_t bad = pauth_add(f->cpu, 0x1230, 1, PAUTH_IA) ^ BIT(50);
    assert_true(pauth_auth(f->cpu, &f->insn[1], bad, 1, PAUTH_IA, true, &out));
    assert_int_equal(out, BIT(50) | 0x1230);
}

static void test_hcr_api_traps_the_guest_only(void **state)
{
    static const struct {
        unsigned el;
        uint64_t hcr;
        bool traps;
    } cases[] = {
        {1, 0, true},  {1, HCR_API, false},           {0, 0, true},       {0, HCR_TGE, true},
        {2, 0, false}, {0, HCR_TGE | HCR_E2H, false}, {1, HCR_E2H, true},
    };
    struct fixture *f = *state;

    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        use(f, cases[k].el, TCR_48, pauth1);
        f->cpu->sr[SR_HCR_EL2] = cases[k].hcr;
        assert_int_equal(pauth_trapped(f->cpu, &f->insn[1]), cases[k].traps);
        exec_take_raised(f->cpu, &f->insn[1]);
        assert_int_equal(f->cpu->sr[SR_ESR_EL2], cases[k].traps ? esr(ESR_EC_PAC, 0) : 0);
    }
}

static void test_each_key_has_its_enable_in_the_regime_of_the_el(void **state)
{
    static const unsigned enable_bit[KEY_COUNT] = {31, 30, 27, 13};
    struct fixture *f = *state;

    for (unsigned key = 0; key < KEY_COUNT; key++)
        for (unsigned set = 0; set < KEY_COUNT; set++) {
            use(f, 1, TCR_48, pauth1);
            f->cpu->sr[SR_SCTLR_EL1] = BIT(enable_bit[set]);
            f->cpu->sr[SR_SCTLR_EL2] = 0;
            cpu_context_changed(f->cpu);
            assert_int_equal(pauth_enabled(f->cpu, (enum pauth_key)key), key == set);
            cpu_set_el_sp(f->cpu, 0, 0);
            cpu_context_changed(f->cpu);
            assert_int_equal(pauth_enabled(f->cpu, (enum pauth_key)key), key == set);
            f->cpu->sr[SR_HCR_EL2] |= HCR_TGE | HCR_E2H;
            cpu_context_changed(f->cpu);
            assert_false(pauth_enabled(f->cpu, (enum pauth_key)key));
            cpu_set_el_sp(f->cpu, 2, 1);
            cpu_context_changed(f->cpu);
            assert_false(pauth_enabled(f->cpu, (enum pauth_key)key));
        }
}

/*
 * Against QEMU 7.2, which has FEAT_PAuth with QARMA5 and none of its successors: a bare-metal
 * program signs, authenticates and strips random pointers under random TCR_ELx, at EL1, EL2 and
 * EL2&0.
 */
enum { IN_PTR, IN_MODIFIER, IN_TCR, IN_KEYS, IN_COUNT = IN_KEYS + 10 };
enum {
    OUT_ADD,                             /* PACIA, PACIB, PACDA, PACDB of the pointer */
    OUT_AUTH = OUT_ADD + KEY_COUNT,      /* AUTIA ... of those */
    OUT_AUTH_RAW = OUT_AUTH + KEY_COUNT, /* AUTIA ... of the pointer itself */
    OUT_STRIP = OUT_AUTH_RAW + KEY_COUNT,
    OUT_GENERIC = OUT_STRIP + 2,
    OUT_COUNT
};

struct layout_case {
    uint64_t in[IN_COUNT], out[OUT_COUNT];
};

static const struct regime_case {
    const char *text, *machine;
    unsigned el;
    uint64_t hcr;
} regimes[] = {
    {"EL1&0", "virt", 1, HCR_RW | HCR_API},
    {"EL2", "virt,virtualization=on", 2, HCR_RW | HCR_API},
    {"EL2&0", "virt,virtualization=on", 2, HCR_RW | HCR_API | HCR_E2H},
};

static void write_case_loop(FILE *f, unsigned el)
{
    static const char *const key[KEY_COUNT] = {"ia", "ib", "da", "db"};

    fprintf(f, "next:\n ldp x0,x1,[x20]\n ldr x2,[x20,#16]\n msr tcr_el%u,x2\n", el);
    for (unsigned k = 0; k < 10; k++)
        fprintf(f, " ldr x2,[x20,#%u]\n msr S3_0_c2_c%u_%u,x2\n", 8 * (IN_KEYS + k), 1 + k / 4,
                k % 4);
    fputs(" isb\n", f);
    for (unsigned k = 0; k < KEY_COUNT; k++)
        fprintf(f,
                " mov x2,x0\n pac%s x2,x1\n str x2,[x20,#%u]\n aut%s x2,x1\n str x2,[x20,#%u]\n"
                " mov x2,x0\n aut%s x2,x1\n str x2,[x20,#%u]\n",
                key[k], 8 * (IN_COUNT + OUT_ADD + k), key[k], 8 * (IN_COUNT + OUT_AUTH + k), key[k],
                8 * (IN_COUNT + OUT_AUTH_RAW + k));
    fprintf(f,
            " mov x2,x0\n xpaci x2\n str x2,[x20,#%u]\n mov x2,x0\n xpacd x2\n str x2,[x20,#%u]\n"
            " pacga x2,x0,x1\n str x2,[x20,#%u]\n",
            8 * (IN_COUNT + OUT_STRIP), 8 * (IN_COUNT + OUT_STRIP + 1),
            8 * (IN_COUNT + OUT_GENERIC));
    fprintf(f, " add x20,x20,#%zu\n subs x21,x21,#1\n b.ne next\n", sizeof(struct layout_case));
}

/* Semihosting: open the file for writing, write all cases, exit. */
static void write_program(FILE *f, const struct regime_case *r, size_t n, const char *dir)
{
    fputs(".arch armv8.3-a\n.text\n.globl _start\n_start:\n", f);
    if (r->el == 2)
        fprintf(f, " ldr x0,=%#lx\n msr hcr_el2,x0\n isb\n", r->hcr);
    fprintf(f, " mrs x0,sctlr_el%u\n ldr x1,=%#lx\n orr x0,x0,x1\n msr sctlr_el%u,x0\n isb\n",
            r->el, ENABLES, r->el);
    fprintf(f, " ldr x20,=cases\n ldr x21,=%zu\n", n);
    write_case_loop(f, r->el);
    fprintf(f,
            " mov w0,#1\n ldr x1,=open_args\n hlt #0xf000\n"
            " ldr x1,=write_args\n str x0,[x1]\n mov w0,#5\n hlt #0xf000\n"
            " mov w0,#0x18\n ldr x1,=exit_args\n hlt #0xf000\n"
            ".data\n.balign 16\ncases: .incbin \"%s/in.bin\"\n"
            "open_args: .quad name, 5, name_end - name - 1\n"
            "write_args: .quad 0, cases, %zu\nexit_args: .quad 0x20026, 0\n"
            "name: .asciz \"%s/out.bin\"\nname_end:\n",
            dir, n * sizeof(struct layout_case), dir);
}

static bool run_in(const char *dir, const struct regime_case *r, struct layout_case *cases,
                   size_t n)
{
    char path[128], command[600];
    const size_t size = n * sizeof(*cases);

    snprintf(path, sizeof(path), "%s/in.bin", dir);
    if (!qemu_user_file(path, "w", cases, size))
        return false;
    snprintf(path, sizeof(path), "%s/program.S", dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    write_program(f, r, n, dir);
    if (fclose(f) != 0)
        return false;
    snprintf(
        command, sizeof(command),
        "cd %s && aarch64-linux-gnu-gcc -nostdlib -static -Wl,-Ttext=0x40200000 -Wl,--build-id="
        "none -o program program.S && timeout 60 qemu-system-aarch64 -M %s -display none -net none "
        "-cpu max,pauth=on,pauth-impdef=off -semihosting -kernel program",
        dir, r->machine);
    if (system(command) != 0)
        return false;
    snprintf(path, sizeof(path), "%s/out.bin", dir);
    return qemu_user_file(path, "r", cases, size);
}

/* Pointers that are good, nearly good, or anything; TCR_ELx in every granule and size. */
static void random_case(uint64_t *rng, struct layout_case *c)
{
    const uint64_t r = random_next(rng), any = random_next(rng);

    for (unsigned k = 0; k < IN_COUNT; k++)
        c->in[k] = random_next(rng);
    c->in[IN_PTR] = r & 1   ? any
                    : r & 2 ? sext(any, 20 + (r >> 8) % 40)
                            : sext(any, 20 + (r >> 8) % 40) ^ any >> 56 << 56;
    if (r & 4)
        c->in[IN_TCR] = set_bits(set_bits(c->in[IN_TCR], 5, 0, 16), 21, 16, 25);
}

/*
 * Where QEMU 7.2 departs from AddPAC(), for pointers whose bits 63 and 55 differ: the half that
 * selbit names decides what the extension is and which TnSZ says where the code begins. QEMU always
 * takes the TnSZ of the half that bit 55 names, and goes by bit 63 for the extension unless that
 * half has tags (DDI0487: bit 55 if either half has tags).
 */
static bool qemu_mixes_halves(const struct regime_case *r, const struct layout_case *c, bool data)
{
    const uint64_t ptr = c->in[IN_PTR], tcr = c->in[IN_TCR];
    const bool upper = bit(ptr, 55);
    const bool tags = bit(tcr, 37 + upper) && (data || !bit(tcr, 51 + upper));

    return (r->el == 1 || (r->hcr & HCR_E2H)) && bit(ptr, 63) != upper && !tags;
}

static void check_case(struct fixture *f, const struct regime_case *r, const struct layout_case *c)
{
    uint64_t out[OUT_COUNT];
    const uint64_t ptr = c->in[IN_PTR], modifier = c->in[IN_MODIFIER];

    use(f, r->el, c->in[IN_TCR], qarma5);
    f->cpu->sr[SR_HCR_EL2] = r->hcr;
    for (size_t k = 0; k < ARRAY_SIZE(key_regs); k++)
        f->cpu->sr[key_regs[k]] = c->in[IN_KEYS + k];
    for (unsigned k = 0; k < KEY_COUNT; k++) {
        if (qemu_mixes_halves(r, c, k >= PAUTH_DA))
            out[OUT_ADD + k] = c->out[OUT_ADD + k];
        else
            out[OUT_ADD + k] = pauth_add(f->cpu, ptr, modifier, (enum pauth_key)k);
        out[OUT_AUTH + k] = authenticate(f, out[OUT_ADD + k], modifier, (enum pauth_key)k);
        out[OUT_AUTH_RAW + k] = authenticate(f, ptr, modifier, (enum pauth_key)k);
    }
    out[OUT_STRIP] = pauth_strip(f->cpu, ptr, false);
    out[OUT_STRIP + 1] = pauth_strip(f->cpu, ptr, true);
    out[OUT_GENERIC] = pauth_generic(f->cpu, ptr, modifier);
    for (unsigned k = 0; k < OUT_COUNT; k++)
        if (out[k] != c->out[k])
            fail_msg("%s, result %u: pointer %lx modifier %lx TCR %lx: ours %lx, QEMU %lx", r->text,
                     k, ptr, modifier, c->in[IN_TCR], out[k], c->out[k]);
}

static void test_qarma5_pointers_agree_with_qemu(void **state)
{
    struct fixture *f = *state;
    const size_t n = (size_t)test_option("ARMILLARY_N", 2000);
    struct layout_case *cases = calloc(n, sizeof(*cases));
    char dir[] = "/tmp/pauth_XXXXXX", command[64];

    f->rng = test_seed((uint64_t)time(NULL));
    assert_non_null(cases);
    assert_non_null(mkdtemp(dir));
    for (size_t r = 0; r < ARRAY_SIZE(regimes); r++) {
        for (size_t k = 0; k < n; k++)
            random_case(&f->rng, &cases[k]);
        if (!run_in(dir, &regimes[r], cases, n))
            fail_msg("QEMU or the cross compiler did not run; see %s", dir);
        for (size_t k = 0; k < n; k++)
            check_case(f, &regimes[r], &cases[k]);
    }
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    free(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qarma_matches_the_published_vectors),
        cmocka_unit_test(test_qarma_is_what_its_definition_says),
        cmocka_unit_test(test_a_signed_pointer_authenticates),
        cmocka_unit_test(test_a_key_or_modifier_changes_the_code),
        cmocka_unit_test(test_a_code_is_always_that_of_its_inputs),
        cmocka_unit_test(test_without_pauth2_a_failure_leaves_an_error_code),
        cmocka_unit_test(test_pauth2_keeps_the_difference_in_the_pointer),
        cmocka_unit_test(test_a_pointer_with_bad_extension_is_not_signed_well),
        cmocka_unit_test(test_constpacfield_selects_by_bit_55),
        cmocka_unit_test(test_fpac_takes_an_exception),
        cmocka_unit_test(test_fpac_alone_does_not_fault_combined_instructions),
        cmocka_unit_test(test_hcr_api_traps_the_guest_only),
        cmocka_unit_test(test_each_key_has_its_enable_in_the_regime_of_the_el),
        cmocka_unit_test(test_qarma5_pointers_agree_with_qemu),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
