#include "qemu_smbios.h"

#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"

#define OEM_STRINGS 11
#define FIELDS_MAX  24 /* of a structure */

static bool add(struct qemu *q, unsigned type, const char *key, const char *value)
{
    struct qemu_smbios *s = &q->smbios;

    if (s->count == QEMU_SMBIOS_MAX)
        return qemu_bad("-smbios: more than %d fields", QEMU_SMBIOS_MAX);
    s->rows[s->count++] = (struct arm_smbios){type, key, qemu_keep(q, g_strdup(value))};
    return true;
}

/* Of the OEM strings there may be many, and some are what is in a file. */
static bool add_value(struct qemu *q, const char *value)
{
    return add(q, OEM_STRINGS, "value", value);
}

static bool add_file(struct qemu *q, const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        return qemu_bad("-smbios path=%s: %s", path, error->message);
    return add_value(q, text);
}

/* A table for properties_set() of the fields of structure @type; how many it has. */
static size_t make_table(unsigned type, struct property table[FIELDS_MAX])
{
    size_t count = 0;
    const char *key, *argument;
    unsigned of;

    table[count++] = (struct property){"type", "N", NULL, NULL};
    for (unsigned k = 0; count < FIELDS_MAX && arm_smbios_field(k, &of, &key, &argument); k++)
        if (of == type)
            table[count++] = (struct property){key, argument, NULL, NULL};
    if (type == OEM_STRINGS) {
        table[1].set = add_value;
        table[count++] = (struct property){"path", "FILE", add_file, NULL};
    }
    return count;
}

bool qemu_smbios(struct qemu *q, const char *option, const char *value)
{
    struct property table[FIELDS_MAX];
    g_autofree char *text = properties_find(value, NULL, "type");
    uint64_t type;
    size_t count;

    if (!text || !parse_number(text, 0, UINT8_MAX, &type))
        return qemu_bad("-%s %s: expected type=N and fields of that structure", option, value);
    count = make_table((unsigned)type, table);
    if (count == 1) {
        qemu_note(q, "-%s type=%s: there is no such structure: nobody reads it", option, text);
        return true;
    }
    if (properties_want_help(value)) {
        properties_print("smbios", table, count);
        q->answered = true;
        return true;
    }
    if (!properties_set(q, option, value, NULL, table, count))
        return false;
    bool good = true;
    for (size_t k = 1; k < count; k++) {
        g_autofree char *given = table[k].set ? NULL : properties_find(value, NULL, table[k].key);
        good &= !given || add(q, (unsigned)type, table[k].key, given);
    }
    return good;
}

bool qemu_uuid(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    return g_uuid_string_is_valid(value)
               ? add(q, 1, "uuid", value)
               : qemu_bad("-%s %s: expected a UUID as 00112233-4455-6677-8899-aabbccddeeff", option,
                          value);
}

void qemu_smbios_connect(struct qemu *q)
{
    q->req.config.smbios = q->smbios.rows;
    q->req.config.smbios_count = q->smbios.count;
}
