#include "qemu_loaders.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "parse.h"
#include "properties.h"
#include "qemu_devices.h"

/* The rows being filled. */
static struct arm_blob *blob(struct qemu *q)
{
    return &qemu_loaders(q)->blobs[qemu_loaders(q)->blob_count];
}

static struct arm_module *module(struct qemu *q)
{
    return &qemu_loaders(q)->modules[qemu_loaders(q)->module_count];
}

static bool set_blob_file(struct qemu *q, const char *value)
{
    blob(q)->path = qemu_keep(q, g_strdup(value));
    return true;
}

static bool set_blob_addr(struct qemu *q, const char *value)
{
    if (!parse_number(value, 0, UINT64_MAX, &blob(q)->addr))
        return qemu_bad("-device loader,addr=%s: expected an address", value);
    return true;
}

static bool set_blob_raw(struct qemu *q, const char *value)
{
    blob(q)->force_raw = property_is_on(value);
    return true;
}

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
    {"driver", "loader", NULL},      {"file", "FILE", set_blob_file},
    {"addr", "ADDR", set_blob_addr}, {"force-raw", "on|off", set_blob_raw},
    {"cpu-num", "N", set_blob_cpu},
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

static bool set_module_args(struct qemu *q, const char *value)
{
    module(q)->args = qemu_keep(q, g_strdup(value));
    return true;
}

static const struct property module_properties[] = {
    {"driver", "guest-loader", NULL},      {"addr", "ADDR", set_module_addr},
    {"kernel", "FILE", set_module_kernel}, {"initrd", "FILE", set_module_initrd},
    {"bootargs", "TEXT", set_module_args},
};

static bool add_blob(struct qemu *q, const char *value)
{
    if (qemu_loaders(q)->blob_count == QEMU_BLOBS_MAX)
        return qemu_bad("-device loader: more than %d of them", QEMU_BLOBS_MAX);
    *blob(q) = (struct arm_blob){.cpu = -1};
    if (!properties_set(q, "device", value, "driver", blob_properties, ARRAY_SIZE(blob_properties)))
        return false;
    if (!blob(q)->path)
        return qemu_bad("-device %s: expected file=FILE", value);
    qemu_loaders(q)->blob_count++;
    return true;
}

static bool add_module(struct qemu *q, const char *value)
{
    if (qemu_loaders(q)->module_count == QEMU_MODULES_MAX)
        return qemu_bad("-device guest-loader: more than %d of them", QEMU_MODULES_MAX);
    *module(q) = (struct arm_module){0};
    if (!properties_set(q, "device", value, "driver", module_properties,
                        ARRAY_SIZE(module_properties)))
        return false;
    if (!module(q)->path || !module(q)->addr)
        return qemu_bad("-device %s: expected addr=ADDR and kernel=FILE or initrd=FILE", value);
    qemu_loaders(q)->module_count++;
    return true;
}

static bool is_driver(const char *value, const char *driver)
{
    size_t length = strcspn(value, ",");

    return strlen(driver) == length && !strncmp(value, driver, length);
}

bool qemu_is_loader(const char *value)
{
    return is_driver(value, "loader") || is_driver(value, "guest-loader");
}

bool qemu_loader(struct qemu *q, const char *value)
{
    return is_driver(value, "loader") ? add_blob(q, value) : add_module(q, value);
}

void qemu_loaders_connect(struct qemu *q, struct arm_config *config)
{
    const struct qemu_loaders *l = qemu_loaders(q);

    config->blobs = l->blobs;
    config->blob_count = l->blob_count;
    config->modules = l->modules;
    config->module_count = l->module_count;
}
