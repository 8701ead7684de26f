#include "trace.h"

#include <capstone/capstone.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/esr.h"
#include "arch/insn.h"
#include "arch/sysreg.h"
#include "armillary.h"
#include "base/bits.h"
#include "machine/machine.h"
#include "output.h"

struct trace {
    const struct arm_machine *machine;
    FILE *out; /* of an output, which closes it */
    csh capstone;
};

struct traces {
    unsigned count;
    struct trace trace[ARM_SUBSCRIBERS_MAX];
};

/* One row a word that --trace knows. */
static const struct {
    const char *what;
    uint64_t events;
} kinds[] = {
    {"exception", BIT(ARM_EVENT_EXCEPTION) | BIT(ARM_EVENT_ERET)},
    {"sysreg", BIT(ARM_EVENT_SYSREG_READ) | BIT(ARM_EVENT_SYSREG_WRITE)},
    {"insn", BIT(ARM_EVENT_INSN)},
    {"mem", BIT(ARM_EVENT_MEM)},
    {"mmio", BIT(ARM_EVENT_MMIO)},
    {"irq", BIT(ARM_EVENT_IRQ)},
    {"tlbi", BIT(ARM_EVENT_TLBI)},
    {"cache", BIT(ARM_EVENT_CACHE)},
    {"barrier", BIT(ARM_EVENT_BARRIER)},
    {"wfx", BIT(ARM_EVENT_WFX)},
    {"call", BIT(ARM_EVENT_CALL)},
};

/* Split "a,b:FILE" into events and file (NULL: standard error). */
static bool parse(const char *spec, uint64_t *events, const char **file)
{
    const char *colon = strchr(spec, ':');
    g_autofree char *list = colon ? g_strndup(spec, (gsize)(colon - spec)) : g_strdup(spec);
    g_auto(GStrv) words = g_strsplit(list, ",", -1);

    *file = colon ? colon + 1 : NULL;
    *events = 0;
    if (colon && !colon[1]) {
        fprintf(stderr, "armillary: --trace=%s: expected a file name behind the colon\n", spec);
        return false;
    }
    for (char **w = words; *w; w++) {
        size_t k = 0;
        while (k < ARRAY_SIZE(kinds) && strcmp(kinds[k].what, *w))
            k++;
        if (k == ARRAY_SIZE(kinds)) {
            fprintf(stderr, "armillary: --trace=%s: no event \"%s\"; known:", spec, *w);
            for (k = 0; k < ARRAY_SIZE(kinds); k++)
                fprintf(stderr, " %s", kinds[k].what);
            fprintf(stderr, "\n");
            return false;
        }
        *events |= kinds[k].events;
    }
    return true;
}

bool traces_check(const char *const *specs)
{
    uint64_t events;
    const char *file;

    for (; specs && *specs; specs++)
        if (!parse(*specs, &events, &file))
            return false;
    return true;
}

static const char *sysreg_name(uint64_t sr)
{
    return sr < SR_COUNT ? sysreg_rows[sr].name : "?";
}

/* The nth of a few words; "?" beyond them. */
static const char *nth(const char *const *words, size_t count, uint64_t n)
{
    return n < count ? words[n] : "?";
}
#define NTH(n, ...)                                                                                \
    nth((const char *const[]){__VA_ARGS__}, ARRAY_SIZE(((const char *const[]){__VA_ARGS__})), n)

static void print_insn(const struct trace *t, const struct arm_event *p)
{
    uint8_t bytes[4];
    cs_insn *insn = NULL;
    uint32_t word = p->insn.word;

    memcpy(bytes, &word, 4);
    if (t->capstone && cs_disasm(t->capstone, bytes, 4, p->pc, 1, &insn) == 1) {
        fprintf(t->out, "%08x %s %s", word, insn->mnemonic, insn->op_str);
        cs_free(insn, 1);
    } else {
        fprintf(t->out, "%08x %s", word, a64_rows[a64_lookup(word)].name);
    }
}

/* The vector's offset says what kind it is; an interrupt has no syndrome. */
static void print_exception(FILE *f, const struct arm_event *p)
{
    const char *kind = NTH(bits(p->exception.vector, 8, 7), "", "IRQ", "FIQ", "SError");

    fprintf(f, "exception to EL%u vector %#x ", p->exception.target_el, p->exception.vector);
    if (*kind)
        fputs(kind, f);
    else
        fprintf(f, "ESR %#" PRIx64 " (%s) FAR %#" PRIx64, p->exception.esr,
                esr_ec_text((unsigned)bits(p->exception.esr, 31, 26)), p->exception.far);
}

/* By the name the instruction used, if that is another. */
static void print_sysreg(FILE *f, const char *what, unsigned name, unsigned sr, uint64_t value)
{
    fprintf(f, "%s %s ", what, sysreg_name(name));
    if (name != sr)
        fprintf(f, "(%s) ", sysreg_name(sr));
    fprintf(f, "%#" PRIx64, value);
}

static void print_event(const struct trace *t, const struct arm_event *p)
{
    FILE *f = t->out;

    switch (p->kind) {
    case ARM_EVENT_INSN:
        print_insn(t, p);
        break;
    case ARM_EVENT_EXCEPTION:
        print_exception(f, p);
        break;
    case ARM_EVENT_ERET:
        fprintf(f, "eret to %#" PRIx64 " SPSR %#" PRIx64 "%s", p->eret.target, p->eret.spsr,
                p->eret.legal ? "" : " (illegal)");
        break;
    case ARM_EVENT_SYSREG_READ:
        print_sysreg(f, "mrs", p->sysreg_read.name, p->sysreg_read.sr, p->sysreg_read.value);
        break;
    case ARM_EVENT_SYSREG_WRITE:
        print_sysreg(f, "msr", p->sysreg_write.name, p->sysreg_write.sr, p->sysreg_write.value);
        break;
    case ARM_EVENT_MEM:
        fprintf(f, "mem %s%u %#" PRIx64 " = %#" PRIx64,
                p->mem.kind & ARM_MEM_WRITE ? "write" : "read", p->mem.size, p->mem.va,
                p->mem.value[0]);
        if (p->mem.size > 8)
            fprintf(f, ":%#" PRIx64, p->mem.value[1]);
        break;
    case ARM_EVENT_MMIO:
        fprintf(f, "mmio %s%u %#" PRIx64 " = %#" PRIx64, p->mmio.write ? "write" : "read",
                p->mmio.size, p->mmio.pa, p->mmio.value);
        break;
    case ARM_EVENT_TLBI:
        fprintf(f, "sys %s %#" PRIx64, sysreg_name(p->tlbi.op), p->tlbi.operand);
        break;
    case ARM_EVENT_CACHE:
        fprintf(f, "sys %s %#" PRIx64, sysreg_name(p->cache.op), p->cache.operand);
        break;
    case ARM_EVENT_IRQ:
        fprintf(f, "%s %" PRIu32 " %s", p->irq.virt ? "virq" : "irq", p->irq.intid,
                NTH(p->irq.change, "low", "high", "acknowledged", "deactivated"));
        break;
    case ARM_EVENT_CALL:
        fprintf(f, "%s #%#x x0=%#" PRIx64, NTH(p->call.kind, "svc", "hvc", "smc"), p->call.imm,
                p->call.x0);
        break;
    case ARM_EVENT_BARRIER:
        fprintf(f, "%s #%u%s", NTH(p->barrier.kind, "dsb", "dmb", "isb", "sb"),
                p->barrier.domain << 2 | p->barrier.type, p->barrier.nxs ? " nXS" : "");
        break;
    case ARM_EVENT_WFX:
        fputs(NTH(p->wfx.wfe, "wfi", "wfe"), f);
        break;
    }
}

static void on_event(void *ctx, const struct arm_event *p)
{
    const struct trace *t = ctx;

    fprintf(t->out, "%12" PRIu64 " cpu%u EL%u %s %#018" PRIx64 " ", p->count, p->cpu, p->el,
            p->guest ? "guest" : "host ", p->pc);
    print_event(t, p);
    fputc('\n', t->out);
}

/* NULL: a message has been printed. */
static FILE *open_file(struct outputs *outputs, const char *spec, const char *file)
{
    g_autofree char *option = g_strdup_printf("--trace=%s", spec);
    struct output *o = output_file(outputs, file, option);

    return o ? output_stream(o, false) : NULL;
}

struct traces *traces_open(struct arm_machine *m, const char *const *specs, struct outputs *outputs)
{
    struct traces *t = g_new0(struct traces, 1);

    for (; specs && *specs; specs++) {
        uint64_t events;
        const char *file;
        struct trace *one = &t->trace[t->count];

        if (t->count == ARRAY_SIZE(t->trace)) {
            fprintf(stderr, "armillary: --trace=%s: more than %d of them\n", *specs,
                    ARM_SUBSCRIBERS_MAX);
            break;
        }
        if (!parse(*specs, &events, &file))
            break;
        one->out = file ? open_file(outputs, *specs, file) : outputs->say;
        if (!one->out)
            break;
        t->count++;
        one->machine = m;
        if ((events & BIT(ARM_EVENT_INSN)) &&
            cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &one->capstone) != CS_ERR_OK)
            one->capstone = 0;
        arm_subscribe(m, &(struct arm_filter){.size = sizeof(struct arm_filter), .events = events},
                      on_event, one);
    }
    if (specs && *specs) {
        traces_close(t);
        return NULL;
    }
    return t;
}

void traces_close(struct traces *t)
{
    for (unsigned k = 0; k < t->count; k++)
        if (t->trace[k].capstone)
            cs_close(&t->trace[k].capstone);
    g_free(t);
}
