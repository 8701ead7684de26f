#include "hyp/memory.h"

#include "hyp/cpu.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_fault.h"
#include "hyp/s2_ops.h"
#include "hyp/vcpu.h"

#define FRAMES_MAX_BYTES (UINT64_C(256) << 10)

static uint64_t page_bytes(const struct vm *vm)
{
    return UINT64_C(1) << vm->s2.page_log2;
}

/* Where the page at an offset into RAM is. */
static uint64_t frame_of(const struct vm *vm, uint64_t offset)
{
    const uint32_t *frames = __atomic_load_n(&vm->frames, __ATOMIC_ACQUIRE);
    uint64_t page = offset >> vm->s2.page_log2;

    if (frames)
        page = __atomic_load_n(&frames[page], __ATOMIC_ACQUIRE);
    return vm->ram_pa + (page << vm->s2.page_log2);
}

bool memory_has(const struct vm *vm, uint64_t ipa, uint64_t size)
{
    uint64_t at = ipa - VM_RAM_BASE;

    return ipa >= VM_RAM_BASE && at <= vm->ram_size && size <= vm->ram_size - at;
}

void *vm_ram(struct vm *vm, uint64_t ipa, uint64_t size)
{
    uint64_t at = ipa - VM_RAM_BASE, page = page_bytes(vm), first;

    if (!memory_has(vm, ipa, size))
        return NULL;
    if (!vm->frames || !size)
        return (void *)(uintptr_t)(vm->ram_pa + at);
    first = frame_of(vm, at);
    for (uint64_t k = align_down(at, page); k < at + size; k += page)
        if (frame_of(vm, k) != first + k - align_down(at, page))
            return NULL;
    return (void *)(uintptr_t)(first + (at & (page - 1)));
}

/* The largest leaf around the IPA that lies in RAM and is as aligned there. */
static unsigned level_of(const struct vm *vm, uint64_t ipa)
{
    const struct stage2 *s = &vm->s2;

    for (unsigned level = s->start_level; level < 3; level++) {
        uint64_t step = level_step(s, level), at = align_down(ipa, step);

        if (may_be_leaf(s, level, !opts.pages) && at >= VM_RAM_BASE &&
            at + step <= VM_RAM_BASE + vm->ram_size &&
            is_aligned(vm->ram_pa + (at - VM_RAM_BASE), step))
            return level;
    }
    return 3;
}

static bool resolve(struct s2_fault *f)
{
    const struct vm *vm = f->arg;
    uint64_t page = page_bytes(vm);

    if (f->ipa < VM_RAM_BASE || f->ipa - VM_RAM_BASE >= vm->ram_size)
        return false;
    f->pa = frame_of(vm, align_down(f->ipa - VM_RAM_BASE, page));
    f->level = vm->frames ? 3 : level_of(vm, f->ipa);
    f->attributes = stage2_attributes(S2_RAM);
    return true;
}

/* DFSC: 0b0001LL translation, 0b0010LL access flag, 0b0011LL permission. */
bool memory_fault(struct vm *vm, uint64_t ipa, uint64_t esr, bool write)
{
    struct s2_fault f = {.s = &vm->s2,
                         .ipa = ipa,
                         .write = write,
                         .mapped = bits(esr, 5, 2) != 1,
                         .resolve = resolve,
                         .arg = vm};
    enum s2_step step;

    if (bits(esr, 5, 2) < 1 || bits(esr, 5, 2) > 3)
        return false;
    step = s2_handle(&f);
    if (step == S2_DONE)
        STAT(S2_FAULT);
    if (step == S2_AGAIN)
        STAT(S2_AGAIN);
    return step == S2_DONE || step == S2_AGAIN;
}

/* Contents first through ours: the pages are mapped nowhere else while they move. */
static void exchange(uint64_t a, uint64_t b, uint64_t bytes)
{
    uint64_t *x = (uint64_t *)(uintptr_t)a, *y = (uint64_t *)(uintptr_t)b;
    uint64_t line = 4u << bits(mrs(CTR_EL0), 19, 16);

    for (uint64_t k = 0; k < bytes / 8; k++) {
        uint64_t word = x[k];

        x[k] = y[k];
        y[k] = word;
    }
    for (uint64_t k = 0; k < bytes; k += line) { /* the guest may execute, or have its caches off */
        dc(civac, a + k);
        dc(civac, b + k);
    }
    dsb(ish);
    ic_ialluis();
    dsb(ish);
    isb();
}

/* Identity, at the first use. */
static bool make_frames(struct vm *vm)
{
    uint64_t pages = vm->ram_size >> vm->s2.page_log2;
    uint32_t *frames;

    if (vm->frames)
        return true;
    if (pages * sizeof(*frames) > FRAMES_MAX_BYTES)
        return false;
    frames = mem_alloc(pages * sizeof(*frames));
    for (uint64_t k = 0; k < pages; k++)
        frames[k] = (uint32_t)k;
    __atomic_store_n(&vm->frames, frames, __ATOMIC_RELEASE);
    return true;
}

static void swap_frames(struct vm *vm, uint64_t a, uint64_t b)
{
    uint32_t *x = &vm->frames[(a - VM_RAM_BASE) >> vm->s2.page_log2];
    uint32_t *y = &vm->frames[(b - VM_RAM_BASE) >> vm->s2.page_log2], was = *x;

    exchange(frame_of(vm, a - VM_RAM_BASE), frame_of(vm, b - VM_RAM_BASE), page_bytes(vm));
    __atomic_store_n(x, *y, __ATOMIC_RELEASE);
    __atomic_store_n(y, was, __ATOMIC_RELEASE);
}

bool memory_swap(struct vm *vm, uint64_t a, uint64_t b)
{
    uint64_t page = page_bytes(vm);

    a = align_down(a, page);
    b = align_down(b, page);
    if (a < VM_RAM_BASE || b < VM_RAM_BASE || a - VM_RAM_BASE >= vm->ram_size ||
        b - VM_RAM_BASE >= vm->ram_size)
        return false;
    uint64_t daif = lock_take(&vm->frames_lock);
    s2_change_begin(&vm->s2);
    bool ok = make_frames(vm);
    if (ok) {
        stage2_unmap(&vm->s2, a, page);
        stage2_unmap(&vm->s2, b, page);
        swap_frames(vm, a, b);
    }
    s2_change_end(&vm->s2);
    lock_drop(&vm->frames_lock, daif);
    return ok;
}

void memory_reset(struct vm *vm)
{
    uint64_t bytes = (vm->ram_size >> vm->s2.page_log2) * sizeof(*vm->frames);

    s2_log_stop(&vm->s2);
    if (!vm->frames)
        return;
    stage2_unmap(&vm->s2, VM_RAM_BASE, vm->ram_size);
    mem_free(vm->frames, bytes);
    vm->frames = NULL;
}
