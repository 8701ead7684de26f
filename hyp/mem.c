#include "hyp/mem.h"

#include "hyp/boot.h"
#include "hyp/lib.h"
#include "hyp/lock.h"
#include "hyp/panic.h"

#define PAGE         UINT64_C(4096)
#define BLOCK        (UINT64_C(2) << 20)
#define SIZES        7 /* 4 KiB to 256 KiB */
#define RESERVED_MAX 40

static struct {
    struct lock lock;
    struct boot_range reserved[RESERVED_MAX];
    unsigned reserved_count;
    uint64_t next; /* ranges for guests grow up from here */
    uint64_t pool, pool_end;
    void *free[SIZES];
} mem;

static void reserve(uint64_t base, uint64_t size)
{
    if (mem.reserved_count == RESERVED_MAX)
        panic("too many modules");
    mem.reserved[mem.reserved_count++] = (struct boot_range){base, size};
}

static void reserve_modules(const struct fdt *f, int node)
{
    uint64_t base, size;

    if (fdt_is_compatible(f, node, "multiboot,module") && fdt_reg(f, node, 0, &base, &size))
        reserve(base, size);
    for (int child = fdt_child(f, node); child >= 0; child = fdt_sibling(f, child))
        reserve_modules(f, child);
}

static const struct boot_range *overlaps(uint64_t base, uint64_t size)
{
    for (unsigned k = 0; k < mem.reserved_count; k++)
        if (base < mem.reserved[k].base + mem.reserved[k].size &&
            mem.reserved[k].base < base + size)
            return &mem.reserved[k];
    return NULL;
}

/* The lowest place from mem.next on; 0 if there is none. */
static uint64_t find(uint64_t size)
{
    const struct boot_range *ram = &boot_info.ram[0], *in_the_way;
    uint64_t at = align_up(mem.next > ram->base ? mem.next : ram->base, BLOCK);

    while ((in_the_way = overlaps(at, size)))
        at = align_up(in_the_way->base + in_the_way->size, BLOCK);
    return at + size <= ram->base + ram->size ? at : 0;
}

#define POOL_BYTES (UINT64_C(8) << 20)

void mem_init(void)
{
    const struct fdt *f = &boot_info.tree;
    int chosen = fdt_find(f, "/chosen");

    if (!boot_info.ram_count)
        panic("the device tree has no memory");
    reserve((uint64_t)(uintptr_t)__image, (uint64_t)(__image_end - __image));
    reserve((uint64_t)(uintptr_t)f->bytes, f->size);
    if (chosen >= 0)
        reserve_modules(f, chosen);
    mem.pool = find(POOL_BYTES);
    if (!mem.pool)
        panic("no RAM is left");
    mem.pool_end = mem.pool + POOL_BYTES;
    reserve(mem.pool, POOL_BYTES);
}

static unsigned size_index(uint64_t size)
{
    unsigned k = 0;

    while (k < SIZES && PAGE << k < size)
        k++;
    if (k == SIZES)
        panic("0x%lx bytes in one piece", (unsigned long)size);
    return k;
}

void *mem_alloc(uint64_t size)
{
    unsigned k = size_index(size);
    uint64_t daif = lock_take(&mem.lock), at;
    void *p = mem.free[k];

    if (p) {
        mem.free[k] = *(void **)p;
    } else {
        at = align_up(mem.pool, PAGE << k);
        if (at + (PAGE << k) > mem.pool_end)
            panic("the hypervisor's memory is gone");
        mem.pool = at + (PAGE << k);
        p = (void *)(uintptr_t)at;
    }
    lock_drop(&mem.lock, daif);
    memset(p, 0, PAGE << k);
    return p;
}

void mem_free(void *p, uint64_t size)
{
    unsigned k = size_index(size);
    uint64_t daif = lock_take(&mem.lock);

    *(void **)p = mem.free[k];
    mem.free[k] = p;
    lock_drop(&mem.lock, daif);
}

uint64_t mem_alloc_ram(uint64_t size)
{
    uint64_t at = find(size);

    if (at)
        mem.next = at + size;
    return at;
}
