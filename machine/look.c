/* What software at some EL would see of memory, and which of its accesses trap, without any trace
 * in the guest: no TLB is asked or filled, no access flag is set. */
#include <stdio.h>
#include <string.h>

#include "arch/sysreg_text.h"
#include "cpu/context.h"
#include "cpu/regime.h"
#include "cpu/traps.h"
#include "cpu/world.h"
#include "machine/machine.h"
#include "mmu/attr.h"
#include "mmu/fault.h"
#include "mmu/regime.h"
#include "mmu/walk.h"

/* What translates at @el now. */
static void xlat_of_el(const struct cpu *cpu, unsigned el, struct xlat *x)
{
    struct regime rg;
    enum regime_id id = cpu_secure_below_el3(cpu) ? REGIME_SECURE_EL10 : REGIME_EL10;

    if (el == 3)
        id = REGIME_EL3;
    else if (el == 2 || (el == 0 && cpu_host_regime(cpu)))
        id = cpu_e2h(cpu) ? REGIME_EL20 : REGIME_EL2;
    cpu_regime(cpu, id, &rg);
    xlat_init(x, &rg);
}

static bool valid_place(const struct arm_machine *m, unsigned cpu, unsigned el)
{
    return cpu < m->cpu_count && el <= cpu_highest_el(m->cpus[cpu]) && (el != 2 || m->el2);
}

static void fill(struct arm_translation *out, const struct translation *t)
{
    out->mapped = true;
    out->pa = t->pa;
    out->attr = t->attr;
    out->shareability = attr_effective_sh(t->attr, t->sh);
    out->stage1_log2 = t->s1_shift;
    out->stage2_log2 = t->s2_shift;
    out->perms = t->perms & (PERM_PR | PERM_PW | PERM_PX | PERM_UR | PERM_UW | PERM_UX);
    out->global = !t->ng;
    out->guarded = t->guarded;
}

static void fill_fault(struct arm_translation *out, const struct mmu_fault *f)
{
    out->fault = mmu_fault_name(f->type);
    out->fsc = (uint8_t)mmu_fault_fsc(f);
    out->stage = f->stage2 ? 2 : 1;
    out->level = f->level;
    out->on_walk = f->s1ptw;
    out->ipa = f->stage2 ? f->ipa : 0;
}

/* Who is told of a walk's steps. */
struct reader {
    arm_walk_fn *fn;
    void *ctx;
};

static void tell(void *ctx, const struct xlat *x, const struct mmu_step *s)
{
    const struct reader *r = ctx;

    (void)x;
    r->fn(r->ctx, &(struct arm_walk_step){.stage = s->stage2 ? 2 : 1,
                                          .level = s->level,
                                          .table = s->walk,
                                          .address = s->ia,
                                          .ipa = s->ipa,
                                          .pa = s->pa,
                                          .descriptor = s->before});
}

bool arm_translate(struct arm_machine *m, unsigned index, unsigned el, uint64_t address,
                   enum arm_access access, struct arm_translation *out)
{
    return arm_walk(m, index, el, address, access, NULL, NULL, out);
}

bool arm_walk(struct arm_machine *m, unsigned index, unsigned el, uint64_t address,
              enum arm_access access, arm_walk_fn *step, void *ctx, struct arm_translation *out)
{
    static const enum mmu_kind kinds[] = {[ARM_ACCESS_READ] = MMU_READ,
                                          [ARM_ACCESS_WRITE] = MMU_WRITE,
                                          [ARM_ACCESS_EXECUTE] = MMU_EXEC};
    struct translation t;
    struct mmu_fault fault;
    struct xlat x;

    memset(out, 0, sizeof(*out));
    if (!valid_place(m, index, el) || (unsigned)access >= ARRAY_SIZE(kinds))
        return false;
    struct reader reader = {step, ctx};
    const struct mmu_watcher watcher = {.step = tell, .ctx = &reader};
    const struct mmu_access a = {
        .kind = kinds[access], .priv = el > 0, .look = true, .watcher = step ? &watcher : NULL};
    xlat_of_el(m->cpus[index], el, &x);
    if (mmu_translate(&x, &m->mem, NULL, va(address), &a, &t, &fault))
        fill(out, &t);
    else
        fill_fault(out, &fault);
    return out->mapped;
}

/* The RAM at @address, up to the end of its page; NULL: none. *size: at most that many bytes, made
 * smaller. */
static const uint8_t *virtual_ram(struct arm_machine *m, const struct xlat *x, uint64_t address,
                                  size_t *size, uint64_t *pa)
{
    const struct mmu_access a = {.kind = MMU_READ, .priv = true, .any = true, .look = true};
    uint64_t left = PAGE_SIZE - (address & PAGE_MASK);
    struct translation t;
    struct mmu_fault fault;

    if (*size > left)
        *size = left;
    if (!mmu_translate(x, &m->mem, NULL, va(address), &a, &t, &fault))
        return NULL;
    *pa = t.pa;
    return physmem_ram(&m->mem, (pa_t){t.pa}, *size);
}

typedef bool piece_fn(struct arm_machine *m, uint64_t pa, uint8_t *buf, size_t size);

static bool piece_check(struct arm_machine *m, uint64_t pa, uint8_t *buf, size_t size)
{
    const struct ram_bank *bank = physmem_bank(&m->mem, (pa_t){pa});

    (void)buf, (void)size;
    return bank && !bank->readonly;
}

static bool piece_read(struct arm_machine *m, uint64_t pa, uint8_t *buf, size_t size)
{
    return physmem_read(&m->mem, (pa_t){pa}, buf, size);
}

static bool piece_write(struct arm_machine *m, uint64_t pa, uint8_t *buf, size_t size)
{
    return physmem_write(&m->mem, (pa_t){pa}, buf, size);
}

static bool each_page(struct arm_machine *m, unsigned index, unsigned el, uint64_t address,
                      uint8_t *buf, size_t size, piece_fn *fn)
{
    struct xlat x;

    if (!valid_place(m, index, el))
        return false;
    xlat_of_el(m->cpus[index], el, &x);
    while (size) {
        size_t n = size;
        uint64_t pa;
        if (!virtual_ram(m, &x, address, &n, &pa) || !fn(m, pa, buf, n))
            return false;
        address += n;
        buf += n;
        size -= n;
    }
    return true;
}

bool arm_virt_read(struct arm_machine *m, unsigned cpu, unsigned el, uint64_t address, void *buf,
                   size_t size)
{
    return each_page(m, cpu, el, address, buf, size, piece_read);
}

bool arm_virt_write(struct arm_machine *m, unsigned cpu, unsigned el, uint64_t address,
                    const void *buf, size_t size)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)buf; /* of which piece_write() changes none */

    return each_page(m, cpu, el, address, bytes, size, piece_check) &&
           each_page(m, cpu, el, address, bytes, size, piece_write);
}

unsigned arm_trap_control(const struct arm_machine *m, unsigned index, unsigned el, uint32_t number,
                          bool read, char *buf, size_t size)
{
    enum sysreg sr = number <= UINT16_MAX ? sysreg_lookup((uint16_t)number) : SR_NONE;
    unsigned target = 0;
    char text[128] = "";

    if (sr == SR_NONE || !valid_place(m, index, el))
        return 0;
    const struct trap_rule *r =
        cpu_sysreg_trap_rule(m->cpus[index], el, sr, read ? SR_READ : SR_WRITE, &target);
    FILE *to = r ? fmemopen(text, sizeof(text), "w") : NULL;
    if (to) {
        sysreg_text_control(to, r);
        fclose(to);
    }
    snprintf(buf, size, "%s", text);
    return target;
}
