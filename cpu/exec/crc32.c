/* CRC32 and CRC32C (FEAT_CRC32): four bits a step, the remainders of one nibble in a table. */
#include "cpu/exec.h"

/* Remainders by the bit-reversed polynomials 0x04c11db7 and 0x1edc6f41. */
static const uint32_t crc32_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};
static const uint32_t crc32c_nibble[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static enum exec_result crc32(struct cpu *cpu, const struct insn *i, const uint32_t table[16],
                              unsigned bytes)
{
    uint64_t value = cpu->x[i->rm];
    uint32_t acc = (uint32_t)cpu->x[i->rn];

    for (unsigned k = 0; k < bytes * 2; k++) {
        acc = acc >> 4 ^ table[(acc ^ value) & 15];
        value >>= 4;
    }
    cpu->x[i->rd] = acc;
    return EXEC_NEXT;
}

#define CRC32_ROWS(X)                                                                              \
    X(CRC32B, crc32_nibble, 1)                                                                     \
    X(CRC32H, crc32_nibble, 2)                                                                     \
    X(CRC32W, crc32_nibble, 4)                                                                     \
    X(CRC32X, crc32_nibble, 8)                                                                     \
    X(CRC32CB, crc32c_nibble, 1)                                                                   \
    X(CRC32CH, crc32c_nibble, 2)                                                                   \
    X(CRC32CW, crc32c_nibble, 4)                                                                   \
    X(CRC32CX, crc32c_nibble, 8)

#define X(name, table, bytes) EXEC_FUNCTION(name, crc32(cpu, i, table, bytes))
CRC32_ROWS(X)
#undef X
