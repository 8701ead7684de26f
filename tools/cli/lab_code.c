/* What the images' ELF files say about code: bytes and addresses of functions. */
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

typedef void symbol_fn(void *ctx, const char *name, const GElf_Sym *symbol);

static void each_symbol(Elf *elf, symbol_fn *fn, void *ctx)
{
    GElf_Shdr header;
    GElf_Sym symbol;

    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        if (!gelf_getshdr(s, &header) || header.sh_type != SHT_SYMTAB || !header.sh_entsize)
            continue;
        Elf_Data *data = elf_getdata(s, NULL);
        int count = (int)(header.sh_size / header.sh_entsize);
        for (int k = 0; data && k < count; k++) {
            const char *name = gelf_getsym(data, k, &symbol)
                                   ? elf_strptr(elf, header.sh_link, symbol.st_name)
                                   : NULL;
            if (name)
                fn(ctx, name, &symbol);
        }
    }
}

struct search {
    const char *name;
    bool prefix, found;
    uint64_t bytes, address;
};

/* Assembly gives its functions no type. */
static bool is_code(const GElf_Sym *symbol)
{
    return GELF_ST_TYPE(symbol->st_info) == STT_FUNC || GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE;
}

static void look(void *ctx, const char *name, const GElf_Sym *symbol)
{
    struct search *s = ctx;
    bool is = s->prefix ? !strncmp(name, s->name, strlen(s->name)) : !strcmp(name, s->name);

    if (!is || symbol->st_shndx == SHN_UNDEF || !is_code(symbol))
        return;
    s->found = true;
    s->bytes += symbol->st_size;
    s->address = symbol->st_value;
}

static Elf *open_elf(const struct lab *lab, const char *file, int *fd)
{
    g_autofree char *path = g_build_filename(lab->images, file, NULL);

    *fd = elf_version(EV_CURRENT) == EV_NONE ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? NULL : elf_begin(*fd, ELF_C_READ, NULL);
}

static void close_elf(Elf *elf, int fd)
{
    elf_end(elf);
    if (fd >= 0)
        close(fd);
}

static void search(const struct lab *lab, const char *file, struct search *s,
                   struct lab_report *report)
{
    int fd;
    Elf *elf = open_elf(lab, file, &fd);

    if (elf)
        each_symbol(elf, look, s);
    if (!elf || !s->found)
        lab_fail(report, "%s/%s: there is no function %s%s", lab->images, file, s->name,
                 s->prefix ? "..." : "");
    close_elf(elf, fd);
}

uint64_t lab_code_bytes(const struct lab *lab, const char *name, const char *symbol,
                        struct lab_report *report)
{
    struct search s = {.name = symbol};

    search(lab, name, &s, report);
    return s.bytes;
}

uint64_t lab_code_bytes_of_all(const struct lab *lab, const char *name, const char *prefix,
                               struct lab_report *report)
{
    struct search s = {.name = prefix, .prefix = true};

    search(lab, name, &s, report);
    return s.bytes;
}

uint64_t lab_address(const struct lab *lab, const char *name, const char *symbol,
                     struct lab_report *report)
{
    struct search s = {.name = symbol};

    search(lab, name, &s, report);
    return s.address;
}

struct place {
    uint64_t address, offset;
    char *name;
};

static void look_around(void *ctx, const char *name, const GElf_Sym *symbol)
{
    struct place *p = ctx;

    if (!is_code(symbol))
        return;
    if (*name == '$' || symbol->st_value > p->address || symbol->st_shndx == SHN_UNDEF ||
        symbol->st_shndx >= SHN_LORESERVE || p->address - symbol->st_value >= p->offset)
        return;
    p->offset = p->address - symbol->st_value;
    g_free(p->name);
    p->name = g_strdup(name);
}

char *lab_symbol_at(const struct lab *lab, const char *name, uint64_t address)
{
    struct place p = {.address = address, .offset = UINT64_MAX};
    int fd;
    Elf *elf = open_elf(lab, name, &fd);

    if (elf)
        each_symbol(elf, look_around, &p);
    close_elf(elf, fd);
    char *text = p.name ? g_strdup_printf("%s+0x%" PRIx64, p.name, p.offset)
                        : g_strdup_printf("0x%" PRIx64, address);
    g_free(p.name);
    return text;
}
