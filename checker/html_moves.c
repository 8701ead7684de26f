/*
 * Which function saves a register and which one restores it: a table a group of registers, a column
 * a pair of functions; and all pairs of instructions.
 */
#include <inttypes.h>
#include <string.h>

#include "checker/checker.h"
#include "checker/html.h"
#include "checker/moves.h"
#include "checker/report.h"

#define COLUMNS_MAX 8 /* of a table; other pairs are in the list */

/* Two functions, or what stands for one that is not known. */
struct column {
    char *saves, *restores;
    uint64_t times;
    unsigned registers; /* that have it */
};

struct table {
    const struct arm_checker *c;
    const GArray *moves;
    enum sysreg_owner group;
    bool general;
    GArray *columns; /* struct column */
    unsigned rows;   /* registers that are shown */
};

static char *function_of(const struct moves *v, uint64_t pc)
{
    const char *name = pc ? moves_name(v, pc) : NULL;

    return !pc    ? g_strdup("?")
           : name ? g_strndup(name, strcspn(name, "+ "))
                  : g_strdup_printf("%#" PRIx64, pc);
}

static bool is_in(const struct table *t, unsigned reg)
{
    return t->general ? reg < REG_V(0) : reg >= REG_V(0) && t->c->regs.desc[reg].owner == t->group;
}

static void clear_column(void *ptr)
{
    struct column *k = ptr;

    g_free(k->saves);
    g_free(k->restores);
}

/* The index; @add: of a new one, if it is not there. Else the number of columns. */
static unsigned column_of(const struct table *t, const struct move *m, bool add)
{
    struct column one = {function_of(t->c->moves, m->saved), function_of(t->c->moves, m->restored),
                         0, 0};

    for (unsigned k = 0; k < t->columns->len; k++) {
        const struct column *old = &g_array_index(t->columns, struct column, k);
        if (strcmp(old->saves, one.saves) != 0 || strcmp(old->restores, one.restores) != 0)
            continue;
        clear_column(&one);
        return k;
    }
    if (add)
        g_array_append_val(t->columns, one);
    else
        clear_column(&one);
    return t->columns->len - add;
}

static int by_times(const void *one, const void *other)
{
    const struct column *a = one, *b = other;

    if (a->times != b->times)
        return a->times < b->times ? 1 : -1;
    int order = strcmp(a->saves, b->saves);
    return order ? order : strcmp(a->restores, b->restores);
}

static const struct move *move_at(const struct table *t, unsigned k)
{
    return &g_array_index(t->moves, struct move, k);
}

static void find_columns(struct table *t)
{
    unsigned last = UINT32_MAX;
    uint64_t seen = 0; /* columns that @last has */

    for (unsigned k = 0; k < t->moves->len; k++) {
        const struct move *m = move_at(t, k);
        if (m->save || !is_in(t, m->reg))
            continue;
        unsigned index = column_of(t, m, true);
        struct column *column = &g_array_index(t->columns, struct column, index);
        column->times += m->times;
        seen = m->reg == last ? seen : 0;
        last = m->reg;
        column->registers += index < 64 && !(seen >> index & 1);
        seen |= index < 64 ? UINT64_C(1) << index : 0;
    }
    g_array_sort(t->columns, by_times);
}

/* ---- a register ---- */

struct row {
    uint64_t times[COLUMNS_MAX];
    uint64_t saves;
    bool moved;
    unsigned findings; /* about it */
};

static bool is_about(const struct table *t, unsigned finding, unsigned reg)
{
    const struct finding *f = &t->c->findings->list[finding].finding;

    return f->reg == t->c->regs.desc[reg].number && rule_rows[f->rule].unit == UNIT_own;
}

static struct row row_of(const struct table *t, unsigned reg)
{
    struct row r = {0};

    for (unsigned k = 0; k < t->c->findings->count; k++)
        r.findings += is_about(t, k, reg);
    for (unsigned k = 0; k < t->moves->len; k++) {
        const struct move *m = move_at(t, k);
        if (m->reg != reg)
            continue;
        r.moved = true;
        unsigned column = m->save ? COLUMNS_MAX : column_of(t, m, false);
        r.saves += m->save ? m->times : 0;
        if (column < COLUMNS_MAX)
            r.times[column] += m->times;
    }
    return r;
}

/* Most of the group's registers move so, and this one never does. */
static bool is_gap(const struct table *t, const struct row *r, unsigned column)
{
    return !r->times[column] &&
           g_array_index(t->columns, struct column, column).registers * 4 >= t->rows * 3;
}

static void put_findings(const struct table *t, GString *out, unsigned reg)
{
    for (unsigned k = 0; k < t->c->findings->count; k++)
        if (is_about(t, k, reg))
            g_string_append_printf(out, "<a class=\"mark\" href=\"#f%u\">▲ #%u %s</a> ", k + 1,
                                   k + 1, rule_rows[t->c->findings->list[k].finding.rule].name);
}

static void put_row(const struct table *t, GString *out, unsigned reg)
{
    struct row r = row_of(t, reg);
    unsigned columns = MIN(t->columns->len, COLUMNS_MAX);

    g_string_append(out, "<tr><th scope=\"row\"><code>");
    html_text(out, arm_reg_name(t->c->regs.desc[reg].number));
    g_string_append(out, "</code></th><td class=\"n\">");
    html_number(out, r.saves);
    g_string_append(out, "</td>");
    for (unsigned k = 0; k < columns; k++) {
        bool gap = is_gap(t, &r, k);
        g_string_append_printf(out, "<td class=\"n%s\">", gap ? " gap" : "");
        if (r.times[k])
            html_number(out, r.times[k]);
        else
            g_string_append(out, gap ? "none" : "·");
        g_string_append(out, "</td>");
    }
    g_string_append(out, "<td>");
    put_findings(t, out, reg);
    g_string_append(out, "</td></tr>\n");
}

static void put_columns(const struct table *t, GString *out)
{
    g_string_append(
        out, "<thead><tr><th scope=\"col\">Register</th><th scope=\"col\" class=\"n\">Saved</th>");
    for (unsigned k = 0; k < MIN(t->columns->len, COLUMNS_MAX); k++) {
        const struct column *one = &g_array_index(t->columns, struct column, k);
        g_string_append(out, "<th scope=\"col\" class=\"n pair\"><span>");
        html_text(out, one->saves);
        g_string_append(out, "</span> <span>→ ");
        html_text(out, one->restores);
        g_string_append(out, "</span></th>");
    }
    g_string_append(out, "<th scope=\"col\">Findings</th></tr></thead>\n");
}

static bool is_shown(const struct row *r)
{
    return r->moved || r->findings;
}

/* The registers that have a row, and how many findings are about one of them. */
static unsigned look(struct table *t, bool *shown)
{
    unsigned findings = 0;

    for (unsigned reg = 0; reg < t->c->regs.count; reg++) {
        struct row r = is_in(t, reg) ? row_of(t, reg) : (struct row){0};
        shown[reg] = is_shown(&r);
        t->rows += shown[reg];
        findings += r.findings;
    }
    return findings;
}

static void put_summary(const struct table *t, GString *out, const char *name, unsigned findings)
{
    g_string_append_printf(out, "<details%s><summary>%c%s: %u register%s, ",
                           findings ? " open" : "", g_ascii_toupper(*name), name + 1, t->rows,
                           t->rows == 1 ? "" : "s");
    if (t->columns->len)
        g_string_append_printf(out, "%u pair%s of functions", t->columns->len,
                               t->columns->len == 1 ? "" : "s");
    else
        g_string_append(out, "none restored from where it was saved");
    if (findings)
        g_string_append_printf(out, ", <span class=\"mark\">▲ %u finding%s</span>", findings,
                               findings == 1 ? "" : "s");
    g_string_append(out, "</summary>\n");
}

static void put_table(const struct arm_checker *c, const GArray *moves, GString *out,
                      struct table *t, const char *name)
{
    bool shown[REGS_MAX] = {false};

    t->c = c;
    t->moves = moves;
    t->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
    g_array_set_clear_func(t->columns, clear_column);
    find_columns(t);
    unsigned findings = look(t, shown);
    if (t->rows) {
        put_summary(t, out, name, findings);
        g_string_append_printf(out,
                               "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                               "aria-label=\"%s\"><table class=\"moves\">\n",
                               name);
        put_columns(t, out);
        g_string_append(out, "<tbody>\n");
        for (unsigned reg = 0; reg < c->regs.count; reg++)
            if (shown[reg])
                put_row(t, out, reg);
        g_string_append(out, "</tbody></table></div></details>\n");
    }
    g_array_unref(t->columns);
}

/* ---- all of them ---- */

static void put_place(GString *out, const struct moves *v, uint64_t pc)
{
    const char *name = pc ? moves_name(v, pc) : NULL;
    g_autofree char *address = g_strdup_printf("%#" PRIx64, pc);

    g_string_append(out, "<td>");
    html_text(out, !pc ? "" : name ? name : address);
    g_string_append(out, "</td>");
}

static void put_list(const struct arm_checker *c, const GArray *moves, GString *out)
{
    g_string_append(out, "<details><summary>Each pair of instructions (");
    html_number(out, moves->len);
    g_string_append(
        out,
        ")</summary>\n<div class=\"wide tall\" tabindex=\"0\" role=\"region\" aria-label=\"Pairs "
        "of instructions\"><table class=\"moves\">\n<thead><tr><th scope=\"col\">Register</th>"
        "<th scope=\"col\">Of</th><th scope=\"col\">Saved at</th><th scope=\"col\">Restored at"
        "</th><th scope=\"col\" class=\"n\">Times</th></tr></thead>\n<tbody>\n");
    for (unsigned k = 0; k < moves->len; k++) {
        const struct move *m = &g_array_index(moves, struct move, k);
        g_string_append(out, "<tr><th scope=\"row\"><code>");
        html_text(out, arm_reg_name(c->regs.desc[m->reg].number));
        g_string_append_printf(out, "</code></th><td>%s</td>", m->host ? "host" : "guest");
        put_place(out, c->moves, m->saved);
        put_place(out, c->moves, m->restored);
        g_string_append(out, "<td class=\"n\">");
        html_number(out, m->times);
        g_string_append(out, "</td></tr>\n");
    }
    g_string_append(out, "</tbody></table></div></details>\n");
}

void html_moves(const struct arm_checker *c, GString *out)
{
    g_autoptr(GArray) moves = moves_list(c->moves);
    struct table general = {.general = true};

    html_section(out, "moves", "Save and restore");
    g_string_append(
        out,
        "<p class=\"note\">How often a world was entered with what one function had saved and "
        "another has restored, at EL2. <span class=\"mark\">▲</span> marks registers that a "
        "finding is "
        "about; “none” is a way that most registers of the group go and this one does not.</p>\n");
    if (!moves->len)
        g_string_append(out,
                        "<p class=\"none\">No register was seen to be saved or restored.</p>\n");
    put_table(c, moves, out, &general, "General registers");
    for (unsigned k = 0; k < SYSREG_OWNER_COUNT; k++) {
        struct table t = {.group = (enum sysreg_owner)k};
        if (t.group != OWNER_EL2CFG)
            put_table(c, moves, out, &t, sysreg_owner_text(t.group));
    }
    if (moves->len)
        put_list(c, moves, out);
    if (moves_dropped(c->moves)) {
        g_string_append(out, "<p>There was no room for ");
        html_number(out, moves_dropped(c->moves));
        g_string_append(out, " more.</p>\n");
    }
    html_section_end(out);
}
