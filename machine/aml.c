#include "machine/aml.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "machine/acpi_bytes.h"

#define NAME_CHARS 4

void aml_op(struct aml *a, uint8_t op)
{
    put_le(a->to, 1, op);
}

/* 20.2.2: segments are filled up with underscores. */
void aml_name(struct aml *a, const char *name)
{
    char segment[NAME_CHARS] = "____";

    if (*name == '\\')
        put_le(a->to, 1, (uint8_t)*name++);
    CHECK(strlen(name) <= NAME_CHARS);
    memcpy(segment, name, strlen(name));
    g_byte_array_append(a->to, (const uint8_t *)segment, NAME_CHARS);
}

/* 20.2.3 */
void aml_integer(struct aml *a, uint64_t value)
{
    static const struct {
        uint64_t most;
        uint8_t prefix, bytes;
    } forms[] = {{0xff, 0x0a, 1}, {0xffff, 0x0b, 2}, {UINT32_MAX, 0x0c, 4}, {UINT64_MAX, 0x0e, 8}};
    unsigned k = 0;

    if (value <= 1) { /* Zero and One */
        aml_op(a, (uint8_t)value);
        return;
    }
    while (value > forms[k].most)
        k++;
    aml_op(a, forms[k].prefix);
    put_le(a->to, forms[k].bytes, value);
}

static void string(struct aml *a, const char *text)
{
    aml_op(a, 0x0d);
    g_byte_array_append(a->to, (const uint8_t *)text, (guint)strlen(text) + 1);
}

/* ---- what has a length ---- */

static void open(struct aml *a, const uint8_t *op, unsigned bytes)
{
    CHECK(a->depth < AML_DEPTH_MAX);
    g_byte_array_append(a->to, op, bytes);
    a->open[a->depth++] = a->to->len;
}

static void open_named(struct aml *a, const uint8_t *op, unsigned bytes, const char *name)
{
    open(a, op, bytes);
    aml_name(a, name);
}

/* 20.2.4: a length counts its own bytes. With one it has 6 bits; with more, the first has how many
 * follow, and 4 bits. */
void aml_close(struct aml *a)
{
    unsigned at = a->open[--a->depth], inside = a->to->len - at, more = 0;
    uint8_t length[4];

    if (inside + 1 >= 1u << 6)
        for (more = 1; inside + 1 + more >= 1u << (4 + 8 * more); more++)
            ;
    uint32_t total = inside + 1 + more;
    length[0] = (uint8_t)(more ? more << 6 | (total & 15) : total);
    le_put(length + 1, more, total >> 4);
    CHECK(more < sizeof(length));
    g_byte_array_set_size(a->to, a->to->len + 1 + more);
    memmove(a->to->data + at + 1 + more, a->to->data + at, inside);
    memcpy(a->to->data + at, length, 1 + more);
}

void aml_scope(struct aml *a, const char *name)
{
    open_named(a, (const uint8_t[]){0x10}, 1, name);
}

void aml_device(struct aml *a, const char *name)
{
    open_named(a, (const uint8_t[]){0x5b, 0x82}, 2, name);
}

void aml_method(struct aml *a, const char *name, unsigned arguments)
{
    open_named(a, (const uint8_t[]){0x14}, 1, name);
    put_le(a->to, 1, arguments);
}

void aml_package(struct aml *a, unsigned elements)
{
    open(a, (const uint8_t[]){0x12}, 1);
    put_le(a->to, 1, elements);
}

void aml_if(struct aml *a)
{
    open(a, (const uint8_t[]){0xa0}, 1);
}

void aml_else(struct aml *a)
{
    open(a, (const uint8_t[]){0xa1}, 1);
}

void aml_buffer(struct aml *a, const uint8_t *bytes, unsigned count)
{
    open(a, (const uint8_t[]){0x11}, 1);
    aml_integer(a, count);
    g_byte_array_append(a->to, bytes, count);
    aml_close(a);
}

/* ---- names ---- */

void aml_named(struct aml *a, const char *name)
{
    aml_op(a, 0x08);
    aml_name(a, name);
}

void aml_named_integer(struct aml *a, const char *name, uint64_t value)
{
    aml_named(a, name);
    aml_integer(a, value);
}

void aml_named_string(struct aml *a, const char *name, const char *text)
{
    aml_named(a, name);
    string(a, text);
}

/* ---- resources ---- */

void aml_resources(struct aml *a, const char *name, GByteArray *resources)
{
    put_le(resources, 2, 0x79); /* the end, and no checksum */
    aml_named(a, name);
    aml_buffer(a, resources->data, resources->len);
    g_byte_array_set_size(resources, 0);
}

/* A large descriptor, 6.4.3: what it is, and how many bytes follow. */
static void descriptor(GByteArray *to, uint8_t tag, uint16_t bytes)
{
    put_le(to, 1, tag);
    put_le(to, 2, bytes);
}

void aml_memory32(GByteArray *to, uint64_t base, uint64_t size)
{
    descriptor(to, 0x86, 9);
    put_le(to, 1, 1); /* it can be written */
    put_le(to, 4, base);
    put_le(to, 4, size);
}

void aml_interrupt(GByteArray *to, uint32_t gsi)
{
    descriptor(to, 0x89, 6);
    put_le(to, 1, 1); /* for the device itself; level, active high, of its own */
    put_le(to, 1, 1);
    put_le(to, 4, gsi);
}

/* 6.4.3.5: fixed at both ends. */
void aml_range(GByteArray *to, enum aml_range kind, unsigned bytes, uint64_t base, uint64_t size,
               uint64_t translation)
{
    static const uint8_t specific[] = {
        [AML_RANGE_MEMORY] = 1, /* it can be written, and is not cached */
        [AML_RANGE_IO] = 3,     /* all of it */
        [AML_RANGE_BUS] = 0,
    };

    descriptor(to, bytes == 2 ? 0x88 : bytes == 4 ? 0x87 : 0x8a, (uint16_t)(3 + 5 * bytes));
    put_le(to, 1, kind);
    put_le(to, 1, 0x0c);
    put_le(to, 1, specific[kind]);
    put_le(to, bytes, 0);
    put_le(to, bytes, base);
    put_le(to, bytes, base + size - 1);
    put_le(to, bytes, translation);
    put_le(to, bytes, size);
}

/* 6.4.3.8.1, figure 6.6 */
void aml_gpio_interrupt(GByteArray *to, const char *controller, uint16_t pin)
{
    enum { HEADER = 23 };
    uint16_t name_bytes = (uint16_t)(strlen(controller) + 1);

    descriptor(to, 0x8c, (uint16_t)(HEADER - 3 + 2 + name_bytes));
    put_le(to, 1, 1); /* revision */
    put_le(to, 1, 0); /* an interrupt */
    put_le(to, 2, 1); /* for the device itself */
    put_le(to, 2, 1); /* edge, active high, of its own */
    put_le(to, 1, 1); /* pulled up */
    put_le(to, 2, 0);
    put_le(to, 2, 0);
    put_le(to, 2, HEADER); /* where the pins are */
    put_le(to, 1, 0);
    put_le(to, 2, HEADER + 2);
    put_le(to, 2, HEADER + 2 + name_bytes); /* nothing of a vendor's */
    put_le(to, 2, 0);
    put_le(to, 2, pin);
    g_byte_array_append(to, (const uint8_t *)controller, name_bytes);
}
