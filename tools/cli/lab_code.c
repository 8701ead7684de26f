/* What the images' ELF files say about code: bytes and addresses of functions. */
#include <fcntl.h>
#include <gelf.h>
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

static void look(void *ctx, const char *name, const GElf_Sym *symbol)
{
    struct search *s = ctx;
    bool is = s->prefix ? !strncmp(name, s->name, strlen(s->name)) : !strcmp(name, s->name);

    if (!is || GELF_ST_TYPE(symbol->st_info) != STT_FUNC)
        return;
    s->found = true;
    s->bytes += symbol->st_size;
    s->address = symbol->st_value;
}

static void search(const struct lab *lab, const char *file, struct search *s,
                   struct lab_report *report)
{
    g_autofree char *path = g_build_filename(lab->images, file, NULL);
    int fd = elf_version(EV_CURRENT) == EV_NONE ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);

    if (elf)
        each_symbol(elf, look, s);
    if (!elf || !s->found)
        lab_fail(report, "%s: there is no function %s%s", path, s->name, s->prefix ? "..." : "");
    elf_end(elf);
    if (fd >= 0)
        close(fd);
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
