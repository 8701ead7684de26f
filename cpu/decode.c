#include "cpu/decode.h"

#include "cpu/fetch.h"

/* Why the instruction at @i, of row @op, is UNDEFINED; said when it is decoded, so once. @missing:
 * the feature that its row needs. An encoding without a row is printed as the row it would be. */
static void log_undefined(const struct cpu *cpu, const struct insn *i, enum a64_op op,
                          enum feature missing)
{
    const struct a64_row *row = &a64_rows[op];
    unsigned long long pc = insn_pc(cpu, i);
    uint32_t word = insn_word(cpu, i);
    char pattern[33];

    if (op != A64_UNALLOCATED) {
        LOG(cpu->log, CPU, GUEST, "cpu%u: %#llx: %s (%#010x) is UNDEFINED: %s%s", cpu->index, pc,
            row->name, word, row->cls == A64_UNDEF ? "not implemented" : "this CPU has no FEAT_",
            row->cls == A64_UNDEF ? "" : feature_name(missing));
        return;
    }
    for (unsigned k = 0; k < 32; k++)
        pattern[k] = bit(word, 31 - k) ? '1' : '0';
    pattern[32] = '\0';
    LOG(cpu->log, CPU, GUEST,
        "cpu%u: %#llx: no row for %#010x: A64(NAME, \"?\", \"%s\", 1, BASE, RAW, UNDEF, CALL)",
        cpu->index, pc, word, pattern);
}

void cpu_decode(const struct cpu *cpu, const struct insn *i, struct insn *out)
{
    unsigned index = (unsigned)(i - cpu->page);

    a64_decode(insn_word(cpu, i), index * 4, out);
    enum feature missing = a64_missing_feature(out->op, &cpu->features);
    if (missing != FEAT_BASE || a64_rows[out->op].cls == A64_UNDEF || out->op == A64_UNALLOCATED)
        log_undefined(cpu, i, out->op, missing);
    if (missing != FEAT_BASE)
        out->op = A64_UNALLOCATED;
}
