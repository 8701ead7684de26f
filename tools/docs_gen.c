/*
 * Writes the pages of docs/ that are made from the tables, and the manual page.
 *
 *   docs_gen DIR           write them into DIR
 *   docs_gen --check DIR   exit 1 if a page there is not what would be written
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cpu_models.h"
#include "arch/features.h"
#include "arch/insn.h"
#include "arch/sysreg.h"
#include "arch/sysreg_owner.h"
#include "arch/sysreg_text.h"
#include "armillary.h"
#include "base/bits.h"
#include "base/probe.h"
#include "tools/docs_man.h"

static void generated(FILE *f, const char *title, const char *from)
{
    fprintf(f, "# %s\n\nMade from `%s` by `tools/docs_gen.c`; do not edit.\n\n", title, from);
}

/* ---- instructions.md ---- */

struct insn_row {
    const char *name, *mnemonic, *pattern, *cond, *feature, *cls, *facts;
};

#define A64(name, mnemonic, pattern, cond, feature, form, cls, jit, facts)                         \
    {#name, mnemonic, pattern, #cond, #feature, #cls, #facts},
static const struct insn_row data_processing[] = {
#include "arch/a64_dp.def"
};
static const struct insn_row branches[] = {
#include "arch/a64_branch.def"
};
static const struct insn_row system_insns[] = {
#include "arch/a64_sys.def"
};
static const struct insn_row loads_stores[] = {
#include "arch/a64_ldst.def"
};
static const struct insn_row scalar_fp[] = {
#include "arch/a64_fp.def"
};
static const struct insn_row simd[] = {
#include "arch/a64_simd.def"
};
static const struct insn_row simd_fp[] = {
#include "arch/a64_simdfp.def"
};
static const struct insn_row crypto[] = {
#include "arch/a64_crypto.def"
};
#undef A64

static const struct {
    const char *title;
    const struct insn_row *rows;
    size_t count;
} insn_groups[] = {
    {"Data processing", data_processing, ARRAY_SIZE(data_processing)},
    {"Branches", branches, ARRAY_SIZE(branches)},
    {"Exceptions and system", system_insns, ARRAY_SIZE(system_insns)},
    {"Loads and stores", loads_stores, ARRAY_SIZE(loads_stores)},
    {"Scalar floating point", scalar_fp, ARRAY_SIZE(scalar_fp)},
    {"Advanced SIMD, integer", simd, ARRAY_SIZE(simd)},
    {"Advanced SIMD, floating point", simd_fp, ARRAY_SIZE(simd_fp)},
    {"Cryptography", crypto, ARRAY_SIZE(crypto)},
};
_Static_assert(ARRAY_SIZE(data_processing) + ARRAY_SIZE(branches) + ARRAY_SIZE(system_insns) +
                       ARRAY_SIZE(loads_stores) + ARRAY_SIZE(scalar_fp) + ARRAY_SIZE(simd) +
                       ARRAY_SIZE(simd_fp) + ARRAY_SIZE(crypto) ==
                   A64_UNALLOCATED,
               "a file of arch/a64.def has no group here");

/* In a column of a table: '|' would end it. */
static void put_cell(FILE *f, const char *text)
{
    for (; *text; text++)
        fprintf(f, "%s%c", *text == '|' ? "\\" : "", *text);
}

static void cell(FILE *f, const char *text)
{
    fputs("| ", f);
    put_cell(f, text);
    fputc(' ', f);
}

static void code_cell(FILE *f, const char *text)
{
    fputs(*text ? "| `" : "| ", f);
    put_cell(f, text);
    fputs(*text ? "` " : "", f);
}

/* The words of a facts column. */
static void print_words(FILE *f, const char *facts)
{
    fputs("| ", f);
    for (; strcmp(facts, "0") && *facts; facts++)
        if (*facts != '|' && !(*facts == ' ' && facts[1] == '|'))
            fputc(*facts, f);
    fputc(' ', f);
}

static void write_instructions(FILE *f)
{
    unsigned missing = 0;

    generated(f, "Instructions", "arch/a64.def");
    for (unsigned op = 0; op < A64_UNALLOCATED; op++)
        missing += a64_rows[op].cls == A64_UNDEF;
    fprintf(
        f,
        "%u rows, %u of them known but not implemented (UNDEFINED, and logged). "
        "`exec_<row>()` in `cpu/exec/` executes a row; `armillary dis WORD` finds one, and says "
        "which registers the word reads and writes.\n",
        A64_UNALLOCATED, missing);
    fputs("\nFacts are about an instruction that completes, beyond what the names of its fields "
          "say; flags stand together (`WNZCV`):\n\n| fact | the instruction |\n|---|---|\n",
          f);
    for (unsigned k = 0; k < FACT_COUNT; k++)
        fprintf(f, "| %s | %s |\n", a64_fact_name((enum a64_fact)k),
                a64_fact_text((enum a64_fact)k));
    for (size_t g = 0; g < ARRAY_SIZE(insn_groups); g++) {
        fprintf(f,
                "\n## %s\n\n| row | mnemonic | bits 31..0 | allocated when | feature | facts | |\n"
                "|---|---|---|---|---|---|---|\n",
                insn_groups[g].title);
        for (size_t k = 0; k < insn_groups[g].count; k++) {
            const struct insn_row *r = &insn_groups[g].rows[k];
            cell(f, r->name);
            cell(f, r->mnemonic);
            code_cell(f, r->pattern);
            code_cell(f, strcmp(r->cond, "1") ? r->cond : "");
            cell(f, strcmp(r->feature, "BASE") ? r->feature : "");
            print_words(f, r->facts);
            cell(f, strcmp(r->cls, "UNDEF") ? "" : "not implemented");
            fputs("|\n", f);
        }
    }
}

/* ---- sysregs.md ---- */

static void write_sysreg(FILE *f, unsigned sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    fprintf(f, "| %s | ", row->name);
    sysreg_text_encoding(f, row);
    fprintf(f, " | %s | EL%u | %s | ", row->access ? sysreg_text_access(row) : "none",
            sysreg_min_el(row->enc),
            row->feature == FEAT_BASE ? "" : feature_name((enum feature)row->feature));
    for (unsigned k = 0; k < SYSREG_TRAPS && row->trap[k]; k++)
        fprintf(f, "%s%s", k ? ", " : "", trap_groups[row->trap[k]].name);
    fputs(row->fp ? "FP | " : " | ", f);
    sysreg_text_fgt(f, row);
    fputs(" | ", f);
    if (row->e2h)
        fprintf(f, "E2H: %s", sysreg_rows[row->e2h].name);
    if (row->alias)
        fprintf(f, "%s%s",
                row->access & SR_OP ? "as " : "E2H only: ", sysreg_rows[row->alias].name);
    fprintf(f, " | %s | %s |\n", sysreg_home_name(sysreg_home((enum sysreg)sr)),
            sysreg_owner_name(sysreg_owner((enum sysreg)sr)));
}

static void write_fields(FILE *f, unsigned sr)
{
    bool any = false;

    for (const struct sysreg_field *d = sysreg_fields; d->name[0]; d++) {
        if (d->sr != sr)
            continue;
        fprintf(f, any ? ", " : "\n**%s**: ", sysreg_rows[sr].name);
        any = true;
        if (d->hi == d->lo)
            fprintf(f, "%s %u", d->name, d->lo);
        else
            fprintf(f, "%s %u:%u", d->name, d->hi, d->lo);
        if (d->feature == FEAT_NEVER)
            fprintf(f, " (%s)", d->res1 ? "RES1" : "RES0");
        else if (d->feature != FEAT_BASE)
            fprintf(f, " (%s)", feature_name((enum feature)d->feature));
    }
    if (any)
        fputc('\n', f);
}

static void write_sysregs(FILE *f)
{
    generated(f, "System registers and operations",
              "arch/sysreg.def`, `arch/sysreg_fields.def`, `arch/traps.def");
    fputs(
        "`armillary sysreg NAME[=VALUE]` tells the same about one. Columns: the lowest EL that can "
        "use it; the\nfeature without which it is UNDEFINED; groups of traps (below); fine-grained "
        "trap; where an access goes\nwith HCR_EL2.E2H; where the value is; whose it is in a world "
        "switch.\n\n"
        "| name | encoding | access | from | feature | traps | fine-grained | redirection | home | "
        "owner |\n|---|---|---|---|---|---|---|---|---|---|\n",
        f);
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        write_sysreg(f, sr);
    fputs("\n## Owners\n\n", f);
    for (unsigned owner = 0; owner < SYSREG_OWNER_COUNT; owner++)
        fprintf(f, "- %s: %s\n", sysreg_owner_name((enum sysreg_owner)owner),
                sysreg_owner_text((enum sysreg_owner)owner));
    fputs("\n## Traps\n\n\"E2H and TGE\" are those of HCR_EL2.\n", f);
    for (unsigned g = TRAP_NONE + 1; g < TRAP_GROUP_COUNT; g++) {
        fprintf(f, "\n**%s**, %s:\n\n", trap_groups[g].name, trap_groups[g].text);
        for (const struct trap_rule *r = trap_groups[g].rules; r->mask; r++) {
            fputs("- ", f);
            sysreg_text_rule(f, r);
            fputc('\n', f);
        }
    }
    fputs("\n## Fields\n\nIn parentheses the feature without which a field cannot be written. Bits "
          "in "
          "no field are RES0.\n",
          f);
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        write_fields(f, sr);
}

/* ---- features.md ---- */

static const struct {
    const char *name, *cli, *id;
    unsigned lsb, width, value;
} features[] = {
#define FEATURE(name, cli, models, id, lsb, width, value) {#name, cli, #id, lsb, width, value},
#include "arch/features.def"
#undef FEATURE
};

/* Not the same as a model before it. */
static bool has_own_features(const struct cpu_model *model)
{
    const struct features set = cpu_model_features(model);

    for (const struct cpu_model *m = cpu_models; m != model; m++) {
        const struct features other = cpu_model_features(m);
        if (!memcmp(&set, &other, sizeof(set)))
            return false;
    }
    return true;
}

static void write_features(FILE *f)
{
    generated(f, "CPU models and features", "arch/cpu_models.def`, `arch/features.def");
    fputs("`--cpu MODEL,+x,-y` switches features; what builds upon a feature, or what it builds "
          "upon, "
          "follows.\n\n| model | also | MIDR_EL1 | compatible | without |\n|---|---|---|---|---|\n",
          f);
    for (const struct cpu_model *m = cpu_models; m->name; m++)
        fprintf(f, "| %s | %s | %#010x | %s | %s |\n", m->name,
                strcmp(m->name, m->qemu_name) ? m->qemu_name : "", m->midr, m->compatible,
                m->lacks ? m->lacks : "");
    fputs("\n| feature | `--cpu` | ID register field |", f);
    for (const struct cpu_model *m = cpu_models; m->name; m++)
        if (has_own_features(m))
            fprintf(f, " %s |", m->name);
    fputs("\n|---|---|---|", f);
    for (const struct cpu_model *m = cpu_models; m->name; m++)
        if (has_own_features(m))
            fputs("---|", f);
    fputc('\n', f);
    for (size_t k = 0; k < ARRAY_SIZE(features); k++) {
        fprintf(f, "| FEAT_%s | %s | ", features[k].name, features[k].cli);
        if (strcmp(features[k].id, "NONE"))
            fprintf(f, "%s[%u:%u] >= %u", features[k].id, features[k].lsb + features[k].width - 1,
                    features[k].lsb, features[k].value);
        for (const struct cpu_model *m = cpu_models; m->name; m++) {
            struct features set = cpu_model_features(m);
            if (has_own_features(m))
                fputs(has_feature(&set, feature_by_cli_name(features[k].cli)) ? " | yes" : " | ",
                      f);
        }
        fputs(" |\n", f);
    }
}

/* ---- probes.md ---- */

/* The words of @set that a field is made of. */
static void write_words(FILE *f, const char *set, bool bits)
{
    static const struct {
        const char *set, *name, *text;
        unsigned number;
    } words[] = {
#define PROBE_WORD(set, number, NAME, text) {#set, #NAME, text, number},
#include "base/probe_words.def"
#undef PROBE_WORD
    };

    for (size_t k = 0; k < ARRAY_SIZE(words); k++)
        if (!strcmp(words[k].set, set))
            fprintf(f, bits ? "| | | %#x | `ARM_%s_%s` %s |\n" : "| | | %u | `ARM_%s_%s` %s |\n",
                    words[k].number, set, words[k].name, words[k].text);
}

static void write_field(FILE *f, const char *name, const char *type, const char *text)
{
    fprintf(f, "| | `%s` | %s | %s |\n", name, type, text);
}

static void write_probes(FILE *f)
{
    generated(f, "Probes", "base/probe.def");
    fprintf(
        f,
        "Events that `arm_subscribe()` and `--trace` can see, version %d. Each carries the CPU, "
        "its EL, whether it runs a\nguest (below EL2 with stage 2 on) and of which VMID, the "
        "instructions retired by that CPU, the PC, and the\nfields of its member of `struct "
        "arm_event`. Their types are `bool` or a width in bits; `sr` is 16 bits, a\nregister's "
        "number (`arm_reg_name()`), "
        "`word` 8 bits and `bits` 16 bits with the values below it.\n",
        ARM_EVENTS_VERSION);
#define FIELD(type, name, text) write_field(f, #name, #type, text);
#define WORD(set, name, text)   write_field(f, #name, "word", text), write_words(f, #set, false);
#define BITS(set, name, text)   write_field(f, #name, "bits", text), write_words(f, #set, true);
#define PROBE(number, NAME, member, word, text, fields)                                            \
    fprintf(f,                                                                                     \
            "\n## ARM_EVENT_%s (%u), `%s`\n\n%s. `--trace=%s`\n\n"                                 \
            "| | field | type | |\n|---|---|---|---|\n",                                           \
            #NAME, number##u, #member, text, #word);                                               \
    fields
#include "base/probe.def"
#undef PROBE
#undef BITS
#undef WORD
#undef FIELD
}

/* ---- pmu_events.md ---- */

static void write_pmu_events(FILE *f)
{
    static const struct {
        const char *name, *text;
        unsigned number;
    } events[] = {
#define PMU_EVENT(name, number, how, text) {#name, text, number},
#include "arch/pmu_events.def"
#undef PMU_EVENT
    };

    generated(f, "Events of the performance monitors", "arch/pmu_events.def");
    fputs(
        "PMCEID0_EL0 and PMCEID1_EL0 announce these; any other counts nothing. A cycle is a "
        "retired instruction, or an\nexception taken instead of one. Events of single instructions "
        "other than their number are counted exactly too, but\nthe CPU runs slower while a counter "
        "is enabled for one.\n\n"
        "| event | number | counts |\n|---|---|---|\n",
        f);
    for (size_t k = 0; k < ARRAY_SIZE(events); k++) {
        fprintf(f, "| %s | 0x%02x ", events[k].name, events[k].number);
        cell(f, events[k].text);
        fputs("|\n", f);
    }
}

/* ---- model_parameters.md ---- */

/* The @k-th of words parted by |. */
static void write_word(FILE *f, const char *words, unsigned k)
{
    while (k--)
        words += strcspn(words, "|") + 1;
    fprintf(f, "%.*s", (int)strcspn(words, "|"), words);
}

static void write_parameter(FILE *f, const char *name, const char *unit, const char *kind,
                            unsigned min, unsigned max, unsigned def, const char *words,
                            const char *meaning)
{
    fprintf(f, "| `%s` | %s | ", name, unit);
    if (words) {
        for (unsigned k = 0; k <= max; k++) {
            fputs(k ? ", " : "", f);
            write_word(f, words, k);
        }
        fputs(" | ", f);
        write_word(f, words, def);
    } else {
        fprintf(f, "%u to %u%s | %u", min, max, strcmp(kind, "POWER") ? "" : ", a power of two",
                def);
    }
    fprintf(f, " | %s |\n", meaning);
}

static void write_model_parameters(FILE *f)
{
    generated(f, "Parameters of modelled cores", "model/params.def");
    fputs("What a file of `docs/models/` may set, and what a core has of which it does not say "
          "anything "
          "([model.md](model.md)).\n\n"
          "| name | unit | values | default | meaning |\n|---|---|---|---|---|\n",
          f);
#define PARAM(name, unit, kind, min, max, def, words, meaning)                                     \
    write_parameter(f, #name, unit, #kind, min, max, def, words, meaning);
#include "model/params.def"
#undef PARAM
    fputs(
        "\nWhat is counted, members of `struct arm_model_counts`. *Exact* is what the machine did; "
        "*modelled* is what the model says of it.\n\n"
        "| count | | |\n|---|---|---|\n",
        f);
#define COUNT(name, kind, text)                                                                    \
    fprintf(f, "| %s | %s | %s |\n", #name, !strcmp(#kind, "EXACT") ? "exact" : "modelled", text);
#include "model/counts.def"
#undef COUNT
}

/* ---- files ---- */

static const struct {
    const char *name;
    void (*write)(FILE *f);
} pages[] = {
    {"instructions.md", write_instructions},
    {"sysregs.md", write_sysregs},
    {"features.md", write_features},
    {"probes.md", write_probes},
    {"pmu_events.md", write_pmu_events},
    {"armillary.1", docs_man_write},
    {"model_parameters.md", write_model_parameters},
};

static bool same(const char *path, const char *text, size_t size)
{
    FILE *f = fopen(path, "rb");
    char *old = malloc(size + 1);
    size_t n = f && old ? fread(old, 1, size + 1, f) : 0;
    bool equal = f && old && n == size && !memcmp(old, text, size);

    if (f)
        fclose(f);
    free(old);
    return equal;
}

static bool put(const char *path, const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(text, 1, size, f) == size;

    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        perror(path);
    return ok;
}

static bool do_page(const char *dir, size_t k, bool check)
{
    char path[4096], *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    bool ok;

    if (!f) {
        perror("docs_gen");
        return false;
    }
    pages[k].write(f);
    fclose(f);
    snprintf(path, sizeof(path), "%s/%s", dir, pages[k].name);
    ok = check ? same(path, text, size) : put(path, text, size);
    if (check && !ok)
        fprintf(stderr, "docs_gen: %s is stale; write it with `docs_gen %s`\n", path, dir);
    free(text);
    return ok;
}

int main(int argc, char **argv)
{
    bool check = argc == 3 && !strcmp(argv[1], "--check"), ok = true;

    if (argc != 2 + check) {
        fprintf(stderr, "usage: docs_gen [--check] DIR\n");
        return 2;
    }
    for (size_t k = 0; k < ARRAY_SIZE(pages); k++)
        ok = do_page(argv[argc - 1], k, check) && ok;
    return ok ? 0 : 1;
}
