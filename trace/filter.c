#include "trace/filter.h"

#include <string.h>

#include "symbols/symbols.h"
#include "trace/names.h"

static const struct {
    const char *name, *argument, *help;
} rows[] = {
#define TRACE_FILTER(name, argument, help) {#name, argument, help},
#include "trace/filters.def"
#undef TRACE_FILTER
};

bool trace_filter_describe(unsigned index, const char **name, const char **argument,
                           const char **help)
{
    if (index >= FILTER_COUNT)
        return false;
    *name = rows[index].name;
    *argument = rows[index].argument;
    *help = rows[index].help;
    return true;
}

void trace_filter_init(struct trace_filter *f)
{
    *f = (struct trace_filter){.basic = {.size = sizeof(f->basic)}, .to = UINT64_MAX};
}

static void free_pattern(void *pattern)
{
    g_pattern_spec_free(pattern);
}

static void free_span(void *ptr)
{
    struct trace_span *s = ptr;

    g_free(s->first);
    g_free(s->last);
    g_array_unref(s->bounds);
    g_free(s);
}

void trace_filter_clear(struct trace_filter *f)
{
    if (f->ranges)
        g_array_unref(f->ranges);
    if (f->patterns)
        g_ptr_array_unref(f->patterns);
    if (f->spans)
        g_ptr_array_unref(f->spans);
    if (f->registers)
        g_array_unref(f->registers);
    trace_filter_init(f);
}

/* ---- parsing ---- */

static bool parse_u64(const char *text, uint64_t *out)
{
    char *end;

    *out = g_ascii_strtoull(text, &end, 0);
    return g_ascii_isdigit(text[0]) && !*end;
}

/* With K, M or G, as --max-insns has them. */
static bool parse_count(const char *text, uint64_t *out)
{
    static const char letters[] = "KMG";
    char *end;
    uint64_t unit = 1;

    *out = g_ascii_strtoull(text, &end, 0);
    const char *letter = *end ? strchr(letters, g_ascii_toupper(*end)) : NULL;
    for (const char *l = letters; letter && l <= letter; l++)
        unit *= 1024;
    if (!g_ascii_isdigit(text[0]) || (*end && (!letter || end[1])) || *out > UINT64_MAX / unit)
        return false;
    *out *= unit;
    return true;
}

static bool parse_el(struct trace_filter *f, const char *value)
{
    uint64_t el;

    if (!parse_u64(value, &el) || el > 2)
        return false;
    f->basic.els |= (uint8_t)ARM_BIT(el);
    return true;
}

static bool parse_cpu(struct trace_filter *f, const char *value)
{
    uint64_t cpu;

    if (!parse_u64(value, &cpu) || cpu >= ARM_CPUS_MAX)
        return false;
    f->basic.cpus[cpu / 64] |= ARM_BIT(cpu % 64);
    return true;
}

static bool parse_world(struct trace_filter *f, const char *value)
{
    uint64_t vmid;

    if (!strcmp(value, "host"))
        f->basic.worlds |= ARM_WORLD_HOST;
    else
        f->basic.worlds |= ARM_WORLD_GUEST;
    if (!strcmp(value, "host") || !strcmp(value, "guest"))
        return true;
    if (!parse_u64(value, &vmid) || vmid > UINT16_MAX || f->basic.one_vmid)
        return false;
    f->basic.one_vmid = true;
    f->basic.vmid = (uint16_t)vmid;
    return true;
}

static bool parse_pc(struct trace_filter *f, const char *value)
{
    g_auto(GStrv) ends = g_strsplit(value, "..", 2);
    struct trace_range r;

    if (!value[0])
        return false;
    if (g_ascii_isdigit(value[0])) {
        if (!parse_u64(ends[0], &r.first) || (ends[1] && !parse_u64(ends[1], &r.last)))
            return false;
        if (!ends[1])
            r.last = r.first;
        if (!f->ranges)
            f->ranges = g_array_new(FALSE, FALSE, sizeof(r));
        g_array_append_val(f->ranges, r);
        return r.first <= r.last;
    }
    if (ends[1]) {
        struct trace_span s = {g_strdup(ends[0]), g_strdup(ends[1]),
                               g_array_new(FALSE, TRUE, sizeof(struct trace_range))};
        if (!f->spans)
            f->spans = g_ptr_array_new_with_free_func(free_span);
        g_ptr_array_add(f->spans, g_memdup2(&s, sizeof(s)));
        return s.first[0] && s.last[0];
    }
    if (!f->patterns)
        f->patterns = g_ptr_array_new_with_free_func(free_pattern);
    g_ptr_array_add(f->patterns, g_pattern_spec_new(value));
    return true;
}

static bool parse_from(struct trace_filter *f, const char *value)
{
    return parse_count(value, &f->from);
}

static bool parse_to(struct trace_filter *f, const char *value)
{
    return parse_count(value, &f->to) && f->to;
}

static bool parse_reg(struct trace_filter *f, const char *value)
{
    uint32_t number = arm_reg_number(value);

    if (!f->registers)
        f->registers = g_array_new(FALSE, FALSE, sizeof(number));
    g_array_append_val(f->registers, number);
    return number != ARM_NO_REGISTER;
}

static bool parse_last(struct trace_filter *f, const char *value)
{
    return parse_u64(value, &f->last) && f->last && f->last <= (UINT64_C(1) << 24);
}

static bool (*const parsers[])(struct trace_filter *f, const char *value) = {
#define TRACE_FILTER(name, argument, help) parse_##name,
#include "trace/filters.def"
#undef TRACE_FILTER
};

bool trace_filter_parse(struct trace_filter *f, const char *word, char *why, size_t size)
{
    const char *eq = strchr(word, '=');
    size_t length = eq ? (size_t)(eq - word) : strlen(word);
    unsigned k = 0;

    while (k < FILTER_COUNT &&
           (strlen(rows[k].name) != length || strncmp(rows[k].name, word, length)))
        k++;
    if (!eq || k == FILTER_COUNT) {
        g_snprintf(why, size, "no filter \"%.*s\"", (int)MIN(length, 60), word);
        return false;
    }
    g_auto(GStrv) values = g_strsplit(eq + 1, "+", -1);
    bool good = values[0] != NULL;
    for (char **v = values; *v && good; v++)
        good = parsers[k](f, *v);
    f->given |= 1U << k;
    if (!good)
        g_snprintf(why, size, "%s: expected %s=%s", word, rows[k].name, rows[k].argument);
    return good;
}

/* ---- matching ---- */

static bool in_ranges(const struct trace_filter *f, uint64_t pc)
{
    for (unsigned k = 0; f->ranges && k < f->ranges->len; k++) {
        const struct trace_range *r = &g_array_index(f->ranges, struct trace_range, k);
        if (pc >= r->first && pc <= r->last)
            return true;
    }
    return false;
}

static bool in_functions(const struct trace_filter *f, struct trace_names *names,
                         const struct arm_event *e)
{
    char name[160];

    if (!f->patterns || !trace_function(names, e, name, sizeof(name)))
        return false;
    for (unsigned k = 0; k < f->patterns->len; k++)
        if (g_pattern_spec_match_string(f->patterns->pdata[k], name))
            return true;
    return false;
}

/* What a file has of @s: nothing is a range that ends before it begins. */
static struct trace_range bounds_of(const struct trace_span *s, struct trace_names *names,
                                    unsigned file)
{
    const struct symbols *symbols;
    struct trace_range r = {1, 0};
    const char *path, *name;
    uint64_t address, size;

    if (!trace_names_get(names, file, &path, &symbols) ||
        !symbols_find(symbols, s->first, &address))
        return r;
    r.first = address;
    for (unsigned k = 0; symbols_get(symbols, k, &address, &size, &name); k++)
        if (!strcmp(name, s->last))
            r.last = address + size - 1;
    return r;
}

static bool in_spans(const struct trace_filter *f, struct trace_names *names,
                     const struct arm_event *e)
{
    unsigned file;
    uint64_t offset;

    if (!f->spans || !trace_names_file(names, e, e->pc, &file, &offset))
        return false;
    for (unsigned k = 0; k < f->spans->len; k++) {
        const struct trace_span *s = f->spans->pdata[k];
        while (s->bounds->len <= file) {
            struct trace_range r = bounds_of(s, names, s->bounds->len);
            g_array_append_val(s->bounds, r);
        }
        const struct trace_range *r = &g_array_index(s->bounds, struct trace_range, file);
        if (e->pc - offset >= r->first && e->pc - offset <= r->last)
            return true;
    }
    return false;
}

static bool insn_uses(uint32_t word, uint32_t number)
{
    struct arm_insn_use use;
    uint32_t x, v;

    if (!arm_insn_uses(word, &use))
        return false;
    x = use.reads | use.writes;
    v = use.v_reads | use.v_writes;
    if (number >= ARM_X(0) && number <= ARM_SP)
        return (x >> (number - ARM_X(0)) & 1) != 0;
    if (number >= ARM_V(0) && number <= ARM_V(31))
        return (v >> (number - ARM_V(0)) & 1) != 0;
    return use.from == number || use.to == number;
}

static bool mem_uses(const struct arm_event *e, uint32_t number)
{
    uint32_t base = e->mem.kind & ARM_MEM_FP ? ARM_V(0) : ARM_X(0);

    return (e->mem.reg < 32 && base + e->mem.reg == number && number != ARM_SP) ||
           (e->mem.reg2 < 32 && base + e->mem.reg2 == number && number != ARM_SP);
}

/* XZR is no register. */
static bool is_x(uint32_t number, uint8_t reg)
{
    return reg < 31 && number == ARM_X(reg);
}

static bool uses(const struct arm_event *e, uint32_t number)
{
    switch (e->kind) {
    case ARM_EVENT_INSN:
        return insn_uses(e->insn.word, number);
    case ARM_EVENT_FP:
        return insn_uses(e->fp.word, number);
    case ARM_EVENT_MEM:
        return mem_uses(e, number);
    case ARM_EVENT_SYSREG_READ:
        return e->sysreg_read.sr == number || e->sysreg_read.name == number ||
               is_x(number, e->sysreg_read.reg);
    case ARM_EVENT_SYSREG_WRITE:
        return e->sysreg_write.sr == number || e->sysreg_write.name == number ||
               is_x(number, e->sysreg_write.reg);
    case ARM_EVENT_HWREG:
        return e->hwreg.sr == number;
    default:
        return false;
    }
}

static bool uses_one(const struct trace_filter *f, const struct arm_event *e)
{
    for (unsigned k = 0; k < f->registers->len; k++)
        if (uses(e, g_array_index(f->registers, uint32_t, k)))
            return true;
    return false;
}

bool trace_filter_passes(const struct trace_filter *f, struct arm_machine *m,
                         struct trace_names *names, const struct arm_event *e)
{
    if (f->from || f->to != UINT64_MAX) {
        uint64_t at = arm_machine_position(m).insns;
        if (at < f->from || at >= f->to)
            return false;
    }
    if ((f->ranges || f->patterns || f->spans) && !in_ranges(f, e->pc) &&
        !in_functions(f, names, e) && !in_spans(f, names, e))
        return false;
    return !f->registers || uses_one(f, e);
}
