#include "checker/finding.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "arch/esr.h"
#include "base/bits.h"
#include "checker/backtrace.h"
#include "checker/checker.h"
#include "checker/names.h"
#include "checker/report.h"
#include "checker/suppress.h"

/* Kept at most; what comes behind is counted. */
#define FINDINGS_MAX 1000

/* An exception is told with its preferred return address: of a call, behind the instruction. */
static uint64_t insn_pc(const struct arm_event *p)
{
    uint64_t esr = p->kind == ARM_EVENT_EXCEPTION                  ? p->exception.esr
                   : p->kind == ARM_EVENT_WORLD && !p->world.enter ? p->world.esr
                                                                   : 0;
    unsigned ec = (unsigned)bits(esr, 31, 26);

    return ec == ESR_EC_SVC64 || ec == ESR_EC_HVC64 ? p->pc - 4 : p->pc;
}

void site_put(const struct arm_checker *c, const struct arm_event *p, struct site *s)
{
    bool mem = p->kind == ARM_EVENT_MEM;

    s->known = true;
    s->cpu = p->cpu;
    s->el = p->el;
    s->rt = mem ? p->mem.reg : ARM_NO_REG;
    s->wide = mem && p->mem.size == 16;
    s->pc = insn_pc(p);
    s->count = p->count;
    s->total = arm_retired(c->m);
    s->trace = 0;
}

struct site site_bare(const struct arm_checker *c, const struct arm_event *p)
{
    struct site s;

    site_put(c, p, &s);
    return s;
}

struct site site_of(const struct arm_checker *c, const struct arm_event *p)
{
    struct site s = site_bare(c, p);

    if (s.el == 2)
        s.trace = backtrace_take(c, p->cpu);
    return s;
}

struct finding finding_at(const struct arm_checker *c, enum rule rule, const struct arm_event *p)
{
    return (struct finding){.rule = rule, .reg = ARM_NO_REGISTER, .at = site_of(c, p)};
}

struct finding finding_about(const struct arm_checker *c, enum rule rule, const struct world *w,
                             enum sysreg sr, const struct arm_event *p)
{
    struct finding f = finding_at(c, rule, p);

    f.world = w;
    f.reg = sysreg_number(sr);
    return f;
}

struct finding finding_entered(struct arm_checker *c, enum rule rule, const struct world *w,
                               enum sysreg sr, const char *hint, const struct arm_event *p)
{
    struct finding f = finding_about(c, rule, w, sr, p);

    f.other = checker_exit_state(c, w)->at;
    f.other_role = "left";
    f.hint = hint;
    return f;
}

void finding_say(struct finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
}

struct findings *findings_new(void)
{
    return g_new0(struct findings, 1);
}

void findings_free(struct findings *fs)
{
    for (unsigned k = 0; fs && k < fs->count; k++)
        for (unsigned side = 0; side < 2; side++) {
            g_strfreev(fs->list[k].places[side]);
            g_free(fs->list[k].insn[side]);
        }
    for (unsigned k = 0; fs && k < fs->count; k++)
        g_free(fs->list[k].slot);
    if (fs)
        g_free(fs->list);
    g_free(fs);
}

static bool same(const struct finding *a, const struct finding *b)
{
    return a->rule == b->rule && a->reg == b->reg && a->at.pc == b->at.pc &&
           a->other.known == b->other.known && a->other.pc == b->other.pc;
}

static char *place(const struct arm_checker *c, const struct site *s, uint64_t pc)
{
    g_autofree char *name = names_of(c->names, s->cpu, s->el, pc);

    return g_strdup_printf("pc %#" PRIx64 "%s%s", pc, name ? " " : "", name ? name : "");
}

/* Is there a BL or BLR (whatever it authenticates)? Else X29 was no frame record's: a world's
 * already. */
static bool is_call(const struct arm_checker *c, const struct site *s, uint64_t pc)
{
    uint32_t word;

    return arm_virt_read(c->m, s->cpu, 2, pc, &word, sizeof(word)) &&
           (word >> 26 == 0x25 || (word & 0xfefff000) == 0xd63f0000);
}

/* The site's place and its callers', now that they are mapped; a call is the instruction before its
 * return address. Callers end where nothing has a name any more. */
static char **places(const struct arm_checker *c, const struct site *s)
{
    const struct backtrace *trace = backtrace_get(c, s->trace);
    unsigned count = trace ? trace->count : 0;
    char **list;

    if (!s->known)
        return NULL;
    if (count && !is_call(c, s, trace->pc[0] - 4))
        count = 0;
    list = g_new0(char *, count + 2);
    list[0] = place(c, s, s->pc);
    for (unsigned k = 0; k < count; k++) {
        list[k + 1] = place(c, s, trace->pc[k] - 4);
        if (!strchr(list[k + 1] + 3, ' '))
            break;
    }
    return list;
}

/* The instruction at @s, at EL2: below it something else may be mapped by now. */
static char *insn_text(const struct arm_checker *c, const struct site *s)
{
    char buf[80];
    uint32_t word;

    if (!c->disassemble || !s->known || s->el != 2 ||
        !arm_virt_read(c->m, s->cpu, 2, s->pc, &word, sizeof(word)))
        return NULL;
    c->disassemble(s->pc, word, buf, sizeof(buf));
    return g_strdup(buf);
}

static char *symbol_at(const struct arm_checker *c, const struct site *s)
{
    return s->known ? names_of(c->names, s->cpu, s->el, s->pc) : NULL;
}

void finding_report(struct arm_checker *c, const struct finding *f)
{
    struct findings *fs = c->findings;

    if (!c->rule_on[f->rule])
        return;
    for (unsigned k = 0; k < fs->count; k++)
        if (same(&fs->list[k].finding, f)) {
            fs->list[k].times++;
            return;
        }
    g_autofree char *symbol = symbol_at(c, &f->at);
    if (suppressions_take(c->suppressions, f, symbol))
        return;
    if (fs->count == FINDINGS_MAX) {
        fs->dropped++;
        return;
    }
    struct kept_finding kept = {
        .finding = *f, .times = 1, .places = {places(c, &f->at), places(c, &f->other)}};
    if (f->has_address)
        kept.slot = names_slot(c->names, c->flow, f->at.cpu, f->address);
    kept.insn[0] = insn_text(c, &f->at);
    kept.insn[1] = insn_text(c, &f->other);
    fs->list = g_renew(struct kept_finding, fs->list, fs->count + 1);
    fs->list[fs->count++] = kept;
    if (c->tell)
        finding_print(c, &kept, "", c->tell, c->tell_ctx);
}

unsigned findings_count(const struct findings *fs, bool errors)
{
    unsigned count = 0;

    for (unsigned k = 0; k < fs->count; k++)
        count += !errors || rule_rows[fs->list[k].finding.rule].severity == RULE_ERROR;
    return count;
}

void say(arm_line_fn *line, void *ctx, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    line(ctx, text);
}

static void print_site(arm_line_fn *line, void *ctx, const char *role, const struct site *s,
                       char **places)
{
    if (!s->known)
        return;
    say(line, ctx, "  %-8s cpu%u EL%u %s, instruction %" PRIu64, role, s->cpu, s->el, places[0],
        s->total);
    for (unsigned k = 1; places[k]; k++)
        say(line, ctx, "           from %s", places[k]);
}

void finding_print(const struct arm_checker *c, const struct kept_finding *k, const char *options,
                   arm_line_fn *line, void *ctx)
{
    const struct finding *f = &k->finding;

    say(line, ctx, "%s: %s%s%s%s%s: %s%s", rule_severity_word(f->rule), rule_rows[f->rule].name,
        f->reg == ARM_NO_REGISTER ? "" : " ", f->reg == ARM_NO_REGISTER ? "" : arm_reg_name(f->reg),
        f->world ? " of " : "", f->world ? f->world->name : "", f->text, "");
    print_site(line, ctx, "at", &f->at, k->places[0]);
    print_site(line, ctx, f->other_role ? f->other_role : "other", &f->other, k->places[1]);
    if (f->has_address)
        say(line, ctx, "  %-8s PA %#" PRIx64 "%s%s", "slot", f->address, k->slot ? " " : "",
            k->slot ? k->slot : "");
    if (f->hint)
        say(line, ctx, "  %-8s %s", "hint", f->hint);
    if (k->times > 1)
        say(line, ctx, "  %-8s %" PRIu64 " times", "seen", k->times);
    if (c->rerun)
        say(line, ctx, "  %-8s armillary run --max-insns %" PRIu64 " %s%s%s", "replay", f->at.total,
            options, *options ? " " : "", c->rerun);
}

void findings_print(const struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    const struct findings *fs = c->findings;

    for (unsigned k = 0; k < fs->count; k++)
        finding_print(c, &fs->list[k], "", line, ctx);
    if (fs->dropped)
        say(line, ctx, "... and %" PRIu64 " more than %d", fs->dropped, FINDINGS_MAX);
    suppressions_print(c->suppressions, line, ctx);
    say(line, ctx, "findings: %u error(s), %u warning(s)", findings_count(fs, true),
        fs->count - findings_count(fs, true));
}

int findings_write(const struct arm_checker *c, struct arm_error *err)
{
    int rc = report_write(c, c->json, report_json, err);

    if (rc == 0)
        rc = report_write(c, c->junit, report_junit, err);
    if (rc == 0)
        rc = report_write(c, c->sarif, report_sarif, err);
    return rc ? rc : report_write(c, c->html, report_html, err);
}
