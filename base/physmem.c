#define _GNU_SOURCE
#include "base/physmem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/log.h"

int physmem_add_ram(struct physmem *mem, pa_t base, uint64_t size, struct arm_error *err)
{
    struct ram_bank *b = &mem->banks[mem->bank_count];

    CHECK(mem->bank_count < PHYSMEM_BANKS_MAX);
    if (size == 0 || !is_aligned(size | base.a, PAGE_SIZE))
        return error_set(err, ARM_EINVAL,
                         "RAM of %#llx bytes at %#llx: size and base must be multiples of 4096",
                         (unsigned long long)size, (unsigned long long)base.a);
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *flags = calloc(size >> PAGE_SHIFT, 1);
    if (host == MAP_FAILED || !flags) {
        if (host != MAP_FAILED)
            munmap(host, size);
        free(flags);
        return error_set(err, ARM_ENOMEM, "the host has no %llu MiB for the guest's RAM",
                         (unsigned long long)(size >> 20));
    }
    madvise(host, size, MADV_HUGEPAGE); /* advice only: refusal costs speed, nothing else */
    *b = (struct ram_bank){.base = base.a, .size = size, .host = host, .flags = flags};
    mem->bank_count++;
    return 0;
}

int physmem_add_rom(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                    struct arm_error *err)
{
    int rc = physmem_add_ram(mem, base, size, err);

    if (rc)
        return rc;
    mem->banks[mem->bank_count - 1].readonly = true;
    return physmem_add_device(mem, base, size, dev, 0, err);
}

static struct ram_bank *rom_bank(struct physmem *mem, pa_t base)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (mem->banks[i].readonly && mem->banks[i].base == base.a)
            return &mem->banks[i];
    return NULL;
}

void physmem_hide_rom(struct physmem *mem, pa_t base, bool hidden)
{
    struct ram_bank *b = rom_bank(mem, base);

    if (!b || b->hidden == hidden)
        return;
    b->hidden = hidden;
    if (mem->remapped)
        mem->remapped(mem->remapped_ctx);
}

uint8_t *physmem_rom(struct physmem *mem, pa_t base)
{
    struct ram_bank *b = rom_bank(mem, base);

    return b ? b->host : NULL;
}

int physmem_add_device(struct physmem *mem, pa_t base, uint64_t size, struct device *dev,
                       uint64_t dev_offset, struct arm_error *err)
{
    if (mem->window_count == PHYSMEM_WINDOWS_MAX)
        return error_set(err, ARM_EINVAL, "more than %d device windows", PHYSMEM_WINDOWS_MAX);
    mem->windows[mem->window_count++] = (struct device_window){base.a, size, dev, dev_offset};
    return 0;
}

void physmem_destroy(struct physmem *mem)
{
    for (unsigned i = 0; i < mem->bank_count; i++) {
        munmap(mem->banks[i].host, mem->banks[i].size);
        free(mem->banks[i].flags);
    }
    *mem = (struct physmem){0};
}

struct ram_bank *physmem_bank(struct physmem *mem, pa_t pa)
{
    for (unsigned i = 0; i < mem->bank_count; i++)
        if (!mem->banks[i].hidden && pa.a - mem->banks[i].base < mem->banks[i].size)
            return &mem->banks[i];
    return NULL;
}

struct device_window *physmem_window(struct physmem *mem, pa_t pa)
{
    for (unsigned i = 0; i < mem->window_count; i++)
        if (pa.a - mem->windows[i].base < mem->windows[i].size)
            return &mem->windows[i];
    return NULL;
}

uint8_t *physmem_ram(struct physmem *mem, pa_t pa, uint64_t len)
{
    struct ram_bank *b = physmem_bank(mem, pa);

    if (!b || len > b->size - (pa.a - b->base))
        return NULL;
    return b->host + (pa.a - b->base);
}

bool physmem_read(struct physmem *mem, pa_t pa, void *buf, size_t len)
{
    const uint8_t *host = physmem_ram(mem, pa, len);

    if (!host)
        return false;
    memcpy(buf, host, len);
    return true;
}

static void tell_code_written(struct physmem *mem, const struct ram_bank *b, uint64_t pa,
                              uint64_t len)
{
    for (uint64_t p = align_down(pa, PAGE_SIZE); len && p < pa + len; p += PAGE_SIZE)
        if ((b->flags[(p - b->base) >> PAGE_SHIFT] & PAGE_HAS_CODE) && mem->code_written)
            mem->code_written(mem->code_written_ctx, (pa_t){p});
}

void physmem_rom_changing(struct physmem *mem, pa_t base, uint64_t offset, uint64_t len)
{
    const struct ram_bank *b = rom_bank(mem, base);

    CHECK(b && offset <= b->size && len <= b->size - offset);
    tell_code_written(mem, b, base.a + offset, len);
}

bool physmem_load(struct physmem *mem, pa_t pa, const void *buf, size_t len)
{
    uint8_t *host = physmem_ram(mem, pa, len);

    if (!host)
        return false;
    tell_code_written(mem, physmem_bank(mem, pa), pa.a, len);
    memcpy(host, buf, len);
    return true;
}

bool physmem_write(struct physmem *mem, pa_t pa, const void *buf, size_t len)
{
    const struct ram_bank *b = physmem_bank(mem, pa);

    return b && !b->readonly && physmem_load(mem, pa, buf, len);
}
