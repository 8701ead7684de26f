#include "hyp/vits.h"

#include "hyp/lib.h"
#include "hyp/vcpu.h"
#include "hyp/vgic_frames.h"

enum {
    GITS_CTLR = 0x0000,
    GITS_TYPER = 0x0008,
    GITS_CBASER = 0x0080,
    GITS_CWRITER = 0x0088,
    GITS_CREADR = 0x0090,
    GITS_BASER0 = 0x0100,
    GITS_PIDR2 = 0xffe8,
};

/* Commands (IHI0069 5.3). */
enum {
    CMD_MOVI = 0x01,
    CMD_INT = 0x03,
    CMD_CLEAR = 0x04,
    CMD_MAPD = 0x08,
    CMD_MAPC = 0x09,
    CMD_MAPTI = 0x0a,
    CMD_MAPI = 0x0b,
    CMD_INV = 0x0c,
    CMD_INVALL = 0x0d,
    CMD_MOVALL = 0x0e,
    CMD_DISCARD = 0x0f,
};

#define COMMAND_BYTES 32
#define VALID         BIT(63)
#define CTLR_QUIET    BIT(31)

/* GITS_TYPER: physical LPIs, ITT entries of 8 bytes, 16 bits of EventID and DeviceID; collections
 * by number. */
#define TYPER (BIT(0) | UINT64_C(7) << 4 | UINT64_C(15) << 8 | UINT64_C(15) << 13)

/* GITS_BASER0 is for devices (type 1), GITS_BASER1 for collections (type 4), 8 bytes an entry. */
static const uint64_t baser_fixed[] = {UINT64_C(1) << 56 | UINT64_C(7) << 48,
                                       UINT64_C(4) << 56 | UINT64_C(7) << 48};
#define BASER_FIXED (MASK(58, 56) | MASK(52, 48))

static struct lpi *find(struct vits *its, uint32_t device, uint32_t event)
{
    for (unsigned k = 0; k < LPIS_MAX; k++)
        if (its->lpi[k].irq.intid && its->lpi[k].device == device && its->lpi[k].event == event)
            return &its->lpi[k];
    return NULL;
}

static struct lpi *find_free(struct vits *its)
{
    for (unsigned k = 0; k < LPIS_MAX; k++)
        if (!its->lpi[k].irq.intid)
            return &its->lpi[k];
    return NULL;
}

struct virq *vits_irq(struct vm *vm, uint32_t intid)
{
    for (unsigned k = 0; vm->vgic.its && k < LPIS_MAX; k++)
        if (vm->vgic.its->lpi[k].irq.intid == intid)
            return &vm->vgic.its->lpi[k].irq;
    return NULL;
}

/* The byte of an LPI in the guest's table (GICR_PROPBASER): priority 7..2, enable 0. */
static void read_config(struct vm *vm, struct virq *i)
{
    uint64_t base = vm->vcpus[0].vgic.propbaser & MASK(51, 12);
    const uint8_t *config = vm_ram(vm, base + i->intid - LPI_FIRST, 1);

    i->enabled = config && *config & 1;
    i->priority = config ? *config & 0xf8 : 0;
    vgic_update(i);
}

static void read_all_configs(struct vm *vm)
{
    for (unsigned k = 0; vm->vgic.its && k < LPIS_MAX; k++)
        if (vm->vgic.its->lpi[k].irq.intid)
            read_config(vm, &vm->vgic.its->lpi[k].irq);
}

void vits_enable_lpis(struct vcpu *v)
{
    read_all_configs(v->vm);
}

static void retarget(struct vits *its, struct lpi *l)
{
    l->irq.target = l->collection < COLLECTIONS_MAX ? its->collection[l->collection] : NULL;
    vgic_update(&l->irq);
}

static void unmap(struct lpi *l)
{
    l->irq.latch = false;
    l->irq.enabled = false;
    l->irq.active = false;
    vgic_update(&l->irq);
    if (!l->irq.queued) /* else a list register has it; it comes out of the queue unpending, and
                           stays ours */
        l->irq.intid = 0;
}

static void map_event(struct vm *vm, uint32_t device, uint32_t event, uint32_t intid,
                      uint16_t collection)
{
    struct vits *its = vm->vgic.its;
    struct lpi *l = find(its, device, event);

    if (intid < LPI_FIRST || intid > 0xffff || l || vits_irq(vm, intid) || !(l = find_free(its)))
        return;
    *l = (struct lpi){.irq = {.intid = intid, .edge = true, .group1 = true},
                      .device = device,
                      .event = event,
                      .collection = collection};
    retarget(its, l);
    read_config(vm, &l->irq);
}

static void map_collection(struct vm *vm, uint16_t collection, uint64_t processor, bool valid)
{
    struct vits *its = vm->vgic.its;

    if (collection >= COLLECTIONS_MAX || (valid && processor >= vm->vcpu_count))
        return;
    its->collection[collection] = valid ? &vm->vcpus[processor] : NULL;
    for (unsigned k = 0; k < LPIS_MAX; k++)
        if (its->lpi[k].irq.intid && its->lpi[k].collection == collection)
            retarget(its, &its->lpi[k]);
}

static void unmap_device(struct vits *its, uint32_t device)
{
    for (unsigned k = 0; k < LPIS_MAX; k++)
        if (its->lpi[k].irq.intid && its->lpi[k].device == device)
            unmap(&its->lpi[k]);
}

static void move_all(struct vits *its, struct vcpu *from, struct vcpu *to)
{
    for (unsigned k = 0; k < COLLECTIONS_MAX; k++)
        if (its->collection[k] == from)
            its->collection[k] = to;
    for (unsigned k = 0; k < LPIS_MAX; k++)
        if (its->lpi[k].irq.intid)
            retarget(its, &its->lpi[k]);
}

static struct vcpu *processor(struct vm *vm, uint64_t number)
{
    return number < vm->vcpu_count ? &vm->vcpus[number] : NULL;
}

/* What a command does to one event. */
static void event_command(struct vm *vm, unsigned command, struct lpi *l, uint16_t collection)
{
    switch (command) {
    case CMD_INT:
        l->irq.latch = true;
        vgic_update(&l->irq);
        break;
    case CMD_CLEAR:
        l->irq.latch = false;
        vgic_update(&l->irq);
        break;
    case CMD_INV:
        read_config(vm, &l->irq);
        break;
    case CMD_MOVI:
        l->collection = collection;
        retarget(vm->vgic.its, l);
        break;
    case CMD_DISCARD:
        unmap(l);
        break;
    }
}

/* Doublewords of a command: 0 command 7..0, DeviceID 63..32; 1 EventID 31..0, pINTID 63..32; 2
 * ICID 15..0, RDbase 50..16, Valid 63; 3 a second RDbase. */
static void execute(struct vm *vm, const uint64_t *c)
{
    struct vits *its = vm->vgic.its;
    unsigned command = (unsigned)bits(c[0], 7, 0);
    uint32_t device = (uint32_t)(c[0] >> 32), event = (uint32_t)c[1];
    uint16_t collection = (uint16_t)c[2];
    struct lpi *l;

    switch (command) {
    case CMD_MAPD:
        if (!(c[2] & VALID))
            unmap_device(its, device);
        break;
    case CMD_MAPC:
        map_collection(vm, collection, bits(c[2], 50, 16), c[2] & VALID);
        break;
    case CMD_MAPTI:
        map_event(vm, device, event, (uint32_t)(c[1] >> 32), collection);
        break;
    case CMD_MAPI:
        map_event(vm, device, event, event, collection);
        break;
    case CMD_INVALL:
        read_all_configs(vm);
        break;
    case CMD_MOVALL:
        move_all(its, processor(vm, bits(c[2], 50, 16)), processor(vm, bits(c[3], 50, 16)));
        break;
    default:
        if ((l = find(its, device, event)))
            event_command(vm, command, l, collection);
    }
}

static uint64_t queue_bytes(const struct vits *its)
{
    return (bits(its->cbaser, 7, 0) + 1) * 4096;
}

/* All commands up to CWRITER. A queue outside RAM has none. */
static void run_queue(struct vm *vm)
{
    struct vits *its = vm->vgic.its;

    while (its->enabled && its->cbaser & VALID && its->creadr != its->cwriter) {
        const uint64_t *command =
            vm_ram(vm, (its->cbaser & MASK(51, 12)) + its->creadr, COMMAND_BYTES);

        if (!command)
            return;
        const uint64_t copy[4] = {command[0], command[1], command[2], command[3]};
        execute(vm, copy);
        its->creadr = (its->creadr + COMMAND_BYTES) % queue_bytes(its);
    }
}

static void put(uint64_t *reg, uint64_t offset, const struct mmio *m)
{
    if (m->bytes == 8)
        *reg = m->value;
    else
        *reg = offset & 4 ? set_bits(*reg, 63, 32, m->value) : set_bits(*reg, 31, 0, m->value);
}

static void write_register(struct vm *vm, uint64_t offset, const struct mmio *m)
{
    struct vits *its = vm->vgic.its;
    uint64_t n = (offset - GITS_BASER0) / 8;

    switch (offset & ~UINT64_C(7)) {
    case GITS_CTLR:
        if (offset == GITS_CTLR)
            its->enabled = m->value & 1;
        break;
    case GITS_CBASER:
        if (!its->enabled) {
            put(&its->cbaser, offset, m);
            its->creadr = 0;
        }
        break;
    case GITS_CWRITER:
        put(&its->cwriter, offset, m);
        its->cwriter = (its->cwriter & MASK(19, 5)) % queue_bytes(its);
        break;
    case GITS_BASER0:
    case GITS_BASER0 + 8:
        if (!its->enabled) {
            put(&its->baser[n], offset, m);
            its->baser[n] = (its->baser[n] & ~BASER_FIXED) | baser_fixed[n];
        }
        break;
    default:
        break;
    }
    run_queue(vm);
}

static uint64_t read_register(const struct vits *its, uint64_t offset)
{
    switch (offset & ~UINT64_C(7)) {
    case GITS_CTLR:
        return UINT64_C(0x43b) << 32 | CTLR_QUIET | its->enabled; /* and GITS_IIDR */
    case GITS_TYPER:
        return TYPER;
    case GITS_CBASER:
        return its->cbaser;
    case GITS_CWRITER:
        return its->cwriter;
    case GITS_CREADR:
        return its->creadr;
    case GITS_BASER0:
        return its->baser[0];
    case GITS_BASER0 + 8:
        return its->baser[1];
    case GITS_PIDR2:
        return 0x30;
    default:
        return 0;
    }
}

bool vits_mmio(struct vcpu *v, struct mmio *m)
{
    uint64_t offset = m->ipa - VGIC_ITS_BASE;

    if (!v->vm->vgic.its || m->ipa < VGIC_ITS_BASE || offset >= VGIC_ITS_SIZE)
        return false;
    uint64_t daif = lock_take(&v->vm->vgic.lock);
    if (m->write) {
        write_register(v->vm, offset, m);
    } else {
        uint64_t value = read_register(v->vm->vgic.its, offset);
        m->value = m->bytes == 8 ? value : offset & 4 ? value >> 32 : (uint32_t)value;
    }
    lock_drop(&v->vm->vgic.lock, daif);
    return true;
}

void vits_send(struct vm *vm, uint32_t device, uint32_t event)
{
    uint64_t daif = lock_take(&vm->vgic.lock);
    struct lpi *l =
        vm->vgic.its && vm->vgic.its->enabled ? find(vm->vgic.its, device, event) : NULL;

    if (l)
        event_command(vm, CMD_INT, l, 0);
    lock_drop(&vm->vgic.lock, daif);
}

void vits_init(struct vm *vm)
{
    if (vm->vgic.its)
        *vm->vgic.its = (struct vits){.baser = {baser_fixed[0], baser_fixed[1]}};
}
