/* The ciphers of pointer authentication: published vectors, and their definition. */
#include "tests/cpu/pauth_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qarma_matches_the_published_vectors),
        cmocka_unit_test(test_qarma_is_what_its_definition_says),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
