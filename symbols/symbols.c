#include "symbols/symbols.h"

#include <elf.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"

/* Farther behind a symbol without a size than this an address is no longer of it. */
#define REACH (UINT64_C(1) << 16)

struct symbol {
    uint64_t address, size; /* size 0: up to the next one */
    uint32_t name;          /* in names */
    uint32_t order;         /* in the file */
};

/* A section of instructions. */
struct code {
    uint64_t address;
    GByteArray *bytes;
};

struct symbols {
    GArray *list;   /* struct symbol, by address */
    GString *names; /* each with its zero */
    GArray *code;   /* struct code */
};

static void clear_code(void *ptr)
{
    g_byte_array_unref(((struct code *)ptr)->bytes);
}

struct symbols *symbols_new(void)
{
    struct symbols *s = g_new0(struct symbols, 1);

    s->list = g_array_new(FALSE, TRUE, sizeof(struct symbol));
    s->names = g_string_new(NULL);
    s->code = g_array_new(FALSE, TRUE, sizeof(struct code));
    g_array_set_clear_func(s->code, clear_code);
    return s;
}

void symbols_add(struct symbols *s, uint64_t address, uint64_t size, const char *name,
                 size_t length)
{
    struct symbol one = {address, size, (uint32_t)s->names->len, s->list->len};

    g_string_append_len(s->names, name, (gssize)length);
    g_string_append_c(s->names, '\0');
    g_array_append_val(s->list, one);
}

/* @size bytes at @offset of the file, or NULL. */
static const void *piece(const char *file, size_t length, uint64_t offset, uint64_t size)
{
    return offset <= length && size <= length - offset ? file + offset : NULL;
}

static bool section(const char *file, size_t length, const Elf64_Ehdr *eh, unsigned index,
                    Elf64_Shdr *out)
{
    const void *at =
        index < eh->e_shnum
            ? piece(file, length, eh->e_shoff + (uint64_t)index * sizeof(*out), sizeof(*out))
            : NULL;

    if (at)
        memcpy(out, at, sizeof(*out));
    return at != NULL;
}

static void add_table(struct symbols *s, const char *file, size_t length, const Elf64_Shdr *table,
                      const Elf64_Shdr *strings, uint64_t offset)
{
    const char *names = piece(file, length, strings->sh_offset, strings->sh_size);
    Elf64_Sym sym;

    for (uint64_t k = 0; names && k < table->sh_size / sizeof(sym); k++) {
        const void *at = piece(file, length, table->sh_offset + k * sizeof(sym), sizeof(sym));
        if (!at)
            return;
        memcpy(&sym, at, sizeof(sym));
        if (sym.st_name >= strings->sh_size || sym.st_shndx == SHN_UNDEF ||
            ELF64_ST_TYPE(sym.st_info) > STT_FUNC || names[sym.st_name] == '$')
            continue; /* files, sections, mapping symbols */
        const char *name = names + sym.st_name;
        size_t room = strings->sh_size - sym.st_name, n = strnlen(name, room);
        if (n && n < room)
            symbols_add(s, sym.st_value + offset, sym.st_size, name, n);
    }
}

static void add_code(struct symbols *s, const char *file, size_t length, const Elf64_Shdr *section,
                     uint64_t offset)
{
    const void *at = piece(file, length, section->sh_offset, section->sh_size);

    if (!at || section->sh_type != SHT_PROGBITS || !(section->sh_flags & SHF_EXECINSTR) ||
        section->sh_size > UINT32_MAX)
        return;
    struct code one = {section->sh_addr + offset, g_byte_array_new()};
    g_byte_array_append(one.bytes, at, (guint)section->sh_size);
    g_array_append_val(s->code, one);
}

static void add_elf(struct symbols *s, const char *file, size_t length, uint64_t offset)
{
    Elf64_Shdr table, strings;
    Elf64_Ehdr eh;

    memcpy(&eh, file, sizeof(eh));
    if (eh.e_shentsize != sizeof(table))
        return;
    for (unsigned k = 0; k < eh.e_shnum && section(file, length, &eh, k, &table); k++) {
        add_code(s, file, length, &table, offset);
        if (table.sh_type == SHT_SYMTAB && section(file, length, &eh, table.sh_link, &strings))
            add_table(s, file, length, &table, &strings, offset);
    }
}

/* ADDRESS TYPE NAME a line. */
static bool add_map(struct symbols *s, const char *file, uint64_t offset)
{
    for (const char *line = file; *line;) {
        char *end, *name;
        size_t length = strcspn(line, "\n");
        uint64_t address = g_ascii_strtoull(line, &end, 16);
        if (end == line || end[0] != ' ' || !g_ascii_isalpha(end[1]) || end[2] != ' ')
            return false;
        name = end + 3;
        size_t n = strcspn(name, " \t\r\n");
        if (strchr("tTwW", end[1]) && n)
            symbols_add(s, address + offset, 0, name, n);
        line += length + (line[length] == '\n');
    }
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void symbols_sort(struct symbols *s)
{
    qsort(s->list->data, s->list->len, sizeof(struct symbol), by_address);
}

struct symbols *symbols_load(const char *spec, char **path_out, uint64_t *offset_out,
                             struct arm_error *err)
{
    const char *at = strrchr(spec, '@');
    g_autofree char *path = at ? g_strndup(spec, (gsize)(at - spec)) : g_strdup(spec);
    g_autofree char *file = NULL;
    g_autoptr(GError) error = NULL;
    char *end = NULL;
    uint64_t offset = at ? g_ascii_strtoull(at + 1, &end, 0) : 0;
    gsize length;

    if (at && (end == at + 1 || *end)) {
        error_set(err, ARM_EINVAL, "symbols \"%s\": expected FILE or FILE@OFFSET", spec);
        return NULL;
    }
    if (!g_file_get_contents(path, &file, &length, &error)) {
        error_set(err, ARM_EIO, "%s: cannot read symbols: %s", path, error->message);
        return NULL;
    }
    struct symbols *s = symbols_new();
    bool elf = length >= sizeof(Elf64_Ehdr) && !memcmp(file, ELFMAG, SELFMAG) &&
               file[EI_CLASS] == ELFCLASS64;
    bool known = elf || add_map(s, file, offset);
    if (elf)
        add_elf(s, file, length, offset);
    if (!known || !s->list->len) {
        error_set(err, ARM_EFORMAT,
                  "%s: no symbols: expected a 64-bit ELF file that has some, or a System.map",
                  path);
        symbols_free(s);
        return NULL;
    }
    symbols_sort(s);
    if (path_out)
        *path_out = g_steal_pointer(&path);
    if (offset_out)
        *offset_out = offset;
    return s;
}

void symbols_free(struct symbols *s)
{
    if (!s)
        return;
    g_array_unref(s->list);
    g_string_free(s->names, TRUE);
    g_array_unref(s->code);
    g_free(s);
}

/* The last one at or below @address; NULL: none. */
static const struct symbol *below(const struct symbols *s, uint64_t address)
{
    unsigned lo = 0, hi = s->list->len;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (g_array_index(s->list, struct symbol, mid).address <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? &g_array_index(s->list, struct symbol, lo - 1) : NULL;
}

bool symbols_name(const struct symbols *s, uint64_t address, char *buf, unsigned size)
{
    const struct symbol *found = s ? below(s, address) : NULL;

    if (!found || address - found->address >= (found->size ? found->size : REACH))
        return false;
    g_snprintf(buf, size, "%s+%#" PRIx64, s->names->str + found->name, address - found->address);
    return true;
}

bool symbols_find(const struct symbols *s, const char *name, uint64_t *address)
{
    for (unsigned k = 0; s && k < s->list->len; k++) {
        const struct symbol *one = &g_array_index(s->list, struct symbol, k);
        if (strcmp(s->names->str + one->name, name) != 0)
            continue;
        *address = one->address;
        return true;
    }
    return false;
}

bool symbols_get(const struct symbols *s, unsigned index, uint64_t *address, uint64_t *size,
                 const char **name)
{
    if (!s || index >= s->list->len)
        return false;
    const struct symbol *one = &g_array_index(s->list, struct symbol, index), *next = one + 1;
    bool last = index + 1 == s->list->len;
    *address = one->address;
    *size = one->size ? one->size : last ? REACH : MIN(next->address - one->address, REACH);
    *name = s->names->str + one->name;
    return true;
}

bool symbols_have_code(const struct symbols *s)
{
    return s->code->len != 0;
}

size_t symbols_code(const struct symbols *s, uint64_t address, const uint8_t **bytes)
{
    for (unsigned k = 0; k < s->code->len; k++) {
        const struct code *c = &g_array_index(s->code, struct code, k);
        if (address < c->address || address - c->address >= c->bytes->len)
            continue;
        *bytes = c->bytes->data + (address - c->address);
        return c->bytes->len - (address - c->address);
    }
    return 0;
}
