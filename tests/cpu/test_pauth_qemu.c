/* Pointer authentication: the layout of pointers against QEMU. */
#include "tests/cpu/pauth_fixture.h"

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
        cmocka_unit_test(test_qarma5_pointers_agree_with_qemu),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
