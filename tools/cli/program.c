#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

int program_fail(struct arm_error *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err->code = code;
    return -code;
}

uint64_t program_reserve(struct program *p, uint64_t size, uint64_t align, struct arm_error *err)
{
    align = MAX(align, 1);
    if (align & (align - 1) || align > 65536 || size > PROGRAM_MAX ||
        p->image->len + align + size > PROGRAM_MAX) {
        program_fail(err, ARM_EFORMAT,
                     "%" PRIu64 " bytes, aligned to %" PRIu64 ", are more than there is room for",
                     size, align);
        return 0;
    }
    uint64_t at = (p->image->len + align - 1) & ~(align - 1), old = p->image->len;
    g_byte_array_set_size(p->image, (guint)(at + size));
    if (at + size > old)
        memset(p->image->data + old, 0, at + size - old);
    return p->base + at;
}

void program_add(struct program *p, const char *name, uint64_t address, uint64_t size,
                 bool function, unsigned binding)
{
    struct program_symbol s = {g_strdup(name), address, size, function, false};

    g_array_append_val(p->symbols, s);
    if (binding != STB_LOCAL && (binding != STB_WEAK || !g_hash_table_contains(p->by_name, name)))
        g_hash_table_insert(p->by_name, g_strdup(name), GUINT_TO_POINTER(p->symbols->len));
}

static struct program_symbol *at(const struct program *p, unsigned index)
{
    return &g_array_index(p->symbols, struct program_symbol, index);
}

uint64_t program_stub(struct program *p, const char *name, struct arm_error *err)
{
    unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(p->by_name, name));

    if (index && at(p, index - 1)->stub)
        return at(p, index - 1)->address;
    uint64_t address = program_reserve(p, PROGRAM_STUB_SIZE, PROGRAM_STUB_SIZE, err);
    if (address) {
        program_add(p, name, address, PROGRAM_STUB_SIZE, false, STB_GLOBAL);
        at(p, p->symbols->len - 1)->stub = true;
    }
    return address;
}

const struct program_symbol *program_find(const struct program *p, const char *name)
{
    unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(p->by_name, name));

    return index && !at(p, index - 1)->stub ? at(p, index - 1) : NULL;
}

const struct program_symbol *program_lookup(const struct program *p, const char *name)
{
    const struct program_symbol *found = program_find(p, name);

    for (unsigned k = 0; !found && k < p->symbols->len; k++)
        if (!at(p, k)->stub && !strcmp(at(p, k)->name, name))
            found = at(p, k);
    return found;
}

const struct program_symbol *program_stub_at(const struct program *p, uint64_t address)
{
    for (unsigned k = 0; k < p->symbols->len; k++)
        if (at(p, k)->stub && at(p, k)->address == address)
            return at(p, k);
    return NULL;
}

/* The nearest one at or before the address: one that has it within its size is better. */
void program_name(const struct program *p, uint64_t address, char *buf, size_t size)
{
    const struct program_symbol *best = NULL;

    for (unsigned k = 0; k < p->symbols->len; k++) {
        const struct program_symbol *s = at(p, k);
        if (s->address <= address && (s->size ? address - s->address < s->size : s->function) &&
            (!best || s->address > best->address))
            best = s;
    }
    if (!best)
        g_snprintf(buf, (gulong)size, "%#" PRIx64, address);
    else if (address == best->address)
        g_snprintf(buf, (gulong)size, "%s", best->name);
    else
        g_snprintf(buf, (gulong)size, "%s+%#" PRIx64, best->name, address - best->address);
}

void program_free(struct program *p)
{
    if (!p)
        return;
    for (unsigned k = 0; k < p->symbols->len; k++)
        g_free(at(p, k)->name);
    g_array_free(p->symbols, TRUE);
    g_byte_array_free(p->image, TRUE);
    g_hash_table_destroy(p->by_name);
    g_free(p);
}

/* Is it one that we can use? ET_REL, ET_EXEC or ET_DYN; 0 and *err if not. */
static unsigned elf_type(Elf *elf, const char *name, struct arm_error *err)
{
    GElf_Ehdr header;

    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
        program_fail(err, ARM_EFORMAT, "%s: neither an ELF file nor an archive of some", name);
        return 0;
    }
    if (header.e_machine != EM_AARCH64 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB) {
        program_fail(err, ARM_EFORMAT, "%s: not for AArch64, little-endian", name);
        return 0;
    }
    if (header.e_type != ET_REL && header.e_type != ET_EXEC && header.e_type != ET_DYN) {
        program_fail(err, ARM_EFORMAT, "%s: neither an object nor a program (ELF type %u)", name,
                     header.e_type);
        return 0;
    }
    return header.e_type;
}

static int load_archive(struct program *p, Elf *archive, int fd, const char *path,
                        const char *const *roots, struct arm_error *err)
{
    g_autoptr(GPtrArray) members = g_ptr_array_new(),
                         names = g_ptr_array_new_with_free_func(g_free);
    Elf_Cmd cmd = ELF_C_READ;
    Elf *elf;
    int rc = 0;

    while (rc == 0 && (elf = elf_begin(fd, cmd, archive)) != NULL) {
        Elf_Arhdr *header = elf_getarhdr(elf);
        g_autofree char *name =
            g_strdup(header ? header->ar_name : NULL); /* the header is the archive's */
        cmd = elf_next(elf);
        if (!name || name[0] == '/' || elf_kind(elf) != ELF_K_ELF) {
            elf_end(elf); /* the index, a text */
            continue;
        }
        g_ptr_array_add(members, elf);
        g_ptr_array_add(names, g_strdup_printf("%s(%s)", path, name));
        unsigned type = elf_type(elf, names->pdata[names->len - 1], err);
        if (type != ET_REL)
            rc = type ? program_fail(err, ARM_EFORMAT, "%s: a linked program in an archive",
                                     (char *)names->pdata[names->len - 1])
                      : -err->code;
    }
    if (rc == 0)
        rc = program_link(p, (Elf *const *)members->pdata, (char *const *)names->pdata,
                          members->len, roots, err);
    for (unsigned k = 0; k < members->len; k++)
        elf_end(members->pdata[k]);
    return rc;
}

static int load_elf(struct program *p, Elf *elf, int fd, const char *path, const char *const *roots,
                    struct arm_error *err)
{
    char *name = (char *)path;
    unsigned type;

    if (elf_kind(elf) == ELF_K_AR)
        return load_archive(p, elf, fd, path, roots, err);
    type = elf_type(elf, path, err);
    if (type == ET_REL)
        return program_link(p, &elf, &name, 1, roots, err);
    return type ? program_segments(p, elf, path, err) : -err->code;
}

struct program *program_load(const char *path, const char *const *roots, uint64_t base,
                             struct arm_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct program *p;
    Elf *elf;
    int rc;

    if (fd < 0) {
        program_fail(err, ARM_EINVAL, "%s: cannot read: %s", path, g_strerror(errno));
        return NULL;
    }
    elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_READ, NULL);
    p = g_new0(struct program, 1);
    p->base = base;
    p->image = g_byte_array_new();
    p->symbols = g_array_new(FALSE, FALSE, sizeof(struct program_symbol));
    p->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    rc = elf ? load_elf(p, elf, fd, path, roots, err)
             : program_fail(err, ARM_EFORMAT, "%s: cannot read: %s", path, elf_errmsg(-1));
    elf_end(elf);
    close(fd);
    if (rc < 0) {
        program_free(p);
        return NULL;
    }
    return p;
}
