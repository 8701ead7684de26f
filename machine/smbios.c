#include "machine/smbios.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "base/bits.h"
#include "base/le.h"
#include "machine/acpi_bytes.h"

#define MAKER "QEMU"
#define BOARD "virt-7.2"

#define TABLES_FILE  "etc/smbios/smbios-tables"
#define ANCHOR_FILE  "etc/smbios/smbios-anchor"
#define ANCHOR_BYTES 24
#define MODULE_MAX   (UINT64_C(16) << 30) /* bytes of a memory device */

/* ---- what a user can say ---- */

enum smbios_kind {
    TEXT,    /* the number of its string */
    COUNTED, /* likewise, with the structure's number behind it */
    LISTED,  /* any number of strings, whose count it is */
    UUID,
    LE16,
    LE64,
    SPEED,   /* LE16, and once more where the speed is that is set */
    RELEASE, /* two bytes */
    UEFI,    /* a bit */
};

static const struct field {
    unsigned type;
    const char *key, *argument;
    enum smbios_kind kind;
    unsigned offset;
    const char *text;
} fields[] = {
#define SMBIOS(type, key, argument, kind, offset, text) {type, key, argument, kind, offset, text},
#include "machine/smbios_fields.def"
#undef SMBIOS
};

bool arm_smbios_field(unsigned k, unsigned *type, const char **key, const char **argument)
{
    if (k >= ARRAY_SIZE(fields))
        return false;
    *type = fields[k].type;
    *key = fields[k].key;
    *argument = fields[k].argument;
    return true;
}

/* ---- one structure ---- */

#define FIXED_MAX 44

enum {
    BIOS = 0,
    SYSTEM,
    BASEBOARD,
    CHASSIS,
    PROCESSOR,
    OEM = 11,
    ARRAY = 16,
    MODULE,
    BOOT = 32,
    END = 127
};
#define HANDLE(type) (((type) == OEM ? 14 : (type)) << 8) /* QEMU's */

/* Their bytes behind the header, where nothing is said of them. */
static const struct structure {
    uint8_t type, bytes;
    bool asked; /* it is there only if something is said of it */
    uint8_t fixed[FIXED_MAX];
} structures[] = {
    {BIOS, 24, true, {0, 0, 0, 0xe8, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0xff, 0xff}},
    {SYSTEM, 27, false, {[20] = 6}}, /* woken by the power switch */
    {BASEBOARD, 15, true, {[5] = 1, [8] = HANDLE(CHASSIS) >> 8, [9] = 10}},
    {CHASSIS, 22, false, {0, 1, 0, 0, 0, 3, 3, 3, 2}},
    {PROCESSOR,
     48,
     false,
     {0,    3,    1,    0,    0,    0,    0,        0,       0, 0,    0,
      0,    0,    0,    0,    0,    0xd0, 7,        0xd0,    7, 0x41, 1, /* 2000 MHz, populated */
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [34] = 2, [36] = 1}},
    {OEM, 5, true, {0}},
    {ARRAY, 23, false, {1, 3, 6, 0, 0, 0, 0, 0xfe, 0xff}},
    {MODULE,
     40,
     false,
     {0, HANDLE(ARRAY) >> 8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 9, 0, 0, 0, 7, 2}},
    {BOOT, 11, false, {0}},
    {END, 4, false, {0}},
};

struct smbios {
    const struct virt_config *cfg;
    GByteArray *tables, *strings;
    uint8_t raw[4 + FIXED_MAX]; /* the structure that is being made */
    uint8_t string_count;
};

static uint8_t add_string(struct smbios *s, const char *text)
{
    g_byte_array_append(s->strings, (const uint8_t *)text, (guint)strlen(text) + 1);
    return ++s->string_count;
}

static bool is_said(const struct arm_smbios *say, const struct field *f)
{
    return say->type == f->type && !strcmp(say->key, f->key);
}

/* What was said last. */
static const char *value_of(const struct smbios *s, const struct field *f)
{
    const char *value = f->text;

    for (unsigned k = 0; k < s->cfg->smbios_count; k++)
        if (is_said(&s->cfg->smbios[k], f))
            value = s->cfg->smbios[k].value;
    return value;
}

static int bad(const struct field *f, const char *value, const char *expected,
               struct arm_error *err)
{
    return error_set(err, ARM_EINVAL, "SMBIOS type %u: %s=%s: expected %s", f->type, f->key, value,
                     expected);
}

static int put_number(struct smbios *s, const struct field *f, const char *value,
                      struct arm_error *err)
{
    unsigned bytes = f->kind == LE64 ? 8 : 2;
    char *end;
    uint64_t n = g_ascii_strtoull(value, &end, 0);

    if (!g_ascii_isdigit(*value) || *end || (bytes == 2 && n > UINT16_MAX))
        return bad(f, value, bytes == 2 ? "a number up to 65535" : "a number", err);
    le_put(s->raw + f->offset, bytes, n);
    if (f->kind == SPEED)
        le_put(s->raw + 32, bytes, n);
    return 0;
}

static int put_release(struct smbios *s, const struct field *f, const char *value,
                       struct arm_error *err)
{
    unsigned major, minor;
    int length = 0;

    if (sscanf(value, "%3u.%3u%n", &major, &minor, &length) != 2 || value[length] ||
        major > UINT8_MAX || minor > UINT8_MAX)
        return bad(f, value, "MAJOR.MINOR", err);
    s->raw[f->offset] = (uint8_t)major;
    s->raw[f->offset + 1] = (uint8_t)minor;
    return 0;
}

/* 7.2.1: the first three numbers of it are little-endian. */
static int put_uuid(struct smbios *s, const struct field *f, const char *value,
                    struct arm_error *err)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

    if (!g_uuid_string_is_valid(value))
        return bad(f, value, "a UUID as 00112233-4455-6677-8899-aabbccddeeff", err);
    for (unsigned k = 0; k < sizeof(order); k++) {
        value += *value == '-';
        int high = g_ascii_xdigit_value(*value++), low = g_ascii_xdigit_value(*value++);
        s->raw[f->offset + order[k]] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

#define UEFI_IS_SUPPORTED 0x08

static int put_field(struct smbios *s, const struct field *f, unsigned number,
                     struct arm_error *err)
{
    const char *value = value_of(s, f);
    char room[80];

    if (!value || (!*value && f->kind == TEXT))
        return 0;
    switch (f->kind) {
    case COUNTED:
        snprintf(room, sizeof(room), "%s %u", value, number);
        value = room;
        /* fall through */
    case TEXT:
        s->raw[f->offset] = add_string(s, value);
        return 0;
    case LISTED:
        for (unsigned k = 0; k < s->cfg->smbios_count; k++)
            if (is_said(&s->cfg->smbios[k], f))
                s->raw[f->offset] = add_string(s, s->cfg->smbios[k].value);
        return 0;
    case UUID:
        return put_uuid(s, f, value, err);
    case LE16:
    case LE64:
    case SPEED:
        return put_number(s, f, value, err);
    case RELEASE:
        return put_release(s, f, value, err);
    case UEFI:
        s->raw[f->offset] |= !strcmp(value, "on") ? UEFI_IS_SUPPORTED : 0;
        return 0;
    }
    return 0;
}

/* 7.5: cores, those that are enabled and threads; what does not fit one byte is in two further on.
 */
static void count_cores(struct smbios *s)
{
    static const uint8_t at[][2] = {{35, 42}, {36, 44}, {37, 46}};
    const struct arm_topology t = virt_topology(s->cfg);
    uint64_t cores = (uint64_t)t.clusters * t.cores;
    const uint64_t counts[] = {cores, cores, cores * t.threads};

    for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
        s->raw[at[k][0]] = counts[k] > 255 ? 255 : (uint8_t)counts[k];
        le_put(s->raw + at[k][1], 2, counts[k] > 0xfffe ? 0xfffe : counts[k]);
    }
}

static unsigned sockets(const struct virt_config *cfg)
{
    const struct arm_topology t = virt_topology(cfg);
    uint64_t each = (uint64_t)t.clusters * t.cores * t.threads;

    return (unsigned)((cfg->cpu_count + each - 1) / each);
}

static unsigned modules(const struct virt_config *cfg)
{
    return (unsigned)((cfg->ram_size + MODULE_MAX - 1) / MODULE_MAX);
}

static void measure_memory(struct smbios *s, uint8_t type, unsigned number)
{
    uint64_t left = s->cfg->ram_size - number * MODULE_MAX;

    if (type == ARRAY) {
        le_put(s->raw + 7, 4, s->cfg->ram_size >> 10);
        le_put(s->raw + 13, 2, modules(s->cfg));
    } else {
        le_put(s->raw + 12, 2, (left < MODULE_MAX ? left : MODULE_MAX) >> 20);
    }
}

/* Structure @number of its type, 6.1.2 and 6.1.3. */
static int add(struct smbios *s, const struct structure *from, unsigned number,
               struct arm_error *err)
{
    int rc = 0;

    memset(s->raw, 0, sizeof(s->raw));
    s->raw[0] = from->type;
    s->raw[1] = from->bytes;
    le_put(s->raw + 2, 2, HANDLE(from->type) + number);
    memcpy(s->raw + 4, from->fixed, from->bytes - 4u);
    g_byte_array_set_size(s->strings, 0);
    s->string_count = 0;
    for (size_t k = 0; !rc && k < ARRAY_SIZE(fields); k++)
        if (fields[k].type == from->type)
            rc = put_field(s, &fields[k], number, err);
    if (from->type == PROCESSOR)
        count_cores(s);
    else if (from->type == ARRAY || from->type == MODULE)
        measure_memory(s, from->type, number);
    g_byte_array_append(s->tables, s->raw, from->bytes);
    g_byte_array_append(s->tables, s->strings->data, s->strings->len);
    put_zeros(s->tables, s->strings->len ? 1 : 2);
    return rc;
}

/* ---- all of them ---- */

static bool is_asked_for(const struct virt_config *cfg, uint8_t type)
{
    for (unsigned k = 0; k < cfg->smbios_count; k++)
        if (cfg->smbios[k].type == type)
            return true;
    return false;
}

static int check(const struct virt_config *cfg, struct arm_error *err)
{
    for (unsigned k = 0; k < cfg->smbios_count; k++) {
        bool known = false;
        for (size_t n = 0; n < ARRAY_SIZE(fields); n++)
            known |= is_said(&cfg->smbios[k], &fields[n]);
        if (!known)
            return error_set(err, ARM_EINVAL, "SMBIOS type %u: there is no %s", cfg->smbios[k].type,
                             cfg->smbios[k].key);
    }
    return 0;
}

/* The entry point of 64 bits, 5.2.2; firmware puts the address in. */
static void make_anchor(uint8_t anchor[ANCHOR_BYTES], uint32_t size)
{
    uint8_t sum = 0;

    memcpy(anchor, "_SM3_\0\x18\3\0\0\1", 11);
    le_put(anchor + 12, 4, size);
    for (unsigned k = 0; k < ANCHOR_BYTES; k++)
        sum = (uint8_t)(sum + anchor[k]);
    anchor[5] = (uint8_t)-sum;
}

int virt_smbios(struct fw_cfg *fw, const struct virt_config *cfg, struct arm_error *err)
{
    struct smbios s = {.cfg = cfg, .tables = g_byte_array_new(), .strings = g_byte_array_new()};
    uint8_t anchor[ANCHOR_BYTES] = {0};
    int rc = check(cfg, err);

    for (size_t k = 0; !rc && k < ARRAY_SIZE(structures); k++) {
        unsigned count = structures[k].type == MODULE      ? modules(cfg)
                         : structures[k].type == PROCESSOR ? sockets(cfg)
                                                           : 1;
        if (structures[k].asked && !is_asked_for(cfg, structures[k].type))
            continue;
        for (unsigned n = 0; !rc && n < count; n++)
            rc = add(&s, &structures[k], n, err);
    }
    make_anchor(anchor, s.tables->len);
    if (!rc)
        rc = fw_cfg_add_file(fw, TABLES_FILE, s.tables->data, s.tables->len, err);
    if (!rc)
        rc = fw_cfg_add_file(fw, ANCHOR_FILE, anchor, sizeof(anchor), err);
    g_byte_array_unref(s.tables);
    g_byte_array_unref(s.strings);
    return rc;
}
