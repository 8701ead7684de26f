/* What firmware asks the fw_cfg device for. A reset of the machine does not change it. */
#include <string.h>

#include "loader/file.h"
#include "machine/virt.h"

/* An item and the one that tells its size. */
static int set_sized(struct fw_cfg *fw, enum fw_cfg_key data, enum fw_cfg_key size,
                     const void *bytes, uint32_t count, struct arm_error *err)
{
    int rc = fw_cfg_set_le32(fw, size, count, err);

    return rc ? rc : fw_cfg_set(fw, data, bytes, count, err);
}

/* @packed: may be a compressed kernel; firmware is given what is in it. */
static int set_file(struct fw_cfg *fw, enum fw_cfg_key data, enum fw_cfg_key size, const char *path,
                    bool packed, struct arm_error *err)
{
    struct file_data f;
    int rc = file_read(&f, path, err);

    if (rc)
        return rc;
    if (packed)
        rc = file_unpack(&f, err);
    if (!rc && f.size > UINT32_MAX)
        rc = error_set(err, ARM_EFORMAT, "%s: %llu bytes for firmware, expected less than 4 GiB",
                       path, (unsigned long long)f.size);
    if (!rc)
        rc = set_sized(fw, data, size, f.bytes, (uint32_t)f.size, err);
    file_free(&f);
    return rc;
}

bool virt_has_firmware(const char *bios, const struct arm_drive pflash[VIRT_FLASHES])
{
    return bios || pflash[0].path;
}

int virt_describe_to_firmware(struct fw_cfg *fw, const struct virt_config *cfg,
                              struct arm_error *err)
{
    int rc = fw_cfg_set_le16(fw, FW_CFG_NB_CPUS, (uint16_t)cfg->cpu_count, err);

    if (!rc)
        rc = fw_cfg_set_le16(fw, FW_CFG_NOGRAPHIC, 1, err);
    if (!virt_has_firmware(cfg->bios, cfg->pflash))
        return rc;
    if (!rc && cfg->kernel)
        rc = set_file(fw, FW_CFG_KERNEL_DATA, FW_CFG_KERNEL_SIZE, cfg->kernel, true, err);
    if (!rc && cfg->initrd)
        rc = set_file(fw, FW_CFG_INITRD_DATA, FW_CFG_INITRD_SIZE, cfg->initrd, false, err);
    if (!rc && cfg->append)
        rc = set_sized(fw, FW_CFG_CMDLINE_DATA, FW_CFG_CMDLINE_SIZE, cfg->append,
                       (uint32_t)strlen(cfg->append) + 1, err);
    return rc;
}
