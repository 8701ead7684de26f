/* -object of `armillary qemu`. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "qemu.h"

/* The row being filled. */
static struct qemu_object *object(struct qemu *q)
{
    return &q->devices.objects[q->devices.object_count];
}

#define TEXT(member)                                                                               \
    static bool set_##member(struct qemu *q, const char *value)                                    \
    {                                                                                              \
        object(q)->member = qemu_keep(q, g_strdup(value));                                         \
        return true;                                                                               \
    }
TEXT(driver)
TEXT(id)
#undef TEXT

static const struct property object_properties[] = {
    {"qom-type", "rng-random|rng-builtin|iothread", set_driver, NULL},
    {"id", "ID", set_id, NULL},
    {"filename", "FILE", NULL, "what the guest is given follows from -seed, not from that file"},
    {"poll-max-ns", "N", NULL, NULL}, /* of an iothread: devices have no threads here */
};

bool qemu_object(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *driver = properties_find(value, "qom-type", "qom-type");
    g_autofree char *what = g_strdup_printf("-object %s", driver ? driver : value);

    if (properties_want_help(value)) {
        if (is_help(value))
            printf("List of user creatable objects:\n  filter-dump\n  iothread\n  "
                   "memory-backend-file\n  "
                   "memory-backend-memfd\n  memory-backend-ram\n  rng-builtin\n  rng-random\n");
        else
            properties_print(driver, object_properties, G_N_ELEMENTS(object_properties));
        q->answered = true;
        return true;
    }
    if (driver && g_str_has_prefix(driver, "memory-backend-"))
        return qemu_memory_backend(q, value);
    if (driver && !strcmp(driver, "filter-dump"))
        return qemu_filter_dump(q, value);
    if (!driver || !properties_accept(object_properties[0].accepts, driver))
        return qemu_refuse("object", driver ? driver : "", what, object_properties[0].accepts);
    if (q->devices.object_count == QEMU_OBJECTS_MAX)
        return qemu_bad("-object: more than %d of them", QEMU_OBJECTS_MAX);
    *object(q) = (struct qemu_object){0};
    if (!properties_set(q, option, value, "qom-type", object_properties,
                        G_N_ELEMENTS(object_properties)))
        return false;
    if (!object(q)->id)
        return qemu_bad("-object %s: expected id=ID", value);
    q->devices.object_count++;
    return true;
}
