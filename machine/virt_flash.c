/* The board's two flash banks and what they contain. */
#include <string.h>

#include "loader/file.h"
#include "machine/virt.h"

static int open_drive(struct virt_board *board, const struct virt_config *cfg, unsigned n,
                      const struct arm_log *log, struct arm_error *err)
{
    const struct disk_spec spec = virt_disk_spec(&cfg->pflash[n], cfg);

    return disk_open(&board->pflash[n], &spec, log, err);
}

int virt_load_bios(struct virt_board *board, const char *path, struct arm_error *err)
{
    const struct file_limit limit = {FLASH_BANK_BYTES, "a bank of flash memory"};
    struct file_data f;
    int rc = file_fetch(&f, path, FORMAT_BIOS, &limit, err);

    if (!rc) {
        struct flash *flash = &board->flash[0];
        memcpy(physmem_rom_changing(flash->mem, flash->base, 0, f.size), f.bytes, f.size);
        board->bios_size = f.size;
    }
    file_free(&f);
    return rc;
}

int virt_create_flash(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      const struct arm_log *log, struct arm_error *err)
{
    int rc = 0;

    if (cfg->bios && cfg->pflash[0].path)
        return error_set(err, ARM_EINVAL, "%s, %s: both are the first flash bank, expected one",
                         cfg->bios, cfg->pflash[0].path);
    for (unsigned n = 0; !rc && n < VIRT_FLASHES; n++) {
        pa_t base = pa(virt_memmap[VIRT_FLASH].base + (uint64_t)n * FLASH_BANK_BYTES);
        bool has_drive = cfg->pflash[n].path != NULL;
        if (has_drive)
            rc = open_drive(board, cfg, n, log, err);
        if (!rc)
            rc = flash_init(&board->flash[n], log, mem, base, has_drive ? &board->pflash[n] : NULL,
                            err);
        if (!rc && n == 0 && cfg->secure)
            physmem_make_secure(mem, base);
    }
    if (!rc && cfg->bios)
        rc = virt_load_bios(board, cfg->bios, err);
    return rc;
}

void virt_destroy_flash(struct virt_board *board)
{
    for (unsigned n = 0; n < VIRT_FLASHES; n++)
        disk_close(&board->pflash[n]);
}
