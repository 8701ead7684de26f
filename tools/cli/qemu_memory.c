#include "qemu_memory.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_objects.h"

static struct qemu_backend *backend(struct qemu *q)
{
    return &q->memory.backends[q->memory.backend_count];
}

PROPERTY_TEXT(set_id, backend(q)->id)

static bool set_size(struct qemu *q, const char *value)
{
    return parse_size(value, 1, &backend(q)->size) ||
           qemu_bad("-object size=%s: expected bytes, or a number with K, M or G", value);
}

PROPERTY_FLAG(set_share, backend(q)->share, true)
PROPERTY_TEXT(set_path, backend(q)->path)

static const struct property backend_properties[] = {
    {"qom-type",
     "memory-backend-ram|memory-backend-memfd|memory-backend-file|"
     "memory-backend-shm",
     NULL, NULL},
    {"id", "ID", set_id, NULL},
    {"size", "SIZE", set_size, NULL},
    {"share", "on|off", set_share, NULL},
    {"mem-path", "FILE", set_path, NULL},
    {"prealloc", "on|off", NULL, NULL}, /* of the host's memory only, like the rest */
    {"prealloc-threads", "N", NULL, NULL},
    {"merge", "on|off", NULL, NULL},
    {"dump", "on|off", NULL, NULL},
    {"reserve", "on|off", NULL, NULL},
    {"host-nodes", "NODES", NULL, NULL},
    {"policy", "default|preferred|bind|interleave", NULL, NULL},
    {"hugetlb", "on|off", NULL, NULL},
    {"hugetlbsize", "SIZE", NULL, NULL},
    {"seal", "on|off", NULL, NULL},
    {"align", "SIZE", NULL, NULL},
    {"discard-data", "on|off", NULL, NULL},
    {"x-use-canonical-path-for-ramblock-id", "on|off", NULL, NULL}, /* of migration only */
};

static bool add_backend(struct qemu *q, const char *value)
{
    if (q->memory.backend_count == QEMU_BACKENDS_MAX)
        return qemu_bad("-object: more than %d memory backends", QEMU_BACKENDS_MAX);
    *backend(q) = (struct qemu_backend){0};
    if (!properties_set(q, "object", value, "qom-type", backend_properties,
                        G_N_ELEMENTS(backend_properties)))
        return false;
    if (!backend(q)->id || !backend(q)->size)
        return qemu_bad("-object %s: expected id=ID and size=SIZE", value);
    q->memory.backend_count++;
    return true;
}

const struct qemu_object_kind qemu_memory_backend = {backend_properties,
                                                     G_N_ELEMENTS(backend_properties), add_backend};

const struct qemu_backend *qemu_find_backend(const struct qemu *q, const char *id)
{
    const struct qemu_memory *m = &q->memory;

    for (unsigned k = 0; k < m->backend_count; k++)
        if (!strcmp(m->backends[k].id, id))
            return &m->backends[k];
    return NULL;
}

bool qemu_use_backend(struct qemu *q, const char *value)
{
    struct qemu_memory *m = &q->memory;

    if (m->used_count == QEMU_BACKENDS_MAX)
        return qemu_bad("memdev=%s: more than %d memory backends", value, QEMU_BACKENDS_MAX);
    m->used[m->used_count++] = qemu_keep(q, g_strdup(value));
    return true;
}

bool qemu_memory_connect(struct qemu *q)
{
    const struct qemu_memory *m = &q->memory;
    uint64_t sum = 0;

    for (unsigned k = 0; k < m->used_count; k++) {
        const struct qemu_backend *b = qemu_find_backend(q, m->used[k]);
        if (!b)
            return qemu_bad("memory-backend=%s: expected the id of an -object memory-backend-ram",
                            m->used[k]);
        if (b->path)
            qemu_note(q,
                      "-object mem-path=%s: RAM is anonymous memory: that file is not read or "
                      "written",
                      b->path);
        if (b->share)
            qemu_note(q,
                      "-object memory-backend share=on: no other program sees the machine's RAM");
        sum += b->size;
    }
    if (m->used_count && !q->machine.ram_named)
        q->req.config.ram_size = sum;
    if (m->used_count && sum != q->req.config.ram_size)
        return qemu_bad("memory-backend=%s: %s %" PRIu64 " MiB, and -m says %" PRIu64, m->used[0],
                        m->used_count > 1 ? "with the others it has" : "it has", sum >> 20,
                        q->req.config.ram_size >> 20);
    return true;
}
