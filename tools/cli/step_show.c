/* Commands that show. */
#include <inttypes.h>
#include <string.h>

#include "info.h"
#include "parse.h"
#include "step.h"

/* ---- instructions and registers ---- */

enum step_verdict do_list(struct stepper *s, char **words, GString *out)
{
    uint64_t pc = step_reg(s, ARM_PC), count = 4;
    char text[160], symbol[128];

    if (words[1] && !parse_number(words[1], 1, 100, &count))
        return STEP_WRONG;
    for (uint64_t at = pc - 4 * count; at != pc + 4 * (count + 1); at += 4) {
        uint32_t word = 0;
        step_insn(s, at, &word, text, sizeof(text));
        g_string_append_printf(out, "%s %#018" PRIx64 " %08x %-32s %s\n", at == pc ? ">" : " ", at,
                               word, text, step_symbol(s, at, symbol, sizeof(symbol)));
    }
    return STEP_OK;
}

/* Of EL @el: by the end of its name. */
static bool is_of_el(const struct arm_register *r, char el)
{
    const char *end = strrchr(r->name, '_');

    return r->number < ARM_X(0) && !r->alias && end && !strncmp(end, "_EL", 3) && end[3] == el &&
           !end[4];
}

static void general(const struct stepper *s, GString *out)
{
    char text[256];

    for (unsigned k = 0; k < 31; k++)
        g_string_append_printf(out, "x%-3u %016" PRIx64 "%s", k, step_reg(s, ARM_X(k)),
                               k % 4 == 3 ? "\n" : "  ");
    arm_text_pstate(step_reg(s, ARM_PSTATE), text, sizeof(text));
    g_string_append_printf(out, "sp   %016" PRIx64 "\npc   %016" PRIx64 "  pstate %s\n",
                           step_reg(s, ARM_SP), step_reg(s, ARM_PC), text);
}

/* The CPU interface, of the virtual CPU too. */
static bool is_gic(const struct arm_register *r)
{
    return r->number < ARM_X(0) && !r->alias &&
           (g_str_has_prefix(r->name, "ICC_") || g_str_has_prefix(r->name, "ICH_"));
}

static void vectors(const struct stepper *s, GString *out)
{
    for (size_t k = 0; k < s->reg_count; k++)
        if (s->regs[k].width == 128)
            g_string_append_printf(out, "%-5s %016" PRIx64 "%016" PRIx64 "\n", s->regs[k].name,
                                   s->now[k][1], s->now[k][0]);
}

enum step_verdict do_regs(struct stepper *s, char **words, GString *out)
{
    const char *what = words[1] ? words[1] : "";
    const char *el = g_ascii_strncasecmp(what, "el", 2) ? what : what + 2;
    bool all = !strcmp(what, "all"), gic = !g_ascii_strcasecmp(what, "gic");
    bool one = *el && strchr("012", *el) && !el[1];

    if (!strcmp(what, "v")) {
        vectors(s, out);
        return STEP_OK;
    }
    if (*what && !all && !gic && !one)
        return STEP_WRONG;
    if (!*what || all)
        general(s, out);
    for (size_t k = 0; *what && k < s->reg_count; k++)
        if (all   ? s->regs[k].number < ARM_X(0) && !s->regs[k].alias
            : gic ? is_gic(&s->regs[k])
                  : is_of_el(&s->regs[k], *el))
            g_string_append_printf(out, "%-20s %016" PRIx64 "\n", s->regs[k].name, s->now[k][0]);
    return STEP_OK;
}

enum step_verdict do_changed(struct stepper *s, char **words, GString *out)
{
    unsigned count = 0;

    (void)words;
    for (size_t k = 0; k < s->reg_count; k++) {
        const uint64_t *was = s->was[k], *now = s->now[k];
        if (s->regs[k].alias || (was[0] == now[0] && was[1] == now[1]))
            continue;
        count++;
        if (s->regs[k].width == 128)
            g_string_append_printf(
                out, "%s %016" PRIx64 "%016" PRIx64 " -> %016" PRIx64 "%016" PRIx64 "\n",
                s->regs[k].name, was[1], was[0], now[1], now[0]);
        else
            g_string_append_printf(out, "%s %#" PRIx64 " -> %#" PRIx64 "\n", s->regs[k].name,
                                   was[0], now[0]);
    }
    if (!count)
        g_string_append(out, "nothing has changed\n");
    return STEP_OK;
}

static void add_line(void *ctx, const char *line)
{
    g_string_append_printf(ctx, "%s\n", line);
}

enum step_verdict do_gic(struct stepper *s, char **words, GString *out)
{
    (void)words;
    arm_describe(step_machine(s), "gic", add_line, out);
    return STEP_OK;
}

enum step_verdict do_info(struct stepper *s, char **words, GString *out)
{
    return info_execute(step_machine(s), s->cpu, NULL, words, out) || !words[1] ? STEP_OK
                                                                                : STEP_WRONG;
}

enum step_verdict do_findings(struct stepper *s, char **words, GString *out)
{
    (void)words;
    arm_checker_findings(s->checker, add_line, out);
    return STEP_OK;
}

enum step_verdict do_console(struct stepper *s, char **words, GString *out)
{
    size_t from = s->console->len;

    (void)words;
    for (unsigned lines = 0; from && lines < 21; from--)
        lines += s->console->str[from - 1] == '\n';
    for (const char *c = s->console->str + from + (from != 0); *c; c++)
        if (*c != '\r')
            g_string_append_c(out, *c);
    if (out->len && out->str[out->len - 1] != '\n')
        g_string_append_c(out, '\n');
    return STEP_OK;
}

/* ---- translation ---- */

static const char *kind_of(const struct arm_walk_step *w)
{
    if (!(w->descriptor & 1))
        return "invalid";
    if (w->level == 3)
        return w->descriptor & 2 ? "page" : "reserved";
    return w->descriptor & 2 ? "table" : "block";
}

static void add_step(void *ctx, const struct arm_walk_step *w)
{
    GString *out = ctx;

    g_string_append_printf(out, "stage %u level %d%s: %s %#" PRIx64 ", descriptor at pa:%#" PRIx64,
                           w->stage, w->level, w->table ? " of a stage-1 descriptor" : "",
                           w->stage == 1 ? "VA" : "IPA", w->address, w->pa);
    if (w->ipa != w->pa)
        g_string_append_printf(out, " (IPA %#" PRIx64 ")", w->ipa);
    g_string_append_printf(out, " = %#018" PRIx64 " %s\n", w->descriptor, kind_of(w));
}

static void add_perms(GString *out, uint8_t perms)
{
    static const char letters[] = "rwxrwx";

    for (unsigned k = 0; k < 6; k++)
        g_string_append_printf(out, "%s%c",
                               k == 0   ? ", privileged "
                               : k == 3 ? ", EL0 "
                                        : "",
                               perms >> k & 1 ? letters[k] : '-');
}

enum step_verdict do_walk(struct stepper *s, char **words, GString *out)
{
    uint64_t address, el = step_el(s);
    struct arm_translation t;

    if (!words[1] || !step_number(s, words[1], &address) ||
        (words[2] && !parse_number(words[2], 0, 2, &el)))
        return STEP_WRONG;
    if (arm_walk(step_machine(s), s->cpu, (unsigned)el, address, ARM_ACCESS_READ, add_step, out,
                 &t)) {
        g_string_append_printf(out,
                               "EL%" PRIu64 " %#" PRIx64 " -> pa:%#" PRIx64 ", attributes %#04x",
                               el, address, t.pa, t.attr);
        add_perms(out, t.perms);
        g_string_append_c(out, '\n');
    } else {
        g_string_append_printf(out,
                               "EL%" PRIu64 " %#" PRIx64 " -> %s fault, stage %u, level %d%s\n", el,
                               address, t.fault ? t.fault : "no such EL:", t.stage, t.level,
                               t.on_walk ? ", on a stage-1 descriptor" : "");
    }
    return STEP_OK;
}

/* ---- expressions ---- */

/* owner:REG:WORLD */
static bool owner_value(struct stepper *s, const char *text, GString *out)
{
    const char *colon = strchr(text, ':');
    g_autofree char *name = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
    struct arm_owner list[64];

    if (!colon || arm_reg_number(name) == ARM_NO_REGISTER)
        return false;
    size_t count = arm_checker_owner(s->checker, arm_reg_number(name), timeline_here(s->t), list,
                                     G_N_ELEMENTS(list));
    for (size_t k = 0; k < count && k < G_N_ELEMENTS(list); k++)
        if (!strcmp(list[k].world, colon + 1)) {
            g_string_append_printf(out, "%c", list[k].state);
            return true;
        }
    g_string_append_c(out, ARM_OWNED_NONE);
    return true;
}

static void mix(void *ctx, const char *line)
{
    uint64_t *hash = ctx;

    for (; *line; line++)
        *hash = (*hash ^ (uint8_t)*line) * UINT64_C(0x100000001b3); /* FNV-1a */
}

/* A hash of all registers of all CPUs, of the GIC, and of the time. */
static uint64_t state_hash(const struct stepper *s)
{
    struct arm_machine *m = step_machine(s);
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ arm_time_ns(m);
    char text[64];

    for (unsigned cpu = 0; cpu < arm_cpu_count(m); cpu++)
        for (size_t k = 0; k < s->reg_count; k++) {
            uint64_t value[2] = {0, 0};
            arm_reg_get(m, cpu, s->regs[k].number, value);
            g_snprintf(text, sizeof(text), "%" PRIx64 " %" PRIx64, value[0], value[1]);
            mix(&hash, text);
        }
    arm_describe(m, "gic", mix, &hash);
    return hash;
}

static bool memory_value(struct stepper *s, const char *expr, GString *out)
{
    uint64_t pa, value;

    if (!step_memory(s, expr, &pa) || !arm_mem_read(step_machine(s), pa, &value, 8))
        return false;
    g_string_append_printf(out, "%#" PRIx64, value);
    return true;
}

static bool value_text(struct stepper *s, const char *expr, GString *out)
{
    struct arm_position at = timeline_here(s->t);
    uint32_t number = arm_reg_number(expr);
    uint64_t value[2];
    char symbol[128];

    if (number != ARM_NO_REGISTER && arm_reg_get(step_machine(s), s->cpu, number, value))
        g_string_append_printf(out, "%#" PRIx64, value[0]);
    else if (!strcmp(expr, "at"))
        g_string_append_printf(out, "%" PRIu64 ".%" PRIu64, at.insns, at.exceptions);
    else if (!strcmp(expr, "insns"))
        g_string_append_printf(out, "%" PRIu64, at.insns);
    else if (!strcmp(expr, "work"))
        g_string_append_printf(out, "%" PRIu64, s->work);
    else if (!strcmp(expr, "state"))
        g_string_append_printf(out, "%#" PRIx64, state_hash(s));
    else if (!strcmp(expr, "cpu"))
        g_string_append_printf(out, "%u", s->cpu);
    else if (!strcmp(expr, "el"))
        g_string_append_printf(out, "%u", step_el(s));
    else if (!strcmp(expr, "symbol"))
        g_string_append(out, step_symbol(s, step_reg(s, ARM_PC), symbol, sizeof(symbol)));
    else if (!strcmp(expr, "world")) {
        const char *world = step_world(s, s->cpu);
        g_string_append(out, world ? world : "-");
    } else if (g_str_has_prefix(expr, "owner:"))
        return owner_value(s, expr + 6, out);
    else
        return memory_value(s, expr, out);
    return true;
}

enum step_verdict do_print(struct stepper *s, char **words, GString *out)
{
    if (!words[1] || !value_text(s, words[1], out))
        return STEP_WRONG;
    g_string_append_c(out, '\n');
    return STEP_OK;
}

/* As numbers, if both are. */
static bool same(const char *a, const char *b)
{
    uint64_t x, y;

    return !strcmp(a, b) ||
           (parse_number(a, 0, UINT64_MAX, &x) && parse_number(b, 0, UINT64_MAX, &y) && x == y);
}

enum step_verdict do_expect(struct stepper *s, char **words, GString *out)
{
    g_autoptr(GString) value = g_string_new(NULL);

    if (!words[1] || !words[2] || !value_text(s, words[1], value))
        return STEP_WRONG;
    bool met = same(value->str, words[2]);
    g_string_append_printf(out, met ? "ok: %s is %s\n" : "unmet: %s is %s, expected %s\n", words[1],
                           value->str, words[2]);
    return met ? STEP_OK : STEP_UNMET;
}

enum step_verdict do_says(struct stepper *s, char **words, GString *out)
{
    bool met = words[1] && strstr(s->last->str, words[1]);

    g_string_append_printf(out, "%s: the answer %s \"%s\"\n", met ? "ok" : "unmet",
                           met ? "has" : "has not", words[1]);
    return met ? STEP_OK : STEP_UNMET;
}
