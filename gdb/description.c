/* The target description: which registers there are, and what their fields are ("Target
 * Descriptions" in gdb's manual). Its first two features have names and contents that gdb knows. */
#include <string.h>

#include "arch/sysreg.h"
#include "gdb/state.h"

static const struct {
    const char *name;
    int op0, crn, from, to;
} units[] = {
#define GDB_UNIT(name, op0, crn, from, to, what) {name, op0, crn, from, to},
#include "gdb/units.def"
#undef GDB_UNIT
};

static unsigned field(uint32_t number, unsigned hi, unsigned lo)
{
    return number >> lo & ((1U << (hi - lo + 1)) - 1);
}

static const char *unit_of(uint32_t number)
{
    int op0 = (int)field(number, 15, 14), crn = (int)field(number, 10, 7);
    int crm = (int)field(number, 6, 3);
    size_t k = 0;

    while ((units[k].op0 >= 0 && units[k].op0 != op0) ||
           (units[k].crn >= 0 && units[k].crn != crn) || crm < units[k].from || crm > units[k].to)
        k++;
    return units[k].name;
}

static bool is_system(const struct arm_register *r)
{
    /* FPSR and FPCR are in the feature "fpu". */
    return r->number < ARM_X(0) && !r->alias && r->number != ARM_SYSREG(3, 3, 4, 4, 0) &&
           r->number != ARM_SYSREG(3, 3, 4, 4, 1);
}

/* By EL, then unit, then encoding. */
static gint compare(gconstpointer a, gconstpointer b)
{
    const struct arm_register *p = a, *q = b;
    int el = (int)sysreg_min_el((uint16_t)p->number) - (int)sysreg_min_el((uint16_t)q->number);
    int unit = strcmp(unit_of(p->number), unit_of(q->number));

    return el ? el : unit ? unit : (int)p->number - (int)q->number;
}

GArray *gdb_system_registers(struct arm_machine *m)
{
    size_t count = arm_reg_list(m, 0, NULL, 0);
    g_autofree struct arm_register *list = g_new(struct arm_register, count);
    GArray *out = g_array_new(FALSE, FALSE, sizeof(*list));

    arm_reg_list(m, 0, list, count);
    for (size_t k = 0; k < count; k++)
        if (is_system(&list[k]))
            g_array_append_val(out, list[k]);
    g_array_sort(out, compare);
    return out;
}

/* ---- types ---- */

static void append_field(GString *out, const char *name, unsigned lo, unsigned hi)
{
    g_string_append_printf(out, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", name, lo, hi);
}

/* A register with one field that is not a bit, as VBAR_EL1: an address or a number, as gdb prints
 * one. */
static bool is_one_number(enum sysreg sr)
{
    unsigned fields = 0, bits = 0;

    for (const struct sysreg_field *f = sysreg_fields; f->name[0]; f++)
        if (f->sr == sr) {
            fields++;
            bits += f->hi - f->lo + 1U;
        }
    return fields == 1 && bits > 1;
}

/* Of fields that overlap the first counts: HCR_EL2.E2H chooses between layouts. False:
 * it has none to speak of. */
static bool append_flags(const struct arm_register *r, GString *out)
{
    enum sysreg sr = sysreg_lookup((uint16_t)r->number);
    uint64_t used = 0;

    if (is_one_number(sr))
        return false;
    for (const struct sysreg_field *f = sysreg_fields; f->name[0]; f++) {
        if (f->sr != sr || (used & MASK(f->hi, f->lo)))
            continue;
        if (!used)
            g_string_append_printf(out, "<flags id=\"%s_fields\" size=\"8\">", r->name);
        append_field(out, f->name, f->lo, f->hi);
        used |= MASK(f->hi, f->lo);
    }
    if (used)
        g_string_append(out, "</flags>");
    return used != 0;
}

static void append_cpsr(GString *out)
{
    static const struct {
        const char *name;
        unsigned lo, hi;
    } fields[] = {{"SP", 0, 0},     {"EL", 2, 3},    {"nRW", 4, 4},  {"F", 6, 6},
                  {"I", 7, 7},      {"A", 8, 8},     {"D", 9, 9},    {"BTYPE", 10, 11},
                  {"SSBS", 12, 12}, {"IL", 20, 20},  {"SS", 21, 21}, {"PAN", 22, 22},
                  {"UAO", 23, 23},  {"DIT", 24, 24}, {"V", 28, 28},  {"C", 29, 29},
                  {"Z", 30, 30},    {"N", 31, 31}};

    g_string_append(out, "<flags id=\"cpsr_flags\" size=\"4\">");
    for (size_t k = 0; k < G_N_ELEMENTS(fields); k++)
        append_field(out, fields[k].name, fields[k].lo, fields[k].hi);
    g_string_append(out, "</flags>");
}

/* ---- features ---- */

static void append_core(GString *out)
{
    g_string_append(out, "<feature name=\"org.gnu.gdb.aarch64.core\">");
    append_cpsr(out);
    for (unsigned k = 0; k < GDB_REG_SP; k++)
        g_string_append_printf(out, "<reg name=\"x%u\" bitsize=\"64\"/>", k);
    g_string_append(out, "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>"
                         "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/>"
                         "<reg name=\"cpsr\" bitsize=\"32\" type=\"cpsr_flags\"/></feature>");
}

static void append_fpu(GString *out)
{
    /* As gdb's own: $v0.d.u[0] is what users and scripts write. */
    static const struct {
        const char *field, *types[3]; /* as floating point, unsigned, signed */
        unsigned count;
    } vectors[] = {{"d", {"ieee_double", "uint64", "int64"}, 2},
                   {"s", {"ieee_single", "uint32", "int32"}, 4},
                   {"h", {NULL, "uint16", "int16"}, 8},
                   {"b", {NULL, "uint8", "int8"}, 16},
                   {"q", {NULL, "uint128", "int128"}, 1}};
    static const char kinds[] = "fus";

    g_string_append(out, "<feature name=\"org.gnu.gdb.aarch64.fpu\">");
    for (size_t k = 0; k < G_N_ELEMENTS(vectors); k++) {
        g_autoptr(GString) fields = g_string_new(NULL);
        for (unsigned t = 0; t < 3; t++) {
            if (!vectors[k].types[t])
                continue;
            g_string_append_printf(out, "<vector id=\"v%u%c\" type=\"%s\" count=\"%u\"/>",
                                   vectors[k].count, kinds[t], vectors[k].types[t],
                                   vectors[k].count);
            g_string_append_printf(fields, "<field name=\"%c\" type=\"v%u%c\"/>", kinds[t],
                                   vectors[k].count, kinds[t]);
        }
        g_string_append_printf(out, "<union id=\"vn%s\">%s</union>", vectors[k].field, fields->str);
    }
    g_string_append(out, "<union id=\"aarch64v\">");
    for (size_t k = 0; k < G_N_ELEMENTS(vectors); k++)
        g_string_append_printf(out, "<field name=\"%s\" type=\"vn%s\"/>", vectors[k].field,
                               vectors[k].field);
    g_string_append(out, "</union>");
    for (unsigned k = 0; k < 32; k++)
        g_string_append_printf(out, "<reg name=\"v%u\" bitsize=\"128\" type=\"aarch64v\"/>", k);
    g_string_append(out, "<reg name=\"fpsr\" bitsize=\"32\"/><reg name=\"fpcr\" bitsize=\"32\"/>"
                         "</feature>");
}

/* gdb 14 takes a PAC out of return addresses with them. Older ones know the feature by another
 * name, without masks for the upper half. */
static void append_masks(GString *out)
{
    g_string_append(
        out, "<feature name=\"org.gnu.gdb.aarch64.pauth_v2\">"
             "<reg name=\"pauth_dmask\" bitsize=\"64\" save-restore=\"no\"/>"
             "<reg name=\"pauth_cmask\" bitsize=\"64\" save-restore=\"no\"/>"
             "<reg name=\"pauth_dmask_high\" bitsize=\"64\" save-restore=\"no\"/>"
             "<reg name=\"pauth_cmask_high\" bitsize=\"64\" save-restore=\"no\"/></feature>");
}

static void append_system(const GArray *list, GString *out)
{
    const char *unit = NULL;
    unsigned el = 0;

    for (guint k = 0; k < list->len; k++) {
        const struct arm_register *r = &g_array_index(list, struct arm_register, k);
        unsigned own = sysreg_min_el((uint16_t)r->number);
        if (!unit || own != el || strcmp(unit, unit_of(r->number)) != 0) {
            el = own;
            g_string_append_printf(out, "%s<feature name=\"org.armillary.el%u.%s\">",
                                   unit ? "</feature>" : "", el, unit_of(r->number));
            unit = unit_of(r->number);
        }
        bool flags = append_flags(r, out);
        g_string_append_printf(
            out,
            "<reg name=\"%s\" bitsize=\"64\" type=\"%s%s\" group=\"el%u_%s\" save-restore=\"no\"/>",
            r->name, flags ? r->name : "uint64", flags ? "_fields" : "", el, unit);
    }
    if (unit)
        g_string_append(out, "</feature>");
}

char *gdb_describe(const struct gdb_server *s)
{
    GString *out = g_string_new("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                                "<target version=\"1.0\"><architecture>aarch64</architecture>");

    append_core(out);
    append_fpu(out);
    append_masks(out);
    append_system(s->system, out);
    g_string_append(out, "</target>");
    return g_string_free(out, FALSE);
}
