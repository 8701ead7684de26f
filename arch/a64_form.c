#include "arch/a64_form.h"

#include "base/bits.h"

void a64_form_RAW(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = word;
}

void a64_form_ADDSUB_IMM(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)(bits(word, 21, 10) << (bit(word, 22) ? 12 : 0));
    i->sz = bit(word, 31);
}
