#include "qemu_objects.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

/* The row being filled. */
static struct qemu_object *object(struct qemu *q)
{
    return &q->devices.objects[q->devices.object_count];
}

#define TEXT(member) PROPERTY_TEXT(set_##member, object(q)->member)
TEXT(driver)
TEXT(id)
#undef TEXT

static const struct property object_properties[] = {
    {"qom-type", "rng-random|rng-builtin|iothread|secret", set_driver, NULL},
    {"id", "ID", set_id, NULL},
    {"filename", "FILE", NULL, "what the guest is given follows from -seed, not from that file"},
    {"poll-max-ns", "N", NULL, NULL}, /* of an iothread: devices have no threads here */
    {"data", "TEXT", NULL, NULL},     /* of a secret, which nothing here asks for */
    {"file", "FILE", NULL, NULL},
    {"format", "raw|base64", NULL, NULL},
    {"keyid", "ID", NULL, NULL},
    {"iv", "TEXT", NULL, NULL},
};

static bool add_object(struct qemu *q, const char *value)
{
    if (q->devices.object_count == QEMU_OBJECTS_MAX)
        return qemu_bad("-object: more than %d of them", QEMU_OBJECTS_MAX);
    *object(q) = (struct qemu_object){0};
    if (!properties_set(q, "object", value, "qom-type", object_properties,
                        G_N_ELEMENTS(object_properties)))
        return false;
    if (!object(q)->id)
        return qemu_bad("-object %s: expected id=ID", value);
    q->devices.object_count++;
    return true;
}

static const struct qemu_object_kind plain = {object_properties, G_N_ELEMENTS(object_properties),
                                              add_object};

static const struct qemu_object_kind *const kinds[] = {&plain, &qemu_filter_dump,
                                                       &qemu_memory_backend};

static const struct qemu_object_kind *find_kind(const char *name)
{
    for (size_t k = 0; name && k < G_N_ELEMENTS(kinds); k++)
        if (properties_accept(kinds[k]->properties[0].accepts, name))
            return kinds[k];
    return NULL;
}

/* "a|b|c"; g_free() it. */
static char *all_names(void)
{
    GString *names = g_string_new(NULL);

    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        g_string_append_printf(names, "%s%s", k ? "|" : "", kinds[k]->properties[0].accepts);
    return g_string_free(names, FALSE);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_kinds(const char *names)
{
    g_auto(GStrv) words = g_strsplit(names, "|", -1);

    qsort(words, g_strv_length(words), sizeof(*words), by_name);
    printf("List of user creatable objects:\n");
    for (char **w = words; *w; w++)
        printf("  %s\n", *w);
}

bool qemu_object(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *name = properties_find(value, "qom-type", "qom-type");
    g_autofree char *what = g_strdup_printf("-object %s", name ? name : value);
    g_autofree char *names = all_names();
    const struct qemu_object_kind *kind = find_kind(name);

    (void)option;
    if (is_help(value)) {
        print_kinds(names);
        q->answered = true;
        return true;
    }
    if (!kind)
        return qemu_refuse("object", name ? name : "", what, names);
    if (properties_want_help(value)) {
        properties_print(name, kind->properties + 1, kind->count - 1);
        q->answered = true;
        return true;
    }
    return kind->add(q, value);
}
