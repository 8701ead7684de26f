#include "host_code.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "gdb_jit.h"
#include "jitdump.h"
#include "parse.h"
#include "trace.h"
#include "trace/disasm.h"
#include "trace/names.h"

/* ---- names ---- */

/* The block's first instruction, and whose world it is in. */
static struct arm_event first_of(struct arm_machine *m, const struct arm_host_code *code)
{
    struct arm_event e = {
        .cpu = (uint8_t)code->cpu, .el = (uint8_t)code->el, .pc = code->insns[0].pc};
    uint64_t hcr, vttbr;

    /* HCR_EL2.VM, and not TGE. */
    if (e.el < 2 && arm_reg_read(m, code->cpu, "HCR_EL2", &hcr) &&
        (hcr & (ARM_BIT(0) | ARM_BIT(27))) == ARM_BIT(0) &&
        arm_reg_read(m, code->cpu, "VTTBR_EL2", &vttbr)) {
        e.guest = true;
        e.vmid = (uint16_t)(vttbr >> 48);
    }
    return e;
}

/* "el1_memcpy+0x40", or "el1_40080000": a word. Freed with g_free(). */
static char *name_of(const struct host_code *h, const struct arm_host_code *code)
{
    char symbol[200];

    if (h->names) {
        struct arm_event e = first_of(h->m, code);
        trace_names_look(h->names, &e);
        if (trace_name(h->names, e.cpu, e.el, &e, e.pc, symbol, sizeof(symbol))) {
            for (char *c = symbol; *c; c++)
                if (!g_ascii_isgraph(*c))
                    *c = '_';
            return g_strdup_printf("el%u_%s", code->el, symbol);
        }
    }
    return g_strdup_printf("el%u_%" PRIx64, code->el, code->insns[0].pc);
}

/* ---- by name ---- */

static bool by_name(const struct host_code *h)
{
    return h->map || h->jitdump || h->gdb;
}

static void tell_piece(const struct host_code *h, const struct arm_host_piece *p, const char *name)
{
    if (!p->size)
        return;
    if (h->map) /* as perf wants it of a JIT: hexadecimal address and size, and a name */
        fprintf(h->map, "%" PRIx64 " %zx %s\n", p->address, p->size, name);
    if (h->jitdump)
        jitdump_code(h->jitdump, p, name);
}

/* Blocks go to each other behind what enters one, so that a breakpoint belongs there. */
static void tell_gdb(struct gdb_jit *g, const struct arm_host_code *code, const char *name,
                     const char *rare)
{
    struct arm_host_piece entry = code->usual, body = code->usual;
    g_autofree char *entry_name = g_strconcat(name, "_entry", NULL);

    entry.size = code->insns[0].offset;
    body.address += entry.size;
    body.size -= entry.size;
    gdb_jit_code(g, &entry, false, entry_name);
    gdb_jit_code(g, &body, true, name);
    gdb_jit_code(g, &code->rare, true, rare);
}

static void tell(const struct host_code *h, const struct arm_host_code *code)
{
    g_autofree char *name = name_of(h, code), *rare = g_strconcat(name, "_rare", NULL);

    if (h->jitdump)
        jitdump_lines(h->jitdump, code, name);
    tell_piece(h, &code->usual, name);
    tell_piece(h, &code->rare, rare);
    if (h->gdb)
        tell_gdb(h->gdb, code, name, rare);
}

/* ---- side by side ---- */

static void host_lines(struct trace_disasm *x86, const struct arm_host_piece *p, size_t from,
                       size_t to)
{
    GString *text = g_string_new(NULL);

    for (size_t k = from, n; k < to; k += n) {
        g_string_truncate(text, 0);
        n = trace_disasm_next(x86, p->address + k, p->bytes + k, to - k, text);
        if (n) {
            fprintf(stderr, "%*s| %#" PRIx64 " %s\n", 52, "", p->address + k, text->str);
        } else {
            fprintf(stderr, "%*s| .byte %#04x\n", 52, "", p->bytes[k]);
            n = 1;
        }
    }
    g_string_free(text, TRUE);
}

static void guest_line(struct trace_disasm *a64, const struct arm_host_insn *i)
{
    GString *text = g_string_new(NULL);

    trace_disasm_text(a64, i->pc, i->word, text);
    fprintf(stderr, "%#" PRIx64 ": %08x %s\n", i->pc, i->word, text->str);
    g_string_free(text, TRUE);
}

static void dump(const struct arm_host_code *code)
{
    struct trace_disasm *a64 = trace_disasm_new(), *x86 = trace_disasm_new_x86();

    fprintf(stderr, "block of %u instructions at %#" PRIx64 ", EL%u, cpu%u: %zu bytes, %zu rare\n",
            code->insn_count, code->insns[0].pc, code->el, code->cpu, code->usual.size,
            code->rare.size);
    host_lines(x86, &code->usual, 0, code->insns[0].offset);
    for (unsigned k = 0; k < code->insn_count; k++) {
        bool last = k + 1 == code->insn_count;
        guest_line(a64, &code->insns[k]);
        host_lines(x86, &code->usual, code->insns[k].offset,
                   last ? code->usual.size : code->insns[k + 1].offset);
    }
    if (code->rare.size) {
        fprintf(stderr, "rare:\n");
        host_lines(x86, &code->rare, 0, code->rare.size);
    }
    trace_disasm_free(a64);
    trace_disasm_free(x86);
}

static bool has(const struct arm_host_code *code, uint64_t pc)
{
    for (unsigned k = 0; k < code->insn_count; k++)
        if (code->insns[k].pc == pc)
            return true;
    return false;
}

static void made(void *ctx, const struct arm_host_code *code)
{
    const struct host_code *h = ctx;

    if (by_name(h))
        tell(h, code);
    if (h->dump && (h->all || has(code, h->pc)))
        dump(code);
}

/* ---- the options ---- */

static FILE *open_map(void)
{
    char *path = g_strdup_printf("/tmp/perf-%ld.map", (long)getpid());
    FILE *f = fopen(path, "w");

    if (!f)
        fprintf(stderr, "armillary run: --perf-map: %s: cannot be written\n", path);
    g_free(path);
    return f;
}

bool host_code_begin(struct host_code *h, const struct host_code_request *req,
                     struct arm_config *config)
{
    *h = (struct host_code){.dump = req->dump, .all = req->dump && strcmp(req->dump, "all") == 0};
    if (!req->dump && !req->map && !req->jitdump && !req->gdb)
        return true;
    if (req->dump && !h->all && !parse_number(req->dump, 0, UINT64_MAX, &h->pc)) {
        fprintf(stderr, "armillary run: --dump-blocks=%s: expected a PC as 0x40080000, or all\n",
                req->dump);
        return false;
    }
    if (config->engine == ARM_ENGINE_INTERP) {
        fprintf(stderr, "armillary run: --engine=interp makes no blocks\n");
        return false;
    }
    if ((req->map && !(h->map = open_map())) ||
        (req->jitdump && !(h->jitdump = jitdump_open(req->jitdump)))) {
        host_code_end(h);
        return false;
    }
    if (req->gdb)
        h->gdb = gdb_jit_new();
    config->host_code = made;
    config->host_code_ctx = h;
    return true;
}

bool host_code_start(struct host_code *h, struct arm_machine *m, const struct trace_request *names,
                     FILE *say)
{
    if (!by_name(h))
        return true;
    h->m = m;
    h->names = traces_names(m, names, say);
    return h->names != NULL;
}

void host_code_end(struct host_code *h)
{
    trace_names_free(h->names);
    h->names = NULL;
    if (h->map)
        fclose(h->map);
    h->map = NULL;
    jitdump_close(h->jitdump);
    h->jitdump = NULL;
    gdb_jit_free(h->gdb);
    h->gdb = NULL;
}
