#include "relocate.h"

#include <elf.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

enum value { VALUE_ABS, VALUE_PREL, VALUE_PAGE, VALUE_GOT, VALUE_GOT_PAGE, VALUE_GOT_SLOT };
enum field {
    FIELD_DATA,
    FIELD_IMM12,
    FIELD_IMM14,
    FIELD_IMM16,
    FIELD_IMM19,
    FIELD_IMM26,
    FIELD_ADR
};
enum check { CHECK_NC, CHECK_ALIGNED, CHECK_SIGNED, CHECK_UNSIGNED, CHECK_EITHER };

struct row {
    const char *name;
    uint32_t type;
    enum value value;
    enum field field;
    unsigned shift, bits;
    enum check check;
};

static const struct row rows[] = {
#define RELOCATION(name, value, field, shift, bits, check)                                         \
    {#name, R_AARCH64_##name, VALUE_##value, FIELD_##field, shift, bits, CHECK_##check},
#include "tools/cli/relocations.def"
#undef RELOCATION
};

static const struct row *find(uint32_t type)
{
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
        if (rows[k].type == type)
            return &rows[k];
    return NULL;
}

bool relocate_needs_got(uint32_t type)
{
    const struct row *row = find(type);

    return row && (row->value == VALUE_GOT || row->value == VALUE_GOT_PAGE ||
                   row->value == VALUE_GOT_SLOT);
}

static uint64_t page(uint64_t address)
{
    return address & ~UINT64_C(0xfff);
}

static uint64_t compute(const struct relocation *r, enum value value)
{
    switch (value) {
    case VALUE_PREL:
        return r->value - r->place;
    case VALUE_PAGE:
        return page(r->value) - page(r->place);
    case VALUE_GOT:
        return r->got;
    case VALUE_GOT_PAGE:
        return page(r->got) - page(r->place);
    case VALUE_GOT_SLOT:
        return r->got - r->got_base;
    default:
        return r->value;
    }
}

static bool fits(const struct row *row, uint64_t x)
{
    bool is_unsigned = row->bits == 64 || x >> row->bits == 0;
    bool is_signed = row->bits == 64 || (x + (UINT64_C(1) << (row->bits - 1))) >> row->bits == 0;
    bool is_aligned = (x & ((UINT64_C(1) << row->shift) - 1)) == 0;

    switch (row->check) {
    case CHECK_ALIGNED:
        return is_aligned;
    case CHECK_SIGNED: /* of a page or an instruction: what is shifted out is 0 */
        return is_signed && is_aligned;
    case CHECK_UNSIGNED:
        return is_unsigned;
    case CHECK_EITHER:
        return is_signed || is_unsigned;
    default:
        return true;
    }
}

static uint32_t put(uint32_t insn, unsigned low, unsigned bits, uint64_t v)
{
    uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1) << low;

    return (insn & ~mask) | ((uint32_t)(v << low) & mask);
}

static uint32_t put_field(uint32_t insn, enum field field, uint64_t v)
{
    switch (field) {
    case FIELD_IMM12:
        return put(insn, 10, 12, v);
    case FIELD_IMM14:
        return put(insn, 5, 14, v);
    case FIELD_IMM16:
        return put(insn, 5, 16, v);
    case FIELD_IMM19:
        return put(insn, 5, 19, v);
    case FIELD_IMM26:
        return put(insn, 0, 26, v);
    default: /* ADR, ADRP: immlo, immhi */
        return put(put(insn, 29, 2, v), 5, 19, v >> 2);
    }
}

static void store(const struct relocation *r, const struct row *row, uint64_t x)
{
    if (row->field == FIELD_DATA) {
        uint64_t le = GUINT64_TO_LE(x);
        memcpy(r->bytes, &le, row->bits / 8);
        return;
    }
    if (row->bits < 64)
        x &= (UINT64_C(1) << row->bits) - 1;
    uint32_t insn;
    memcpy(&insn, r->bytes, sizeof(insn));
    insn = GUINT32_TO_LE(put_field(GUINT32_FROM_LE(insn), row->field, x >> row->shift));
    memcpy(r->bytes, &insn, sizeof(insn));
}

static int fail(const struct relocation *r, const char *name, const char *why, int code,
                struct arm_error *err)
{
    err->code = code;
    g_snprintf(err->text, sizeof(err->text), "relocation %s at %#" PRIx64 " for \"%s\" %s", name,
               r->place, r->symbol, why);
    return -code;
}

int relocate(const struct relocation *r, struct arm_error *err)
{
    const struct row *row = find(r->type);
    char number[32];

    if (r->type == R_AARCH64_NONE || r->type == 256) /* 256: its name before the ABI was final */
        return 0;
    if (!row) {
        g_snprintf(number, sizeof(number), "of type %" PRIu32, r->type);
        return fail(r, number, "is none of those that are applied (docs/calling.md)", ARM_ENOTSUP,
                    err);
    }
    if (r->room < (row->field == FIELD_DATA ? row->bits / 8 : 4))
        return fail(r, row->name, "is not inside of its section", ARM_EFORMAT, err);
    uint64_t x = compute(r, row->value);
    if (!fits(row, x))
        return fail(r, row->name, "does not fit: too far away, or not aligned", ARM_EFORMAT, err);
    store(r, row, x);
    return 0;
}
