/* Programs that are linked already: their segments, and what makes them independent
 * of the place. */
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <string.h>

#include "program.h"
#include "relocate.h"

static int load_segment(struct program *p, Elf *elf, const GElf_Phdr *h, uint64_t bias,
                        const char *name, struct arm_error *err)
{
    uint64_t to = h->p_vaddr + bias - p->base;
    size_t size;
    char *file = elf_rawfile(elf, &size);

    if (h->p_filesz > h->p_memsz || to > PROGRAM_MAX || h->p_memsz > PROGRAM_MAX - to)
        return program_fail(err, ARM_EFORMAT,
                            "%s: a segment at %#" PRIx64 " is outside of %#" PRIx64
                            " and the %" PRIu64
                            " MiB behind it; link it there, or call the objects it is made of",
                            name, (uint64_t)h->p_vaddr, p->base, PROGRAM_MAX >> 20);
    if (!file || h->p_offset > size || h->p_filesz > size - h->p_offset)
        return program_fail(err, ARM_EFORMAT, "%s: a segment is not inside of the file", name);
    if (to + h->p_memsz > p->image->len &&
        !program_reserve(p, to + h->p_memsz - p->image->len, 1, err))
        return -err->code;
    memcpy(p->image->data + to, file + h->p_offset, h->p_filesz);
    return 0;
}

static void add_symbols(struct program *p, Elf *elf, Elf_Scn *scn, const GElf_Shdr *h,
                        uint64_t bias)
{
    Elf_Data *data = elf_getdata(scn, NULL);
    GElf_Sym s;

    for (size_t k = 1; data && k < data->d_size / sizeof(Elf64_Sym); k++) {
        const char *name =
            gelf_getsym(data, (int)k, &s) ? elf_strptr(elf, h->sh_link, s.st_name) : NULL;
        if (name && name[0] && name[0] != '$' && s.st_shndx != SHN_UNDEF && s.st_shndx != SHN_ABS &&
            GELF_ST_TYPE(s.st_info) <= STT_FUNC)
            program_add(p, name, s.st_value + bias, s.st_size,
                        GELF_ST_TYPE(s.st_info) != STT_OBJECT, GELF_ST_BIND(s.st_info));
    }
}

static int relocate_relative(struct program *p, Elf_Scn *scn, uint64_t bias, const char *name,
                             struct arm_error *err)
{
    Elf_Data *data = elf_getdata(scn, NULL);
    struct arm_error why;
    GElf_Rela rela;

    for (size_t k = 0; data && k < data->d_size / sizeof(Elf64_Rela); k++) {
        if (!gelf_getrela(data, (int)k, &rela))
            continue;
        struct relocation r = {.type = (uint32_t)GELF_R_TYPE(rela.r_info),
                               .place = rela.r_offset + bias,
                               .value = (uint64_t)rela.r_addend + bias,
                               .symbol = ""};
        uint64_t to = r.place - p->base;
        if (r.type != R_AARCH64_RELATIVE)
            return program_fail(err, ARM_ENOTSUP, "%s: relocation of type %u in a linked program",
                                name, r.type);
        r.bytes = p->image->data + (to < p->image->len ? to : 0);
        r.room = to < p->image->len ? p->image->len - to : 0;
        if (relocate(&r, &why) < 0)
            return program_fail(err, why.code, "%s: %s", name, why.text);
    }
    return 0;
}

int program_segments(struct program *p, Elf *elf, const char *name, struct arm_error *err)
{
    GElf_Ehdr header;
    Elf_Scn *scn = NULL;
    size_t count;
    GElf_Phdr ph;
    GElf_Shdr h;
    int rc = 0;

    if (!gelf_getehdr(elf, &header) || elf_getphdrnum(elf, &count) != 0)
        return program_fail(err, ARM_EFORMAT, "%s: its program headers cannot be read", name);
    uint64_t bias = header.e_type == ET_DYN ? p->base : 0;
    for (size_t k = 0; rc == 0 && k < count; k++)
        if (gelf_getphdr(elf, (int)k, &ph) && ph.p_type == PT_LOAD)
            rc = load_segment(p, elf, &ph, bias, name, err);
    while (rc == 0 && (scn = elf_nextscn(elf, scn)) != NULL) {
        if (!gelf_getshdr(scn, &h))
            continue;
        if (h.sh_type == SHT_SYMTAB)
            add_symbols(p, elf, scn, &h, bias);
        else if (h.sh_type == SHT_RELA && header.e_type == ET_DYN && h.sh_flags & SHF_ALLOC)
            rc = relocate_relative(p, scn, bias, name, err);
    }
    return rc;
}
