#include "trace/disasm.h"

#include <capstone/capstone.h>

#include "armillary.h"
#include "trace/library.h"

#define LIBRARY "libcapstone.so." G_STRINGIFY(CS_API_MAJOR)

#define CAPSTONE_CALLS(X) X(open) X(close) X(malloc) X(free) X(disasm_iter)

struct capstone {
#define X(name) __typeof__(cs_##name) *name;
    CAPSTONE_CALLS(X)
#undef X
};

struct trace_disasm {
    cs_arch arch;
    cs_mode mode;
    bool asked; /* for the library */
    struct capstone cs;
    csh handle; /* 0: none */
    cs_insn *insn;
};

static struct trace_disasm *disasm_new(cs_arch arch, cs_mode mode)
{
    struct trace_disasm *d = g_new0(struct trace_disasm, 1);

    d->arch = arch;
    d->mode = mode;
    return d;
}

struct trace_disasm *trace_disasm_new(void)
{
    return disasm_new(CS_ARCH_ARM64, CS_MODE_ARM);
}

struct trace_disasm *trace_disasm_new_x86(void)
{
    return disasm_new(CS_ARCH_X86, CS_MODE_64);
}

void trace_disasm_free(struct trace_disasm *d)
{
    if (!d)
        return;
    if (d->insn)
        d->cs.free(d->insn, 1);
    if (d->handle)
        d->cs.close(&d->handle);
    g_free(d);
}

static bool load(struct trace_disasm *d)
{
    static const struct library_call calls[] = {
#define X(name) {"cs_" #name, offsetof(struct capstone, name)},
        CAPSTONE_CALLS(X)
#undef X
    };

    return library_load(LIBRARY, calls, G_N_ELEMENTS(calls), &d->cs) == LIBRARY_COMPLETE;
}

bool trace_disasm_starts(struct trace_disasm *d)
{
    if (!d->asked) {
        d->asked = true;
        if (load(d) && d->cs.open(d->arch, d->mode, &d->handle) == CS_ERR_OK)
            d->insn = d->cs.malloc(d->handle);
    }
    return d->insn;
}

size_t trace_disasm_next(struct trace_disasm *d, uint64_t address, const uint8_t *code, size_t size,
                         GString *out)
{
    size_t left = size;

    if (!trace_disasm_starts(d) || !d->cs.disasm_iter(d->handle, &code, &left, &address, d->insn))
        return 0;
    g_string_append_printf(out, "%s%s%s", d->insn->mnemonic, *d->insn->op_str ? " " : "",
                           d->insn->op_str);
    return size - left;
}

bool trace_disasm_word(struct trace_disasm *d, uint64_t pc, uint32_t word, GString *out)
{
    uint8_t bytes[4];

    for (unsigned k = 0; k < 4; k++)
        bytes[k] = (uint8_t)(word >> 8 * k);
    return trace_disasm_next(d, pc, bytes, sizeof(bytes), out) != 0;
}

void trace_disasm_text(struct trace_disasm *d, uint64_t pc, uint32_t word, GString *out)
{
    if (!trace_disasm_word(d, pc, word, out))
        g_string_append(out, arm_insn_name(word));
}
