/* Advanced SIMD structure loads and stores, multiple and single: DDI0487 C4.1.90. All of memory is
 * read before a register changes, and all of it is known to be writable before a byte is stored. */
#include "cpu/exec.h"
#include "cpu/exec/ldst.h"

#define STRUCT_ACC (ACC_FP | ACC_PAIR)

/* Where elements go: @elements of each register, group by group of @selem registers. */
struct shape {
    unsigned esize, count, selem, elements;
};

/* Which register, from insn.rd on, element @k is of. */
static unsigned nth_register(const struct shape *s, unsigned k)
{
    return k / (s->elements * s->selem) + k % s->selem;
}

/* The elements, packed in @buf in the host's order. */
static bool load_elems(struct cpu *cpu, const struct insn *i, uint64_t va, const struct shape *s,
                       uint8_t *buf)
{
    unsigned esize = s->esize, count = s->count;
    const void *host = mem_fast(cpu->bank->r, va, esize * count);

    if (host) {
        ram_load(buf, host, esize * count);
        return true;
    }
    for (unsigned k = 0; k < count; k++) {
        if (!mem_load_slow(cpu, i, va + k * esize, esize,
                           STRUCT_ACC | ACC_VALUE_NTH(nth_register(s, k))))
            return false;
        memcpy(buf + k * esize, cpu->mem_data, esize);
    }
    return true;
}

static bool store_elems(struct cpu *cpu, const struct insn *i, uint64_t va, const struct shape *s,
                        const uint8_t *buf)
{
    unsigned esize = s->esize, count = s->count;
    void *host = mem_fast(cpu->bank->w, va, esize * count);

    if (host) {
        ram_store(host, buf, esize * count);
        return true;
    }
    if (!ls_probe_store(cpu, i, va, esize * count, STRUCT_ACC))
        return false;
    for (unsigned k = 0; k < count; k++) {
        uint64_t v = 0;
        memcpy(&v, buf + k * esize, esize);
        if (!mem_store_slow(cpu, i, va + k * esize, esize,
                            STRUCT_ACC | ACC_VALUE_NTH(nth_register(s, k)), v, 0))
            return false;
    }
    return true;
}

/* Post-indexing by Xm, or by the @bytes transferred where Rm is 31. */
static enum exec_result writeback(struct cpu *cpu, const struct insn *i, uint64_t base,
                                  unsigned bytes)
{
    if (bit((uint64_t)i->imm, 23))
        cpu->x[i->rn] = base + (i->rm == REG_ZR ? bytes : cpu->x[i->rm]);
    return cpu_next(cpu);
}

/* Between registers and @mem, group by group. The size is the caller's constant. */
static inline __attribute__((always_inline)) void
move(union vreg *reg, uint8_t *mem, const struct shape *s, size_t esize, bool load)
{
    for (unsigned k = 0; k < s->count; k += s->elements * s->selem, reg += s->selem)
        for (unsigned e = 0; e < s->elements; e++)
            for (unsigned r = 0; r < s->selem; r++, mem += esize) {
                uint8_t *elem = reg[r].b + e * esize;
                memcpy(load ? elem : mem, load ? mem : elem, esize);
            }
}

static void move_elements(union vreg *reg, uint8_t *mem, const struct shape *s, bool load)
{
    switch (s->esize) {
    case 1:
        move(reg, mem, s, 1, load);
        break;
    case 2:
        move(reg, mem, s, 2, load);
        break;
    case 4:
        move(reg, mem, s, 4, load);
        break;
    default:
        move(reg, mem, s, 8, load);
        break;
    }
}

/*
 * LD1..LD4, ST1..ST4 (multiple structures): @rpt groups of @selem registers. Memory holds, group by
 * group, element 0 of each register, then element 1, ...
 */
static enum exec_result multiple(struct cpu *cpu, const struct insn *i, bool load, unsigned rpt,
                                 unsigned selem)
{
    unsigned esize = 1u << bits((uint64_t)i->imm, 11, 10);
    unsigned datasize = bit((uint64_t)i->imm, 30) ? 16 : 8, elements = datasize / esize;
    unsigned count = rpt * selem * elements;
    const struct shape shape = {esize, count, selem, elements};
    union vreg reg[4] = {0};
    uint8_t buf[64];
    uint64_t base;

    if (!ls_base(cpu, i, &base) || (load && !load_elems(cpu, i, base, &shape, buf)))
        return EXEC_ABORT;
    if (!load)
        for (unsigned r = 0; r < rpt * selem; r++)
            reg[r] = cpu->v[(i->rd + r) % 32];
    move_elements(reg, buf, &shape, load);
    if (!load && !store_elems(cpu, i, base, &shape, buf))
        return EXEC_ABORT;
    if (load)
        for (unsigned r = 0; r < rpt * selem; r++)
            cpu->v[(i->rd + r) % 32] = reg[r];
    return writeback(cpu, i, base, count * esize);
}

/* The element index of a single-structure access: Q:S:size without the bits that give the size. */
static unsigned lane(const struct insn *i, unsigned esize_log2)
{
    uint64_t w = (uint64_t)i->imm;

    return (unsigned)((bit(w, 30) << 3 | bit(w, 12) << 2 | bits(w, 11, 10)) >> esize_log2);
}

/* LD1..LD4, ST1..ST4 (single structure): one element each of @selem registers. */
static enum exec_result single_struct(struct cpu *cpu, const struct insn *i, bool load,
                                      unsigned selem, unsigned esize_log2)
{
    unsigned esize = 1u << esize_log2;
    unsigned at = esize_log2 == 3 ? bit((uint64_t)i->imm, 30) * 8 : lane(i, esize_log2) * esize;
    const struct shape shape = {esize, selem, selem, 1};
    uint8_t buf[32];
    uint64_t base;

    if (!ls_base(cpu, i, &base) || (load && !load_elems(cpu, i, base, &shape, buf)))
        return EXEC_ABORT;
    for (unsigned s = 0; s < selem; s++) {
        uint8_t *elem = cpu->v[(i->rd + s) % 32].b + at, *mem = buf + s * esize;
        memcpy(load ? elem : mem, load ? mem : elem, esize);
    }
    if (!load && !store_elems(cpu, i, base, &shape, buf))
        return EXEC_ABORT;
    return writeback(cpu, i, base, selem * esize);
}

/* LD1R..LD4R: one element each of @selem registers, to all their elements. */
static enum exec_result replicate_struct(struct cpu *cpu, const struct insn *i, unsigned selem)
{
    unsigned esize = 1u << bits((uint64_t)i->imm, 11, 10);
    unsigned datasize = bit((uint64_t)i->imm, 30) ? 16 : 8;
    const struct shape shape = {esize, selem, selem, 1};
    uint8_t buf[32];
    uint64_t base;

    if (!ls_base(cpu, i, &base) || !load_elems(cpu, i, base, &shape, buf))
        return EXEC_ABORT;
    for (unsigned s = 0; s < selem; s++) {
        union vreg v = {0};
        for (unsigned at = 0; at < datasize; at += esize)
            memcpy(v.b + at, buf + s * esize, esize);
        cpu->v[(i->rd + s) % 32] = v;
    }
    return writeback(cpu, i, base, selem * esize);
}

/* A row and its post-indexed twin: the word says which it is. */
#define STRUCT_FUNCTIONS(name, ...)                                                                \
    EXEC_FUNCTION(name, __VA_ARGS__)                                                               \
    EXEC_FUNCTION(name##_post, __VA_ARGS__)

/* Rows: name, registers of one structure, repetitions. */
#define X(name, selem, rpt)                                                                        \
    STRUCT_FUNCTIONS(LD##name, multiple(cpu, i, true, rpt, selem))                                 \
    STRUCT_FUNCTIONS(ST##name, multiple(cpu, i, false, rpt, selem))
X(1_x1, 1, 1)
X(1_x2, 1, 2)
X(1_x3, 1, 3)
X(1_x4, 1, 4)
X(2_mult, 2, 1)
X(3_mult, 3, 1)
X(4_mult, 4, 1)
#undef X

#define X(selem)                                                                                   \
    STRUCT_FUNCTIONS(LD##selem##_lane_b, single_struct(cpu, i, true, selem, 0))                    \
    STRUCT_FUNCTIONS(LD##selem##_lane_h, single_struct(cpu, i, true, selem, 1))                    \
    STRUCT_FUNCTIONS(LD##selem##_lane_s, single_struct(cpu, i, true, selem, 2))                    \
    STRUCT_FUNCTIONS(LD##selem##_lane_d, single_struct(cpu, i, true, selem, 3))                    \
    STRUCT_FUNCTIONS(ST##selem##_lane_b, single_struct(cpu, i, false, selem, 0))                   \
    STRUCT_FUNCTIONS(ST##selem##_lane_h, single_struct(cpu, i, false, selem, 1))                   \
    STRUCT_FUNCTIONS(ST##selem##_lane_s, single_struct(cpu, i, false, selem, 2))                   \
    STRUCT_FUNCTIONS(ST##selem##_lane_d, single_struct(cpu, i, false, selem, 3))                   \
    STRUCT_FUNCTIONS(LD##selem##R, replicate_struct(cpu, i, selem))
X(1)
X(2)
X(3)
X(4)
#undef X
