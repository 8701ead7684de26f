#include "symbols/elf.h"

#include <elf.h>
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "symbols/frames.h"

/* Sections, in the order of their headers; .text has no bytes in the file. */
enum { NONE, TEXT, SYMTAB, STRTAB, FRAMES, SHSTRTAB, SECTIONS };

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.debug_frame\0.shstrtab";
static const Elf64_Word name_at[SECTIONS] = {0, 1, 7, 15, 23, 36};

struct writer {
    GByteArray *table; /* Elf64_Sym */
    GByteArray *names;
    GByteArray *frames;
};

static void add_symbol(struct writer *w, uint64_t address, uint64_t size, const char *name)
{
    Elf64_Sym sym = {.st_name = w->names->len,
                     .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                     .st_shndx = TEXT,
                     .st_value = address,
                     .st_size = size};

    g_byte_array_append(w->table, (const void *)&sym, sizeof(sym));
    g_byte_array_append(w->names, (const void *)name, (guint)strlen(name) + 1);
}

/* @code: @size bytes from @start on, or NULL. */
static void add_symbols(struct writer *w, const struct symbols *s, uint64_t offset, uint64_t start,
                        uint64_t size, const uint8_t *code)
{
    const Elf64_Sym none = {0};
    uint64_t address, bytes;
    const char *name;

    g_byte_array_append(w->table, (const void *)&none, sizeof(none));
    g_byte_array_append(w->names, (const void *)"", 1);
    for (unsigned k = 0; symbols_get(s, k, &address, &bytes, &name); k++) {
        uint64_t at = address + offset - start;
        add_symbol(w, address + offset, bytes, name);
        if (code && at % 4 == 0 && at < size && bytes <= size - at)
            frames_add(w->frames, address + offset, code + at, bytes);
    }
}

static GByteArray *make_file(const struct writer *w, uint64_t start, uint64_t size)
{
    const Elf64_Off table = sizeof(Elf64_Ehdr), names = table + w->table->len,
                    frames = (names + w->names->len + 7) / 8 * 8,
                    sections = frames + w->frames->len,
                    headers = (sections + sizeof(section_names) + 7) / 8 * 8;
    const Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_AARCH64,
        .e_version = EV_CURRENT,
        .e_shoff = headers,
        .e_ehsize = sizeof(eh),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = SHSTRTAB};
    Elf64_Shdr sh[SECTIONS] = {
        [TEXT] = {.sh_type = SHT_NOBITS,
                  .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                  .sh_addr = start,
                  .sh_offset = table,
                  .sh_size = size,
                  .sh_addralign = 4},
        [SYMTAB] = {.sh_type = SHT_SYMTAB,
                    .sh_offset = table,
                    .sh_size = w->table->len,
                    .sh_link = STRTAB,
                    .sh_info = 1, /* the first that is not local */
                    .sh_addralign = 8,
                    .sh_entsize = sizeof(Elf64_Sym)},
        [STRTAB] = {.sh_type = SHT_STRTAB, .sh_offset = names, .sh_size = w->names->len},
        [FRAMES] = {.sh_type = SHT_PROGBITS,
                    .sh_offset = frames,
                    .sh_size = w->frames->len,
                    .sh_addralign = 8},
        [SHSTRTAB] = {
            .sh_type = SHT_STRTAB, .sh_offset = sections, .sh_size = sizeof(section_names)}};
    GByteArray *file = g_byte_array_new();

    for (unsigned k = 0; k < SECTIONS; k++)
        sh[k].sh_name = name_at[k];
    g_byte_array_append(file, (const void *)&eh, sizeof(eh));
    g_byte_array_append(file, w->table->data, w->table->len);
    g_byte_array_append(file, w->names->data, w->names->len);
    while (file->len < frames)
        g_byte_array_append(file, (const void *)"", 1);
    g_byte_array_append(file, w->frames->data, w->frames->len);
    g_byte_array_append(file, (const void *)section_names, sizeof(section_names));
    while (file->len < headers)
        g_byte_array_append(file, (const void *)"", 1);
    g_byte_array_append(file, (const void *)sh, sizeof(sh));
    return file;
}

int symbols_write_elf(const struct symbols *s, uint64_t offset, uint64_t start, uint64_t size,
                      const uint8_t *code, const char *path, struct arm_error *err)
{
    struct writer w = {g_byte_array_new(), g_byte_array_new(), frames_new(start)};
    g_autoptr(GError) error = NULL;

    add_symbols(&w, s, offset, start, size, code);
    g_autoptr(GByteArray) file = make_file(&w, start, size);
    g_byte_array_unref(w.table);
    g_byte_array_unref(w.names);
    g_byte_array_unref(w.frames);
    if (g_file_set_contents(path, (const char *)file->data, file->len, &error))
        return 0;
    return error_set(err, ARM_EIO, "%s: cannot write symbols: %s", path, error->message);
}
