#include "symbols/dwarf.h"

#include <dwarf.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "armillary.h"
#include "symbols/libdw.h"

#define DEEP 32 /* members within members, types of types: what is more is a damaged file's */

/* Enumerations of all units that name registers: looked for when one is needed first. */
struct enumerations {
    bool known;
    GArray *at; /* Dwarf_Off */
};

struct dwarf {
    struct libdw lib;
    int fd;
    Dwarf *file;
    struct enumerations *lists;
};

struct dwarf *dwarf_read(const char *path)
{
    struct libdw lib;

    if (!libdw_load(&lib))
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Dwarf *file = fd < 0 ? NULL : lib.begin(fd, DWARF_C_READ);
    if (!file) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct dwarf *d = g_new0(struct dwarf, 1);
    d->lib = lib;
    d->fd = fd;
    d->file = file;
    d->lists = g_new0(struct enumerations, 1);
    d->lists->at = g_array_new(FALSE, FALSE, sizeof(Dwarf_Off));
    return d;
}

void dwarf_free(struct dwarf *d)
{
    if (!d)
        return;
    d->lib.end(d->file);
    close(d->fd);
    g_array_unref(d->lists->at);
    g_free(d->lists);
    g_free(d);
}

/* The unit that has @pc; with the lists of ranges that there are, or without. */
static bool unit_of(const struct dwarf *d, uint64_t pc, Dwarf_Die *out)
{
    const struct libdw *dw = &d->lib;
    Dwarf_Off at = 0, next;
    size_t header;

    if (dw->addrdie(d->file, pc, out))
        return true;
    for (; dw->nextcu(d->file, at, &next, &header, NULL, NULL, NULL) == 0; at = next)
        if (dw->offdie(d->file, at + header, out) && dw->haspc(out, pc) == 1)
            return true;
    return false;
}

bool dwarf_line(const struct dwarf *d, uint64_t pc, char *buf, size_t size)
{
    const struct libdw *dw = &d->lib;
    Dwarf_Die unit;
    Dwarf_Line *line = unit_of(d, pc, &unit) ? dw->getsrc_die(&unit, pc) : NULL;
    const char *file = line ? dw->linesrc(line, NULL, NULL) : NULL;
    int number;

    if (!file || dw->lineno(line, &number) != 0 || number <= 0)
        return false;
    const char *name = strrchr(file, '/');
    while (name && name > file && name[-1] != '/')
        name--;
    g_snprintf(buf, size, "%s:%d", name ? name : file, number);
    return true;
}

/* ---- types ---- */

/* The type that @die has, without typedef and qualifiers. */
static bool type_of(const struct libdw *dw, Dwarf_Die *die, Dwarf_Die *out)
{
    Dwarf_Attribute attr;
    Dwarf_Die type;

    return dw->attr_integrate(die, DW_AT_type, &attr) && dw->formref_die(&attr, &type) &&
           dw->peel_type(&type, out) == 0;
}

static uint64_t size_of(const struct libdw *dw, Dwarf_Die *type)
{
    Dwarf_Word size;

    return dw->aggregate_size(type, &size) == 0 ? size : 0;
}

/* Elements of the array's first dimension, from the @skip'th on; 0: not known. */
static uint64_t dimension(const struct libdw *dw, Dwarf_Die *array, unsigned skip)
{
    Dwarf_Attribute attr;
    Dwarf_Word count;
    Dwarf_Die child;

    if (dw->child(array, &child) != 0)
        return 0;
    do {
        if (dw->tag(&child) != DW_TAG_subrange_type || skip--)
            continue;
        if (dw->attr_integrate(&child, DW_AT_count, &attr) && dw->formudata(&attr, &count) == 0)
            return count;
        if (dw->attr_integrate(&child, DW_AT_upper_bound, &attr) &&
            dw->formudata(&attr, &count) == 0)
            return count + 1;
        return 0;
    } while (dw->siblingof(&child, &child) == 0);
    return 0;
}

/* ---- objects ---- */

/* Is the variable in X@n at @pc, or is X@n and *@add what it would be? */
static bool lives_in(const struct libdw *dw, Dwarf_Die *var, uint64_t pc, unsigned n, int64_t *add)
{
    Dwarf_Attribute attr;
    Dwarf_Op *ops;
    size_t count;

    *add = 0;
    if (!dw->attr_integrate(var, DW_AT_location, &attr) ||
        dw->getlocation_addr(&attr, pc, &ops, &count, 1) != 1)
        return false;
    if (count == 1 && ops[0].atom == DW_OP_regx)
        return ops[0].number == n;
    if (count == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31)
        return (unsigned)(ops[0].atom - DW_OP_reg0) == n;
    if (count != 2 || ops[1].atom != DW_OP_stack_value || ops[0].atom < DW_OP_breg0 ||
        ops[0].atom > DW_OP_breg31)
        return false;
    *add = (int64_t)ops[0].number;
    return (unsigned)(ops[0].atom - DW_OP_breg0) == n;
}

static bool is_variable(const struct libdw *dw, Dwarf_Die *die)
{
    int tag = dw->tag(die);

    return tag == DW_TAG_variable || tag == DW_TAG_formal_parameter;
}

/* The object that the pointer @var leads to. */
static bool pointed(const struct libdw *dw, Dwarf_Die *var, int64_t place, struct dwarf_object *out)
{
    Dwarf_Die pointer, type;
    const char *name = dw->diename(var);

    if (!name || place < 0 || !type_of(dw, var, &pointer) ||
        dw->tag(&pointer) != DW_TAG_pointer_type || !type_of(dw, &pointer, &type))
        return false;
    g_snprintf(out->name, sizeof(out->name), "%s->", name);
    out->size = size_of(dw, &type);
    out->offset = (uint64_t)place;
    out->type = dw->dieoffset(&type);
    return out->offset < out->size;
}

bool dwarf_pointed(const struct dwarf *d, uint64_t pc, unsigned n, int64_t displacement,
                   struct dwarf_object *out)
{
    const struct libdw *dw = &d->lib;
    Dwarf_Die unit, *scopes, var;
    bool found = false;
    int64_t add;

    if (!unit_of(d, pc, &unit))
        return false;
    int count = dw->getscopes(&unit, pc, &scopes);
    for (int k = 0; k < count && !found; k++) {
        if (dw->child(&scopes[k], &var) != 0)
            continue;
        do
            found = is_variable(dw, &var) && lives_in(dw, &var, pc, n, &add) &&
                    pointed(dw, &var, displacement - add, out);
        while (!found && dw->siblingof(&var, &var) == 0);
    }
    if (count > 0)
        free(scopes);
    return found;
}

/* Is @address in the variable, which has one of its own? */
static bool stands_at(const struct libdw *dw, Dwarf_Die *var, uint64_t address,
                      struct dwarf_object *out)
{
    Dwarf_Attribute attr;
    Dwarf_Op *ops;
    size_t count;
    Dwarf_Die type;
    const char *name = dw->diename(var);

    if (!name || !dw->attr_integrate(var, DW_AT_location, &attr) ||
        dw->getlocation(&attr, &ops, &count) != 0 || count != 1 || ops[0].atom != DW_OP_addr ||
        !type_of(dw, var, &type))
        return false;
    g_strlcpy(out->name, name, sizeof(out->name));
    out->size = size_of(dw, &type);
    out->offset = address - ops[0].number;
    out->type = dw->dieoffset(&type);
    return address >= ops[0].number && out->offset < out->size;
}

/* Among what @parent has, and its functions. */
static bool global_in(const struct libdw *dw, Dwarf_Die *parent, uint64_t address, unsigned deep,
                      struct dwarf_object *out)
{
    Dwarf_Die die;

    if (deep == DEEP || dw->child(parent, &die) != 0)
        return false;
    do {
        int tag = dw->tag(&die);
        if (tag == DW_TAG_variable && stands_at(dw, &die, address, out))
            return true;
        if ((tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block) &&
            global_in(dw, &die, address, deep + 1, out))
            return true;
    } while (dw->siblingof(&die, &die) == 0);
    return false;
}

bool dwarf_global(const struct dwarf *d, uint64_t address, struct dwarf_object *out)
{
    const struct libdw *dw = &d->lib;
    Dwarf_Off at = 0, next;
    size_t header;
    Dwarf_Die unit;

    for (; dw->nextcu(d->file, at, &next, &header, NULL, NULL, NULL) == 0; at = next)
        if (dw->offdie(d->file, at + header, &unit) && global_in(dw, &unit, address, 0, out))
            return true;
    return false;
}

/* ---- members ---- */

/* Is it a register's, whole or behind a prefix: TPIDR_EL1, SLOT_TPIDR_EL1? */
static bool names_register(const char *name)
{
    for (; name; name = strchr(name, '_') ? strchr(name, '_') + 1 : NULL)
        if (arm_reg_number(name) != ARM_NO_REGISTER)
            return true;
    return false;
}

/* The enumerator of @list that is @index, if the last one is @count: as many as the array has
 * elements. */
static const char *enumerator_of(const struct libdw *dw, Dwarf_Die *list, uint64_t index,
                                 uint64_t count)
{
    const char *found = NULL;
    Dwarf_Attribute attr;
    Dwarf_Word value, most = 0;
    Dwarf_Die one;

    if (dw->tag(list) != DW_TAG_enumeration_type || dw->child(list, &one) != 0)
        return NULL;
    do {
        if (!dw->attr_integrate(&one, DW_AT_const_value, &attr) ||
            dw->formudata(&attr, &value) != 0)
            continue;
        most = MAX(most, value);
        if (value == index && !found)
            found = dw->diename(&one);
    } while (dw->siblingof(&one, &one) == 0);
    return found && most == count && names_register(found) ? found : NULL;
}

static bool lists_registers(const struct libdw *dw, Dwarf_Die *list)
{
    bool names = false;
    Dwarf_Die one;

    if (dw->tag(list) != DW_TAG_enumeration_type || dw->child(list, &one) != 0)
        return false;
    do
        names = names_register(dw->diename(&one));
    while (!names && dw->siblingof(&one, &one) == 0);
    return names;
}

static void find_lists(const struct dwarf *d)
{
    const struct libdw *dw = &d->lib;
    Dwarf_Off at = 0, next, offset;
    size_t header;
    Dwarf_Die unit, list;

    for (; dw->nextcu(d->file, at, &next, &header, NULL, NULL, NULL) == 0; at = next) {
        if (!dw->offdie(d->file, at + header, &unit) || dw->child(&unit, &list) != 0)
            continue;
        do {
            offset = dw->dieoffset(&list);
            if (lists_registers(dw, &list))
                g_array_append_val(d->lists->at, offset);
        } while (dw->siblingof(&list, &list) == 0);
    }
    d->lists->known = true;
}

/* What an array of registers is indexed with, C does not say: an enumeration of the same unit; or
 * of another, since a compiler leaves out of each what that does not use. */
static const char *enumerator(const struct dwarf *d, Dwarf_Die *array, uint64_t index)
{
    const struct libdw *dw = &d->lib;
    uint64_t count = dimension(dw, array, 0);
    const char *found = NULL;
    Dwarf_Die unit, list;

    if (!count || !dw->diecu(array, &unit, NULL, NULL) || dw->child(&unit, &list) != 0)
        return NULL;
    do
        found = enumerator_of(dw, &list, index, count);
    while (!found && dw->siblingof(&list, &list) == 0);
    if (!found && !d->lists->known)
        find_lists(d);
    for (unsigned k = 0; !found && k < d->lists->at->len; k++)
        if (dw->offdie(d->file, g_array_index(d->lists->at, Dwarf_Off, k), &list))
            found = enumerator_of(dw, &list, index, count);
    return found;
}

static bool is_record(const struct libdw *dw, Dwarf_Die *type)
{
    int tag = dw->tag(type);

    return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

/* The member of @record at *@offset, and what of this is within it. */
static bool member_at(const struct libdw *dw, Dwarf_Die *record, uint64_t *offset,
                      Dwarf_Die *member, Dwarf_Die *type)
{
    Dwarf_Attribute attr;

    if (dw->child(record, member) != 0)
        return false;
    do {
        Dwarf_Word at = 0;
        if (dw->tag(member) != DW_TAG_member || !type_of(dw, member, type))
            continue;
        if (dw->attr_integrate(member, DW_AT_data_member_location, &attr) &&
            dw->formudata(&attr, &at) != 0)
            continue;
        if (*offset >= at && *offset - at < size_of(dw, type)) {
            *offset -= at;
            return true;
        }
    } while (dw->siblingof(member, member) == 0);
    return false;
}

/* The indices of an array of several dimensions, from the number of the element. */
static void add_indices(const struct libdw *dw, Dwarf_Die *array, uint64_t number, GString *path)
{
    uint64_t part = 1;

    for (unsigned k = 1; k < DEEP && dimension(dw, array, k); k++)
        part *= dimension(dw, array, k);
    for (unsigned k = 0; part && k < DEEP && dimension(dw, array, k); k++) {
        g_string_append_printf(path, "[%" PRIu64 "]", number / part);
        number %= part;
        const uint64_t inner = dimension(dw, array, k + 1);
        part = inner ? part / inner : 0;
    }
}

static bool element_at(const struct dwarf *d, Dwarf_Die *array, uint64_t *offset, GString *path,
                       Dwarf_Die *element)
{
    const struct libdw *dw = &d->lib;
    uint64_t size = type_of(dw, array, element) ? size_of(dw, element) : 0;

    if (!size)
        return false;
    const char *name = dimension(dw, array, 1) ? NULL : enumerator(d, array, *offset / size);
    if (name)
        g_string_append_printf(path, "[%s]", name);
    else if (dimension(dw, array, 0))
        add_indices(dw, array, *offset / size, path);
    else
        g_string_append_printf(path, "[%" PRIu64 "]", *offset / size);
    *offset %= size;
    return true;
}

void dwarf_path(const struct dwarf *d, const struct dwarf_object *o, uint64_t offset, char *buf,
                size_t size)
{
    const struct libdw *dw = &d->lib;
    bool arrow = g_str_has_suffix(o->name, "->");
    g_autoptr(GString) path = g_string_new(o->name);
    Dwarf_Die type, inner, member;
    unsigned deep = 0;

    if (!dw->offdie(d->file, o->type, &type))
        return;
    if (arrow && !is_record(dw, &type)) {
        g_string_printf(path, "*%.*s", (int)strlen(o->name) - 2, o->name);
        arrow = false;
    }
    for (; deep < DEEP; deep++, type = inner) {
        if (dw->tag(&type) == DW_TAG_array_type && element_at(d, &type, &offset, path, &inner))
            continue;
        if (!is_record(dw, &type) || !member_at(dw, &type, &offset, &member, &inner))
            break;
        const char *name = dw->diename(&member);
        if (name)
            g_string_append_printf(path, "%s%s", arrow ? "" : ".", name);
        arrow &= !name;
    }
    if (offset)
        g_string_append_printf(path, "+%" PRIu64, offset);
    g_strlcpy(buf, path->str, size);
}
