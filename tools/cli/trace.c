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

/* What --trace calls each event. */
static const char *const words[] = {
#define PROBE(number, NAME, member, word, text, fields) [number] = #word,
#include "base/probe.def"
#undef PROBE
};

/* The events that @word names; 0: none. */
static uint64_t events_of(const char *word)
{
    uint64_t events = 0;

    for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
        if (!strcmp(words[k], word))
            events |= BIT(k);
    return events;
}

static void print_words(FILE *f)
{
    for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
        if (!(events_of(words[k]) & (BIT(k) - 1)))
            fprintf(f, " %s", words[k]);
}

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
        uint64_t found = events_of(*w);
        if (!found) {
            fprintf(stderr, "armillary: --trace=%s: no event \"%s\"; known:", spec, *w);
            print_words(stderr);
            fprintf(stderr, "\n");
            return false;
        }
        *events |= found;
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

/* The fields of an event, by their types. What is false or no register is left out. */

static void print_bool(FILE *f, const char *name, bool value)
{
    if (value)
        fprintf(f, " %s", name);
}

static void print_64(FILE *f, const char *name, uint64_t value)
{
    fprintf(f, " %s=%#" PRIx64, name, value);
}

static void print_128(FILE *f, const char *name, const uint64_t value[2])
{
    fprintf(f, value[1] ? " %s=%#" PRIx64 ":%016" PRIx64 : " %s=%#" PRIx64, name,
            value[1] ? value[1] : value[0], value[0]);
}

/* Sizes, numbers of registers and CPUs, INTIDs. */
static void print_8(FILE *f, const char *name, uint8_t value)
{
    if (value != ARM_NO_REG)
        fprintf(f, " %s=%u", name, value);
}

static void print_16(FILE *f, const char *name, uint16_t value)
{
    print_64(f, name, value);
}

static void print_32(FILE *f, const char *name, uint32_t value)
{
    fprintf(f, " %s=%#" PRIx32, name, value);
}

static void print_sr(FILE *f, const char *name, uint16_t sr)
{
    const char *its = arm_reg_name(sr);

    fprintf(f, " %s=%s", name, its ? its : "?");
}

static void print_word(FILE *f, const char *name, const char *set, unsigned value)
{
    const char *word = arm_event_word(set, value);

    fprintf(f, " %s=%s", name, word ? word : "?");
}

static void print_bits(FILE *f, const char *set, unsigned value)
{
    for (; value; value &= value - 1) {
        const char *word = arm_event_word(set, value & -value);
        fprintf(f, " %s", word ? word : "?");
    }
}

static void print_fields(FILE *f, const struct arm_event *p)
{
    switch (p->kind) {
#define FIELD(type, name, text) print_##type(f, #name, row->name);
#define WORD(set, name, text)   print_word(f, #name, #set, row->name);
#define BITS(set, name, text)   print_bits(f, #set, row->name);
#define PROBE(number, NAME, member, word, text, fields)                                            \
    case ARM_EVENT_##NAME: {                                                                       \
        const __typeof__(p->member) *row = &p->member;                                             \
        fputs(#member, f);                                                                         \
        fields                                                                                     \
    } break;
#include "base/probe.def"
#undef PROBE
#undef BITS
#undef WORD
#undef FIELD
    }
}

/* What a number of an event means beside its fields. */
static void print_event(const struct trace *t, const struct arm_event *p)
{
    if (p->kind == ARM_EVENT_INSN) {
        print_insn(t, p);
        return;
    }
    print_fields(t->out, p);
    if (p->kind == ARM_EVENT_EXCEPTION && !bits(p->exception.vector, 8, 7))
        fprintf(t->out, " (%s)", esr_ec_text((unsigned)bits(p->exception.esr, 31, 26)));
    else if (p->kind == ARM_EVENT_EXCEPTION)
        fprintf(t->out, " (%s)",
                (const char *const[]){"", "IRQ", "FIQ", "SError"}[bits(p->exception.vector, 8, 7)]);
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
