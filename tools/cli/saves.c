#include "saves.h"

#include <fcntl.h>
#include <gelf.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

/* How often it is looked for a time: while every CPU waits it jumps. */
#define TIME_PIECE 100000 /* instructions */

/* ---- what is asked for ---- */

static bool parse_time(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    char *end;
    double value = g_ascii_strtod(text, &end);

    if (!g_ascii_isdigit(*text) || end == text)
        return false;
    for (size_t k = 0; k < G_N_ELEMENTS(units); k++) {
        if (strcmp(end, units[k].name) != 0 || !(value * units[k].ns < 4e18))
            continue;
        *ns = (uint64_t)(value * units[k].ns + 0.5);
        return true;
    }
    return false;
}

static bool find_in_section(Elf *elf, Elf_Scn *section, const char *name, uint64_t *value)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Shdr header;
    GElf_Sym symbol;

    if (!data || !gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
        return false;
    for (int n = 0; gelf_getsym(data, n, &symbol); n++) {
        const char *text = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (!text || strcmp(text, name) != 0 || symbol.st_shndx == SHN_UNDEF)
            continue;
        *value = symbol.st_value;
        return true;
    }
    return false;
}

static bool find_symbol(const char *image, const char *name, uint64_t *value)
{
    int fd = image ? open(image, O_RDONLY | O_CLOEXEC) : -1;
    Elf *elf =
        fd >= 0 && elf_version(EV_CURRENT) != EV_NONE ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    bool found = false;

    for (Elf_Scn *s = NULL; elf && !found && (s = elf_nextscn(elf, s));)
        found = find_in_section(elf, s, name, value);
    elf_end(elf);
    if (fd >= 0)
        close(fd);
    return found;
}

static bool parse_when(const char *text, const char *image, struct save *save)
{
    if (parse_time(text, &save->value)) {
        save->when = SAVE_TIME;
    } else if (g_str_has_prefix(text, "0x")) {
        save->when = SAVE_PC;
        return parse_hex(text + 2, &save->value);
    } else if (g_ascii_isdigit(*text)) {
        save->when = SAVE_COUNT;
        return parse_size(text, 1, &save->value);
    } else {
        save->when = SAVE_PC;
        return find_symbol(image, text, &save->value);
    }
    return true;
}

bool save_parse(char *spec, const char *image, struct save *save)
{
    char *at = strrchr(spec, '@');

    if (!at || at == spec || !at[1] || !parse_when(at + 1, image, save))
        return false;
    *at = '\0';
    save->file = spec;
    return true;
}

static int by_value(const void *a, const void *b, void *ctx)
{
    const struct save *x = a, *y = b;

    (void)ctx;
    return (x->value > y->value) - (x->value < y->value);
}

bool saves_order(struct save *saves, unsigned count)
{
    bool mixed = false, same = true;

    for (unsigned k = 1; k < count; k++) {
        mixed |= saves[k].picture != saves[0].picture;
        same &= saves[k].when == saves[0].when && saves[k].when != SAVE_PC;
    }
    if (mixed && same)
        g_qsort_with_data(saves, (gint)count, sizeof(*saves), by_value, NULL); /* it is stable */
    return !mixed || same;
}

static bool is_obstacle(const struct arm_drive *drive)
{
    return drive->path && drive->mode == ARM_DRIVE_WRITABLE;
}

const char *saves_obstacle(const struct arm_config *config)
{
    for (size_t n = 0; n < G_N_ELEMENTS(config->pflash); n++)
        if (is_obstacle(&config->pflash[n]))
            return config->pflash[n].path;
    for (unsigned n = 0; n < config->device_count; n++) {
        const struct arm_device *v = &config->devices[n];
        if (is_obstacle(&v->drive))
            return v->drive.path;
        if (v->folder.path && !v->folder.readonly)
            return v->folder.path;
    }
    return NULL;
}

/* ---- the way there ---- */

bool save_due(const struct save *save, const struct arm_machine *m)
{
    return (save->when == SAVE_COUNT && arm_retired(m) >= save->value) ||
           (save->when == SAVE_TIME && arm_time_ns(m) >= save->value);
}

bool save_is_past(const struct save *save, const struct arm_machine *m)
{
    return (save->when == SAVE_COUNT && arm_retired(m) > save->value) ||
           (save->when == SAVE_TIME && arm_time_ns(m) > save->value);
}

static uint64_t at_most(uint64_t a, uint64_t limit)
{
    return limit && limit < a ? limit : a;
}

static enum arm_stop_reason run_to_address(const struct save *save, struct arm_machine *m,
                                           uint64_t limit)
{
    const struct arm_until until = {
        .size = sizeof(until), .max_insns = limit, .pcs = &save->value, .pc_count = 1};
    int why = arm_run_until(m, &until, NULL);

    return why < 0 ? ARM_STOP_REQUEST : (enum arm_stop_reason)why;
}

enum arm_stop_reason save_run(const struct save *save, struct arm_machine *m, uint64_t limit,
                              uint64_t *took)
{
    uint64_t before = arm_retired(m), piece = limit;
    enum arm_stop_reason why;

    if (save->when == SAVE_COUNT)
        piece = at_most(save->value - before, limit);
    else if (save->when == SAVE_TIME)
        piece = at_most(at_most(save->value - arm_time_ns(m), TIME_PIECE), limit);
    why = save->when == SAVE_PC ? run_to_address(save, m, limit) : arm_run(m, piece);
    *took = why == ARM_STOP_LIMIT ? piece : arm_retired(m) - before;
    return why;
}
