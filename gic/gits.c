/* The registers of the ITS: GITS_*, IHI0069 ch. 12. */
#include "base/bits.h"
#include "gic/internal.h"

#define TRANSLATION_BASE 0x10000

#define GITS_CTLR_Enabled   BIT(0)
#define GITS_CTLR_Quiescent BIT(31)

#define CWRITER_Retry  BIT(0)
#define CREADR_Stalled BIT(0)

#define CBASER_WRITABLE                                                                            \
    (ITS_VALID | MASK(61, 59) | MASK(55, 53) | GITS_CBASER_ADDRESS | MASK(11, 10) | 0xff)
#define GITS_BASER_Page_Size_64K (UINT64_C(2) << 8)
#define BASER_WRITABLE           (ITS_VALID | GITS_BASER_Indirect | MASK(61, 59) | MASK(55, 53) | MASK(47, 0))

/* GITS_BASER<n>.Type of the tables. */
static const uint8_t table_types[] = {[TABLE_DEVICES] = 1, [TABLE_COLLECTIONS] = 4};

static struct gic_its *its_of(struct device *dev)
{
    return (struct gic_its *)dev;
}

static uint64_t read_ctlr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return its_of(dev)->enabled ? GITS_CTLR_Enabled : GITS_CTLR_Quiescent;
}

static void write_ctlr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_its *its = its_of(dev);

    (void)offset;
    (void)size;
    its->enabled = value & GITS_CTLR_Enabled;
    its_run_queue(its);
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)offset;
    (void)size;
    return GIC_IIDR;
}

/* Physical LPIs; ID sizes; PTA 0: processor numbers; HCC 0: collections are in memory. */
static uint64_t read_typer(struct device *dev, uint64_t offset, unsigned size)
{
    uint64_t typer = BIT(36) | (uint64_t)(ITS_ID_BITS - 1) << 32 | (ITS_ID_BITS - 1) << 13 |
                     (ITS_ID_BITS - 1) << 8 | (ITS_ENTRY_BYTES - 1) << 4 | BIT(0);

    (void)dev;
    return reg64_get(typer, offset, size);
}

static uint64_t read_cbaser(struct device *dev, uint64_t offset, unsigned size)
{
    return reg64_get(its_of(dev)->cbaser, offset, size);
}

/* CU-choice: GITS_CBASER and GITS_BASER<n> ignore writes while the ITS is enabled. */
static void write_cbaser(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_its *its = its_of(dev);

    if (its->enabled)
        return;
    its->cbaser = reg64_put(its->cbaser, offset, size, value) & CBASER_WRITABLE;
    its->creadr = 0;
    its->stalled = false;
}

static uint64_t read_cwriter(struct device *dev, uint64_t offset, unsigned size)
{
    return reg64_get(its_of(dev)->cwriter, offset, size);
}

static void write_cwriter(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_its *its = its_of(dev);
    uint64_t whole = reg64_put(its->cwriter, offset, size, value);

    its->cwriter = (uint32_t)(whole & ITS_OFFSET_FIELD);
    if (whole & CWRITER_Retry)
        its->stalled = false;
    its_run_queue(its);
}

static uint64_t read_creadr(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic_its *its = its_of(dev);

    return reg64_get(its->creadr | (its->stalled ? CREADR_Stalled : 0), offset, size);
}

static uint64_t read_baser(struct device *dev, uint64_t offset, unsigned size)
{
    unsigned n = (unsigned)(offset - 0x100) / 8;
    uint64_t fixed;

    if (n >= ARRAY_SIZE(table_types))
        return 0;
    fixed = (uint64_t)table_types[n] << 56 | (uint64_t)(ITS_ENTRY_BYTES - 1) << 48;
    return reg64_get(its_of(dev)->baser[n] | fixed, offset, size);
}

static void write_baser(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_its *its = its_of(dev);
    unsigned n = (unsigned)(offset - 0x100) / 8;

    if (n < ARRAY_SIZE(table_types) && !its->enabled)
        its->baser[n] = reg64_put(its->baser[n], offset, size, value) & BASER_WRITABLE;
}

/* A CPU that writes the register itself is device 0 (IMPLEMENTATION DEFINED). */
static void write_translater(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset;
    (void)size;
    its_message(its_of(dev), 0, (uint32_t)value);
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)size;
    return gic_id_register(offset, 0x94, 3);
}

static const struct reg_row gits_regs[] = {
    {"GITS_CTLR", 0x0000, 4, REG_SIZE_32, read_ctlr, write_ctlr},
    {"GITS_IIDR", 0x0004, 4, REG_SIZE_32, read_iidr, NULL},
    {"GITS_TYPER", 0x0008, 8, REG_SIZE_32 | REG_SIZE_64, read_typer, NULL},
    {"GITS_MPAMIDR", 0x0010, 4, REG_SIZE_32, NULL, NULL},
    {"GITS_PARTIDR", 0x0014, 4, REG_SIZE_32, NULL, NULL},
    {"GITS_MPIDR", 0x0018, 4, REG_SIZE_32, NULL, NULL},
    {"GITS_STATUSR", 0x0040, 4, REG_SIZE_32, NULL, NULL},
    {"GITS_UMSIR", 0x0048, 8, REG_SIZE_32 | REG_SIZE_64, NULL, NULL},
    {"GITS_CBASER", 0x0080, 8, REG_SIZE_32 | REG_SIZE_64, read_cbaser, write_cbaser},
    {"GITS_CWRITER", 0x0088, 8, REG_SIZE_32 | REG_SIZE_64, read_cwriter, write_cwriter},
    {"GITS_CREADR", 0x0090, 8, REG_SIZE_32 | REG_SIZE_64, read_creadr, NULL},
    {"GITS_BASER", 0x0100, 0x40, REG_SIZE_32 | REG_SIZE_64, read_baser, write_baser},
    {"GITS_PIDR, GITS_CIDR", GIC_ID_OFFSET, 0x30, REG_SIZE_32, read_id, NULL},
    {"GITS_TRANSLATER", TRANSLATION_BASE + 0x0040, 4, REG_SIZE_16 | REG_SIZE_32, NULL,
     write_translater},
    {NULL, 0, 0, 0, NULL, NULL},
};

/* Page_Size resets to an UNKNOWN value: here as on QEMU and KVM, which software has
 * come to expect. */
void gic_its_reset(struct gic_its *its)
{
    if (its->gic->mem)
        pace_stop(&its->pace);
    its->enabled = its->stalled = false;
    its->cbaser = 0;
    its->cwriter = its->creadr = 0;
    its->baser[TABLE_DEVICES] = its->baser[TABLE_COLLECTIONS] = GITS_BASER_Page_Size_64K;
}

const struct device_ops gits_ops = {.name = "gits", .regs = gits_regs};
