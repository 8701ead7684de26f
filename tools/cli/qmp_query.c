/* QMP's questions about what the machine is made of (outline.h). */
#include <inttypes.h>
#include <string.h>

#include "control_state.h"
#include "json.h"
#include "outline.h"
#include "qemu_drivers.h"
#include "qemu_fdset.h"
#include "qmp_state.h"

static const struct outline *outline_of(const struct control *c)
{
    return c->monitor.outline;
}

/* ---- text ---- */

static void begin_list(GString *out)
{
    g_string_assign(out, "\"return\": [");
}

/* Before each element or member but the first. */
static void separate(GString *out)
{
    char last = out->str[out->len - 1];

    if (last != '[' && last != '{')
        g_string_append(out, ", ");
}

/* "name": "text"; NULL: nothing is said. */
static void add_text(GString *out, const char *name, const char *text)
{
    if (!text)
        return;
    separate(out);
    g_string_append_printf(out, "\"%s\": ", name);
    json_add_string(out, text);
}

static void add_number(GString *out, const char *name, uint64_t value)
{
    separate(out);
    g_string_append_printf(out, "\"%s\": %" PRIu64, name, value);
}

static void add_flag(GString *out, const char *name, bool value)
{
    separate(out);
    g_string_append_printf(out, "\"%s\": %s", name, value ? "true" : "false");
}

static void begin_object(GString *out, const char *name)
{
    separate(out);
    if (name)
        g_string_append_printf(out, "\"%s\": ", name);
    g_string_append_c(out, '{');
}

/* The text of an argument; NULL, and an error: it is not there. */
static char *argument(const char *arguments, const char *name, GString *out)
{
    g_autofree char *text = json_member(arguments, name);
    char *value = text ? json_string(text) : NULL;
    g_autofree char *error = g_strdup_printf("Parameter '%s' is missing", name);

    if (!value)
        qmp_fail(out, "GenericError", error);
    return value;
}

/* ---- what it is called ---- */

void qmp_name(struct control *c, const char *arguments, GString *out)
{
    (void)arguments;
    g_string_assign(out, "\"return\": {");
    add_text(out, "name", outline_of(c)->name);
    g_string_append_c(out, '}');
}

void qmp_uuid(struct control *c, const char *arguments, GString *out)
{
    const char *uuid = outline_of(c)->uuid;

    (void)arguments;
    g_string_assign(out, "\"return\": {");
    add_text(out, "UUID", uuid ? uuid : OUTLINE_NO_UUID);
    g_string_append_c(out, '}');
}

/* ---- disks ---- */

static char *node_name(const struct outline *o, const struct outline_disk *d)
{
    return d->node ? g_strdup(d->node) : g_strdup_printf("#block%03u", (unsigned)(d - o->disks));
}

/* Whatever it is asked of, the node in which a disk's bytes are. */
static void add_node(const struct outline *o, const struct outline_disk *d, GString *out)
{
    static const char *const limits[] = {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"};
    g_autofree char *node = node_name(o, d);

    add_text(out, "node-name", node);
    add_text(out, "drv", d->format);
    add_text(out, "file", d->file);
    add_flag(out, "ro", d->readonly);
    add_flag(out, "encrypted", false);
    add_number(out, "backing_file_depth", 0);
    add_text(out, "detect_zeroes", "off");
    add_number(out, "write_threshold", 0);
    for (size_t k = 0; k < G_N_ELEMENTS(limits); k++)
        add_number(out, limits[k], 0);
    begin_object(out, "cache");
    add_flag(out, "writeback", true);
    add_flag(out, "direct", false);
    add_flag(out, "no-flush", false);
    g_string_append_c(out, '}');
    begin_object(out, "image");
    add_text(out, "filename", d->file);
    add_text(out, "format", d->format);
    add_number(out, "virtual-size", outline_disk_size(d));
    g_string_append(out, "}");
}

/* A path of QEMU's object model; g_free() it. */
static char *qom_path(const char *id)
{
    return g_strdup_printf("/machine/peripheral/%s", id);
}

void qmp_block(struct control *c, const char *arguments, GString *out)
{
    const struct outline *o = outline_of(c);

    (void)arguments;
    begin_list(out);
    for (unsigned k = 0; k < o->disk_count; k++) {
        const struct outline_disk *d = &o->disks[k];
        g_autofree char *path = d->device ? qom_path(d->device) : NULL;
        begin_object(out, NULL);
        add_text(out, "device", d->id ? d->id : "");
        add_text(out, "qdev", path);
        add_text(out, "type", "unknown");
        add_flag(out, "removable", d->removable);
        add_flag(out, "locked", false);
        if (d->removable)
            add_flag(out, "tray_open", false);
        if (d->file) {
            add_text(out, "io-status", "ok");
            begin_object(out, "inserted");
            add_node(o, d, out);
            g_string_append_c(out, '}');
        }
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

void qmp_block_nodes(struct control *c, const char *arguments, GString *out)
{
    const struct outline *o = outline_of(c);

    (void)arguments;
    begin_list(out);
    for (unsigned k = 0; k < o->disk_count; k++)
        if (o->disks[k].file) {
            begin_object(out, NULL);
            add_node(o, &o->disks[k], out);
            g_string_append_c(out, '}');
        }
    g_string_append_c(out, ']');
}

/* ---- the host's side ---- */

void qmp_chardev(struct control *c, const char *arguments, GString *out)
{
    const struct outline *o = outline_of(c);

    (void)arguments;
    begin_list(out);
    for (unsigned k = 0; k < o->link_count; k++) {
        begin_object(out, NULL);
        add_text(out, "label", o->links[k].label);
        add_text(out, "filename", o->links[k].where);
        add_flag(out, "frontend-open", true);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* The greatest number of a set below @number; @number: there is none. */
static uint64_t set_below(const struct qemu_fdsets *f, uint64_t number)
{
    uint64_t found = number;

    for (unsigned k = 0; k < f->count; k++)
        if (f->rows[k].set < number && (found == number || f->rows[k].set > found))
            found = f->rows[k].set;
    return found;
}

/* In QEMU's order: the last set first. */
void qmp_fdsets(struct control *c, const char *arguments, GString *out)
{
    static const struct qemu_fdsets none;
    const struct qemu_fdsets *f = outline_of(c)->fdsets ? outline_of(c)->fdsets : &none;

    (void)arguments;
    begin_list(out);
    for (uint64_t last = UINT64_MAX, set; (set = set_below(f, last)) != last; last = set) {
        begin_object(out, NULL);
        g_string_append(out, "\"fds\": [");
        for (unsigned k = 0; k < f->count; k++) {
            if (f->rows[k].set != set)
                continue;
            begin_object(out, NULL);
            add_number(out, "fd", f->rows[k].fd);
            add_text(out, "opaque", f->rows[k].opaque);
            g_string_append_c(out, '}');
        }
        g_string_append_c(out, ']');
        add_number(out, "fdset-id", set);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* ---- CPUs, memory ---- */

void qmp_machines(struct control *c, const char *arguments, GString *out)
{
    unsigned version = outline_of(c)->version;
    g_autofree char *name = g_strdup_printf("virt-%u.%u", version / 100, version % 100);

    (void)arguments;
    begin_list(out);
    begin_object(out, NULL);
    add_text(out, "name", name);
    add_text(out, "alias", "virt");
    add_flag(out, "is-default", false);
    add_number(out, "cpu-max", ARM_CPUS_MAX);
    add_flag(out, "hotpluggable-cpus", false);
    add_flag(out, "numa-mem-supported", true);
    add_flag(out, "deprecated", false);
    add_text(out, "default-cpu-type", "max-arm-cpu");
    add_text(out, "default-ram-id", "mach-virt.ram");
    g_string_append(out, "}]");
}

void qmp_cpu_definitions(struct control *c, const char *arguments, GString *out)
{
    const char *name, *qemu_name;

    (void)c, (void)arguments;
    begin_list(out);
    for (unsigned k = 0; arm_cpu_model(k, &name, &qemu_name); k++) {
        g_autofree char *type = g_strdup_printf("%s-arm-cpu", qemu_name);
        begin_object(out, NULL);
        add_text(out, "name", qemu_name);
        add_text(out, "typename", type);
        add_flag(out, "static", false);
        add_flag(out, "deprecated", false);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* Each is there from the start on. */
void qmp_cpu_slots(struct control *c, const char *arguments, GString *out)
{
    (void)arguments;
    begin_list(out);
    for (unsigned k = arm_cpu_count(c->monitor.m); k-- > 0;) {
        g_autofree char *path = g_strdup_printf("/machine/unattached/device[%u]", k);
        begin_object(out, NULL);
        add_text(out, "type", "arm-cpu");
        add_number(out, "vcpus-count", 1);
        add_text(out, "qom-path", path);
        begin_object(out, "props");
        add_number(out, "core-id", k);
        g_string_append(out, "}}");
    }
    g_string_append_c(out, ']');
}

void qmp_memory_size(struct control *c, const char *arguments, GString *out)
{
    (void)arguments;
    g_string_assign(out, "\"return\": {");
    add_number(out, "base-memory", outline_of(c)->ram_bytes);
    add_number(out, "plugged-memory", 0);
    g_string_append_c(out, '}');
}

/* From it nothing is asked back. */
void qmp_balloon(struct control *c, const char *arguments, GString *out)
{
    (void)arguments;
    if (!outline_of(c)->balloon) {
        qmp_fail(out, "DeviceNotActive", "No balloon device has been activated");
        return;
    }
    g_string_assign(out, "\"return\": {");
    add_number(out, "actual", outline_of(c)->ram_bytes);
    g_string_append_c(out, '}');
}

/* ---- the object model, as far as devices have names in it ---- */

static void add_member(GString *out, const char *name, const char *kind, const char *type)
{
    g_autofree char *text = g_strdup_printf("%s<%s>", kind, type);

    begin_object(out, NULL);
    add_text(out, "name", name);
    add_text(out, "type", text);
    g_string_append_c(out, '}');
}

void qmp_qom_list(struct control *c, const char *arguments, GString *out)
{
    static const char *const containers[] = {"peripheral", "peripheral-anon", "unattached"};
    const struct outline *o = outline_of(c);
    g_autofree char *path = argument(arguments, "path", out);
    bool anonymous = path && !strcmp(path, "/machine/peripheral-anon");
    unsigned n = 0;

    if (!path)
        return;
    begin_list(out);
    if (!strcmp(path, "/"))
        add_member(out, "machine", "child", "virt-machine");
    for (size_t k = 0; !strcmp(path, "/machine") && k < G_N_ELEMENTS(containers); k++)
        add_member(out, containers[k], "child", "container");
    for (unsigned k = 0; k < o->part_count; k++) {
        const struct outline_part *p = &o->parts[k];
        g_autofree char *name = p->id ? g_strdup(p->id) : g_strdup_printf("device[%u]", n);
        n += !p->id;
        if (p->id ? !strcmp(path, "/machine/peripheral") : anonymous)
            add_member(out, name, "child", p->driver);
    }
    g_string_append_c(out, ']');
    if (out->str[out->len - 2] == '[' && !g_str_has_prefix(path, "/machine/peripheral")) {
        g_autofree char *error = g_strdup_printf("Device '%s' not found", path);
        qmp_fail(out, "DeviceNotFound", error);
    }
}

void qmp_properties(struct control *c, const char *arguments, GString *out)
{
    g_autofree char *name = argument(arguments, "typename", out);
    const char *legacy;
    const struct qemu_driver *driver = name ? qemu_find_driver(name, &legacy) : NULL;
    size_t count = 0;

    (void)c;
    if (!name)
        return;
    if (!driver) {
        g_autofree char *error = g_strdup_printf("Device '%s' not found", name);
        qmp_fail(out, "DeviceNotFound", error);
        return;
    }
    g_autofree struct property *table = qemu_driver_properties(driver, &count);
    begin_list(out);
    for (size_t k = 1; k < count; k++) {
        begin_object(out, NULL);
        add_text(out, "name", table[k].key);
        add_text(out, "type", strcmp(table[k].accepts, "on|off") ? "str" : "bool");
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}
