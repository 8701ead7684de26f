/* The bytes of an access, between the registers' side and RAM or a device, and who is told of it.
 */
#include "base/device.h"
#include "cpu/code_cache.h"
#include "cpu/events.h"
#include "cpu/late.h"
#include "cpu/mem_access.h"
#include "cpu/parallel.h"

/* The largest access a device takes at @pa within @left bytes. */
static unsigned device_chunk(uint64_t pa, unsigned left)
{
    unsigned n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

    while (pa & (n - 1))
        n /= 2;
    return n;
}

static void mmio_probe(const struct access *a, uint64_t pa, unsigned size, uint64_t value)
{
    CPU_FIRE(a->cpu, a->i, MMIO, mmio, .pa = pa, .size = (uint8_t)size, .write = a->write,
             .value = value);
}

/* Device registers: what the device sees of time and of us must be exact. */
static void device_access(const struct access *a, const struct piece *p, uint8_t *data)
{
    uint64_t offset = p->window->dev_offset + (p->pa - p->window->base);

    cpu_count_upto(a->cpu, a->i);
    a->cpu->pc = insn_pc(a->cpu, a->i);
    for (unsigned done = 0, n; done < p->size; done += n) {
        uint64_t v = 0;
        n = device_chunk(p->pa + done, p->size - done);
        if (a->write) {
            memcpy(&v, data + done, n);
            if (!a->cpu->late || !late_device_store(a->cpu, p->window->dev, offset + done, n, v))
                device_write(p->window->dev, offset + done, n, v);
        } else {
            if (a->cpu->late)
                late_device_load(a->cpu, p->window->dev);
            v = device_read(p->window->dev, offset + done, n);
            memcpy(data + done, &v, n);
        }
        mmio_probe(a, p->pa + done, n, v);
    }
    if (a->cpu->irq_check || *a->cpu->env.pause)
        cpu_recheck(a->cpu);
}

/* The code cache tells for itself what it gives up; who hears that finds this CPU here. */
static void store_to_code(const struct access *a, const struct piece *p)
{
    struct cpu *cpu = a->cpu;

    cpu_count_upto(cpu, a->i);
    cpu->pc = insn_pc(cpu, a->i);
    if (cpu_is_parallel(cpu))
        cpu->env.parallel->alone(cpu->env.ctx); /* who accesses has the lock */
    if (code_cache_store(cpu->code, cpu->mem, pa(p->pa), p->size, cpu->page))
        CPU_FIRE(cpu, a->i, CODE, code, .pa = p->pa, .size = p->size, .cause = ARM_CODE_STORE);
    if (*cpu->env.pause)
        cpu_recheck(cpu);
}

static __attribute__((noinline)) void copy_to_ram(const struct access *a, const struct piece *p,
                                                  const uint8_t *data)
{
    if (p->bank->readonly)
        return;
    const uint8_t flags = page_flags(p->bank, p->pa - p->bank->base);
    if (flags & PAGE_WALKED)
        late_store(a->cpu, p->pa, p->size);
    if ((flags & PAGE_HAS_CODE) && !(a->cpu->late && late_code_store(a->cpu, p->pa, p->size)))
        store_to_code(a, p);
    if (mem_leaves_blank(a, p))
        return;
    ram_changing(p->bank, p->pa - p->bank->base);
    mem_copy_to_ram(p->host, data, p->size);
}

static inline void copy_piece(const struct access *a, const struct piece *p, uint8_t *data)
{
    if (p->window)
        device_access(a, p, data);
    else if (a->write)
        copy_to_ram(a, p, data);
    else
        mem_copy_from_ram(data, p->host, p->size);
}

/* BigEndianReverse(). Pairs that are one access (LDXP, CASP) are put in order by their exec_. */
static void reverse(const struct access *a, uint8_t *data)
{
    for (unsigned k = 0; k < a->size / 2; k++) {
        uint8_t t = data[k];
        data[k] = data[a->size - 1 - k];
        data[a->size - 1 - k] = t;
    }
}

/* The store of @p, if its page is watched. */
static void tell_store(const struct access *a, const struct piece *p)
{
    if (p->host && (page_flags(p->bank, p->pa - p->bank->base) & PAGE_WATCHED))
        CPU_FIRE(a->cpu, a->i, STORE, store, .va = p->va, .pa = p->pa, .size = (uint8_t)p->size,
                 .zero = a->acc & ACC_ZERO);
}

static inline __attribute__((always_inline)) void
move(const struct access *a, const struct piece *p, unsigned n, uint8_t *data, bool be)
{
    if (be && a->write)
        reverse(a, data);
    copy_piece(a, &p[0], data);
    if (n == 2)
        copy_piece(a, &p[1], data + p[0].size);
    if (be && !a->write)
        reverse(a, data);
}

static __attribute__((noinline)) void move_and_tell(const struct access *a, const struct piece *p,
                                                    unsigned n, uint8_t *data, bool be)
{
    uint8_t value[MEM_ZERO_MAX] = {0};

    if (a->write)
        memcpy(value, data, a->size);
    move(a, p, n, data, be);
    mem_tell(a, (const uint64_t[]){p[0].pa, n == 2 ? p[1].pa : 0}, !p[0].host, be,
             a->write ? value : data);
}

void mem_transfer(const struct access *a, const struct piece *p, unsigned n, uint8_t *data)
{
    bool be = mem_big_endian(a->cpu);

    a->cpu->accessed |= (a->write ? ACCESSED_WRITE : ACCESSED_READ) |
                        (mem_is_unaligned(a) ? ACCESSED_UNALIGNED : 0);
    if (unlikely(cpu_wants(a->cpu, ARM_EVENT_MEM)))
        move_and_tell(a, p, n, data, be);
    else
        move(a, p, n, data, be);
    if (!a->write)
        return;
    for (unsigned k = 0; k < n; k++)
        tell_store(a, &p[k]);
}
