/* Snapshots in memory. docs/decisions/011-snapshots.md says what is shared and what is copied. */
#include "machine/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/context.h"
#include "machine/machine.h"

static int check_calm(const struct arm_machine *m, const char *what, struct arm_error *err)
{
    if (m->parallel)
        return error_set(err, ARM_ENOTSUP, "no snapshot can be %s of a machine of parallel CPUs",
                         what);
    if (m->current)
        return error_set(err, ARM_EINVAL, "a snapshot cannot be %s from within a callback", what);
    return 0;
}

/* What the guest has seen of a failure of the host would be kept. */
static int check_sound(const struct arm_machine *m, struct arm_error *err)
{
    return m->failure.code ? error_set(err, m->failure.code, "no snapshot, the host failed: %s",
                                       m->failure.text)
                           : 0;
}

/* A file that the guest changes would be another one when the snapshot is restored. */
static int check_disks(struct arm_machine *m, struct arm_error *err)
{
    for (unsigned n = 0; n < VIRT_DISKS; n++) {
        const struct disk *disk = virt_board_disk(&m->board, n);
        if (disk && disk->mode == DISK_WRITABLE)
            return error_set(
                err, ARM_ENOTSUP,
                "%s: the guest writes this file itself, of which a snapshot would keep "
                "nothing: expected a disk in snapshot mode",
                disk->path);
    }
    return 0;
}

#define PIECE ((size_t)1 << 20)

/* Snapshots one after the other have about as much to save: in memory of one size, which one that
 * is freed leaves to the next. What the host's fresh pages cost is more than to fill them. */
static int save_state(struct arm_machine *m, struct arm_snapshot *s, struct arm_error *err)
{
    struct state_io io;

    state_io_save(&io);
    if (m->snapshot_bytes)
        state_reserve(&io, align_up(m->snapshot_bytes + PIECE / 8, PIECE));
    machine_state(&io, m);
    if (state_failed(&io)) {
        int rc = error_set(err, io.error.code, "%s", io.error.text);
        state_io_destroy(&io);
        return rc;
    }
    s->state_size = m->snapshot_bytes = io.len;
    s->state = io.out;
    return 0;
}

static int take_memory(struct arm_machine *m, bool lend, struct arm_snapshot *s,
                       struct arm_error *err)
{
    int rc = physmem_take(&m->mem, lend, s->ram, err);

    if (rc < 0)
        return rc;
    s->bank_count = m->mem.bank_count;
    for (unsigned n = 0; n < s->bank_count; n++)
        s->bank_base[n] = m->mem.banks[n].base;
    for (unsigned k = 0; k < m->cpu_count; k++)
        tlb_share_writes(m->cpus[k]->tlb);
    return 0;
}

static int take_disks(struct arm_machine *m, struct arm_snapshot *s, struct arm_error *err)
{
    for (unsigned n = 0; n < VIRT_DISKS; n++) {
        const struct disk *disk = virt_board_disk(&m->board, n);
        if (!disk || !disk->has_overlay)
            continue;
        s->has_disk[n] = disk_take(disk, &s->disk[n]);
        if (!s->has_disk[n])
            return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
    }
    return 0;
}

static struct arm_snapshot *take(struct arm_machine *m, bool lend, struct arm_error *err)
{
    struct arm_error none;
    struct arm_snapshot *s;

    if (!err)
        err = &none;
    if (check_calm(m, "taken", err) < 0 || check_sound(m, err) < 0 || check_disks(m, err) < 0)
        return NULL;
    s = calloc(1, sizeof(*s));
    if (s)
        s->facts = strdup(m->facts);
    if (!s || !s->facts) {
        free(s);
        error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
        return NULL;
    }
    s->retired = m->retired;
    s->time_ns = m->clock.now_ns;
    if (save_state(m, s, err) < 0 || take_memory(m, lend, s, err) < 0 ||
        take_disks(m, s, err) < 0) {
        arm_snapshot_free(s);
        return NULL;
    }
    return s;
}

struct arm_snapshot *arm_snapshot_take(struct arm_machine *m, struct arm_error *err)
{
    return take(m, false, err);
}

struct arm_snapshot *arm_snapshot_borrow(struct arm_machine *m, struct arm_error *err)
{
    return take(m, true, err);
}

void arm_snapshot_free(struct arm_snapshot *s)
{
    if (!s)
        return;
    for (unsigned n = 0; n < s->bank_count; n++)
        ram_contents_destroy(&s->ram[n]);
    for (unsigned n = 0; n < VIRT_DISKS; n++)
        if (s->has_disk[n])
            blocks_destroy(&s->disk[n]);
    free(s->state);
    free(s->facts);
    free(s);
}

bool arm_snapshot_shares(const struct arm_snapshot *a, const struct arm_snapshot *b, uint64_t pa)
{
    for (unsigned n = 0; n < a->bank_count && n < b->bank_count; n++) {
        uint64_t page = (pa - a->bank_base[n]) >> PAGE_SHIFT;
        if (pa < a->bank_base[n] || page >= a->ram[n].pages.count)
            continue;
        return a->bank_base[n] == b->bank_base[n] && a->ram[n].image == b->ram[n].image &&
               page < b->ram[n].pages.count &&
               blocks_next_unshared(&a->ram[n].pages, &b->ram[n].pages, page) != page;
    }
    return false;
}

static int restore_disks(struct arm_machine *m, const struct arm_snapshot *s, struct arm_error *err)
{
    for (unsigned n = 0; n < VIRT_DISKS; n++)
        if (s->has_disk[n] && !disk_restore(virt_board_disk(&m->board, n), &s->disk[n]))
            return error_set(err, ARM_ENOMEM, "a snapshot: the host has no memory");
    return 0;
}

static int restore_state(struct arm_machine *m, const struct arm_snapshot *s, struct arm_error *err)
{
    char name[STATE_NAME_MAX];
    struct state_io io;
    uint32_t version;

    state_io_restore(&io, s->state, s->state_size);
    machine_state(&io, m);
    if (!state_failed(&io) && state_section_next(&io, name, &version))
        state_fail(&io, ARM_EINVAL, "a section %s, which this machine has not", name);
    return state_failed(&io) ? error_set(err, io.error.code, "%s", io.error.text) : 0;
}

/* Nobody is told of what is put back: it is no event of the run. */
static int restore_all(struct arm_machine *m, const struct arm_snapshot *s, struct arm_error *err)
{
    uint64_t mask = m->probes.mask;

    m->probes.mask = 0;
    int rc = physmem_restore(&m->mem, s->ram, err);
    if (rc == 0)
        rc = restore_disks(m, s, err);
    if (rc == 0)
        rc = restore_state(m, s, err);
    m->probes.mask = mask;
    for (unsigned k = 0; k < m->cpu_count; k++) {
        cpu_contexts_forget(m->cpus[k]);
        m->cpus[k]->held.at = m->cpus[k]->marked.at = 0; /* what was told of is to come again */
    }
    return rc;
}

int arm_snapshot_restore(struct arm_machine *m, const struct arm_snapshot *s, struct arm_error *err)
{
    int rc = check_calm(m, "restored", err);

    if (rc == 0 && m->input.out)
        rc = error_set(err, ARM_EINVAL, "%s: input is recorded, and would be of two runs",
                       m->input.path);
    if (rc == 0)
        rc = check_disks(m, err);
    if (rc == 0)
        rc = machine_facts_fit(s->facts, m->facts, err);
    if (rc == 0)
        rc = restore_all(m, s, err);
    if (rc == 0)
        m->failure = (struct arm_error){0};
    return rc;
}
