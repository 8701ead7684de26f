/*
 * gdb reads a list of ELF files in this process's memory, at a descriptor that it knows by name,
 * and stops at a function, which it knows likewise, to hear of changes. A piece of code is a file
 * of its own, without the code.
 */
#include "gdb_jit.h"

#include <elf.h>
#include <glib.h>
#include <stddef.h>
#include <string.h>

/* ---- the interface, as gdb's manual has it ---- */

enum jit_action { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

struct jit_entry {
    struct jit_entry *next, *prev;
    const void *file;
    uint64_t file_size;
};

struct jit_descriptor {
    uint32_t version, action; /* enum jit_action, of */
    struct jit_entry *relevant, *first;
};

#define FOR_GDB __attribute__((used, visibility("default")))

/* Mutable and of the file's scope, against the rule: gdb looks up the list of a process
 * by this name. */
extern struct jit_descriptor __jit_debug_descriptor;
FOR_GDB struct jit_descriptor __jit_debug_descriptor = {.version = 1};

void __jit_debug_register_code(void);
FOR_GDB __attribute__((noinline)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");
}

static void act(enum jit_action action, struct jit_entry *e)
{
    __jit_debug_descriptor.action = action;
    __jit_debug_descriptor.relevant = e;
    __jit_debug_register_code();
}

static void link_entry(struct jit_entry *e)
{
    e->next = __jit_debug_descriptor.first;
    if (e->next)
        e->next->prev = e;
    __jit_debug_descriptor.first = e;
}

static void unlink_entry(struct jit_entry *e)
{
    if (e->next)
        e->next->prev = e->prev;
    if (e->prev)
        e->prev->next = e->next;
    else
        __jit_debug_descriptor.first = e->next;
}

/* ---- a file ---- */

enum { NONE, TEXT, FRAMES, SYMBOLS, STRINGS, SECTIONS };

static const char section_names[] = "\0.text\0.debug_frame\0.symtab\0.strtab";
enum { NAME_TEXT = 1, NAME_FRAMES = 7, NAME_SYMBOLS = 20, NAME_STRINGS = 28 };

/* .debug_frame (DWARF, "Call Frame Information"): a block's caller is the C function that called
 * what make_enter() of cpu/jit/pieces.c makes, and registers are where that has pushed them. */
struct frames {
    uint32_t cie_size, cie_id;
    uint8_t cie[24];
    uint32_t fde_size, fde_cie; /* fde_cie: where that is in the section */
    uint64_t address, size;
};

enum { CIE_DEPTH = 7, DEPTH = 9 * 8, DEPTH_INSIDE = DEPTH + 8 };

static const uint8_t cie[] = {
    1,                    /* version */
    0,                    /* no augmentation */
    1,    0x78,           /* code and data are counted in 1 and -8 bytes */
    16,                   /* the column of the return address */
    0x0c, 7,    DEPTH,    /* DW_CFA_def_cfa: RSP and so many bytes */
    0x90, 1,              /* DW_CFA_offset: that 8 bytes below it, */
    0x83, 2,    0x86,  3, /* RBX, RBP, */
    0x8c, 4,    0x8d,  5, /* R12, R13, */
    0x8e, 6,    0x8f,  7, /* R14 and R15 below that; then DW_CFA_nop */
};

struct image {
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTIONS];
    Elf64_Sym symbols[2];
    struct frames frames;
    char strings[sizeof(section_names)]; /* then the symbol's name with its NUL */
};

struct code {
    struct jit_entry entry;
    uint64_t from, to; /* what it is the file of */
    struct image image;
};

static void fill(struct image *i, const struct arm_host_piece *p, bool inside, size_t strings_size)
{
    i->header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = offsetof(struct image, sections),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = STRINGS};
    i->sections[TEXT] = (Elf64_Shdr){.sh_name = NAME_TEXT,
                                     .sh_type = SHT_NOBITS,
                                     .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                     .sh_addr = p->address,
                                     .sh_size = p->size,
                                     .sh_addralign = 1};
    i->sections[FRAMES] = (Elf64_Shdr){.sh_name = NAME_FRAMES,
                                       .sh_type = SHT_PROGBITS,
                                       .sh_offset = offsetof(struct image, frames),
                                       .sh_size = sizeof(i->frames),
                                       .sh_addralign = 8};
    i->sections[SYMBOLS] = (Elf64_Shdr){.sh_name = NAME_SYMBOLS,
                                        .sh_type = SHT_SYMTAB,
                                        .sh_offset = offsetof(struct image, symbols),
                                        .sh_size = sizeof(i->symbols),
                                        .sh_link = STRINGS,
                                        .sh_info = 1, /* none of them is local */
                                        .sh_entsize = sizeof(Elf64_Sym),
                                        .sh_addralign = 8};
    i->sections[STRINGS] = (Elf64_Shdr){.sh_name = NAME_STRINGS,
                                        .sh_type = SHT_STRTAB,
                                        .sh_offset = offsetof(struct image, strings),
                                        .sh_size = strings_size,
                                        .sh_addralign = 1};
    i->symbols[1] = (Elf64_Sym){.st_name = sizeof(section_names),
                                .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                .st_shndx = TEXT,
                                .st_size = p->size};
    i->frames =
        (struct frames){.cie_size = offsetof(struct frames, fde_size) - sizeof(uint32_t),
                        .cie_id = UINT32_MAX,
                        .fde_size = sizeof(struct frames) - offsetof(struct frames, fde_cie),
                        .address = p->address,
                        .size = p->size};
    memcpy(i->frames.cie, cie, sizeof(cie));
    i->frames.cie[CIE_DEPTH] = inside ? DEPTH_INSIDE : DEPTH;
    memcpy(i->strings, section_names, sizeof(section_names));
}

/* ---- all of them ---- */

struct gdb_jit {
    GTree *codes; /* struct code, which do not overlap */
};

/* What overlaps is the same. */
static int compare(const void *a, const void *b, void *unused)
{
    const struct code *x = a, *y = b;

    (void)unused;
    return x->to <= y->from ? -1 : y->to <= x->from ? 1 : 0;
}

struct gdb_jit *gdb_jit_new(void)
{
    struct gdb_jit *g = g_new0(struct gdb_jit, 1);

    g->codes = g_tree_new_full(compare, NULL, g_free, NULL);
    return g;
}

void gdb_jit_free(struct gdb_jit *g)
{
    if (!g)
        return;
    __jit_debug_descriptor = (struct jit_descriptor){.version = 1};
    g_tree_unref(g->codes);
    g_free(g);
}

void gdb_jit_code(struct gdb_jit *g, const struct arm_host_piece *p, bool inside, const char *name)
{
    size_t name_size = strlen(name) + 1, image_size = sizeof(struct image) + name_size;
    struct code *code, *old;

    if (!p->size)
        return;
    code = g_malloc0(offsetof(struct code, image) + image_size);
    code->from = p->address;
    code->to = p->address + p->size;
    while ((old = g_tree_lookup(g->codes, code))) {
        unlink_entry(&old->entry);
        act(JIT_UNREGISTER, &old->entry);
        g_tree_remove(g->codes, old);
    }
    fill(&code->image, p, inside, sizeof(section_names) + name_size);
    memcpy(code->image.strings + sizeof(section_names), name, name_size);
    code->entry.file = &code->image;
    code->entry.file_size = image_size;
    g_tree_insert(g->codes, code, code);
    link_entry(&code->entry);
    act(JIT_REGISTER, &code->entry);
}
