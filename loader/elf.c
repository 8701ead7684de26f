#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "loader/kernel.h"

#define SEGMENTS_MAX 200 /* an executable has a handful */

bool elf_match(const struct file_data *f)
{
    return f->size >= SELFMAG && memcmp(f->bytes, ELFMAG, SELFMAG) == 0;
}

/* One field of the header, and the only value of it we can run. */
static int check_field(const struct file_data *f, const char *field, uint64_t value,
                       uint64_t expected, const char *meaning, struct arm_error *err)
{
    if (value == expected)
        return 0;
    return error_set(err, ARM_ENOTSUP, "%s: ELF: %s is %llu, expected %llu (%s)", f->path, field,
                     (unsigned long long)value, (unsigned long long)expected, meaning);
}

static int check_header(const struct file_data *f, struct arm_error *err)
{
    Elf64_Ehdr h;
    int rc;

    if (f->size < sizeof(h))
        return error_set(err, ARM_EFORMAT, "%s: ELF: %zu bytes, expected a header of %zu", f->path,
                         f->size, sizeof(h));
    memcpy(&h, f->bytes, sizeof(h));
    rc = check_field(f, "EI_CLASS", h.e_ident[EI_CLASS], ELFCLASS64, "64-bit", err);
    if (!rc)
        rc = check_field(f, "EI_DATA", h.e_ident[EI_DATA], ELFDATA2LSB, "little-endian", err);
    if (!rc)
        rc = check_field(f, "e_machine", h.e_machine, EM_AARCH64, "AArch64", err);
    if (!rc)
        rc = check_field(f, "e_phentsize", h.e_phentsize, sizeof(Elf64_Phdr), "ELF64", err);
    if (rc)
        return rc;
    if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
        return error_set(err, ARM_ENOTSUP, "%s: ELF: e_type is %u, expected an executable (%d, %d)",
                         f->path, h.e_type, ET_EXEC, ET_DYN);
    if (h.e_phnum > SEGMENTS_MAX)
        return error_set(err, ARM_ENOTSUP, "%s: ELF: e_phnum is %u, expected at most %d", f->path,
                         h.e_phnum, SEGMENTS_MAX);
    if (h.e_phoff > f->size || h.e_phnum * sizeof(Elf64_Phdr) > f->size - h.e_phoff)
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: %u program headers at offset %#llx (e_phoff), expected inside "
                         "the file's %zu bytes",
                         f->path, h.e_phnum, (unsigned long long)h.e_phoff, f->size);
    return 0;
}

static int place_segment(struct load_map *map, const struct file_data *f, int n,
                         const GElf_Phdr *ph, struct arm_error *err)
{
    char what[24];

    snprintf(what, sizeof(what), "segment %d", n);
    /* A segment of zeros only has no bytes in the file, and linkers give it any offset. */
    uint64_t offset = ph->p_filesz ? ph->p_offset : 0;
    if (offset > f->size || ph->p_filesz > f->size - offset)
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: %s: %#llx bytes at offset %#llx (p_filesz, p_offset), expected "
                         "inside the file's %zu bytes",
                         f->path, what, (unsigned long long)ph->p_filesz,
                         (unsigned long long)ph->p_offset, f->size);
    if (ph->p_filesz > ph->p_memsz)
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: %s: p_filesz is %#llx, expected at most p_memsz, %#llx", f->path,
                         what, (unsigned long long)ph->p_filesz, (unsigned long long)ph->p_memsz);
    return load_place(map, f->path, what, ph->p_paddr, f->bytes + offset, ph->p_filesz, ph->p_memsz,
                      err);
}

/*
 * Linkers like to put the file's own headers into a segment far from the program. The program does
 * without what starts outside RAM, unless that is where it would start itself.
 */
static bool is_stray(const struct load_map *map, const struct file_data *f, int n,
                     const GElf_Phdr *ph, bool has_entry)
{
    if (has_entry || physmem_bank(map->mem, pa(ph->p_paddr)))
        return false;
    LOG(map->log, LOADER, WARN, "%s: ELF: segment %d: %#llx bytes at %#llx: not RAM, left out",
        f->path, n, (unsigned long long)ph->p_memsz, (unsigned long long)ph->p_paddr);
    return true;
}

static int load_segments(struct load_map *map, const struct file_data *f, Elf *elf,
                         const GElf_Ehdr *eh, struct kernel *out, struct arm_error *err)
{
    bool entry_found = false;
    GElf_Phdr ph;

    *out = (struct kernel){.kind = KERNEL_ELF, .low = UINT64_MAX};
    for (int i = 0; i < eh->e_phnum; i++) {
        if (!gelf_getphdr(elf, i, &ph))
            return error_set(err, ARM_EFORMAT, "%s: ELF: program header %d: %s", f->path, i,
                             elf_errmsg(-1));
        bool has_entry = eh->e_entry - ph.p_vaddr < ph.p_memsz;
        if (ph.p_type != PT_LOAD || ph.p_memsz == 0 || is_stray(map, f, i, &ph, has_entry))
            continue;
        int rc = place_segment(map, f, i, &ph, err);
        if (rc)
            return rc;
        if (!entry_found && has_entry) {
            entry_found = true;
            out->entry = eh->e_entry - ph.p_vaddr + ph.p_paddr;
        }
        out->low = ph.p_paddr < out->low ? ph.p_paddr : out->low;
        out->high = ph.p_paddr + ph.p_memsz > out->high ? ph.p_paddr + ph.p_memsz : out->high;
    }
    if (out->high == 0)
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: no PT_LOAD segment in RAM among %u program headers", f->path,
                         eh->e_phnum);
    if (!entry_found)
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: e_entry is %#llx, expected inside a PT_LOAD segment", f->path,
                         (unsigned long long)eh->e_entry);
    return 0;
}

int elf_load(struct load_map *map, const struct file_data *f, struct kernel *out,
             struct arm_error *err)
{
    GElf_Ehdr eh;
    Elf *elf;
    int rc = check_header(f, err);

    if (rc)
        return rc;
    elf_version(EV_CURRENT);
    elf = elf_memory((char *)f->bytes, f->size);
    if (!elf || !gelf_getehdr(elf, &eh))
        rc = error_set(err, ARM_EFORMAT, "%s: ELF: %s", f->path, elf_errmsg(-1));
    else
        rc = load_segments(map, f, elf, &eh, out, err);
    elf_end(elf);
    return rc;
}
