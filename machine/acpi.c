#include "machine/acpi.h"

#include <string.h>

#include "base/bits.h"
#include "machine/acpi_bytes.h"

#define TABLES_FILE    "etc/acpi/tables"
#define RSDP_FILE      "etc/acpi/rsdp"
#define LOADER_FILE    "etc/table-loader"
#define TPM_LOG_FILE   "etc/tpm/log"
#define OEM            "ARMILL"
#define OEM_TABLE      "ARMILLRY"
#define TABLES_ALIGN   64
#define RSDP_BYTES     36
#define RSDP_OLD_BYTES 20 /* which its first checksum is of */

/* Offsets of fields, 5.2.5, 5.2.6 and 5.2.9 */
enum { AT_LENGTH = 4, AT_CHECKSUM = 9, HEADER = 36, AT_X_DSDT = 140 };
enum { RSDP_CHECKSUM = 8, RSDP_XSDT = 24, RSDP_LONG_CHECKSUM = 32 };

guint acpi_begin(struct acpi *a, const char *signature, uint8_t revision)
{
    guint start = a->tables->len;

    g_byte_array_append(a->tables, (const uint8_t *)signature, 4);
    put_le(a->tables, 4, 0);
    put_le(a->tables, 1, revision);
    put_le(a->tables, 1, 0);
    g_byte_array_append(a->tables, (const uint8_t *)OEM, 6);
    g_byte_array_append(a->tables, (const uint8_t *)OEM_TABLE, 8);
    put_le(a->tables, 4, 1);
    g_byte_array_append(a->tables, (const uint8_t *)OEM, 4); /* what made it, */
    put_le(a->tables, 4, 1);                                 /* and its version */
    return start;
}

/* ---- the loader's commands: 128 bytes each ---- */

#define COMMAND_BYTES 128
#define NAME_BYTES    56

enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

static void put_file(GByteArray *to, const char *file)
{
    uint8_t name[NAME_BYTES] = {0};

    memcpy(name, file, strlen(file));
    g_byte_array_append(to, name, sizeof(name));
}

static void finish_command(GByteArray *to)
{
    put_zeros(to, (COMMAND_BYTES - to->len % COMMAND_BYTES) % COMMAND_BYTES);
}

static void allocate(struct acpi *a, const char *file, uint32_t align, uint8_t zone)
{
    put_le(a->loader, 4, ALLOCATE);
    put_file(a->loader, file);
    put_le(a->loader, 4, align);
    put_le(a->loader, 1, zone);
    finish_command(a->loader);
}

/* The number of 8 bytes there is an offset in @to, and becomes an address. */
static void add_pointer_to(struct acpi *a, const char *file, uint32_t at, const char *to)
{
    put_le(a->loader, 4, ADD_POINTER);
    put_file(a->loader, file);
    put_file(a->loader, to);
    put_le(a->loader, 4, at);
    put_le(a->loader, 1, 8);
    finish_command(a->loader);
}

static void add_pointer(struct acpi *a, const char *file, uint32_t at)
{
    add_pointer_to(a, file, at, TABLES_FILE);
}

void acpi_add_tpm_log(struct acpi *a, guint at)
{
    allocate(a, TPM_LOG_FILE, 1, ZONE_HIGH);
    add_pointer_to(a, TABLES_FILE, at, TPM_LOG_FILE);
}

static void add_checksum(struct acpi *a, const char *file, uint32_t at, uint32_t from,
                         uint32_t bytes)
{
    put_le(a->loader, 4, ADD_CHECKSUM);
    put_file(a->loader, file);
    put_le(a->loader, 4, at);
    put_le(a->loader, 4, from);
    put_le(a->loader, 4, bytes);
    finish_command(a->loader);
}

void acpi_end(struct acpi *a, guint start)
{
    le_put(a->tables->data + start + AT_LENGTH, 4, a->tables->len - start);
}

/* Once the pointers in it are what they will be. */
static void sum_table(struct acpi *a, guint start)
{
    add_checksum(a, TABLES_FILE, start + AT_CHECKSUM, start,
                 (uint32_t)le_get(a->tables->data + start + AT_LENGTH, 4));
}

/* ---- all of them ---- */

static void (*const tables[])(struct acpi *a, const struct virt_config *cfg) = {
    acpi_fadt, acpi_madt, acpi_pptt, acpi_gtdt, acpi_mcfg, acpi_spcr,
    acpi_dbg2, acpi_iort, acpi_srat, acpi_slit, acpi_tpm2,
};

/* The table of the tables, 5.2.8. */
static guint add_xsdt(struct acpi *a)
{
    guint start = acpi_begin(a, "XSDT", 1);

    for (guint k = 0; k < a->starts->len; k++) {
        add_pointer(a, TABLES_FILE, a->tables->len);
        put_le(a->tables, 8, g_array_index(a->starts, guint, k));
    }
    acpi_end(a, start);
    return start;
}

static guint add_all(struct acpi *a, const struct virt_config *cfg)
{
    a->dsdt = a->tables->len;
    acpi_dsdt(a, cfg);
    sum_table(a, a->dsdt);
    for (size_t k = 0; k < ARRAY_SIZE(tables); k++) {
        guint start = a->tables->len;
        tables[k](a, cfg);
        if (a->tables->len == start) /* there is nothing to say */
            continue;
        if (tables[k] == acpi_fadt)
            add_pointer(a, TABLES_FILE, start + AT_X_DSDT);
        sum_table(a, start);
        g_array_append_val(a->starts, start);
    }
    guint xsdt = add_xsdt(a);
    sum_table(a, xsdt);
    return xsdt;
}

/* Root System Description Pointer, 5.2.5.3 */
static void make_rsdp(struct acpi *a, uint8_t rsdp[RSDP_BYTES], guint xsdt)
{
    memcpy(rsdp, "RSD PTR \0" OEM "\2", 16);
    le_put(rsdp + 20, 4, RSDP_BYTES);
    le_put(rsdp + RSDP_XSDT, 8, xsdt);
    add_pointer(a, RSDP_FILE, RSDP_XSDT);
    add_checksum(a, RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_OLD_BYTES);
    add_checksum(a, RSDP_FILE, RSDP_LONG_CHECKSUM, 0, RSDP_BYTES);
}

/* Firmware writes there what it has measured. */
static int add_tpm_log(struct fw_cfg *fw, struct arm_error *err)
{
    static const uint8_t none[ACPI_TPM_LOG_BYTES];

    return fw_cfg_add_file(fw, TPM_LOG_FILE, none, sizeof(none), err);
}

int virt_acpi(struct fw_cfg *fw, const struct virt_config *cfg, struct arm_error *err)
{
    struct acpi a = {.tables = g_byte_array_new(),
                     .loader = g_byte_array_new(),
                     .starts = g_array_new(FALSE, FALSE, sizeof(guint))};
    uint8_t rsdp[RSDP_BYTES] = {0};
    int rc;

    allocate(&a, TABLES_FILE, TABLES_ALIGN, ZONE_HIGH);
    allocate(&a, RSDP_FILE, 16, ZONE_FSEG);
    make_rsdp(&a, rsdp, add_all(&a, cfg));
    rc = fw_cfg_add_file(fw, TABLES_FILE, a.tables->data, a.tables->len, err);
    if (!rc && cfg->tpm.command)
        rc = add_tpm_log(fw, err);
    if (!rc)
        rc = fw_cfg_add_file(fw, RSDP_FILE, rsdp, sizeof(rsdp), err);
    if (!rc)
        rc = fw_cfg_add_file(fw, LOADER_FILE, a.loader->data, a.loader->len, err);
    g_byte_array_unref(a.tables);
    g_byte_array_unref(a.loader);
    g_array_unref(a.starts);
    return rc;
}
