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

static struct world *add(struct worlds *ws, const struct world *like)
{
    struct world *w = g_memdup2(like, sizeof(*like));

    w->index = ws->count;
    ws->list = g_renew(struct world *, ws->list, ws->count + 1);
    ws->list[ws->count++] = w;
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

/* A host's world: stage 2 is off, or it has been since protected (VMID 0 is then its own). */
static struct world *host(struct worlds *ws, const struct arm_event *p)
{
    bool stage2 = has_stage2(p);
    struct world *w = find_host(ws, p->cpu);

    if (stage2 && (!w || p->world.vmid))
        return NULL;
    if (!w)
        w = add(ws, &(struct world){.kind = WORLD_HOST, .pe = p->cpu, .vmpidr = p->world.vmpidr});
    ws->host_below = true;
    ws->protects |= stage2;
    return w;
}

static bool has_name(const struct world *w, const struct arm_event *p)
{
    return w->kind == WORLD_GUEST && w->root == (p->world.vttbr & MASK(47, 1)) &&
           w->vmpidr == p->world.vmpidr;
}

static struct world *add_guest(struct worlds *ws, const struct arm_event *p, bool pe_only,
                               unsigned twin)
{
    uint64_t root = p->world.vttbr & MASK(47, 1);

    return add(ws, &(struct world){.kind = WORLD_GUEST,
                                   .root = root,
                                   .vmpidr = p->world.vmpidr,
                                   .pe = p->cpu,
                                   .pe_only = pe_only,
                                   .twin = twin,
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
