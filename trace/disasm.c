#include "trace/disasm.h"

#include <capstone/capstone.h>
#include <string.h>

#include "armillary.h"

struct trace_disasm {
    csh capstone; /* 0: none */
    cs_insn *insn;
};

struct trace_disasm *trace_disasm_new(void)
{
    struct trace_disasm *d = g_new0(struct trace_disasm, 1);

    if (cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->capstone) != CS_ERR_OK)
        d->capstone = 0;
    else
        d->insn = cs_malloc(d->capstone);
    return d;
}

void trace_disasm_free(struct trace_disasm *d)
{
    if (d->insn)
        cs_free(d->insn, 1);
    if (d->capstone)
        cs_close(&d->capstone);
    g_free(d);
}

void trace_disasm_text(struct trace_disasm *d, uint64_t pc, uint32_t word, GString *out)
{
    uint8_t bytes[4];
    const uint8_t *code = bytes;
    size_t size = sizeof(bytes);

    for (unsigned k = 0; k < 4; k++)
        bytes[k] = (uint8_t)(word >> 8 * k);
    if (d->insn && cs_disasm_iter(d->capstone, &code, &size, &pc, d->insn))
        g_string_append_printf(out, "%s%s%s", d->insn->mnemonic, *d->insn->op_str ? " " : "",
                               d->insn->op_str);
    else
        g_string_append(out, arm_insn_name(word));
}
