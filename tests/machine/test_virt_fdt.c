/* Our device tree against that of the distribution's QEMU, node by node and
 * property by property. */
#include <fnmatch.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "loader/fdt.h"
#include "machine/virt.h"

/* What differs on purpose; every row must be met, so that a stale one is found. */
static const struct {
    const char *path;     /* pattern of a node */
    const char *property; /* NULL: the whole node is missing here */
    const char *reason;
} intended[] = {
    {"/platform-bus@c000000", NULL, "no device can be plugged into it"},
    {"/chosen", "rng-seed", "theirs is random, ours follows from the machine's seed"},
    {"/chosen", "kaslr-seed", "theirs is random, ours follows from the machine's seed"},
    {"/secure-chosen", "rng-seed", "theirs is random, ours follows from the machine's seed"},
    {"/secure-chosen", "kaslr-seed", "theirs is random, ours follows from the machine's seed"},
    {"/timer", "interrupts", "QEMU before 9 does not list EL2's virtual timer"},
};

#define INITRD_BYTES 5000

static const struct board_case {
    unsigned smp;
    unsigned mib;
    bool el2;
    const char *cpu, *compatible;
    bool pmu;
    const char *append; /* not NULL: with a kernel and an initrd */
    bool its;
    bool vhe;
    bool secure;
    bool gic_v2;
    bool nodes; /* two of them, of which the second has 256 MiB and all CPUs but the first */
} cases[] = {
    {1, 128, true, "max", "arm,cortex-a57", true, NULL, true, true, false, false, false},
    {2, 1024, true, "max", "arm,cortex-a57", true, NULL, true, true, false, false, false},
    {4, 1024, false, "max", "arm,cortex-a57", true, NULL, true, false, false, false, false},
    {8, 4096, true, "max", "arm,cortex-a57", true, NULL, true, true, false, false, false},
    {18, 256, true, "cortex-a57", "arm,cortex-a57", true, NULL, true, false, false, false, false},
    {1, 6144, false, "max", "arm,cortex-a57", true, NULL, true, false, false, false, false},
    {2, 512, true, "cortex-a53", "arm,cortex-a53", true, NULL, true, false, false, false, false},
    {1, 512, true, "cortex-a57", "arm,cortex-a57", true, NULL, true, false, false, false, false},
    {4, 2048, true, "cortex-a72", "arm,cortex-a72", true, NULL, true, false, false, false, false},
    {4, 2048, false, "neoverse-n1", "arm,neoverse-n1", true, NULL, true, false, false, false,
     false},
    {1, 256, true, "cortex-a57,pmu=off", "arm,cortex-a57", false, NULL, true, false, false, false,
     false},
    {1, 64, true, "cortex-a57", "arm,cortex-a57", true, "console=ttyAMA0 quiet", true, false, false,
     false, false},
    {2, 1024, true, "max", "arm,cortex-a57", true, "console=ttyAMA0", true, true, false, false,
     false},
    {1, 128, true, "neoverse-n1", "arm,neoverse-n1", true, NULL, false, true, false, false, false},
    {1, 128, true, "cortex-a57", "arm,cortex-a57", true, NULL, true, false, true, false, false},
    {2, 256, false, "cortex-a57", "arm,cortex-a57", true, "quiet", true, false, true, false, false},
    {1, 128, true, "cortex-a57", "arm,cortex-a57", true, NULL, false, false, false, true, false},
    {8, 256, false, "cortex-a53", "arm,cortex-a53", true, NULL, false, false, false, true, false},
    {4, 1024, true, "max", "arm,cortex-a57", true, NULL, true, true, false, false, true},
};

struct temp_files {
    char dir[64], dtb[80], kernel[80], initrd[80];
};

static void write_zeros(const char *path, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    while (n--)
        fputc(0, f);
    fclose(f);
}

static void make_temp(struct temp_files *t)
{
    snprintf(t->dir, sizeof(t->dir), "%s/virt_fdt_XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->dtb, sizeof(t->dtb), "%s/dtb", t->dir);
    snprintf(t->kernel, sizeof(t->kernel), "%s/kernel", t->dir);
    snprintf(t->initrd, sizeof(t->initrd), "%s/initrd", t->dir);
    write_zeros(t->kernel, 1000);
    write_zeros(t->initrd, INITRD_BYTES);
}

static void remove_temp(const struct temp_files *t)
{
    unlink(t->dtb);
    unlink(t->kernel);
    unlink(t->initrd);
    rmdir(t->dir);
}

/* Those of 512 MiB do without. */
static bool has_highmem(const struct board_case *c)
{
    return c->mib != 512;
}

static void qemu_tree(const struct board_case *c, struct dt *dt)
{
    struct arm_error err = {0};
    struct temp_files t;
    char cmd[1000];
    int n;

    make_temp(&t);
    n = snprintf(
        cmd, sizeof(cmd),
        "qemu-system-aarch64 -M virt,gic-version=%d,virtualization=%s,its=%s,highmem=%s,secure=%s,"
        "dumpdtb=%s -cpu %s "
        "-smp %u -m %u -nodefaults -nographic",
        c->gic_v2 ? 2 : 3, c->el2 ? "on" : "off", c->its ? "on" : "off",
        has_highmem(c) ? "on" : "off", c->secure ? "on" : "off", t.dtb, c->cpu, c->smp, c->mib);
    if (c->nodes)
        n += snprintf(cmd + n, sizeof(cmd) - (size_t)n,
                      " -object memory-backend-ram,id=a,size=%uM -object "
                      "memory-backend-ram,id=b,size=256M -numa node,memdev=a,cpus=0 -numa "
                      "node,memdev=b,cpus=1-%u -numa dist,src=0,dst=1,val=21",
                      c->mib - 256, c->smp - 1);
    if (c->append)
        n += snprintf(cmd + n, sizeof(cmd) - (size_t)n, " -kernel %s -initrd %s -append '%s'",
                      t.kernel, t.initrd, c->append);
    snprintf(cmd + n, sizeof(cmd) - (size_t)n, " >/dev/null 2>&1");
    assert_int_equal(system(cmd), 0);
    if (dt_load(dt, t.dtb, &err))
        fail_msg("%s", err.text);
    remove_temp(&t);
}

static void our_tree(const struct board_case *c, struct dt *dt)
{
    struct virt_config cfg = {
        .cpu_count = c->smp,
        .ram_size = (uint64_t)c->mib << 20,
        .el2 = c->el2,
        .vhe = c->vhe,
        .its = c->its,
        .secure = c->secure,
        .gic_v2 = c->gic_v2,
        .no_psci = c->secure && !c->append,
        .pmu = c->pmu,
        .cpu_compatible = c->compatible,
        .seed = 1,
        .no_highmem = !has_highmem(c),
    };
    uint64_t ram = virt_memmap[VIRT_RAM].base, half = cfg.ram_size / 2;
    uint64_t initrd = ram + (half < UINT64_C(0x8000000) ? half : UINT64_C(0x8000000));
    struct arm_error err = {0};

    if (c->nodes) {
        cfg.node_count = 2;
        cfg.nodes[0] = (struct arm_node){cfg.ram_size - ARM_BIT(28), 1};
        cfg.nodes[1] = (struct arm_node){ARM_BIT(28), ARM_BIT(c->smp) - 2};
        memcpy(cfg.distances, (const uint8_t[]){10, 21, 21, 10}, 4);
    }
    if (virt_fdt(&cfg, dt, &err))
        fail_msg("%s", err.text);
    if (c->append)
        assert_int_equal(dt_set_chosen(dt, c->append, initrd, INITRD_BYTES, &err), 0);
}

/* The table row that excuses a difference, marked as met; false if there is none. */
static bool is_intended(const char *path, const char *property, unsigned *met)
{
    for (unsigned i = 0; i < ARRAY_SIZE(intended); i++) {
        bool same = intended[i].property ? property && strcmp(intended[i].property, property) == 0
                                         : property == NULL;
        if (same && fnmatch(intended[i].path, path, 0) == 0) {
            *met |= 1u << i;
            return true;
        }
    }
    return false;
}

/* Phandles are arbitrary: cells that hold one are compared by the path they lead to. */
static bool is_reference(const char *property, int cell)
{
    return strcmp(property, "interrupt-parent") == 0 || strcmp(property, "clocks") == 0 ||
           strcmp(property, "cpu") == 0 || (strcmp(property, "gpios") == 0 && cell == 0) ||
           (strcmp(property, "msi-map") == 0 && cell == 1) ||
           (strcmp(property, "interrupt-map") == 0 && cell % 10 == 4);
}

static bool same_target(const void *a, uint32_t pa_, const void *b, uint32_t pb)
{
    char path_a[200] = "", path_b[200] = "";
    int na = fdt_node_offset_by_phandle(a, pa_), nb = fdt_node_offset_by_phandle(b, pb);

    return na >= 0 && nb >= 0 && fdt_get_path(a, na, path_a, sizeof(path_a)) == 0 &&
           fdt_get_path(b, nb, path_b, sizeof(path_b)) == 0 && strcmp(path_a, path_b) == 0;
}

static bool same_value(const void *a, const uint8_t *va_, int la, const void *b, const uint8_t *vb,
                       int lb, const char *property)
{
    if (la != lb)
        return false;
    if (strcmp(property, "phandle") == 0)
        return true;
    if (la % 4)
        return memcmp(va_, vb, (size_t)la) == 0;
    for (int i = 0; i < la / 4; i++) {
        uint32_t ca = fdt32_ld((const fdt32_t *)(va_ + 4 * i));
        uint32_t cb = fdt32_ld((const fdt32_t *)(vb + 4 * i));
        if (is_reference(property, i) ? !same_target(a, ca, b, cb) : ca != cb)
            return false;
    }
    return true;
}

/* Count the nodes and properties of @a that @b does not have with the same value. */
static unsigned compare_one_way(const char *who, const void *a, const void *b, unsigned *met)
{
    char path[300];
    unsigned differences = 0;
    int depth = 0;

    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(a, node, &depth)) {
        assert_int_equal(fdt_get_path(a, node, path, sizeof(path)), 0);
        int other = fdt_path_offset(b, path), prop;
        if (other < 0) {
            if (!is_intended(path, NULL, met)) {
                print_error("only %s has %s\n", who, path);
                differences++;
            }
            continue;
        }
        fdt_for_each_property_offset(prop, a, node)
        {
            int la, lb;
            const char *name;
            const uint8_t *va_ = fdt_getprop_by_offset(a, prop, &name, &la);
            const uint8_t *vb = fdt_getprop(b, other, name, &lb);
            if (vb && same_value(a, va_, la, b, vb, lb, name))
                continue;
            if (!is_intended(path, name, met)) {
                print_error("%s has %s/%s, the other has %s\n", who, path, name,
                            vb ? "another value" : "no such property");
                differences++;
            }
        }
    }
    return differences;
}

static void test_tree_is_that_of_qemu(void **state)
{
    const unsigned all = (1u << ARRAY_SIZE(intended)) - 1;
    unsigned met = 0, ours_met = 0, differences = 0;

    (void)state;
    if (system("qemu-system-aarch64 --version >/dev/null 2>&1") != 0)
        skip();
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dt qemu, ours;
        unsigned n;

        qemu_tree(&cases[i], &qemu);
        our_tree(&cases[i], &ours);
        n = compare_one_way("QEMU", qemu.blob, ours.blob, &met);
        n += compare_one_way("Armillary", ours.blob, qemu.blob, &ours_met);
        if (n)
            print_error("-smp %u -m %u -cpu %s virtualization=%d: %u differences\n", cases[i].smp,
                        cases[i].mib, cases[i].cpu, cases[i].el2, n);
        differences += n;
        dt_free(&qemu);
        dt_free(&ours);
    }
    assert_int_equal(differences, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(intended); i++)
        if (!(met & (1u << i)))
            print_error("not a difference any more: %s %s\n", intended[i].path,
                        intended[i].property ? intended[i].property : "");
    assert_int_equal(met, all);
}

/* The arm,arch_timer binding's order: secure, physical, virtual, EL2's physical, EL2's virtual. */
static void test_timer_node_has_the_fifth_interrupt_with_vhe_only(void **state)
{
    static const uint32_t ppis[] = {13, 14, 11, 10, 12}; /* INTID - 16 */

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dt dt;
        const fdt32_t *cells;
        int size;

        our_tree(&cases[i], &dt);
        cells = fdt_getprop(dt.blob, fdt_path_offset(dt.blob, "/timer"), "interrupts", &size);
        assert_non_null(cells);
        assert_int_equal(size, (cases[i].vhe ? 5 : 4) * 12);
        for (int k = 0; k < size / 12; k++) {
            assert_int_equal(fdt32_ld(&cells[3 * k]), 1); /* PPI */
            assert_int_equal(fdt32_ld(&cells[3 * k + 1]), ppis[k]);
            assert_int_equal(fdt32_ld(&cells[3 * k + 2]) & 0xff, 4); /* active high */
        }
        dt_free(&dt);
    }
}

static void test_seeds_follow_from_the_machines_seed(void **state)
{
    struct virt_config cfg = {.cpu_count = 1, .ram_size = 1 << 27, .cpu_compatible = "arm,x"};
    struct dt a, b, other;

    (void)state;
    cfg.seed = 7;
    assert_int_equal(virt_fdt(&cfg, &a, NULL), 0);
    assert_int_equal(virt_fdt(&cfg, &b, NULL), 0);
    cfg.seed = 8;
    assert_int_equal(virt_fdt(&cfg, &other, NULL), 0);
    assert_int_equal(dt_size(&a), dt_size(&b));
    assert_memory_equal(a.blob, b.blob, dt_size(&a));
    assert_memory_not_equal(a.blob, other.blob, dt_size(&a));
    dt_free(&a);
    dt_free(&b);
    dt_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_is_that_of_qemu),
        cmocka_unit_test(test_timer_node_has_the_fifth_interrupt_with_vhe_only),
        cmocka_unit_test(test_seeds_follow_from_the_machines_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
