/* The decoder: any word, at any place in a page, has a row and fills a record whose operands are
 * in range. */
#include "arch/insn.h"
#include "tests/fuzz/input.h"

static void check(uint32_t word, unsigned page_offset)
{
    enum a64_op op = a64_lookup(word);
    struct insn i;

    memset(&i, 0xff, sizeof(i));
    a64_decode(word, page_offset, &i);
    CHECK(op <= A64_UNALLOCATED);
    CHECK((word & a64_rows[op].mask) == a64_rows[op].value);
    CHECK(i.op == op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};

    while (in.left > 0) {
        uint32_t word = (uint32_t)take(&in, 4);
        unsigned row = (unsigned)take(&in, 2), page_offset = (unsigned)take(&in, 2) & 0xffc;

        check(word, page_offset);
        const struct a64_row *r = &a64_rows[row % A64_OP_COUNT];
        check((word & ~r->mask) | r->value, page_offset);
    }
    return 0;
}
