#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "loader/kernel.h"

#define SEGMENTS_MAX 200 /* an executable has a handful */

/* -- the header -- */

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {{EM_386, "x86"},       {EM_X86_64, "x86-64"}, {EM_ARM, "32-bit Arm"},
                 {EM_RISCV, "RISC-V"},  {EM_MIPS, "MIPS"},     {EM_PPC, "PowerPC"},
                 {EM_PPC64, "PowerPC"}, {EM_S390, "S/390"},    {EM_LOONGARCH, "LoongArch"}};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "another machine";
}

/* One field of the header, the only value of it we can run, and what the value that
 * it has means. */
static int check_field(const struct file_data *f, const char *field, uint64_t value, const char *is,
                       uint64_t expected, const char *meaning, struct arm_error *err)
{
    if (value == expected)
        return 0;
    return error_set(err, ARM_ENOTSUP, "%s: ELF: %s is %llu (%s), expected %llu (%s)", f->path,
                     field, (unsigned long long)value, is, (unsigned long long)expected, meaning);
}

static const char *type_name(unsigned type)
{
    switch (type) {
    case ET_REL:
        return "an object file: link it";
    case ET_CORE:
        return "a core dump";
    default:
        return "of an unknown type";
    }
}

static int check_ident(const struct file_data *f, const Elf64_Ehdr *h, struct arm_error *err)
{
    unsigned data = h->e_ident[EI_DATA];
    int rc = check_field(f, "EI_DATA", data, data == ELFDATA2MSB ? "big-endian" : "invalid",
                         ELFDATA2LSB, "little-endian", err);

    if (!rc) /* at the same place for both classes */
        rc = check_field(f, "e_machine", h->e_machine, machine_name(h->e_machine), EM_AARCH64,
                         "AArch64", err);
    if (!rc)
        rc = check_field(f, "EI_CLASS", h->e_ident[EI_CLASS], "32-bit", ELFCLASS64, "64-bit", err);
    return rc;
}

/*
 * Read as far as a part of the file, which is @what at @offset as the @fields of a header say.
 * Debug information, which is most of a file and behind, is not read.
 */
static int read_part(const struct load_map *map, struct file_data *f, const char *what,
                     const char *fields, uint64_t offset, uint64_t size, struct arm_error *err)
{
    uint64_t max = map->ram_size + UNPACK_HEADROOM;
    int rc;

    if (offset > f->whole || size > f->whole - offset)
        max = f->size; /* it is not there */
    else if (offset > max || size > max - offset)
        return error_set(err, ARM_ENOTSUP,
                         "%s: ELF: %s at offset %#llx (%s), expected in the file's first %#llx "
                         "bytes, since RAM is %#llx bytes",
                         f->path, what, (unsigned long long)offset, fields, (unsigned long long)max,
                         (unsigned long long)map->ram_size);
    else
        max = offset + size;
    rc = file_read_until(f, max, err);
    if (!rc && (offset > f->size || size > f->size - offset))
        rc = error_set(err, ARM_EFORMAT,
                       "%s: ELF: %s at offset %#llx (%s), expected inside the file's %llu bytes",
                       f->path, what, (unsigned long long)offset, fields,
                       (unsigned long long)file_size(f));
    return rc;
}

static int read_header(const struct load_map *map, struct file_data *f, Elf64_Ehdr *h,
                       struct arm_error *err)
{
    char what[40];
    int rc;

    if (f->size < sizeof(*h))
        return error_set(err, ARM_EFORMAT, "%s: ELF: %zu bytes, expected a header of %zu", f->path,
                         f->size, sizeof(*h));
    memcpy(h, f->bytes, sizeof(*h));
    rc = check_ident(f, h, err);
    if (rc)
        return rc;
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return error_set(err, ARM_ENOTSUP,
                         "%s: ELF: e_type is %u (%s), expected an executable (%d, %d)", f->path,
                         h->e_type, type_name(h->e_type), ET_EXEC, ET_DYN);
    rc = check_field(f, "e_phentsize", h->e_phentsize, "of another kind", sizeof(Elf64_Phdr),
                     "ELF64", err);
    if (rc)
        return rc;
    if (h->e_phnum > SEGMENTS_MAX)
        return error_set(err, ARM_ENOTSUP, "%s: ELF: e_phnum is %u, expected at most %d", f->path,
                         h->e_phnum, SEGMENTS_MAX);
    snprintf(what, sizeof(what), "%u program headers", h->e_phnum);
    return read_part(map, f, what, "e_phoff", h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr), err);
}

/* -- segments -- */

static Elf64_Phdr segment(const struct file_data *f, const Elf64_Ehdr *h, unsigned n)
{
    Elf64_Phdr ph;

    memcpy(&ph, f->bytes + h->e_phoff + n * sizeof(ph), sizeof(ph));
    return ph;
}

/* Has it memory? That it brings bytes of the file is not said. */
static bool is_loaded(const Elf64_Phdr *ph)
{
    return ph->p_type == PT_LOAD && ph->p_memsz != 0;
}

/* The segment of the entry point; a number that no segment has: there is none. */
static unsigned entry_segment(const struct file_data *f, const Elf64_Ehdr *h)
{
    unsigned found = h->e_phnum;

    for (unsigned i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr ph = segment(f, h, i);
        if (!is_loaded(&ph) || h->e_entry - ph.p_vaddr >= ph.p_memsz)
            continue;
        if (ph.p_flags & PF_X)
            return i;
        if (found == h->e_phnum)
            found = i;
    }
    return found;
}

/* None of the sizes is 0; no end is computed, since it may wrap. */
static bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a - b < b_size || b - a < a_size;
}

/*
 * A program that is started from where it is stored, and moves and clears its data itself, has the
 * stored segments packed closely, so that the zeros behind one would lie on the next. They are then
 * not the loader's. QEMU decides so too.
 */
static uint64_t loaded_size(const struct file_data *f, const Elf64_Ehdr *h, unsigned n)
{
    const Elf64_Phdr ph = segment(f, h, n);

    if (ph.p_memsz <= ph.p_filesz)
        return ph.p_memsz;
    for (unsigned i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr other = segment(f, h, i);
        if (i != n && is_loaded(&other) &&
            ranges_meet(ph.p_paddr + ph.p_filesz, ph.p_memsz - ph.p_filesz, other.p_paddr,
                        other.p_memsz))
            return ph.p_filesz;
    }
    return ph.p_memsz;
}

static int read_segment(const struct load_map *map, struct file_data *f, unsigned n,
                        const Elf64_Phdr *ph, struct arm_error *err)
{
    char what[60];

    if (ph->p_filesz > ph->p_memsz)
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: segment %u: p_filesz is %#llx, expected at most p_memsz, %#llx",
                         f->path, n, (unsigned long long)ph->p_filesz,
                         (unsigned long long)ph->p_memsz);
    if (ph->p_filesz == 0) /* and linkers give it any offset */
        return 0;
    snprintf(what, sizeof(what), "segment %u: %#llx bytes", n, (unsigned long long)ph->p_filesz);
    return read_part(map, f, what, "p_filesz, p_offset", ph->p_offset, ph->p_filesz, err);
}

/*
 * Linkers like to put the file's own headers into a segment far from the program, and scripts give
 * memory of devices to segments without bytes. The program does without what starts outside RAM,
 * unless that is where it would start itself.
 */
static bool is_stray(const struct load_map *map, const struct file_data *f, unsigned n,
                     const Elf64_Phdr *ph)
{
    if (physmem_bank(map->mem, pa(ph->p_paddr)))
        return false;
    if (ph->p_filesz)
        LOG(map->log, LOADER, WARN, "%s: ELF: segment %u: %#llx bytes at %#llx: not RAM, left out",
            f->path, n, (unsigned long long)ph->p_memsz, (unsigned long long)ph->p_paddr);
    return true;
}

/* A segment without bytes may name more memory than there is: what is there is made zero. */
static uint64_t clip(const struct load_map *map, const struct file_data *f, unsigned n,
                     const Elf64_Phdr *ph, uint64_t size)
{
    const struct ram_bank *bank = physmem_bank(map->mem, pa(ph->p_paddr));
    uint64_t room = bank ? bank->size - (ph->p_paddr - bank->base) : 0;

    if (ph->p_filesz || size <= room)
        return size;
    LOG(map->log, LOADER, WARN, "%s: ELF: segment %u: of %#llx bytes at %#llx only %#llx are RAM",
        f->path, n, (unsigned long long)size, (unsigned long long)ph->p_paddr,
        (unsigned long long)room);
    return room;
}

static int place_segment(struct load_map *map, struct file_data *f, const Elf64_Ehdr *h, unsigned n,
                         struct kernel *out, struct arm_error *err)
{
    const Elf64_Phdr ph = segment(f, h, n);
    uint64_t size = clip(map, f, n, &ph, loaded_size(f, h, n));
    char what[24];
    int rc;

    snprintf(what, sizeof(what), "segment %u", n);
    rc = read_segment(map, f, n, &ph, err);
    if (!rc)
        rc = load_place(map, f->path, what, ph.p_paddr, f->bytes + (ph.p_filesz ? ph.p_offset : 0),
                        ph.p_filesz, size, err);
    if (rc)
        return rc;
    out->low = ph.p_paddr < out->low ? ph.p_paddr : out->low;
    out->high = ph.p_paddr + size > out->high ? ph.p_paddr + size : out->high;
    return 0;
}

static int place_segments(struct load_map *map, struct file_data *f, const Elf64_Ehdr *h,
                          unsigned entry_in, struct kernel *out, struct arm_error *err)
{
    int rc = 0;

    for (unsigned i = 0; !rc && i < h->e_phnum; i++) {
        const Elf64_Phdr ph = segment(f, h, i);
        if (is_loaded(&ph) && (i == entry_in || !is_stray(map, f, i, &ph)))
            rc = place_segment(map, f, h, i, out, err);
    }
    if (!rc && out->high == 0)
        rc = error_set(err, ARM_EFORMAT,
                       "%s: ELF: no PT_LOAD segment in RAM among %u program headers", f->path,
                       h->e_phnum);
    return rc;
}

int elf_load(struct load_map *map, struct file_data *f, bool started, struct kernel *out,
             struct arm_error *err)
{
    unsigned entry_in;
    Elf64_Ehdr h = {0};
    int rc = read_header(map, f, &h, err);

    if (rc)
        return rc;
    *out = (struct kernel){.kind = KERNEL_ELF, .low = UINT64_MAX, .entry = h.e_entry};
    entry_in = entry_segment(f, &h);
    rc = place_segments(map, f, &h, entry_in, out, err);
    if (rc)
        return rc;
    if (entry_in < h.e_phnum) {
        const Elf64_Phdr ph = segment(f, &h, entry_in);
        out->entry = h.e_entry - ph.p_vaddr + ph.p_paddr;
    } else if (started && h.e_entry - map->ram_base >= map->ram_size) {
        return error_set(err, ARM_EFORMAT,
                         "%s: ELF: e_entry is %#llx, expected inside a PT_LOAD segment or in RAM",
                         f->path, (unsigned long long)h.e_entry);
    }
    return 0;
}
