#include "symbols/frames.h"

#include <stdbool.h>

#include "base/le.h"

enum { FP = 29, LR = 30, SP = 31 };

/* DWARF 5, table 7.29; the first three have their operand in bits 5:0. */
enum {
    CFA_ADVANCE_LOC = 0x40,
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_ADVANCE_LOC4 = 0x04,
    CFA_REMEMBER_STATE = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_VAL_EXPRESSION = 0x16,
};

/* Table 7.9. */
enum {
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST1S = 0x09,
    OP_CONSTU = 0x10,
    OP_DUP = 0x12,
    OP_SWAP = 0x16,
    OP_AND = 0x1a,
    OP_MINUS = 0x1c,
    OP_OR = 0x21,
    OP_SHL = 0x24,
    OP_SHR = 0x25,
    OP_SHRA = 0x26,
    OP_BREG0 = 0x70,
};

#define CODE_ALIGN 4
#define DATA_ALIGN 8 /* offsets are its negative multiples */
#define CIE_ID     UINT32_C(0xffffffff)

static void put(GByteArray *out, unsigned bytes, uint64_t v)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    g_byte_array_append(out, le, bytes);
}

static void put_uleb(GByteArray *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        put(out, 1, (v & 0x7f) | 0x80);
    put(out, 1, v);
}

static void put_cfa(GByteArray *out, unsigned reg, uint64_t offset)
{
    put(out, 1, CFA_DEF_CFA);
    put_uleb(out, reg);
    put_uleb(out, offset);
}

/* The entry that begins at @start is as long as it is now, filled up to a multiple of 8. */
static void end_entry(GByteArray *out, guint start)
{
    while ((out->len - start) % 8 != 4)
        put(out, 1, CFA_NOP);
    le_put(out->data + start, 4, out->len - start - 4);
}

/* X30 of the caller is what the @size bytes of @from leave on DWARF's stack, without what PACIASP
 * has put into it, as XPACI does: bits from the top of the virtual addresses on become bit 55.
 * Where that is is asked of where the code is: at the end that has 39 bits, else 48. */
static void put_return(GByteArray *out, uint64_t address, const uint8_t *from, unsigned size)
{
    const uint8_t top = (address >> 63 ? ~address : address) >> 39 ? 48 : 39;
    /* clang-format off */
    const uint8_t strip[] = {OP_DUP, OP_CONST1U, 8, OP_SHL, OP_CONST1U, 63, OP_SHRA,
                             OP_CONST1U, top, OP_SHL, OP_SWAP,
                             OP_CONST1S, 0xff, OP_CONST1U, 64 - top, OP_SHR, OP_AND, OP_OR};
    /* clang-format on */

    put(out, 1, CFA_VAL_EXPRESSION);
    put_uleb(out, LR);
    put_uleb(out, size + sizeof(strip));
    g_byte_array_append(out, from, size);
    g_byte_array_append(out, strip, sizeof(strip));
}

GByteArray *frames_new(uint64_t address)
{
    static const uint8_t in_register[] = {OP_BREG0 + LR, 0};
    GByteArray *out = g_byte_array_new();

    put(out, 4, 0);
    put(out, 4, CIE_ID);
    put(out, 1, 1); /* version */
    put(out, 1, 0); /* no augmentation */
    put_uleb(out, CODE_ALIGN);
    put(out, 1, 0x80 - DATA_ALIGN); /* SLEB128 of its negative */
    put(out, 1, LR);
    put_cfa(out, SP, 0);
    put_return(out, address, in_register, sizeof(in_register));
    end_entry(out, 0);
    return out;
}

/* ---- what the instructions do ---- */

struct scan {
    GByteArray *out;
    uint64_t address;  /* of the function */
    uint64_t at, told; /* bytes from the function's begin: now; of the last row of the table */
    unsigned cfa;      /* register */
    uint64_t offset;   /* of the CFA from it */
    uint64_t frame;    /* of the CFA from SP, once X29 and X30 are saved */
    bool saved, tail;  /* X29 and X30 are in memory; they have been loaded again */
};

/* What follows holds behind the instruction that is looked at. */
static void advance(struct scan *s, uint64_t to)
{
    uint64_t words = (to - s->told) / CODE_ALIGN;

    s->told = to;
    if (words && words < 0x40)
        put(s->out, 1, CFA_ADVANCE_LOC | words);
    else if (words) {
        put(s->out, 1, CFA_ADVANCE_LOC4);
        put(s->out, 4, words);
    }
}

static void set_cfa(struct scan *s, unsigned reg, uint64_t offset)
{
    s->cfa = reg;
    s->offset = offset;
    put_cfa(s->out, reg, offset);
}

/* X29 and X30 are @below the CFA. */
static void save(struct scan *s, uint64_t below)
{
    put(s->out, 1, CFA_OFFSET | FP);
    put_uleb(s->out, below / DATA_ALIGN);
    g_autoptr(GByteArray) place = g_byte_array_new();
    put(place, 1, OP_CONSTU); /* of the CFA, which is there already */
    put_uleb(place, below - DATA_ALIGN);
    put(place, 1, OP_MINUS);
    put(place, 1, OP_DEREF);
    put_return(s->out, s->address, place->data, place->len);
    s->saved = true;
}

/* STP and LDP of X29 and X30 by SP: C6.2.129, C6.2.273. The offset in bytes. */
#define PAIR_MASK    UINT32_C(0xffc07fff)
#define STP_PRE      UINT32_C(0xa9807bfd)
#define STP_OFFSET   UINT32_C(0xa9007bfd)
#define LDP_POST     UINT32_C(0xa8c07bfd)
#define LDP_OFFSET   UINT32_C(0xa9407bfd)
#define ADD_SUB_MASK UINT32_C(0xffc003ff) /* 12 bits, not shifted */
#define ADD_SP       UINT32_C(0x910003ff)
#define SUB_SP       UINT32_C(0xd10003ff)
#define ADD_FP       UINT32_C(0x910003fd) /* ADD X29, SP, #; MOV X29, SP */
#define RETURN_MASK  UINT32_C(0xfffff000) /* RET, RETAA, RETAB */
#define RETURN       UINT32_C(0xd65f0000)
#define BR           UINT32_C(0xd61f0000)
#define BRANCH_MASK  UINT32_C(0xfc000000)
#define BRANCH       UINT32_C(0x14000000)

static int64_t pair_offset(uint32_t word)
{
    return ((int64_t)(word >> 15 & 0x7f) ^ 0x40) * 8 - 0x40 * 8;
}

/* The frame is made. */
static void begin(struct scan *s, uint32_t word)
{
    uint64_t imm12 = word >> 10 & 0xfff;
    int64_t pair = pair_offset(word);

    if ((word & PAIR_MASK) == STP_PRE && pair < 0 && !s->saved) {
        advance(s, s->at);
        set_cfa(s, SP, s->offset + (uint64_t)-pair);
        save(s, s->offset);
    } else if ((word & PAIR_MASK) == STP_OFFSET && pair >= 0 && (uint64_t)pair < s->offset &&
               !s->saved) {
        advance(s, s->at);
        save(s, s->offset - (uint64_t)pair);
    } else if ((word & ADD_SUB_MASK) == SUB_SP && s->cfa == SP) {
        advance(s, s->at);
        set_cfa(s, SP, s->offset + imm12);
    } else if ((word & ADD_SUB_MASK) == ADD_FP && s->saved && s->cfa == SP && imm12 < s->offset) {
        advance(s, s->at);
        s->frame = s->offset;
        set_cfa(s, FP, s->offset - imm12);
    }
}

/* X29 and X30 are the caller's again. What comes behind the jump has the frame as before. */
static void end(struct scan *s, uint64_t frame)
{
    advance(s, s->at);
    put(s->out, 1, CFA_REMEMBER_STATE);
    put_cfa(s->out, SP, frame);
    put(s->out, 1, CFA_RESTORE | FP);
    put(s->out, 1, CFA_RESTORE | LR);
    s->tail = true;
}

static void look(struct scan *s, uint32_t word)
{
    bool jumps = (word & RETURN_MASK) == RETURN || (word & RETURN_MASK) == BR ||
                 (word & BRANCH_MASK) == BRANCH;

    if (s->tail && jumps) {
        advance(s, s->at);
        put(s->out, 1, CFA_RESTORE_STATE);
        s->tail = false;
    } else if (s->tail && (word & ADD_SUB_MASK) == ADD_SP) {
        advance(s, s->at);
        put_cfa(s->out, SP, 0);
    } else if (s->saved && !s->tail && (word & PAIR_MASK) == LDP_POST) {
        end(s, 0);
    } else if (s->saved && !s->tail && (word & PAIR_MASK) == LDP_OFFSET) {
        end(s, s->frame ? s->frame : s->offset);
    } else if (!s->tail) {
        begin(s, word);
    }
}

void frames_add(GByteArray *section, uint64_t address, const uint8_t *code, uint64_t size)
{
    guint start = section->len;
    struct scan s = {.out = section, .address = address, .cfa = SP};

    put(section, 4, 0);
    put(section, 4, 0); /* the CIE is at the section's begin */
    put(section, 8, address);
    put(section, 8, size);
    while (s.at + 4 <= size) {
        uint32_t word = (uint32_t)le_get(code + s.at, 4);
        s.at += 4;
        look(&s, word);
    }
    end_entry(section, start);
}
