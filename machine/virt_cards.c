/* What is on PCI with nothing of virtio, and what is in or at that: how each is made. */
#include "base/bits.h"
#include "devices/edid.h"
#include "machine/virt_plug.h"

#define VRAM_MIB 16

int virt_plug_ahci(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    ahci_init(
        &p->ahci,
        &(struct ahci_config){.unit = plug->unit, .mem = plug->mem, .clock = plug->board->clock},
        plug->log);
    return 0;
}

int virt_plug_e1000(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_wire *wire = &plug->what->wire;

    e1000_init(&p->e1000,
               &(struct e1000_config){.kind = plug->what->kind == ARM_E1000E ? E1000_82574L
                                                                             : E1000_82540EM,
                                      .express = plug->what->kind == ARM_E1000E &&
                                                 virt_is_express(plug->cfg, &plug->what->pci),
                                      .mac = wire->mac,
                                      .send = wire->send,
                                      .send_ctx = wire->ctx,
                                      .unit = plug->unit,
                                      .mem = plug->mem,
                                      .clock = plug->board->clock},
               plug->log);
    return virt_check_mac(wire, err);
}

int virt_plug_bochs(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_device *what = plug->what;
    unsigned mib = what->vram_mib ? what->vram_mib : VRAM_MIB;
    unsigned width = what->width ? what->width : VIRT_PICTURE_WIDTH;
    unsigned height = what->height ? what->height : VIRT_PICTURE_HEIGHT;
    int rc;

    if (width > EDID_SIDE_MAX || height > EDID_SIDE_MAX || !is_pow2(mib) ||
        mib > BOCHS_VRAM_MAX >> 20)
        return error_set(err, ARM_EINVAL,
                         "a frame buffer of %u by %u pixels in %u MiB: expected at most %d, and a "
                         "power of 2 up to %u",
                         width, height, mib, EDID_SIDE_MAX, BOCHS_VRAM_MAX >> 20);
    rc = bochs_init(&p->bochs,
                    &(struct bochs_config){.vga = what->kind == ARM_VGA,
                                           .width = width,
                                           .height = height,
                                           .vram_bytes = mib << 20},
                    plug->log, err);
    display_add(&plug->board->displays, &p->bochs.source);
    return rc;
}

int virt_plug_edu(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    edu_init(
        &p->edu,
        &(struct edu_config){.unit = plug->unit, .mem = plug->mem, .clock = plug->board->clock},
        plug->log);
    return 0;
}

int virt_plug_ivshmem(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    return ivshmem_init(&p->ivshmem, plug->what->shared_path, plug->what->shared_bytes, plug->log,
                        err);
}

int virt_plug_pvpanic(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    enum arm_panic panic = plug->what->panic;

    (void)err;
    pvpanic_init(&p->pvpanic, panic == ARM_PANIC_NONE ? NULL : plug->cfg->exit, plug->cfg->exit_ctx,
                 panic == ARM_PANIC_FAILURE, plug->log);
    return 0;
}

int virt_plug_pci_serial(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_port *to = plug->what->port_count ? plug->what->ports : &(struct arm_port){0};

    (void)err;
    pci_serial_init(&p->pci_serial, plug->unit, plug->board->clock, to->write, to->ctx, plug->log);
    return 0;
}

int virt_plug_i6300esb(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    enum arm_watchdog action = plug->what->watchdog;

    (void)err;
    i6300esb_init(&p->i6300esb,
                  &(struct i6300esb_config){
                      .unit = plug->unit,
                      .clock = plug->board->clock,
                      .power = action == ARM_WATCHDOG_NONE ? NULL : plug->cfg->power,
                      .power_ctx = plug->cfg->power_ctx,
                      .restart = action == ARM_WATCHDOG_RESET,
                  },
                  plug->log);
    return 0;
}

int virt_plug_pci_testdev(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    pci_testdev_init(&p->pci_testdev, plug->log);
    return 0;
}

int virt_plug_hda(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    hda_init(&p->hda,
             &(struct hda_config){.ich9 = plug->what->kind == ARM_HDA_ICH9,
                                  .unit = plug->unit,
                                  .mem = plug->mem,
                                  .clock = plug->board->clock},
             plug->log);
    return 0;
}

int virt_plug_hda_codec(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    static const enum hda_codec_kind codecs[] = {
        [ARM_HDA_OUTPUT] = HDA_OUTPUT, [ARM_HDA_DUPLEX] = HDA_DUPLEX, [ARM_HDA_MICRO] = HDA_MICRO};
    struct virt_plugged *to = virt_controller_of(plug);

    if (!to || (to->kind != ARM_HDA_ICH6 && to->kind != ARM_HDA_ICH9))
        return error_set(err, ARM_EINVAL,
                         "a codec of device %u, which is no audio controller before it",
                         plug->what->unit.controller);
    hda_codec_init(&p->codec, codecs[plug->what->kind]);
    return hda_attach(&to->hda, plug->what->unit.target, &p->codec)
               ? 0
               : error_set(err, ARM_EINVAL, "codec %u: its address is taken, or there is none",
                           plug->what->unit.target);
}

int virt_plug_nvme(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_pci_place *place = &plug->what->pci;
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    const char *problem = disk_blocks_problem(&plug->what->blocks);
    int rc = problem ? error_set(err, ARM_EINVAL, "NVMe with %s", problem)
                     : disk_open(&p->disk, &spec, plug->log, err);

    return rc ? rc
              : nvme_init(&p->nvme,
                          &(struct nvme_config){
                              .disk = &p->disk,
                              .block = plug->what->blocks.logical,
                              .serial = plug->what->serial ? plug->what->serial : "armillary",
                              .unit = plug->unit,
                              .vectors = virt_vectors(plug->cfg, place, NVME_QUEUES),
                              .express = virt_is_express(plug->cfg, place),
                              .mem = plug->mem,
                              .clock = plug->board->clock},
                          plug->log, err);
}

int virt_plug_sdhci(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    sdhci_init(
        &p->sdhci,
        &(struct sdhci_config){.unit = plug->unit, .mem = plug->mem, .clock = plug->board->clock},
        plug->log);
    return 0;
}

int virt_plug_sd_card(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    struct virt_plugged *to = virt_controller_of(plug);
    int rc;

    if (!to || to->kind != ARM_SDHCI)
        return error_set(err, ARM_EINVAL,
                         "an SD card of device %u, which is no SD host controller before it",
                         plug->what->unit.controller);
    rc = disk_open(&p->disk, &spec, plug->log, err);
    if (!rc)
        rc = sd_card_init(&p->sd_card, &p->disk, err);
    if (!rc && !sdhci_insert(&to->sdhci, &p->sd_card))
        rc = error_set(err, ARM_EINVAL, "device %u has an SD card", plug->what->unit.controller);
    return rc;
}
