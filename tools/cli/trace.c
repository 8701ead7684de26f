#include "trace.h"

#include <capstone/capstone.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "arch/esr.h"
#include "arch/insn.h"
#include "arch/sysreg.h"
#include "armillary.h"
#include "base/bits.h"
#include "machine/machine.h"

struct trace {
    const struct machine *machine;
    FILE *out;
    bool shared; /* somebody else closes it */
    csh capstone;
};

struct traces {
    unsigned count;
    struct trace trace[PROBE_SUBSCRIBERS_MAX];
};

/* One row a word that --trace knows. */
static const struct {
    const char *what;
    uint64_t events;
} kinds[] = {
    {"exception", BIT(PROBE_EXCEPTION) | BIT(PROBE_ERET)},
    {"sysreg", BIT(PROBE_SYSREG_READ) | BIT(PROBE_SYSREG_WRITE)},
    {"insn", BIT(PROBE_INSN)},
    {"mem", BIT(PROBE_MEM)},
    {"mmio", BIT(PROBE_MMIO)},
    {"irq", BIT(PROBE_IRQ)},
    {"tlbi", BIT(PROBE_TLBI)},
    {"cache", BIT(PROBE_CACHE)},
    {"barrier", BIT(PROBE_BARRIER)},
    {"wfx", BIT(PROBE_WFX)},
    {"call", BIT(PROBE_CALL)},
};

/* Split "a,b:FILE" into events and file (NULL: standard error). */
static bool parse(const char *spec, uint64_t *events, const char **file)
{
    const char *colon = strchr(spec, ':');
    g_autofree char *list = colon ? g_strndup(spec, (gsize)(colon - spec)) : g_strdup(spec);
    g_auto(GStrv) words = g_strsplit(list, ",", -1);

    *file = colon ? colon + 1 : NULL;
    *events = 0;
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

static void print_insn(const struct trace *t, const struct probe *p)
{
    uint8_t bytes[4];
    cs_insn *insn = NULL;
    uint32_t word = (uint32_t)p->a;

    memcpy(bytes, &word, 4);
    if (t->capstone && cs_disasm(t->capstone, bytes, 4, p->pc, 1, &insn) == 1) {
        fprintf(t->out, "%08x %s %s", word, insn->mnemonic, insn->op_str);
        cs_free(insn, 1);
    } else {
        fprintf(t->out, "%08x %s", word, a64_rows[a64_lookup(word)].name);
    }
}

/* The vector's offset says what kind it is; an interrupt has no syndrome. */
static void print_exception(FILE *f, const struct probe *p)
{
    const char *kind = NTH(bits(p->b, 8, 7), "", "IRQ", "FIQ", "SError");

    fprintf(f, "exception to EL%" PRIu64 " vector %#" PRIx64 " ", p->a, p->b);
    if (*kind)
        fputs(kind, f);
    else
        fprintf(f, "ESR %#" PRIx64 " (%s) FAR %#" PRIx64, p->c,
                esr_ec_text((unsigned)bits(p->c, 31, 26)), p->d);
}

static void print_event(const struct trace *t, const struct probe *p)
{
    FILE *f = t->out;

    switch (p->event) {
    case PROBE_INSN:
        print_insn(t, p);
        break;
    case PROBE_EXCEPTION:
        print_exception(f, p);
        break;
    case PROBE_ERET:
        fprintf(f, "eret to %#" PRIx64 " SPSR %#" PRIx64, p->a, p->b);
        break;
    case PROBE_SYSREG_READ:
    case PROBE_SYSREG_WRITE:
        fprintf(f, "%s %s %#" PRIx64, p->event == PROBE_SYSREG_READ ? "mrs" : "msr",
                sysreg_name(p->a), p->b);
        break;
    case PROBE_MEM:
    case PROBE_MMIO:
        fprintf(f, "%s %s%u %#" PRIx64 " = %#" PRIx64, p->event == PROBE_MEM ? "mem" : "mmio",
                p->b & 0x100 ? "write" : "read", (unsigned)(p->b & 0xff), p->a, p->c);
        break;
    case PROBE_TLBI:
    case PROBE_CACHE:
        fprintf(f, "sys %s %#" PRIx64, sysreg_name(p->a), p->b);
        break;
    case PROBE_IRQ:
        fprintf(f, "irq %" PRIu64 " %s", p->a, p->b & 2 ? "acknowledged" : p->b ? "high" : "low");
        break;
    case PROBE_CALL:
        fprintf(f, "%s #%#" PRIx64 " x0=%#" PRIx64, NTH(p->a, "svc", "hvc", "smc"), p->b, p->c);
        break;
    case PROBE_BARRIER:
        fprintf(f, "%s #%" PRIu64, NTH(p->a, "dsb", "dmb", "isb", "sb"), p->b);
        break;
    case PROBE_WFX:
        fputs(NTH(p->a, "wfi", "wfe"), f);
        break;
    case PROBE_COUNT:
        break;
    }
}

/* The GIC does not know what a CPU is doing. */
static struct probe located(const struct trace *t, const struct probe *p)
{
    struct probe full = *p;

    if (p->event == PROBE_IRQ && p->cpu < t->machine->cpu_count) {
        const struct cpu *cpu = t->machine->cpus[p->cpu];
        full.count = cpu_retired(cpu);
        full.el = cpu->ps.el;
        full.pc = cpu->pc;
    }
    return full;
}

static void on_event(void *ctx, const struct probe *event)
{
    const struct trace *t = ctx;
    const struct probe at = located(t, event), *p = &at;

    fprintf(t->out, "%12" PRIu64 " cpu%u EL%u %s %#018" PRIx64 " ", p->count, p->cpu, p->el,
            p->guest ? "guest" : "host ", p->pc);
    print_event(t, p);
    fputc('\n', t->out);
}

/* The stream among those of @t that already writes to what @file names, or NULL. */
static FILE *find_open(const struct traces *t, const char *file)
{
    struct stat named, other;

    if (stat(file, &named))
        return NULL;
    for (unsigned k = 0; k < t->count; k++)
        if (!fstat(fileno(t->trace[k].out), &other) && other.st_dev == named.st_dev &&
            other.st_ino == named.st_ino)
            return t->trace[k].out;
    return NULL;
}

struct traces *traces_open(struct machine *m, const char *const *specs)
{
    struct traces *t = g_new0(struct traces, 1);

    for (; specs && *specs; specs++) {
        uint64_t events;
        const char *file;
        struct trace *one = &t->trace[t->count];

        if (t->count == ARRAY_SIZE(t->trace)) {
            fprintf(stderr, "armillary: --trace=%s: more than %d of them\n", *specs,
                    PROBE_SUBSCRIBERS_MAX);
            break;
        }
        if (!parse(*specs, &events, &file))
            break;
        one->out = file ? find_open(t, file) : stderr;
        one->shared = one->out != NULL;
        if (!one->out)
            one->out = fopen(file, "w");
        if (!one->out) {
            fprintf(stderr, "armillary: --trace=%s: cannot write %s\n", *specs, file);
            break;
        }
        t->count++;
        one->machine = m;
        if ((events & BIT(PROBE_INSN)) &&
            cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &one->capstone) != CS_ERR_OK)
            one->capstone = 0;
        arm_subscribe(m, events, on_event, one);
    }
    if (specs && *specs) {
        traces_close(t);
        return NULL;
    }
    return t;
}

void traces_close(struct traces *t)
{
    for (unsigned k = 0; k < t->count; k++) {
        if (t->trace[k].capstone)
            cs_close(&t->trace[k].capstone);
        if (!t->trace[k].shared)
            fclose(t->trace[k].out);
    }
    g_free(t);
}
