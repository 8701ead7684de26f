#include "lab_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum item_kind { TABLE, PLOT };

struct bar {
    char *label;
    double value;
};

struct item {
    enum item_kind kind;
    char *text; /* the title */
    bool modelled;
    char *unit;
    char **columns;  /* of a table */
    GPtrArray *rows; /* of char ** */
    GArray *bars;
};

struct lab_report {
    const char *name, *title, *question;
    GPtrArray *items;
    char *answer, *sensitivity, *error;
    const char *change;
};

static void free_bar(void *bar)
{
    g_free(((struct bar *)bar)->label);
}

static void free_item(void *p)
{
    struct item *i = p;

    g_free(i->text);
    g_free(i->unit);
    g_strfreev(i->columns);
    if (i->rows)
        g_ptr_array_unref(i->rows);
    if (i->bars)
        g_array_unref(i->bars);
    g_free(i);
}

static void free_row(void *row)
{
    g_strfreev(row);
}

struct lab_report *lab_report_new(const char *name, const char *title, const char *question)
{
    struct lab_report *r = g_new0(struct lab_report, 1);

    r->name = name;
    r->title = title;
    r->question = question;
    r->items = g_ptr_array_new_with_free_func(free_item);
    return r;
}

void lab_report_free(struct lab_report *r)
{
    g_ptr_array_unref(r->items);
    g_free(r->answer);
    g_free(r->sensitivity);
    g_free(r->error);
    g_free(r);
}

static struct item *add(struct lab_report *r, enum item_kind kind, char *text)
{
    struct item *i = g_new0(struct item, 1);

    i->kind = kind;
    i->text = text;
    g_ptr_array_add(r->items, i);
    return i;
}

static struct item *last(const struct lab_report *r)
{
    return r->items->pdata[r->items->len - 1];
}

void lab_table(struct lab_report *r, const char *title, const char *columns)
{
    struct item *i = add(r, TABLE, g_strdup(title));

    i->columns = g_strsplit(columns, "|", -1);
    i->rows = g_ptr_array_new_with_free_func(free_row);
}

void lab_row(struct lab_report *r, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(last(r)->rows, g_strsplit(text, "|", -1));
}

void lab_plot(struct lab_report *r, const char *title, const char *unit)
{
    bool modelled = *title == '~';
    struct item *i = add(r, PLOT, g_strdup(title + modelled));

    i->modelled = modelled;
    i->unit = g_strdup(unit);
    i->bars = g_array_new(false, false, sizeof(struct bar));
    g_array_set_clear_func(i->bars, free_bar);
}

void lab_bar(struct lab_report *r, double value, const char *format, ...)
{
    struct bar bar = {.value = value};
    va_list args;

    va_start(args, format);
    bar.label = g_strdup_vprintf(format, args);
    va_end(args);
    g_array_append_val(last(r)->bars, bar);
}

void lab_answer(struct lab_report *r, char *text)
{
    g_free(r->answer);
    r->answer = text;
}

void lab_change(struct lab_report *r, const char *text)
{
    r->change = text;
}

void lab_sensitivity(struct lab_report *r, char *text)
{
    g_free(r->sensitivity);
    r->sensitivity = text;
}

bool lab_fail(struct lab_report *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!r->error)
        r->error = g_strdup_vprintf(format, args);
    va_end(args);
    return false;
}

const char *lab_report_error(const struct lab_report *r)
{
    return r->error;
}

/* ---- text ---- */

static void write_wrapped(const char *text, unsigned width, const char *indent, FILE *out)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    size_t column = 0;

    for (char **w = words; *w; w++) {
        size_t length = (size_t)g_utf8_strlen(*w, -1);
        if (column && column + 1 + length > width) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s", column ? " " : indent) + length;
        fputs(*w, out);
    }
    fputc('\n', out);
}

static const char *column_name(const char *column)
{
    return column + (*column == '~');
}

#define MODELLED " (modelled)"

static size_t column_width(const struct item *i, unsigned k)
{
    const char *column = i->columns[k];
    size_t width =
        (size_t)g_utf8_strlen(column_name(column), -1) + (*column == '~' ? strlen(MODELLED) : 0);

    for (unsigned n = 0; n < i->rows->len; n++) {
        char **row = i->rows->pdata[n];
        if (k < g_strv_length(row))
            width = MAX(width, (size_t)g_utf8_strlen(row[k], -1));
    }
    return width;
}

/* Text to the left, the first column; numbers to the right. */
static void write_cell(const char *text, size_t width, bool right, FILE *out)
{
    int pad = (int)(width - (size_t)g_utf8_strlen(text, -1));

    fprintf(out, "  %*s%s%*s", right ? pad : 0, "", text, right ? 0 : pad, "");
}

static void write_table(const struct item *i, FILE *out)
{
    unsigned count = g_strv_length(i->columns);

    fprintf(out, "%s\n", i->text);
    for (unsigned k = 0; k < count; k++) {
        g_autofree char *name =
            g_strconcat(column_name(i->columns[k]), *i->columns[k] == '~' ? MODELLED : "", NULL);
        write_cell(name, column_width(i, k), k, out);
    }
    fputc('\n', out);
    for (unsigned n = 0; n < i->rows->len; n++) {
        char **row = i->rows->pdata[n];
        for (unsigned k = 0; k < count && row[k]; k++)
            write_cell(row[k], column_width(i, k), k, out);
        fputc('\n', out);
    }
}

/* Eighths of a column, as Unicode's block elements have them. */
static void write_blocks(double share, unsigned columns, FILE *out)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned n = (unsigned)(share * columns * 8 + 0.5);

    for (unsigned k = 0; k < n / 8; k++)
        fputs("█", out);
    fputs(eighths[n % 8], out);
}

static void bars_scale(const struct item *i, double *most, size_t *label)
{
    *most = 0;
    *label = 0;
    for (unsigned k = 0; k < i->bars->len; k++) {
        const struct bar *b = &g_array_index(i->bars, struct bar, k);
        *most = MAX(*most, b->value);
        *label = MAX(*label, (size_t)g_utf8_strlen(b->label, -1));
    }
}

static void write_plot(const struct item *i, unsigned width, FILE *out)
{
    double most;
    size_t label;

    bars_scale(i, &most, &label);
    unsigned columns = width > label + 30 ? width - (unsigned)label - 16 : 14;
    fprintf(out, "%s, %s%s\n", i->text, i->unit, i->modelled ? MODELLED : "");
    for (unsigned k = 0; k < i->bars->len; k++) {
        const struct bar *b = &g_array_index(i->bars, struct bar, k);
        write_cell(b->label, label, false, out);
        fprintf(out, " %9.4g ", b->value);
        write_blocks(most > 0 ? b->value / most : 0, MIN(columns, 60), out);
        fputc('\n', out);
    }
}

static void write_text(const struct lab_report *r, unsigned width, FILE *out)
{
    fprintf(out, "== %s: %s\n\n", r->name, r->title);
    write_wrapped(r->question, width, "", out);
    for (unsigned n = 0; n < r->items->len; n++) {
        const struct item *i = r->items->pdata[n];
        fputc('\n', out);
        if (i->kind == TABLE)
            write_table(i, out);
        else
            write_plot(i, width, out);
    }
    const struct {
        const char *label, *text;
    } ends[] = {{"Answer: ", r->answer},
                {"What would change it: ", r->change},
                {"Sensitivity (modelled): ", r->sensitivity}};
    for (unsigned k = 0; k < G_N_ELEMENTS(ends); k++)
        if (ends[k].text) {
            g_autofree char *line = g_strconcat(ends[k].label, ends[k].text, NULL);
            fputc('\n', out);
            write_wrapped(line, width, "", out);
        }
}

/* ---- JSON ---- */

static void write_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (const char *c = text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if ((unsigned char)*c < ' ')
            fprintf(out, "\\u%04x", (unsigned)*c);
        else
            fputc(*c, out);
    fputc('"', out);
}

/* A cell that is a number is one. */
static void write_value(const char *text, FILE *out)
{
    char *end;

    if (g_ascii_isdigit(*text) && (g_ascii_strtod(text, &end), !*end) &&
        (text[0] != '0' || !g_ascii_isdigit(text[1])))
        fputs(text, out);
    else
        write_string(text, out);
}

static void write_columns(char *const *columns, FILE *out)
{
    fputs("\"columns\": [", out);
    for (unsigned k = 0; columns[k]; k++) {
        fputs(k ? ", " : "", out);
        write_string(column_name(columns[k]), out);
    }
    fputs("], \"modelled\": [", out);
    for (unsigned k = 0; columns[k]; k++)
        fprintf(out, "%s%s", k ? ", " : "", *columns[k] == '~' ? "true" : "false");
    fputs("]", out);
}

static void write_rows(const GPtrArray *rows, FILE *out)
{
    fputs(", \"rows\": [", out);
    for (unsigned n = 0; n < rows->len; n++) {
        char **row = rows->pdata[n];
        fprintf(out, "%s\n     [", n ? "," : "");
        for (unsigned k = 0; row[k]; k++) {
            fputs(k ? ", " : "", out);
            write_value(row[k], out);
        }
        fputs("]", out);
    }
    fputs("]", out);
}

static void write_item(const struct item *i, FILE *out)
{
    static const char *const kinds[] = {"table", "plot"};

    fprintf(out, "   {\"kind\": \"%s\", \"text\": ", kinds[i->kind]);
    write_string(i->text, out);
    if (i->kind == TABLE) {
        fputs(", ", out);
        write_columns(i->columns, out);
        write_rows(i->rows, out);
    } else {
        fputs(", \"unit\": ", out);
        write_string(i->unit, out);
        fprintf(out, ", \"modelled\": %s, \"bars\": [", i->modelled ? "true" : "false");
        for (unsigned k = 0; k < i->bars->len; k++) {
            const struct bar *b = &g_array_index(i->bars, struct bar, k);
            fputs(k ? ", [" : "[", out);
            write_string(b->label, out);
            fprintf(out, ", %.10g]", b->value);
        }
        fputs("]", out);
    }
    fputs("}", out);
}

static void write_member(const char *name, const char *text, FILE *out)
{
    if (text) {
        fprintf(out, ",\n  \"%s\": ", name);
        write_string(text, out);
    }
}

static void write_json(const struct lab_report *r, FILE *out)
{
    fputs(" {\"name\": ", out);
    write_string(r->name, out);
    write_member("title", r->title, out);
    write_member("question", r->question, out);
    fputs(",\n  \"items\": [\n", out);
    for (unsigned n = 0; n < r->items->len; n++) {
        write_item(r->items->pdata[n], out);
        fputs(n + 1 < r->items->len ? ",\n" : "\n", out);
    }
    fputs("  ]", out);
    write_member("answer", r->answer, out);
    write_member("change", r->change, out);
    write_member("sensitivity", r->sensitivity, out);
    fputs("}", out);
}

/* ---- Markdown ---- */

static void write_markdown_row(char *const *cells, bool names, FILE *out)
{
    fputs("|", out);
    for (unsigned k = 0; cells[k]; k++)
        fprintf(out, " %s%s |", names ? column_name(cells[k]) : cells[k],
                names && *cells[k] == '~' ? MODELLED : "");
    fputs("\n", out);
}

static void write_markdown_table(const struct item *i, FILE *out)
{
    fprintf(out, "%s\n\n", i->text);
    write_markdown_row(i->columns, true, out);
    fputs("|", out);
    for (unsigned k = 0; i->columns[k]; k++)
        fputs(k ? "---:|" : "---|", out);
    fputs("\n", out);
    for (unsigned n = 0; n < i->rows->len; n++)
        write_markdown_row(i->rows->pdata[n], false, out);
}

#define MARKDOWN_WIDTH 120

static void write_markdown(const struct lab_report *r, FILE *out)
{
    const struct {
        const char *label, *text;
    } ends[] = {{"**Answer.** ", r->answer},
                {"**What would change it.** ", r->change},
                {"**Sensitivity (modelled).** ", r->sensitivity}};

    fprintf(out, "## %s: `armillary lab %s`\n\n", r->title, r->name);
    write_wrapped(r->question, MARKDOWN_WIDTH, "", out);
    for (unsigned n = 0; n < r->items->len; n++) {
        const struct item *i = r->items->pdata[n];
        fputs("\n", out);
        if (i->kind == TABLE) {
            write_markdown_table(i, out);
        } else {
            fputs("```\n", out);
            write_plot(i, 100, out);
            fputs("```\n", out);
        }
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(ends); k++)
        if (ends[k].text) {
            g_autofree char *line = g_strconcat(ends[k].label, ends[k].text, NULL);
            fputs("\n", out);
            write_wrapped(line, MARKDOWN_WIDTH, "", out);
        }
}

void lab_report_write(const struct lab_report *r, enum lab_format format, unsigned width, FILE *out)
{
    if (format == LAB_JSON)
        write_json(r, out);
    else if (format == LAB_MARKDOWN)
        write_markdown(r, out);
    else
        write_text(r, width, out);
}
