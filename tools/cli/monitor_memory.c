#include "monitor_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "parse.h"
#include "trace/disasm.h"

unsigned monitor_el(const struct monitor *mon)
{
    uint64_t pstate = 0;

    arm_reg_read(mon->m, mon->cpu, "pstate", &pstate);
    return (unsigned)(pstate >> 2) & 3;
}

bool monitor_address(const struct monitor *mon, const char *word, uint64_t *address)
{
    size_t length = strcspn(word, "+-");
    g_autofree char *base = g_strndup(word, length);
    uint64_t offset = 0;

    if (!(*word == '$' ? arm_reg_read(mon->m, mon->cpu, base + 1, address)
                       : parse_hex(base, address)) ||
        (word[length] && !parse_number(word + length + 1, 0, UINT32_MAX, &offset)))
        return false;
    *address += word[length] == '-' ? -offset : offset;
    return true;
}

#define EXAMINE_MAX 4096

/* What x and xp show. */
struct examine {
    uint64_t address, count;
    unsigned size; /* bytes of each */
    bool insns, physical;
};

/* "/4wx": a number, and letters of which those of a number's base say nothing. */
static bool parse_format(const char *text, struct examine *e)
{
    char *end = (char *)(uintptr_t)text;

    if (g_ascii_isdigit(*text))
        e->count = g_ascii_strtoull(text, &end, 10);
    for (; *end; end++)
        switch (*end) {
        case 'b':
            e->size = 1;
            break;
        case 'h':
            e->size = 2;
            break;
        case 'w':
            e->size = 4;
            break;
        case 'g':
            e->size = 8;
            break;
        case 'i':
            e->insns = true;
            e->size = 4;
            break;
        case 'x':
        case 'd':
        case 'u':
            break;
        default:
            return false;
        }
    return e->count > 0;
}

static bool read_memory(const struct monitor *mon, const struct examine *e, uint64_t address,
                        uint64_t *value)
{
    *value = 0;
    return e->physical ? arm_mem_read(mon->m, address, value, e->size)
                       : arm_virt_read(mon->m, mon->cpu, monitor_el(mon), address, value, e->size);
}

static void add_insn(struct trace_disasm *d, uint64_t address, uint32_t word, GString *out)
{
    g_string_append_printf(out, "%#012" PRIx64 ": %08x ", address, word);
    trace_disasm_text(d, address, word, out);
    g_string_append_c(out, '\n');
}

static void examine(const struct monitor *mon, const struct examine *e, GString *out)
{
    unsigned per_line = e->size == 8 ? 2 : 4;
    struct trace_disasm *d = trace_disasm_new();

    for (uint64_t k = 0; k < e->count && k < EXAMINE_MAX; k++) {
        uint64_t at = e->address + e->size * k, v;
        if (!e->insns && k % per_line == 0)
            g_string_append_printf(out, "%s%#012" PRIx64 ":", k ? "\n" : "", at);
        if (!read_memory(mon, e, at, &v)) {
            g_string_append(out, e->physical ? " not RAM" : " not RAM, or not mapped");
            break;
        }
        if (e->insns)
            add_insn(d, at, (uint32_t)v, out);
        else
            g_string_append_printf(out, " %0*" PRIx64, (int)e->size * 2, v);
    }
    if (!e->insns || (out->len && out->str[out->len - 1] != '\n'))
        g_string_append_c(out, '\n');
    trace_disasm_free(d);
}

void monitor_show_memory(const struct monitor *mon, char **words, bool physical, GString *out)
{
    struct examine e = {.count = 1, .size = 4, .physical = physical};
    const char *format = strchr(words[0], '/');
    char **rest = words + 1;

    if (!format && *rest && **rest == '/')
        format = *rest++;
    if ((format && !parse_format(format + 1, &e)) || !*rest ||
        !monitor_address(mon, *rest, &e.address)) {
        g_string_append(out, physical ? "xp[/COUNTFORMAT] ADDR: a hexadecimal physical address\n"
                                      : "x[/COUNTFORMAT] ADDR: a hexadecimal virtual address\n");
        return;
    }
    examine(mon, &e, out);
}

/* ---- into a file ---- */

#define PIECE 4096

static bool copy_to_file(const struct monitor *mon, const struct monitor_range *r, FILE *f,
                         char **error)
{
    uint8_t piece[PIECE];
    uint64_t done = 0, n;

    for (; done < r->size; done += n) {
        uint64_t at = r->address + done;
        n = MIN(r->size - done, PIECE - at % PIECE);
        if (!(r->physical ? arm_mem_read(mon->m, at, piece, n)
                          : arm_virt_read(mon->m, mon->cpu, monitor_el(mon), at, piece, n))) {
            *error = g_strdup_printf("%#" PRIx64 " is not RAM%s; %" PRIu64 " bytes are written", at,
                                     r->physical ? "" : ", or not mapped", done);
            return false;
        }
        if (fwrite(piece, 1, n, f) != n) {
            *error = g_strdup(strerror(errno));
            return false;
        }
    }
    return true;
}

bool monitor_save_memory(const struct monitor *mon, const struct monitor_range *r, const char *file,
                         char **error)
{
    FILE *f = fopen(file, "wb");
    bool good = f && copy_to_file(mon, r, f, error);

    if ((f && fclose(f)) || !f) {
        g_free(*error);
        *error = g_strdup_printf("%s: %s", file, strerror(errno));
        return false;
    }
    return good;
}
