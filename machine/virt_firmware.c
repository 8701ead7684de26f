/* What firmware asks the fw_cfg device for. A reset of the machine does not change it. */
#include <string.h>

#include "loader/file.h"
#include "machine/acpi.h"
#include "machine/smbios.h"
#include "machine/virt.h"

/* An item and the one that tells its size. */
static int set_sized(struct fw_cfg *fw, enum fw_cfg_key data, enum fw_cfg_key size,
                     const void *bytes, uint32_t count, struct arm_error *err)
{
    int rc = fw_cfg_set_le32(fw, size, count, err);

    return rc ? rc : fw_cfg_set(fw, data, bytes, count, err);
}

/* @role: of a kernel, which may be compressed: firmware is given what is in it. */
static int set_file(struct fw_cfg *fw, enum fw_cfg_key data, enum fw_cfg_key size, const char *path,
                    enum format_role role, uint64_t ram_size, struct arm_error *err)
{
    struct file_limit limit = {ram_size, "the machine's RAM"};
    struct file_data f;
    int rc;

    if (ram_size > UINT32_MAX)
        limit = (struct file_limit){UINT32_MAX, "an item of fw_cfg"};
    rc = file_fetch(&f, path, role, &limit, err);
    if (!rc)
        rc = set_sized(fw, data, size, f.bytes, (uint32_t)f.size, err);
    file_free(&f);
    return rc;
}

/* QEMU's -fw_cfg: a string is without its terminating zero. */
static int add_user_file(struct fw_cfg *fw, const struct arm_fw_cfg *from, uint64_t ram_size,
                         struct arm_error *err)
{
    const struct file_limit limit = {ram_size < UINT32_MAX ? ram_size : UINT32_MAX,
                                     "the machine's RAM"};
    struct file_data f;
    int rc;

    if (!from->path)
        return fw_cfg_add_file(fw, from->name, from->string, (uint32_t)strlen(from->string), err);
    rc = file_fetch(&f, from->path, FORMAT_RAW, &limit, err);
    if (!rc)
        rc = fw_cfg_add_file(fw, from->name, f.bytes, (uint32_t)f.size, err);
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
    for (unsigned k = 0; !rc && k < cfg->fw_cfg_count; k++)
        rc = add_user_file(fw, &cfg->fw_cfg[k], cfg->ram_size, err);
    if (!virt_has_firmware(cfg->bios, cfg->pflash))
        return rc;
    if (!rc && !cfg->no_acpi)
        rc = virt_acpi(fw, cfg, err);
    if (!rc)
        rc = virt_smbios(fw, cfg, err);
    if (!rc && cfg->kernel)
        rc = set_file(fw, FW_CFG_KERNEL_DATA, FW_CFG_KERNEL_SIZE, cfg->kernel, FORMAT_FW_KERNEL,
                      cfg->ram_size, err);
    if (!rc && cfg->initrd)
        rc = set_file(fw, FW_CFG_INITRD_DATA, FW_CFG_INITRD_SIZE, cfg->initrd, FORMAT_RAW,
                      cfg->ram_size, err);
    if (!rc && cfg->append)
        rc = set_sized(fw, FW_CFG_CMDLINE_DATA, FW_CFG_CMDLINE_SIZE, cfg->append,
                       (uint32_t)strlen(cfg->append) + 1, err);
    return rc;
}
