#include "checker/worlds.h"

#include <glib.h>

#include "arch/sysreg.h"
#include "base/bits.h"

/* The number of a world's VMs is the order in which their roots appear. */
static unsigned number_of_vm(struct worlds *ws, uint64_t root)
{
    for (unsigned k = 0; k < ws->count; k++)
        if (ws->list[k]->kind == WORLD_GUEST && ws->list[k]->root == root)
            return ws->list[k]->vm;
    return ++ws->vms;
}

/* Aff3..Aff0 as one number, in the way that vCPUs are counted: Aff0 is below 16 (GICv3). */
static unsigned vcpu_number(uint64_t vmpidr)
{
    return (unsigned)(bits(vmpidr, 3, 0) + 16 * bits(vmpidr, 15, 8) + 4096 * bits(vmpidr, 23, 16));
}

static void name(struct world *w)
{
    if (w->kind == WORLD_HOST)
        g_snprintf(w->name, sizeof(w->name), "host/cpu%u", w->pe);
    else if (w->twin)
        g_snprintf(w->name, sizeof(w->name), "vm%u/vcpu%u#%u", w->vm, vcpu_number(w->vmpidr),
                   w->twin);
    else if (w->pe_only)
        g_snprintf(w->name, sizeof(w->name), "vm%u/vcpu%u@cpu%u", w->vm, vcpu_number(w->vmpidr),
                   w->pe);
    else
        g_snprintf(w->name, sizeof(w->name), "vm%u/vcpu%u", w->vm, vcpu_number(w->vmpidr));
}

static struct world *add(struct worlds *ws, const struct world *like)
{
    struct world *w = g_memdup2(like, sizeof(*like));

    w->index = ws->count;
    ws->list = g_renew(struct world *, ws->list, ws->count + 1);
    ws->list[ws->count++] = w;
    name(w);
    return w;
}

static struct world *find_host(const struct worlds *ws, unsigned pe)
{
    for (unsigned k = 0; k < ws->count; k++)
        if (ws->list[k]->kind == WORLD_HOST && ws->list[k]->pe == pe)
            return ws->list[k];
    return NULL;
}

static bool has_stage2(const struct arm_event *p)
{
    return HCR_EL2_VM(p->world.hcr) || HCR_EL2_DC(p->world.hcr);
}

static uint64_t root_of(const struct arm_event *p)
{
    return p->world.vttbr & MASK(47, 1);
}

static bool routes_interrupts(const struct arm_event *p)
{
    return HCR_EL2_IMO(p->world.hcr) || HCR_EL2_FMO(p->world.hcr);
}

/* Does @p enter what may be a host that has had a stage 2 from the start? */
static bool is_like_host(const struct arm_event *p)
{
    return !p->world.vmid && !routes_interrupts(p);
}

/* A host that was protected before it was entered: its root is known. */
static const struct world *find_protected(const struct worlds *ws, uint64_t root)
{
    for (unsigned k = 0; k < ws->count; k++)
        if (ws->list[k]->kind == WORLD_HOST && root && ws->list[k]->root == root)
            return ws->list[k];
    return NULL;
}

/* A guest comes from whom EL2 takes interrupts, and @w has always had them itself, by VMID 0, and
 * one CPU: it is the host that this is a guest of. */
static void promote(struct worlds *ws, struct world *w)
{
    if (w->kind != WORLD_GUEST || !w->like_host || w->twin || w->pe_only)
        return;
    w->kind = WORLD_HOST;
    w->pe = w->last_pe;
    name(w);
    ws->host_below = ws->protects = true;
}

static void promote_hosts(struct worlds *ws, const struct arm_event *p)
{
    unsigned vms = 0;

    if (!p->world.vmid || !routes_interrupts(p))
        return;
    for (unsigned k = 0; k < ws->count; k++)
        promote(ws, ws->list[k]);
    for (unsigned k = 0; k < ws->count; k++)
        if (ws->list[k]->kind == WORLD_GUEST)
            vms = MAX(vms, ws->list[k]->vm);
    ws->vms = vms;
}

/* A host's world: stage 2 is off, or it has been since protected (VMID 0 is then its own), or was
 * from the start. */
static struct world *host(struct worlds *ws, const struct arm_event *p)
{
    bool stage2 = has_stage2(p);
    struct world *w = find_host(ws, p->cpu);
    const struct world *like = stage2 ? find_protected(ws, root_of(p)) : NULL;

    if (stage2 && w && w->root && w->root != root_of(p))
        return NULL;
    if (stage2 && (p->world.vmid || (!w && !(like && is_like_host(p)))))
        return NULL;
    if (!w)
        w = add(ws, &(struct world){.kind = WORLD_HOST,
                                    .pe = p->cpu,
                                    .root = like ? like->root : 0,
                                    .vmpidr = p->world.vmpidr});
    ws->host_below = true;
    ws->protects |= stage2;
    return w;
}

static bool has_name(const struct world *w, const struct arm_event *p)
{
    return w->kind == WORLD_GUEST && w->root == root_of(p) && w->vmpidr == p->world.vmpidr;
}

static struct world *add_guest(struct worlds *ws, const struct arm_event *p, bool pe_only,
                               unsigned twin)
{
    uint64_t root = root_of(p);

    promote_hosts(ws, p);
    return add(ws, &(struct world){.kind = WORLD_GUEST,
                                   .root = root,
                                   .vmpidr = p->world.vmpidr,
                                   .pe = p->cpu,
                                   .pe_only = pe_only,
                                   .twin = twin,
                                   .like_host = true,
                                   .last_pe = p->cpu,
                                   .vm = number_of_vm(ws, root)});
}

/* Two virtual CPUs with one VMPIDR_EL2 run at a time only on different CPUs: then the CPU says
 * which. */
static struct world *named_guest(const struct worlds *ws, const struct arm_event *p)
{
    for (unsigned k = 0; k < ws->count; k++) {
        struct world *w = ws->list[k];
        if (has_name(w, p) && (w->pe_only ? w->pe == p->cpu : !w->running || w->last_pe == p->cpu))
            return w;
    }
    return NULL;
}

static struct world *guest(struct worlds *ws, const struct arm_event *p, const struct world *known)
{
    struct world *w = named_guest(ws, p);
    bool shared = false;

    for (unsigned k = 0; k < ws->count; k++) {
        if (has_name(ws->list[k], p) && ws->list[k] == known && !known->running)
            return ws->list[k];
        shared |= has_name(ws->list[k], p);
    }
    return w ? w : add_guest(ws, p, shared, 0);
}

static struct world *begin(struct world *w, const struct arm_event *p)
{
    w->like_host &= is_like_host(p) && w->last_pe == p->cpu;
    w->vmid = p->world.vmid;
    w->last_pe = p->cpu;
    w->running = true;
    w->entries++;
    return w;
}

struct world *worlds_entered(struct worlds *ws, const struct arm_event *p,
                             const struct world *known)
{
    struct world *w = host(ws, p);

    ws->vhe |= HCR_EL2_E2H(p->world.hcr);
    return begin(w ? w : guest(ws, p, known), p);
}

const struct world *worlds_named(const struct worlds *ws, const struct arm_event *p)
{
    return has_stage2(p) ? named_guest(ws, p) : find_host(ws, p->cpu);
}

struct world *worlds_twin(struct worlds *ws, const struct arm_event *p)
{
    unsigned count = 1;

    if (!has_stage2(p))
        return worlds_entered(ws, p, NULL);
    for (unsigned k = 0; k < ws->count; k++)
        count += has_name(ws->list[k], p);
    return begin(add_guest(ws, p, false, count), p);
}

const char *worlds_design(const struct worlds *ws)
{
    if (ws->count == 0)
        return "no world below EL2 was entered";
    if (ws->protects)
        return "a host at EL1 behind stage 2 (protected)";
    if (ws->vhe && ws->vms)
        return "EL2 is the host, or the hypervisor with HCR_EL2.E2H (VHE)";
    if (ws->host_below)
        return ws->vms ? "a host at EL1 (nVHE)" : "a host at EL1, no guest";
    return "EL2 is the hypervisor, all worlds are guests";
}

void worlds_free(struct worlds *ws)
{
    for (unsigned k = 0; k < ws->count; k++)
        g_free(ws->list[k]);
    g_free(ws->list);
}
