/*
 * The interrupt translation service (IHI0069 5.2, 5.3): what (DeviceID, EventID) pairs mean
 * is looked up in tables in guest memory at every use; nothing of them is cached. Commands are done
 * at the write that makes them visible (GITS_CWRITER, GITS_CTLR), at most one queue of them.
 *
 * Our formats, 8 bytes an entry, little-endian; software only zeroes the memory:
 *   device table      63 valid, 51:8 address of the ITT, 4:0 bits of EventID minus 1
 *   collection table  63 valid, 15:0 processor number (GICR_TYPER.Processor_Number)
 *   ITT               63 valid, 47:32 ICID, 23:0 INTID of the LPI
 *   first level       63 valid, 51:12 address of the second level's page (architected)
 *
 * CU-choice: a wrong command (parameters out of range, something not mapped, memory that is not
 * RAM) is logged and has no other effect. The ITS stalls only at a command it cannot read.
 */
#include "base/dma.h"
#include "gic/internal.h"

#define COMMAND_BYTES 32

#define L1_ADDRESS  MASK(51, 12)
#define ITT_ADDRESS MASK(51, 8)

static const struct dma_master master = {ARM_DMA_ITS, 0, NULL};

/* ---- tables ---- */

static bool read_entry(const struct gic_its *its, uint64_t where, uint64_t *entry)
{
    return dma_read(its->gic->mem, master, pa(where), entry, sizeof(*entry));
}

static bool write_entry(const struct gic_its *its, uint64_t where, uint64_t entry)
{
    return dma_write(its->gic->mem, master, pa(where), &entry, sizeof(entry));
}

static uint64_t table_page_bytes(uint64_t baser)
{
    static const uint32_t bytes[] = {0x1000, 0x4000, 0x10000, 0x10000}; /* 3 is reserved */

    return bytes[bits(baser, 9, 8)];
}

/* With 64K pages bits 15:12 of the field are bits 51:48 of the address. */
static uint64_t table_base(uint64_t baser)
{
    if (table_page_bytes(baser) == 0x10000)
        return (baser & MASK(47, 16)) | bits(baser, 15, 12) << 48;
    return baser & MASK(47, 12);
}

/* Where entry @index of @table is; false if the table has no such entry. */
static bool table_entry(const struct gic_its *its, enum its_table table, uint64_t index,
                        uint64_t *where)
{
    uint64_t baser = its->baser[table], page = table_page_bytes(baser), base = table_base(baser);
    uint64_t entries = (bits(baser, 7, 0) + 1) * page / ITS_ENTRY_BYTES, l1;

    if (!(baser & ITS_VALID))
        return false;
    if (baser & GITS_BASER_Indirect) {
        uint64_t per_page = page / ITS_ENTRY_BYTES;

        if (index / per_page >= entries ||
            !read_entry(its, base + index / per_page * ITS_ENTRY_BYTES, &l1) || !(l1 & ITS_VALID))
            return false;
        base = l1 & L1_ADDRESS & ~(page - 1);
        index %= per_page;
    } else if (index >= entries) {
        return false;
    }
    *where = base + index * ITS_ENTRY_BYTES;
    return true;
}

static bool table_read(const struct gic_its *its, enum its_table table, uint64_t index,
                       uint64_t *entry)
{
    uint64_t where;

    return index >> ITS_ID_BITS == 0 && table_entry(its, table, index, &where) &&
           read_entry(its, where, entry) && (*entry & ITS_VALID);
}

static bool table_write(const struct gic_its *its, enum its_table table, uint64_t index,
                        uint64_t entry)
{
    uint64_t where;

    return index >> ITS_ID_BITS == 0 && table_entry(its, table, index, &where) &&
           write_entry(its, where, entry);
}

/* The redistributor of collection @icid, NULL if it is not mapped. */
static struct gic_cpu *collection(const struct gic_its *its, uint64_t icid)
{
    struct gic *gic = its->gic;
    uint64_t entry;

    if (!table_read(its, TABLE_COLLECTIONS, icid, &entry) || bits(entry, 15, 0) >= gic->cpus)
        return NULL;
    return &gic->cpu[bits(entry, 15, 0)];
}

/* What an event is translated to. */
struct event {
    uint64_t where; /* of its ITT entry */
    uint32_t intid, icid;
    struct gic_cpu *cpu; /* NULL: the collection is not mapped */
};

/* Where the ITT entry of an event is; false if the device is not mapped or has no such event. */
static bool itt_entry(const struct gic_its *its, uint64_t device, uint64_t event, uint64_t *where)
{
    uint64_t dte;

    if (!table_read(its, TABLE_DEVICES, device, &dte) || event >> (bits(dte, 4, 0) + 1))
        return false;
    *where = (dte & ITT_ADDRESS) + event * ITS_ENTRY_BYTES;
    return true;
}

static bool translate(const struct gic_its *its, uint64_t device, uint64_t event, struct event *e)
{
    uint64_t entry;

    if (!itt_entry(its, device, event, &e->where) || !read_entry(its, e->where, &entry) ||
        !(entry & ITS_VALID))
        return false;
    e->intid = (uint32_t)bits(entry, 23, 0);
    e->icid = (uint32_t)bits(entry, 47, 32);
    e->cpu = collection(its, e->icid);
    return true;
}

/* What commands cost in the bytes of base/pace.h: MOVALL looks at every LPI
 * of two redistributors. */
#define COMMAND_COST 64
#define MOVALL_COST  8192

/* ---- commands: false means the command is wrong ---- */

struct command {
    uint64_t dw[4];
};

static uint64_t device_id(const struct command *cmd)
{
    return bits(cmd->dw[0], 63, 32);
}

static uint64_t event_id(const struct command *cmd)
{
    return bits(cmd->dw[1], 31, 0);
}

static uint64_t icid(const struct command *cmd)
{
    return bits(cmd->dw[2], 15, 0);
}

/* RDbase as GITS_TYPER.PTA == 0 has it. NULL: there is no such redistributor. */
static struct gic_cpu *rdbase(const struct gic_its *its, uint64_t dw)
{
    uint64_t number = bits(dw, 51, 16);

    return number < its->gic->cpus ? &its->gic->cpu[number] : NULL;
}

static bool command_event(const struct gic_its *its, const struct command *cmd, struct event *e)
{
    return translate(its, device_id(cmd), event_id(cmd), e) && e->cpu;
}

static bool do_MOVI(struct gic_its *its, const struct command *cmd)
{
    struct gic_cpu *to = collection(its, icid(cmd));
    struct event e;

    if (!to || !command_event(its, cmd, &e) ||
        !write_entry(its, e.where, ITS_VALID | icid(cmd) << 32 | e.intid))
        return false;
    if (gic_lpi_pending(e.cpu, e.intid)) {
        gic_lpi_clear(e.cpu, e.intid);
        gic_lpi_set(to, e.intid);
    }
    return true;
}

static bool do_INT(struct gic_its *its, const struct command *cmd)
{
    struct event e;

    if (!command_event(its, cmd, &e))
        return false;
    gic_lpi_set(e.cpu, e.intid);
    return true;
}

static bool do_CLEAR(struct gic_its *its, const struct command *cmd)
{
    struct event e;

    if (!command_event(its, cmd, &e))
        return false;
    gic_lpi_clear(e.cpu, e.intid);
    return true;
}

/* Effects are immediate. */
static bool do_SYNC(struct gic_its *its, const struct command *cmd)
{
    return rdbase(its, cmd->dw[2]) != NULL;
}

static bool do_MAPD(struct gic_its *its, const struct command *cmd)
{
    uint64_t size = bits(cmd->dw[1], 4, 0), entry = 0;

    if (cmd->dw[2] & ITS_VALID) {
        if (size >= ITS_ID_BITS)
            return false;
        entry = ITS_VALID | (cmd->dw[2] & ITT_ADDRESS) | size;
    }
    return table_write(its, TABLE_DEVICES, device_id(cmd), entry);
}

static bool do_MAPC(struct gic_its *its, const struct command *cmd)
{
    struct gic_cpu *c = rdbase(its, cmd->dw[2]);
    uint64_t entry = 0;

    if (cmd->dw[2] & ITS_VALID) {
        if (!c)
            return false;
        entry = ITS_VALID | c->index;
    }
    return table_write(its, TABLE_COLLECTIONS, icid(cmd), entry);
}

static bool map_event(struct gic_its *its, const struct command *cmd, uint64_t intid)
{
    uint64_t where;

    return intid >= INTID_LPI && intid >> LPI_ID_BITS == 0 &&
           itt_entry(its, device_id(cmd), event_id(cmd), &where) &&
           write_entry(its, where, ITS_VALID | icid(cmd) << 32 | intid);
}

static bool do_MAPTI(struct gic_its *its, const struct command *cmd)
{
    return map_event(its, cmd, bits(cmd->dw[1], 63, 32));
}

static bool do_MAPI(struct gic_its *its, const struct command *cmd)
{
    return map_event(its, cmd, event_id(cmd));
}

static bool do_INV(struct gic_its *its, const struct command *cmd)
{
    struct event e;

    if (!command_event(its, cmd, &e))
        return false;
    if (gic_lpi_pending(e.cpu, e.intid))
        gic_lpi_invalidate(e.cpu);
    return true;
}

static bool do_INVALL(struct gic_its *its, const struct command *cmd)
{
    struct gic_cpu *c = collection(its, icid(cmd));

    if (!c)
        return false;
    gic_lpi_invalidate(c);
    return true;
}

static bool do_MOVALL(struct gic_its *its, const struct command *cmd)
{
    struct gic_cpu *from = rdbase(its, cmd->dw[2]), *to = rdbase(its, cmd->dw[3]);

    if (!from || !to)
        return false;
    pace_spend(&its->pace, MOVALL_COST);
    gic_lpi_move_all(from, to);
    return true;
}

/* An event whose collection is gone is unmapped all the same. */
static bool do_DISCARD(struct gic_its *its, const struct command *cmd)
{
    struct event e;

    if (!translate(its, device_id(cmd), event_id(cmd), &e) || !write_entry(its, e.where, 0))
        return false;
    if (e.cpu)
        gic_lpi_clear(e.cpu, e.intid);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct gic_its *its, const struct command *cmd);
} commands[] = {
#define COMMAND(name, code) [code] = {#name, do_##name},
#include "gic/its_commands.def"
#undef COMMAND
};

/* What an event lacks, by the tables as they are. */
static const char *what_event_lacks(const struct gic_its *its, uint64_t device, uint64_t event)
{
    uint64_t entry;
    struct event e;

    return !table_read(its, TABLE_DEVICES, device, &entry) ? ": its device has no MAPD"
           : event >> (bits(entry, 4, 0) + 1)              ? ": its device has fewer events"
           : !translate(its, device, event, &e)            ? ": it has no MAPTI"
           : !e.cpu                                        ? ": its collection has no MAPC"
                                                           : "";
}

/* Why a command of an event was ignored; "" for others. */
static const char *why_ignored(const struct gic_its *its, const struct command *cmd)
{
    bool (*run)(struct gic_its *, const struct command *) = commands[bits(cmd->dw[0], 7, 0)].run;

    return run == do_INT || run == do_CLEAR || run == do_INV || run == do_MOVI || run == do_DISCARD
               ? what_event_lacks(its, device_id(cmd), event_id(cmd))
               : "";
}

static void run_command(struct gic_its *its, const struct command *cmd)
{
    unsigned code = (unsigned)bits(cmd->dw[0], 7, 0);

    if (code >= ARRAY_SIZE(commands) || !commands[code].run)
        LOG(its->gic->log, GIC, GUEST, "its: command %#x: no such command", code);
    else if (!commands[code].run(its, cmd))
        LOG(its->gic->log, GIC, GUEST, "its: %s %016llx %016llx %016llx %016llx: ignored%s",
            commands[code].name, (unsigned long long)cmd->dw[0], (unsigned long long)cmd->dw[1],
            (unsigned long long)cmd->dw[2], (unsigned long long)cmd->dw[3], why_ignored(its, cmd));
}

static uint32_t queue_bytes(const struct gic_its *its)
{
    return ((uint32_t)bits(its->cbaser, 7, 0) + 1) * 0x1000;
}

/*
 * Everything between CREADR and CWRITER: less than a queue, as CREADR never passes CWRITER. A long
 * queue goes on while the guest runs, which sees CREADR move.
 * CU-choice: nothing is read while CWRITER is outside the queue.
 */
void its_run_queue(struct gic_its *its)
{
    struct gic *gic = its->gic;
    struct command cmd;

    if (!its->enabled || its->stalled || !(its->cbaser & ITS_VALID) ||
        its->cwriter >= queue_bytes(its) || its->creadr == its->cwriter)
        return;
    while (its->creadr != its->cwriter) {
        if (pace_left(&its->pace) == 0) {
            pace_wait(&its->pace);
            break;
        }
        uint64_t where = (its->cbaser & GITS_CBASER_ADDRESS) + its->creadr;

        if (!dma_read(gic->mem, master, pa(where), &cmd, sizeof(cmd))) {
            LOG(gic->log, GIC, GUEST, "its: command queue at %#llx is not RAM",
                (unsigned long long)where);
            its->stalled = true;
            break;
        }
        pace_spend(&its->pace, COMMAND_COST);
        run_command(its, &cmd);
        its->creadr = (its->creadr + COMMAND_BYTES) % queue_bytes(its);
    }
    for (unsigned k = 0; k < gic->cpus; k++)
        gic_update_cpu(&gic->cpu[k]);
}

void its_go_on(void *its, uint64_t now_ns)
{
    (void)now_ns;
    its_run_queue(its);
}

/* ---- messages ---- */

void its_message(struct gic_its *its, uint32_t device, uint32_t event)
{
    struct event e;

    if (!its->enabled)
        return;
    if (!translate(its, device, event, &e) || !e.cpu) {
        LOG(its->gic->log, GIC, GUEST, "its: device %#x, event %#x: not mapped%s", device, event,
            what_event_lacks(its, device, event));
        return;
    }
    gic_lpi_set(e.cpu, e.intid);
    gic_update_cpu(e.cpu);
}

void gic_msi(struct gic *gic, uint32_t device_id, uint32_t event_id)
{
    if (gic->mem)
        its_message(&gic->its, device_id, event_id);
}
