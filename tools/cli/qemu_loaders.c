#include "qemu_loaders.h"

#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"

/* The rows being filled. */
static struct arm_blob *blob(struct qemu *q)
{
    return &q->loaders.blobs[q->loaders.blob_count];
}

static struct arm_module *module(struct qemu *q)
{
    return &q->loaders.modules[q->loaders.module_count];
}

PROPERTY_TEXT(set_blob_file, blob(q)->path)

static bool set_blob_addr(struct qemu *q, const char *value)
{
    if (!parse_number(value, 0, UINT64_MAX, &blob(q)->addr))
        return qemu_bad("-device loader,addr=%s: expected an address", value);
    q->loaders.has_addr = true;
    return true;
}

static bool set_data(struct qemu *q, const char *value)
{
    if (!parse_number(value, 0, UINT64_MAX, &q->loaders.data))
        return qemu_bad("-device loader,data=%s: expected a number", value);
    q->loaders.has_data = true;
    return true;
}

static bool set_data_size(struct qemu *q, const char *value)
{
    if (!parse_number(value, 1, sizeof(blob(q)->data), &q->loaders.data_size))
        return qemu_bad("-device loader,data-len=%s: expected a number, 1 to 8", value);
    return true;
}

PROPERTY_FLAG(set_data_be, q->loaders.big_endian, true)
PROPERTY_FLAG(set_blob_raw, blob(q)->force_raw, true)

static bool set_blob_cpu(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, ARM_CPUS_MAX - 1, &n))
        return qemu_bad("-device loader,cpu-num=%s: expected a CPU, 0 to %d", value,
                        ARM_CPUS_MAX - 1);
    blob(q)->cpu = (int)n;
    return true;
}

static const struct property blob_properties[] = {
    {"driver", "loader", NULL, NULL},
    {"file", "FILE", set_blob_file, NULL},
    {"addr", "ADDR", set_blob_addr, NULL},
    {"force-raw", "on|off", set_blob_raw, NULL},
    {"cpu-num", "N", set_blob_cpu, NULL},
    {"data", "N", set_data, NULL},
    {"data-len", "N", set_data_size, NULL},
    {"data-be", "on|off", set_data_be, NULL},
    {"id", "ID", NULL, NULL},
};

static bool set_module_addr(struct qemu *q, const char *value)
{
    if (!parse_number(value, 1, UINT64_MAX, &module(q)->addr))
        return qemu_bad("-device guest-loader,addr=%s: expected an address above 0", value);
    return true;
}

static bool set_module_file(struct qemu *q, enum arm_module_kind kind, const char *value)
{
    if (module(q)->path)
        return qemu_bad("-device guest-loader: kernel and initrd: expected one of them");
    module(q)->kind = kind;
    module(q)->path = qemu_keep(q, g_strdup(value));
    return true;
}

static bool set_module_kernel(struct qemu *q, const char *value)
{
    return set_module_file(q, ARM_MODULE_KERNEL, value);
}

static bool set_module_initrd(struct qemu *q, const char *value)
{
    return set_module_file(q, ARM_MODULE_RAMDISK, value);
}

PROPERTY_TEXT(set_module_args, module(q)->args)

static const struct property module_properties[] = {
    {"driver", "guest-loader", NULL, NULL},      {"addr", "ADDR", set_module_addr, NULL},
    {"kernel", "FILE", set_module_kernel, NULL}, {"initrd", "FILE", set_module_initrd, NULL},
    {"bootargs", "TEXT", set_module_args, NULL}, {"id", "ID", NULL, NULL},
};

/* What QEMU's loader takes: a file; bytes at an address; or, with neither, where a CPU starts. */
static bool check_blob(const struct qemu_loaders *l, const struct arm_blob *b, const char *value)
{
    if (b->path && (l->has_data || l->data_size || l->big_endian))
        return qemu_bad("-device %s: expected file=FILE or data=N, not both", value);
    if (!b->path && l->has_data && !l->data_size)
        return qemu_bad("-device %s: expected data=N,data-len=BYTES", value);
    if (!b->path && !l->data_size && b->cpu < 0)
        return qemu_bad("-device %s: expected file=FILE, data=N or cpu-num=N", value);
    if (!b->path && !l->has_addr)
        return qemu_bad("-device %s: expected addr=ADDR", value);
    return true;
}

/* The low data-len bytes of data. Differs: QEMU 7.2 turns round all eight for data-be before it
 * takes the first, so that fewer than eight are zeros. */
static void store_data(struct arm_blob *b, const struct qemu_loaders *l)
{
    b->data_size = (unsigned)l->data_size;
    for (unsigned k = 0; k < b->data_size; k++)
        b->data[l->big_endian ? b->data_size - 1 - k : k] = (uint8_t)(l->data >> (8 * k));
}

static void forget_data(struct qemu_loaders *l)
{
    l->has_data = l->has_addr = l->big_endian = false;
    l->data = l->data_size = 0;
}

static bool add_blob(struct qemu *q, const char *value)
{
    if (q->loaders.blob_count == QEMU_BLOBS_MAX)
        return qemu_bad("-device loader: more than %d of them", QEMU_BLOBS_MAX);
    *blob(q) = (struct arm_blob){.cpu = -1};
    forget_data(&q->loaders);
    if (!properties_set(q, "device", value, "driver", blob_properties,
                        G_N_ELEMENTS(blob_properties)) ||
        !check_blob(&q->loaders, blob(q), value))
        return false;
    store_data(blob(q), &q->loaders);
    q->loaders.blob_count++;
    return true;
}

static bool add_module(struct qemu *q, const char *value)
{
    if (q->loaders.module_count == QEMU_MODULES_MAX)
        return qemu_bad("-device guest-loader: more than %d of them", QEMU_MODULES_MAX);
    *module(q) = (struct arm_module){0};
    if (!properties_set(q, "device", value, "driver", module_properties,
                        G_N_ELEMENTS(module_properties)))
        return false;
    if (!module(q)->path || !module(q)->addr)
        return qemu_bad("-device %s: expected addr=ADDR and kernel=FILE or initrd=FILE", value);
    q->loaders.module_count++;
    return true;
}

bool qemu_loader(struct qemu *q, const char *driver, const char *value)
{
    bool module = !strcmp(driver, "guest-loader");

    if (!properties_want_help(value))
        return module ? add_module(q, value) : add_blob(q, value);
    if (module)
        properties_print(driver, module_properties, G_N_ELEMENTS(module_properties));
    else
        properties_print(driver, blob_properties, G_N_ELEMENTS(blob_properties));
    q->answered = true;
    return true;
}

void qemu_loaders_connect(struct qemu *q)
{
    struct arm_config *config = &q->req.config;

    config->blobs = q->loaders.blobs;
    config->blob_count = q->loaders.blob_count;
    config->modules = q->loaders.modules;
    config->module_count = q->loaders.module_count;
}
