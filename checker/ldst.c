#include "checker/ldst.h"

#include "base/bits.h"

static int64_t signed_bits(uint32_t word, unsigned high, unsigned low)
{
    unsigned width = high - low + 1;
    uint64_t v = bits(word, high, low);

    return v >> (width - 1) ? (int64_t)v - (INT64_C(1) << width) : (int64_t)v;
}

/* LDP, STP, LDNP, STNP, LDPSW: behind the base before it is written back, or there (post-index). */
static bool pair(uint32_t word, unsigned rt, struct ldst *out)
{
    bool vector = bit(word, 26), second = bits(word, 14, 10) == rt;
    unsigned opc = (unsigned)bits(word, 31, 30);
    unsigned scale = vector ? 2 + opc : 2 + (opc >> 1);

    if (!second && bits(word, 4, 0) != rt)
        return false;
    out->displacement = bits(word, 24, 23) == 1 ? 0 : signed_bits(word, 21, 15) * (1 << scale);
    out->displacement += second && bits(word, 4, 0) != rt ? 1 << scale : 0;
    return true;
}

/* LDR, STR and their like of one register. */
static bool single(uint32_t word, unsigned rt, struct ldst *out)
{
    bool vector = bit(word, 26);
    unsigned size = (unsigned)bits(word, 31, 30);

    if (bits(word, 4, 0) != rt)
        return false;
    if (bit(word, 24)) /* unsigned, scaled */
        out->displacement = (int64_t)bits(word, 21, 10)
                            << (vector && bit(word, 23) ? 4 + size : size);
    else if (bit(word, 21)) /* a register's offset, or an atomic operation */
        return false;
    else
        out->displacement = bits(word, 11, 10) == 1 ? 0 : signed_bits(word, 20, 12);
    return true;
}

bool ldst_of(uint32_t word, unsigned rt, struct ldst *out)
{
    out->base = (unsigned)bits(word, 9, 5);
    switch (bits(word, 29, 27)) {
    case 5:
        return !bit(word, 25) && pair(word, rt, out);
    case 7:
        return !bit(word, 25) && single(word, rt, out);
    case 1: /* exclusive, acquire and release */
        out->displacement = 0;
        return bits(word, 26, 24) == 0 && bits(word, 4, 0) == rt;
    default:
        return false;
    }
}

bool ldst_is_atomic(uint32_t word)
{
    switch (bits(word, 29, 27)) {
    case 1: /* of exclusives and ordered ones STLR is a plain store */
        return bits(word, 26, 24) == 0 && (!bit(word, 23) || bit(word, 21));
    case 7:
        return !bit(word, 24) && bit(word, 21) && bits(word, 11, 10) == 0;
    default:
        return false;
    }
}
