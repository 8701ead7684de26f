/* The value of a symbol of a 64-bit little-endian ELF file; 0 and a message if there is none. */
#pragma once

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline char *elf_contents(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;

    *size = 0;
    if (f && fseek(f, 0, SEEK_END) == 0) {
        size_t length = (size_t)ftell(f);
        rewind(f);
        bytes = (char *)malloc(length + 1);
        if (bytes && fread(bytes, 1, length, f) == length) {
            bytes[length] = '\0';
            *size = length;
        }
    }
    if (f)
        fclose(f);
    return bytes;
}

static inline uint64_t elf_symbol_in(const char *bytes, size_t size, const char *name)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)bytes;

    if (size < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_shoff > size ||
        (size - e->e_shoff) / sizeof(Elf64_Shdr) < e->e_shnum)
        return 0;
    const Elf64_Shdr *section = (const Elf64_Shdr *)(bytes + e->e_shoff);
    for (unsigned s = 0; s < e->e_shnum; s++) {
        if (section[s].sh_type != SHT_SYMTAB || section[s].sh_link >= e->e_shnum ||
            section[s].sh_offset + section[s].sh_size > size)
            continue;
        const Elf64_Sym *symbol = (const Elf64_Sym *)(bytes + section[s].sh_offset);
        uint64_t names = section[section[s].sh_link].sh_offset;
        for (size_t k = 0; k < section[s].sh_size / sizeof(*symbol); k++)
            if (names + symbol[k].st_name < size &&
                !strcmp(bytes + names + symbol[k].st_name, name))
                return symbol[k].st_value;
    }
    return 0;
}

static inline uint64_t elf_symbol(const char *path, const char *name)
{
    size_t size;
    char *bytes = elf_contents(path, &size);
    uint64_t value = bytes ? elf_symbol_in(bytes, size, name) : 0;

    free(bytes);
    if (!value)
        fprintf(stderr, "%s: no symbol \"%s\"\n", path, name);
    return value;
}
