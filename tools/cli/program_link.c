/* Linking: sections get addresses, symbols values, relocations are applied. */
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <string.h>

#include "program.h"
#include "relocate.h"

#define GOT_SIZE 32768u /* what LD64_GOTPAGE_LO15 reaches */

struct member {
    Elf *elf;
    const char *name;
    size_t sections;
    uint64_t *at;        /* address of each section; 0: it has none */
    bool linked, served; /* and what it needs is, too */
    Elf_Data *symtab;
    size_t symbols, strings; /* how many; section of their names */
};

struct link {
    struct program *p;
    struct member *members;
    unsigned count;
    uint64_t got;       /* address of the GOT */
    GHashTable *slots;  /* value to index in it + 1 */
    GHashTable *wanted; /* names that linked members define */
    struct arm_error *err;
};

/* "" if there is no such string. */
static const char *symbol_name(const struct member *m, const GElf_Sym *s)
{
    const char *name = elf_strptr(m->elf, m->strings, s->st_name);

    return name ? name : "";
}

static int open_member(struct link *l, struct member *m)
{
    Elf_Scn *scn = NULL;
    GElf_Shdr h;

    if (elf_getshdrnum(m->elf, &m->sections) != 0 || m->sections > 1u << 20)
        return program_fail(l->err, ARM_EFORMAT, "%s: its section headers cannot be read", m->name);
    m->at = g_new0(uint64_t, m->sections + 1);
    while ((scn = elf_nextscn(m->elf, scn)) != NULL)
        if (gelf_getshdr(scn, &h) && h.sh_type == SHT_SYMTAB) {
            m->symtab = elf_getdata(scn, NULL);
            m->strings = h.sh_link;
            m->symbols = m->symtab ? m->symtab->d_size / sizeof(Elf64_Sym) : 0;
        }
    if (!m->symtab)
        return program_fail(l->err, ARM_EFORMAT, "%s: no symbol table that can be read", m->name);
    return 0;
}

static bool defines(const struct member *m, const char *name)
{
    GElf_Sym s;

    for (size_t k = 1; k < m->symbols; k++)
        if (gelf_getsym(m->symtab, (int)k, &s) && s.st_shndx != SHN_UNDEF &&
            GELF_ST_BIND(s.st_info) != STB_LOCAL && !strcmp(symbol_name(m, &s), name))
            return true;
    return false;
}

/* Take the member that defines @name, if there is one and none of the taken does. */
static void take(struct link *l, const char *name)
{
    for (unsigned k = 0; k < l->count; k++)
        if (l->members[k].linked && defines(&l->members[k], name))
            return;
    for (unsigned k = 0; k < l->count; k++)
        if (defines(&l->members[k], name)) {
            l->members[k].linked = true;
            return;
        }
}

static void take_needed(struct link *l, const struct member *m)
{
    GElf_Sym s;

    for (size_t k = 1; k < m->symbols; k++)
        if (gelf_getsym(m->symtab, (int)k, &s) && s.st_shndx == SHN_UNDEF &&
            g_hash_table_add(l->wanted, g_strdup(symbol_name(m, &s))))
            take(l, symbol_name(m, &s));
}

/* Until nothing is taken any more, as a linker does with an archive. */
static void choose(struct link *l, const char *const *roots)
{
    bool more = true;

    for (; *roots; roots++)
        take(l, *roots);
    if (l->count == 1)
        l->members[0].linked = true;
    while (more) {
        more = false;
        for (unsigned k = 0; k < l->count; k++)
            if (l->members[k].linked && !l->members[k].served) {
                l->members[k].served = more = true;
                take_needed(l, &l->members[k]);
            }
    }
}

static int place_section(struct link *l, struct member *m, Elf_Scn *scn)
{
    Elf_Data *data = NULL;
    GElf_Shdr h;

    if (!gelf_getshdr(scn, &h))
        return program_fail(l->err, ARM_EFORMAT, "%s: a section header cannot be read", m->name);
    if (!(h.sh_flags & SHF_ALLOC))
        return 0;
    uint64_t to = program_reserve(l->p, h.sh_size, h.sh_addralign, l->err);
    if (!to)
        return -l->err->code;
    m->at[elf_ndxscn(scn)] = to;
    if (h.sh_type == SHT_NOBITS || h.sh_size == 0)
        return 0;
    data = elf_rawdata(scn, NULL);
    if (!data || !data->d_buf || data->d_size < h.sh_size)
        return program_fail(l->err, ARM_EFORMAT, "%s: section %zu is not inside of the file",
                            m->name, elf_ndxscn(scn));
    memcpy(l->p->image->data + (to - l->p->base), data->d_buf, h.sh_size);
    return 0;
}

static int place(struct link *l, struct member *m)
{
    Elf_Scn *scn = NULL;
    int rc = 0;

    while (rc == 0 && (scn = elf_nextscn(m->elf, scn)) != NULL)
        rc = place_section(l, m, scn);
    return rc;
}

/* Symbols that are somewhere, and room for those of SHN_COMMON. Mapping symbols ($x)
 * are no names. */
static int define(struct link *l, const struct member *m)
{
    GElf_Sym s;

    for (size_t k = 1; k < m->symbols; k++) {
        if (!gelf_getsym(m->symtab, (int)k, &s) || s.st_shndx == SHN_UNDEF)
            continue;
        const char *name = symbol_name(m, &s);
        unsigned type = GELF_ST_TYPE(s.st_info);
        uint64_t address;
        if (s.st_shndx == SHN_COMMON && !program_find(l->p, name))
            address = program_reserve(l->p, s.st_size, s.st_value, l->err);
        else if (s.st_shndx == SHN_ABS && s.st_value)
            address = s.st_value;
        else if (s.st_shndx < m->sections && m->at[s.st_shndx])
            address = m->at[s.st_shndx] + s.st_value;
        else
            continue;
        if (!address)
            return -l->err->code;
        if (name[0] && name[0] != '$' && type != STT_SECTION && type != STT_FILE)
            program_add(l->p, name, address, s.st_size, type == STT_FUNC || type == STT_NOTYPE,
                        GELF_ST_BIND(s.st_info));
    }
    return 0;
}

/* S: what symbol @index is. */
static int resolve(struct link *l, const struct member *m, size_t index, uint64_t *value,
                   const char **name)
{
    const struct program_symbol *found;
    GElf_Sym s;

    *value = 0;
    *name = "";
    if (index == 0)
        return 0;
    if (index >= m->symbols || !gelf_getsym(m->symtab, (int)index, &s))
        return program_fail(l->err, ARM_EFORMAT,
                            "%s: a relocation names symbol %zu, which there is not", m->name,
                            index);
    *name = symbol_name(m, &s);
    if (s.st_shndx == SHN_ABS) {
        *value = s.st_value;
    } else if (s.st_shndx != SHN_UNDEF && s.st_shndx != SHN_COMMON) {
        if (s.st_shndx >= m->sections || !m->at[s.st_shndx])
            return program_fail(l->err, ARM_EFORMAT,
                                "%s: symbol \"%s\" is in section %u, which is not loaded", m->name,
                                *name, s.st_shndx);
        *value = m->at[s.st_shndx] + s.st_value;
    } else if ((found = program_find(l->p, *name)) != NULL) {
        *value = found->address;
    } else if (GELF_ST_BIND(s.st_info) != STB_WEAK) {
        *value = program_stub(l->p, *name, l->err);
        return *value ? 0 : -l->err->code;
    }
    return 0;
}

/* The slot of the GOT that holds @value; 0: no room. */
static uint64_t got_slot(struct link *l, uint64_t value)
{
    unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(l->slots, &value));
    uint64_t le = GUINT64_TO_LE(value), *key;

    if (index)
        return l->got + 8 * (uint64_t)(index - 1);
    index = g_hash_table_size(l->slots);
    if (index == GOT_SIZE / 8) {
        program_fail(l->err, ARM_ENOTSUP, "more than %u symbols in the GOT", GOT_SIZE / 8);
        return 0;
    }
    key = g_new(uint64_t, 1);
    *key = value;
    g_hash_table_insert(l->slots, key, GUINT_TO_POINTER(index + 1));
    memcpy(l->p->image->data + (l->got - l->p->base) + 8 * (size_t)index, &le, 8);
    return l->got + 8 * (uint64_t)index;
}

static int apply_one(struct link *l, const struct member *m, const GElf_Rela *rela,
                     uint64_t section, uint64_t section_size)
{
    struct relocation r = {.type = (uint32_t)GELF_R_TYPE(rela->r_info),
                           .place = section + rela->r_offset};
    struct arm_error why = {0};
    uint64_t symbol;
    int rc = resolve(l, m, GELF_R_SYM(rela->r_info), &symbol, &r.symbol);

    if (rc < 0)
        return rc;
    r.value = symbol + (uint64_t)rela->r_addend;
    r.got_base = l->got;
    if (relocate_needs_got(r.type) && !(r.got = got_slot(l, r.value)))
        return -l->err->code;
    if (rela->r_offset < section_size) {
        r.bytes = l->p->image->data + (r.place - l->p->base);
        r.room = section_size - rela->r_offset;
    }
    rc = relocate(&r, &why);
    return rc < 0 ? program_fail(l->err, why.code, "%s: %s", m->name, why.text) : 0;
}

static int apply_section(struct link *l, const struct member *m, Elf_Scn *scn)
{
    GElf_Shdr h, target;
    GElf_Rela rela;
    Elf_Data *data;
    int rc = 0;

    if (!gelf_getshdr(scn, &h) || (h.sh_type != SHT_RELA && h.sh_type != SHT_REL))
        return 0;
    if (h.sh_info >= m->sections || !gelf_getshdr(elf_getscn(m->elf, h.sh_info), &target))
        return program_fail(l->err, ARM_EFORMAT,
                            "%s: relocations of section %u, which there is not", m->name,
                            h.sh_info);
    if (!m->at[h.sh_info])
        return 0; /* debug information */
    if (h.sh_type == SHT_REL)
        return program_fail(l->err, ARM_ENOTSUP, "%s: relocations without addends (SHT_REL)",
                            m->name);
    data = elf_getdata(scn, NULL);
    if (!data)
        return program_fail(l->err, ARM_EFORMAT, "%s: relocations that are not inside of the file",
                            m->name);
    for (size_t k = 0; rc == 0 && k < data->d_size / sizeof(Elf64_Rela); k++)
        rc = gelf_getrela(data, (int)k, &rela)
                 ? apply_one(l, m, &rela, m->at[h.sh_info], target.sh_size)
                 : program_fail(l->err, ARM_EFORMAT, "%s: a relocation cannot be read", m->name);
    return rc;
}

static int apply(struct link *l, const struct member *m)
{
    Elf_Scn *scn = NULL;
    int rc = 0;

    while (rc == 0 && (scn = elf_nextscn(m->elf, scn)) != NULL)
        rc = apply_section(l, m, scn);
    return rc;
}

static int for_linked(struct link *l, int (*step)(struct link *, struct member *))
{
    int rc = 0;

    for (unsigned k = 0; rc == 0 && k < l->count; k++)
        if (l->members[k].linked)
            rc = step(l, &l->members[k]);
    return rc;
}

static int define_step(struct link *l, struct member *m)
{
    return define(l, m);
}

static int apply_step(struct link *l, struct member *m)
{
    return apply(l, m);
}

static int make_got(struct link *l)
{
    l->got = program_reserve(l->p, GOT_SIZE, PROGRAM_STUB_SIZE, l->err);
    if (!l->got)
        return -l->err->code;
    program_add(l->p, "_GLOBAL_OFFSET_TABLE_", l->got, GOT_SIZE, false, STB_GLOBAL);
    return 0;
}

int program_link(struct program *p, Elf *const *elfs, char *const *names, unsigned count,
                 const char *const *roots, struct arm_error *err)
{
    struct link l = {.p = p, .count = count, .err = err};
    int rc = 0;

    l.members = g_new0(struct member, count + 1);
    l.slots = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    l.wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned k = 0; rc == 0 && k < count; k++) {
        l.members[k].elf = elfs[k];
        l.members[k].name = names[k];
        rc = open_member(&l, &l.members[k]);
    }
    if (rc == 0) {
        choose(&l, roots);
        rc = for_linked(&l, place);
    }
    if (rc == 0)
        rc = for_linked(&l, define_step);
    if (rc == 0)
        rc = make_got(&l);
    if (rc == 0)
        rc = for_linked(&l, apply_step);
    for (unsigned k = 0; k < count; k++)
        g_free(l.members[k].at);
    g_free(l.members);
    g_hash_table_destroy(l.slots);
    g_hash_table_destroy(l.wanted);
    return rc;
}
