/* ACPI tables as firmware gets them: what the loader's commands make of them, and what is in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/le.h"
#include "machine/acpi.h"

#define TABLES_AT UINT64_C(0x5c400000)
#define RSDP_AT   UINT64_C(0x5c500000)
#define LOG_AT    UINT64_C(0x5c600000)

/* What firmware makes of the files. */
struct firmware {
    struct fw_cfg fw;
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    uint8_t *tables, *rsdp;
    uint32_t tables_bytes;
    unsigned sums; /* checksums that were made */
};

static uint32_t size_of(const struct firmware *f, const char *name)
{
    for (unsigned k = 0; k < f->fw.file_count; k++)
        if (!strcmp(f->fw.files[k].name, name))
            return f->fw.files[k].item.size;
    return 0;
}

static uint8_t *file_at(struct firmware *f, const uint8_t *name)
{
    return strcmp((const char *)name, "etc/acpi/rsdp") ? f->tables : f->rsdp;
}

static void run_command(struct firmware *f, const uint8_t *c)
{
    uint8_t *file = file_at(f, c + 4);

    switch (le_get(c, 4)) {
    case 1: /* allocate */
        assert_true(size_of(f, (const char *)c + 4) > 0);
        break;
    case 2: { /* add a pointer */
        uint32_t at = (uint32_t)le_get(c + 116, 4);
        uint64_t offset = le_get(file + at, 8);
        bool log = !strcmp((const char *)c + 60, "etc/tpm/log");
        assert_true(log || !strcmp((const char *)c + 60, "etc/acpi/tables"));
        assert_int_equal(c[120], 8);
        assert_true(offset < size_of(f, (const char *)c + 60));
        le_put(file + at, 8, (log ? LOG_AT : TABLES_AT) + offset);
        break;
    }
    case 3: { /* make a checksum */
        uint32_t at = (uint32_t)le_get(c + 60, 4), from = (uint32_t)le_get(c + 64, 4);
        uint8_t sum = 0;
        for (uint32_t k = 0; k < le_get(c + 68, 4); k++)
            sum = (uint8_t)(sum + file[from + k]);
        file[at] = (uint8_t)(file[at] - sum);
        f->sums++;
        break;
    }
    default:
        fail_msg("command %u", (unsigned)le_get(c, 4));
    }
}

static uint8_t *copy_of(const struct firmware *f, const char *name)
{
    uint32_t size = size_of(f, name);
    uint8_t *copy = malloc(size + 1);

    assert_non_null(copy);
    memcpy(copy, fw_cfg_file(&f->fw, name), size);
    return copy;
}

static void load(struct firmware *f, const struct virt_config *cfg)
{
    const uint8_t *commands;

    memset(f, 0, sizeof(*f));
    f->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(fw_cfg_init(&f->fw, &f->log, &f->mem, &f->clock, NULL), 0);
    assert_int_equal(virt_acpi(&f->fw, cfg, NULL), 0);
    f->tables_bytes = size_of(f, "etc/acpi/tables");
    f->tables = copy_of(f, "etc/acpi/tables");
    f->rsdp = copy_of(f, "etc/acpi/rsdp");
    commands = fw_cfg_file(&f->fw, "etc/table-loader");
    assert_int_equal(size_of(f, "etc/table-loader") % 128, 0);
    for (uint32_t at = 0; at < size_of(f, "etc/table-loader"); at += 128)
        run_command(f, commands + at);
}

static void unload(struct firmware *f)
{
    free(f->tables);
    free(f->rsdp);
    fw_cfg_destroy(&f->fw);
}

static uint8_t sum_of(const uint8_t *bytes, size_t count)
{
    uint8_t sum = 0;

    while (count--)
        sum = (uint8_t)(sum + *bytes++);
    return sum;
}

/* The table at an address, whole. */
static const uint8_t *table_at(const struct firmware *f, uint64_t address)
{
    const uint8_t *table = f->tables + (address - TABLES_AT);

    assert_in_range(address, TABLES_AT, TABLES_AT + f->tables_bytes - 36);
    assert_true(le_get(table + 4, 4) <= TABLES_AT + f->tables_bytes - address);
    assert_int_equal(sum_of(table, le_get(table + 4, 4)), 0);
    return table;
}

/* By way of the RSDP; NULL: it is not there. */
static const uint8_t *find(const struct firmware *f, const char *signature)
{
    const uint8_t *xsdt = table_at(f, le_get(f->rsdp + 24, 8));

    assert_memory_equal(xsdt, "XSDT", 4);
    for (uint32_t at = 36; at < le_get(xsdt + 4, 4); at += 8) {
        const uint8_t *table = table_at(f, le_get(xsdt + at, 8));
        if (!memcmp(table, signature, 4))
            return table;
    }
    return NULL;
}

static void test_firmware_finds_tables_that_add_up(void **state)
{
    const struct virt_config cfg = {.cpu_count = 2, .its = true, .pmu = true};
    struct firmware f;
    const uint8_t *fadt, *dsdt;

    (void)state;
    load(&f, &cfg);
    assert_memory_equal(f.rsdp, "RSD PTR ", 8);
    assert_int_equal(f.rsdp[15], 2);
    assert_int_equal(sum_of(f.rsdp, 20), 0);
    assert_int_equal(sum_of(f.rsdp, 36), 0);
    fadt = find(&f, "FACP");
    assert_int_equal(le_get(fadt + 4, 4), 276);
    assert_int_equal(le_get(fadt + 112, 4), 0x100000); /* hardware-reduced */
    dsdt = table_at(&f, le_get(fadt + 140, 8));
    assert_memory_equal(dsdt, "DSDT", 4);
    assert_int_equal(f.sums, 11 + 1); /* DSDT, XSDT and eight of it, and the RSDP's two */
    unload(&f);
}

/* How many entries of that type the MADT has; *last: the last one. */
static unsigned entries(const uint8_t *madt, uint8_t type, const uint8_t **last)
{
    unsigned count = 0;

    *last = madt;
    for (uint32_t at = 44; at < le_get(madt + 4, 4); at += madt[at + 1]) {
        assert_true(madt[at + 1] >= 8);
        if (madt[at] != type)
            continue;
        count++;
        *last = madt + at;
    }
    return count;
}

static void test_the_madt_has_the_cpus_and_the_gic(void **state)
{
    const struct virt_config v3 = {.cpu_count = 20, .its = true, .el2 = true};
    const struct virt_config v2 = {.cpu_count = 4, .gic_v2 = true, .el2 = true};
    const uint8_t *madt, *last;
    struct firmware f;

    (void)state;
    load(&f, &v3);
    madt = find(&f, "APIC");
    assert_int_equal(entries(madt, 11, &last), 20);
    assert_int_equal(le_get(last + 68, 8), 0x103); /* MPIDR */
    assert_int_equal(le_get(last + 56, 4), 25);    /* maintenance */
    assert_int_equal(le_get(last + 32, 8), 0);
    assert_int_equal(entries(madt, 12, &last), 1);
    assert_int_equal(last[20], 3);
    assert_int_equal(entries(madt, 14, &last), 1);
    assert_int_equal(entries(madt, 15, &last), 1);
    assert_int_equal(entries(madt, 13, &last), 0);
    unload(&f);
    load(&f, &v2);
    madt = find(&f, "APIC");
    assert_int_equal(entries(madt, 11, &last), 4);
    assert_int_equal(le_get(last + 32, 8), 0x08010000);
    assert_int_equal(le_get(last + 40, 8), 0x08040000);
    assert_int_equal(le_get(last + 48, 8), 0x08030000);
    assert_int_equal(entries(madt, 14, &last), 0);
    assert_int_equal(entries(madt, 13, &last), 1);
    assert_int_equal(le_get(last + 20, 2), 64);
    assert_int_equal(le_get(last + 22, 2), 80);
    unload(&f);
}

static void test_what_the_configuration_has_not_is_not_told(void **state)
{
    struct virt_config cfg = {.cpu_count = 1, .gic_v2 = true, .no_highmem = true};
    struct firmware f;

    (void)state;
    load(&f, &cfg);
    assert_null(find(&f, "IORT"));
    assert_int_equal(le_get(find(&f, "MCFG") + 44, 8), 0x3f000000);
    assert_int_equal(find(&f, "MCFG")[55], 15);
    assert_int_equal(le_get(find(&f, "FACP") + 129, 2), 3); /* PSCI, by HVC */
    assert_int_equal(find(&f, "GTDT")[8], 2);
    unload(&f);
    cfg = (struct virt_config){.cpu_count = 1, .el2 = true, .vhe = true, .smmu = true, .its = true};
    load(&f, &cfg);
    assert_int_equal(le_get(find(&f, "IORT") + 36, 4), 3);
    assert_int_equal(le_get(find(&f, "MCFG") + 44, 8), 0x4010000000);
    assert_int_equal(le_get(find(&f, "FACP") + 129, 2), 1); /* by SMC */
    assert_int_equal(le_get(find(&f, "GTDT") + 96, 4), 28);
    unload(&f);
}

/* A length, 20.2.4, and how many bytes it has itself. */
static unsigned package_length(const uint8_t *at, unsigned *bytes)
{
    unsigned more = at[0] >> 6, length = more ? at[0] & 15 : at[0] & 63;

    for (unsigned k = 0; k < more; k++)
        length |= (unsigned)at[1 + k] << (4 + 8 * k);
    *bytes = 1 + more;
    return length;
}

/* The devices of a scope's list of terms; objects between them are looked over byte by byte. */
static unsigned count_devices(const uint8_t *from, const uint8_t *end)
{
    unsigned count = 0, bytes;

    while (from + 2 < end) {
        if (from[0] != 0x5b || from[1] != 0x82) {
            from++;
            continue;
        }
        unsigned length = package_length(from + 2, &bytes);
        assert_true(from + 2 + length <= end);
        count += 1 + count_devices(from + 2 + bytes + 4, from + 2 + length);
        from += 2 + length;
    }
    return count;
}

static void test_the_dsdt_has_all_devices(void **state)
{
    struct virt_config cfg = {.its = true};
    struct firmware f;
    unsigned bytes;

    (void)state;
    for (cfg.cpu_count = 1; cfg.cpu_count <= VIRT_CPUS_MAX; cfg.cpu_count *= 2) {
        load(&f, &cfg);
        const uint8_t *dsdt = table_at(&f, le_get(find(&f, "FACP") + 140, 8));
        const uint8_t *end = dsdt + le_get(dsdt + 4, 4);
        assert_int_equal(dsdt[36], 0x10); /* Scope(\_SB) to the end */
        assert_ptr_equal(dsdt + 37 + package_length(dsdt + 37, &bytes), end);
        assert_memory_equal(dsdt + 37 + bytes, "\\_SB_", 5);
        assert_int_equal(count_devices(dsdt + 37 + bytes + 5, end),
                         cfg.cpu_count + 32 +
                             6); /* UART, fw_cfg, PCI and its spaces, button, GPIO */
        unload(&f);
    }
}

static void test_buses_past_the_smmu_send_their_messages_to_the_its(void **state)
{
    static const struct arm_pcie_port ports[] = {
        {.kind = ARM_PCIE_EXPANDER, .bus = 64},
        {.kind = ARM_PCIE_EXPANDER, .bus = 32, .bypass_iommu = true}};
    struct virt_config cfg = {.cpu_count = 1,
                              .smmu = true,
                              .its = true,
                              .pcie_ports = ports,
                              .pcie_port_count = ARRAY_SIZE(ports)};
    static const uint32_t rows[][3] = {/* first, one less than how many, and where: SMMU or ITS */
                                       {0, 0x1fff, 72},
                                       {0x2000, 0x1fff, 48},
                                       {0x4000, 0xbfff, 72}};
    struct firmware f;

    (void)state;
    virt_divide_requesters(&cfg);
    load(&f, &cfg);
    const uint8_t *root = find(&f, "IORT") + 48 + 24 + 88;
    assert_int_equal(root[0], 2);
    assert_int_equal(le_get(root + 1, 2), 36 + 3 * 20);
    assert_int_equal(le_get(root + 8, 4), 3);
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(le_get(root + 36 + 20 * k, 4), rows[k][0]);
        assert_int_equal(le_get(root + 36 + 20 * k + 4, 4), rows[k][1]);
        assert_int_equal(le_get(root + 36 + 20 * k + 8, 4), rows[k][0]);
        assert_int_equal(le_get(root + 36 + 20 * k + 12, 4), rows[k][2]);
    }
    unload(&f);
    cfg.bypass_iommu = true;
    cfg.pcie_port_count = 0;
    virt_divide_requesters(&cfg);
    load(&f, &cfg);
    assert_int_equal(le_get(find(&f, "IORT") + 48 + 24 + 88 + 36 + 12, 4), 48);
    unload(&f);
}

static size_t no_tpm(void *ctx, unsigned locality, const uint8_t *request, size_t size,
                     uint8_t *response, size_t max)
{
    (void)ctx, (void)locality, (void)request, (void)size, (void)response, (void)max;
    return 0;
}

static void test_a_tpm_has_a_table_and_room_for_its_log(void **state)
{
    struct virt_config cfg = {.cpu_count = 1};
    struct firmware f;

    (void)state;
    load(&f, &cfg);
    assert_null(find(&f, "TPM2"));
    assert_int_equal(size_of(&f, "etc/tpm/log"), 0);
    unload(&f);
    cfg.tpm.command = no_tpm;
    load(&f, &cfg);
    const uint8_t *tpm = find(&f, "TPM2");
    assert_non_null(tpm);
    assert_int_equal(le_get(tpm + 4, 4), 76);
    assert_int_equal(le_get(tpm + 48, 4), 6); /* TIS */
    assert_int_equal(le_get(tpm + 64, 4), size_of(&f, "etc/tpm/log"));
    assert_int_equal(le_get(tpm + 68, 8), LOG_AT);
    unload(&f);
}

static void test_nodes_are_told_with_what_is_in_them(void **state)
{
    struct virt_config cfg = {
        .cpu_count = 3, .node_count = 2, .nodes = {{ARM_BIT(29), 5}, {ARM_BIT(28), 2}}};
    struct firmware f;

    (void)state;
    load(&f, &cfg);
    assert_null(find(&f, "SLIT"));
    const uint8_t *srat = find(&f, "SRAT");
    assert_int_equal(le_get(srat + 4, 4), 48 + 3 * 18 + 2 * 40);
    assert_int_equal(le_get(srat + 48 + 18 + 2, 4), 1); /* CPU 1 is in node 1 */
    assert_int_equal(le_get(srat + 48 + 36 + 2, 4), 0);
    assert_int_equal(srat[48 + 54 + 40], 1);
    assert_int_equal(le_get(srat + 48 + 54 + 40 + 2, 4), 1);
    assert_int_equal(le_get(srat + 48 + 54 + 40 + 8, 8), 0x60000000);
    assert_int_equal(le_get(srat + 48 + 54 + 40 + 16, 8), ARM_BIT(28));
    unload(&f);
    memcpy(cfg.distances, (const uint8_t[]){10, 30, 31, 10}, 4);
    load(&f, &cfg);
    assert_int_equal(le_get(find(&f, "SLIT") + 36, 8), 2);
    assert_memory_equal(find(&f, "SLIT") + 44, cfg.distances, 4);
    unload(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firmware_finds_tables_that_add_up),
        cmocka_unit_test(test_the_madt_has_the_cpus_and_the_gic),
        cmocka_unit_test(test_what_the_configuration_has_not_is_not_told),
        cmocka_unit_test(test_the_dsdt_has_all_devices),
        cmocka_unit_test(test_buses_past_the_smmu_send_their_messages_to_the_its),
        cmocka_unit_test(test_a_tpm_has_a_table_and_room_for_its_log),
        cmocka_unit_test(test_nodes_are_told_with_what_is_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
