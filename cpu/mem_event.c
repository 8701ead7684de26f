/* The event of a memory access: what kind it is, and whose value it moves. */
#include <string.h>

#include "cpu/events.h"
#include "cpu/mem_access.h"

/* ACC_xxx as an event's subscribers know them. */
static uint16_t kind_of(const struct access *a, bool device)
{
    static const struct {
        unsigned acc;
        uint16_t kind;
    } kinds[] = {{ACC_UNPRIV, ARM_MEM_UNPRIV}, {ACC_EXCL, ARM_MEM_EXCLUSIVE},
                 {ACC_ATOMIC, ARM_MEM_ATOMIC}, {ACC_ORDERED, ARM_MEM_ORDERED},
                 {ACC_FP, ARM_MEM_FP},         {ACC_PAIR, ARM_MEM_PAIR},
                 {ACC_ZERO, ARM_MEM_ZERO}};
    uint16_t kind = (uint16_t)((a->write ? ARM_MEM_WRITE : 0) | (device ? ARM_MEM_DEVICE : 0));

    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        kind |= a->acc & kinds[k].acc ? kinds[k].kind : 0;
    return kind;
}

/* An operand of an access as an event names it. */
static uint8_t reg_name(const struct access *a, unsigned reg)
{
    return (uint8_t)(a->acc & ACC_FP ? reg % 32 : reg < 31 ? reg : 31);
}

/* Whose value it is. Of two registers in one access the first is at the lower address, which is the
 * value's upper half in big-endian order. */
static void name_registers(const struct access *a, bool big_endian, struct arm_event *e)
{
    const struct insn *i = a->i;
    unsigned reg = a->acc & ACC_VALUE_RM ? i->rm : a->acc & ACC_VALUE_RA ? i->ra : i->rd;

    e->mem.reg = e->mem.reg2 = ARM_NO_REG;
    if (a->acc & (ACC_VALUE_NONE | ACC_ZERO))
        return;
    e->mem.reg = reg_name(a, reg + ACC_VALUE_NTH_OF(a->acc));
    if (a->acc & ACC_VALUE_TWO) {
        uint8_t first = e->mem.reg, second = reg_name(a, a->acc & ACC_EXCL ? i->ra : reg + 1);
        e->mem.reg = big_endian ? second : first;
        e->mem.reg2 = big_endian ? first : second;
    }
}

void mem_tell(const struct access *a, const uint64_t pa[2], bool device, bool big_endian,
              const uint8_t *value)
{
    struct arm_event e = {.kind = ARM_EVENT_MEM,
                          .mem = {.va = a->va,
                                  .pa = pa[0],
                                  .pa2 = pa[1],
                                  .size = (uint8_t)a->size,
                                  .kind = kind_of(a, device)}};

    name_registers(a, big_endian, &e);
    memcpy(e.mem.value, value, a->size < 16 ? a->size : 16);
    cpu_fire_insn(a->cpu, a->i, &e);
}
