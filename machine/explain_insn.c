/* What the decoder's table says about an instruction word, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/insn.h"
#include "arch/pattern.h"
#include "arch/sysreg.h"
#include "arch/sysreg_text.h"
#include "armillary.h"
#include "machine/place.h"

/* The register or operation of MRS, MSR, SYS and SYSL. */
static void print_sysreg(FILE *to, enum sysreg sr)
{
    fprintf(to, " [%s]", sr == SR_NONE ? "no row: UNDEFINED" : sysreg_rows[sr].name);
}

/* At which ELs the word is UNDEFINED, whatever the controls; @sr: if @by_sysreg, what it names. */
static void print_undefined(FILE *to, const struct a64_row *row, bool by_sysreg, enum sysreg sr)
{
    const bool sys = row == &a64_rows[A64_SYS] || row == &a64_rows[A64_SYSL];
    const unsigned access = sys ? SR_OP : row == &a64_rows[A64_MRS] ? SR_READ : SR_WRITE;
    const char *text = NULL;

    if (by_sysreg && sr != SR_NONE)
        text = sysreg_text_undefined(&sysreg_rows[sr], access);
    else if (row->facts & BIT(FACT_UNDEF))
        text = "UNDEFINED at every EL";
    else if (row->facts & BIT(FACT_NEL0))
        text = "UNDEFINED at EL0";
    if (text)
        fprintf(to, ", %s", text);
}

/* The function that executes @op. */
static void print_place(FILE *to, enum a64_op op)
{
    const struct place p = exec_place(op);

    if (p.file)
        fprintf(to, ", %s:%u", p.file, p.line);
}

/* " X0 SP V3 NZ": registers and flags; nothing printed before @before if there are none. */
static void print_set(FILE *to, const char *before, uint64_t x, uint32_t v, unsigned nzcv)
{
    if (!x && !v && !nzcv)
        return;
    fprintf(to, ", %s", before);
    for (unsigned k = 0; k < 31; k++)
        if (x & BIT(k))
            fprintf(to, " X%u", k);
    if (x & BIT(REG_SP))
        fprintf(to, " SP");
    for (unsigned k = 0; k < 32; k++)
        if (v & BIT(k))
            fprintf(to, " V%u", k);
    if (nzcv)
        fprintf(to, " %s%s%s%s", nzcv & 8 ? "N" : "", nzcv & 4 ? "Z" : "", nzcv & 2 ? "C" : "",
                nzcv & 1 ? "V" : "");
}

/* Registers read and written, and the facts that no register says. */
static void print_facts(FILE *to, const struct a64_row *row, uint32_t word)
{
    /* What print_set(to, ) has said. */
    const uint64_t registers = MASK(FACT_WV, FACT_RN) | MASK(FACT_WCALL, FACT_RD);
    const uint64_t els = BIT(FACT_NEL0) | BIT(FACT_UNDEF); /* in words, elsewhere */
    const uint64_t facts = a64_facts(row, word) & ~registers & ~els;
    struct insn i;

    a64_decode(word, 0, &i);
    struct a64_use use = a64_use(row, &i);
    print_set(to, "reads", use.x_reads, use.v_reads, a64_flags_read(row));
    print_set(to, "writes", use.x_writes, use.v_writes, a64_flags_written(row));
    if (facts)
        fprintf(to, ",");
    for (unsigned k = 0; k < FACT_COUNT; k++)
        if (facts & BIT(k))
            fprintf(to, " %s", a64_fact_name((enum a64_fact)k));
}

static void explain(FILE *to, uint32_t word)
{
    static const char *const classes[] = {"", ", FP access checked",
                                          ", not implemented: UNDEFINED"};
    enum a64_op op = a64_lookup(word);
    const bool by_sysreg = op == A64_MRS || op == A64_MSR_reg || op == A64_SYS || op == A64_SYSL;
    const enum sysreg sr = sysreg_lookup((uint16_t)bits(word, 20, 5));
    const struct a64_row *row = &a64_rows[op];
    const char *pattern = row->pattern;
    struct pattern_field f;
    unsigned pos = 32;

    if (op == A64_UNALLOCATED)
        return;
    fprintf(to, "%s", row->name);
    while (pattern_next_field(&pattern, &pos, &f))
        fprintf(to, " %s=%#" PRIx64, f.name, bits(word, f.lsb + f.width - 1, f.lsb));
    if (by_sysreg)
        print_sysreg(to, sr);
    if (row->feature != FEAT_BASE)
        fprintf(to, ", FEAT_%s", feature_name(row->feature));
    if (row->feature2 != FEAT_BASE)
        fprintf(to, ", FEAT_%s", feature_name(row->feature2));
    print_facts(to, row, word);
    print_undefined(to, row, by_sysreg, sr);
    fprintf(to, "%s", classes[row->cls]);
    print_place(to, op);
}

size_t arm_text_insn(uint32_t word, char *buf, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    if (!to)
        return 0;
    explain(to, word);
    fclose(to);
    snprintf(buf, size, "%s", text);
    free(text);
    return length;
}
