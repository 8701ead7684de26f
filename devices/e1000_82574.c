/* What the 82574L does with its interrupts (7.4 of its datasheet): causes of queues, which of them
 * a read takes away, and messages by MSI-X. */
#include "base/bits.h"
#include "devices/e1000_internal.h"

#define CTRL_EXT_EIAME UINT32_C(0x01000000) /* a message masks its cause, if IAM has it */
#define CTRL_EXT_IAME  UINT32_C(0x08000000) /* and so does it to read or write ICR */
#define IVAR_VECTOR    7u
#define IVAR_VALID     8u

/* 10.2.4.1: what the others are that are not of a queue. */
#define OTHERS (E1000_LSC | E1000_RXO | E1000_MDAC)

/* By the bit of ICR: where IVAR (10.2.4.9) has the cause's vector. */
static const struct {
    uint32_t cause;
    unsigned ivar;
} vectors[] = {
    {E1000_RXQ0, 0},
    {E1000_TXQ0, 8},
    {E1000_OTHER, 16},
};

uint32_t e1000_82574_causes(uint32_t causes)
{
    if (causes & (E1000_RXT0 | E1000_RXDMT0))
        causes |= E1000_RXQ0;
    if (causes & E1000_TXDW)
        causes |= E1000_TXQ0;
    if (causes & OTHERS)
        causes |= E1000_OTHER;
    return causes & ~E1000_ASSERTED;
}

static bool is_asserted(struct e1000 *e)
{
    return *e1000_reg(e, E1000_ICR) & *e1000_reg(e, E1000_IMS);
}

static void mask_acknowledged(struct e1000 *e)
{
    if (is_asserted(e) && (*e1000_reg(e, E1000_CTRL_EXT) & CTRL_EXT_IAME))
        *e1000_reg(e, E1000_IMS) &= ~*e1000_reg(e, E1000_IAM);
}

/* Causes that are all masked stay, but if no cause at all is wanted. */
uint32_t e1000_82574_read_icr(struct e1000 *e)
{
    uint32_t causes = *e1000_reg(e, E1000_ICR);
    bool asserted = is_asserted(e);

    mask_acknowledged(e);
    if (asserted || !*e1000_reg(e, E1000_IMS))
        *e1000_reg(e, E1000_ICR) = 0;
    e1000_update(e);
    return causes | (asserted ? E1000_ASSERTED : 0);
}

void e1000_82574_write_icr(struct e1000 *e, uint32_t value)
{
    mask_acknowledged(e);
    *e1000_reg(e, E1000_ICR) &= ~value;
}

/* 7.4.2: a message as a cause comes that is not masked; it may take the cause away, and mask it. */
void e1000_82574_send_messages(struct e1000 *e)
{
    uint32_t *icr = e1000_reg(e, E1000_ICR), *ims = e1000_reg(e, E1000_IMS);
    uint32_t ivar = *e1000_reg(e, E1000_IVAR), clear = *e1000_reg(e, E1000_EIAC);
    uint32_t mask = *e1000_reg(e, E1000_CTRL_EXT) & CTRL_EXT_EIAME ? *e1000_reg(e, E1000_IAM) : 0;

    if (!pci_msix_enabled(&e->function)) {
        e->told = 0;
        return;
    }
    e->told &= *icr & *ims;
    for (size_t k = 0; k < ARRAY_SIZE(vectors); k++) {
        uint32_t cause = *icr & *ims & ~e->told & vectors[k].cause,
                 vector = (uint32_t)bits(ivar, vectors[k].ivar + 3, vectors[k].ivar);
        if (!cause || !(vector & IVAR_VALID))
            continue;
        pci_msix_signal(&e->function, vector & IVAR_VECTOR);
        *icr &= ~(clear & cause);
        *ims &= ~(mask & cause);
        e->told |= cause & *icr & *ims;
    }
}
