/* Packets about memory. */
#include <string.h>

#include "gdb/state.h"

#define PAGE 4096

static bool copy(struct gdb_server *s, uint64_t address, void *buf, size_t size, bool write)
{
    struct arm_machine *m = gdb_machine(s);
    unsigned el = s->space == GDB_SPACE_EL0   ? 0
                  : s->space == GDB_SPACE_EL1 ? 1
                  : s->space == GDB_SPACE_EL2 ? 2
                                              : gdb_current_el(m, s->cpu);

    if (s->space == GDB_SPACE_PA)
        return write ? arm_mem_write(m, address, buf, size) : arm_mem_read(m, address, buf, size);
    return write ? arm_virt_write(m, s->cpu, el, address, buf, size)
                 : arm_virt_read(m, s->cpu, el, address, buf, size);
}

/* As much as there is: up to the first page without RAM. */
static size_t read_some(struct gdb_server *s, uint64_t address, uint8_t *buf, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t left = PAGE - ((address + done) & (PAGE - 1)), n = size - done;
        n = n < left ? n : left;
        if (!copy(s, address + done, buf + done, n, false))
            break;
        done += n;
    }
    return done;
}

/* "ADDRESS,LENGTH". False: it is not. */
static bool take_range(const char **rest, uint64_t *address, uint64_t *length)
{
    return gdb_take_hex(rest, address) && *(*rest)++ == ',' && gdb_take_hex(rest, length);
}

/* Read what a packet asks for into @buf of GDB_PACKET_MAX / 2. False: @reply has the error. */
static bool read_range(struct gdb_server *s, const char *rest, uint8_t *buf, size_t *n,
                       GString *reply)
{
    uint64_t address, length;

    if (!take_range(&rest, &address, &length)) {
        g_string_assign(reply, "E16");
        return false;
    }
    *n = read_some(s, address, buf, MIN(length, GDB_PACKET_MAX / 2));
    if (*n || !length)
        return true;
    g_string_assign(reply, "E0e");
    return false;
}

bool gdb_do_memory(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    uint8_t buf[GDB_PACKET_MAX / 2];
    size_t n;

    (void)size;
    if (read_range(s, rest, buf, &n, reply))
        gdb_append_hex(reply, buf, n);
    return true;
}

bool gdb_do_memory_binary(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    uint8_t buf[GDB_PACKET_MAX / 2];
    size_t n;

    (void)size;
    if (!read_range(s, rest, buf, &n, reply))
        return true;
    g_string_append_c(reply, 'b');
    g_string_append_len(reply, (const char *)buf, (gssize)n);
    return true;
}

static void write_all(struct gdb_server *s, uint64_t address, const uint8_t *data, size_t size,
                      GString *reply)
{
    if (size && !gdb_may_change(s, reply))
        return;
    bool good = !size || copy(s, address, (void *)(uintptr_t)data, size, true);
    g_string_assign(reply, good ? "OK" : "E0e");
}

bool gdb_do_set_memory(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    const char *start = rest;
    uint64_t address, length;

    if (!take_range(&rest, &address, &length) || *rest++ != ':' ||
        !gdb_hex_bytes(rest, size - (size_t)(rest - start), data) || data->len != length)
        g_string_assign(reply, "E16");
    else
        write_all(s, address, data->data, data->len, reply);
    return true;
}

bool gdb_do_set_memory_binary(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    const char *start = rest;
    uint64_t address, length;

    if (!take_range(&rest, &address, &length) || *rest++ != ':' ||
        size - (size_t)(rest - start) != length)
        g_string_assign(reply, "E16");
    else
        write_all(s, address, (const uint8_t *)rest, length, reply);
    return true;
}

/* QEMU's: with it addresses are physical. */
bool gdb_do_physical_is(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    g_string_assign(reply, s->space == GDB_SPACE_PA ? "1" : "0");
    return true;
}

bool gdb_do_physical(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)size;
    s->space = *rest == '0' ? GDB_SPACE_NOW : GDB_SPACE_PA;
    g_string_assign(reply, "OK");
    return true;
}

/* "General Query Packets", qCRC: polynomial 0x04c11db7, the most significant bit first. */
static uint32_t crc32_of(uint32_t crc, const uint8_t *data, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        crc ^= (uint32_t)data[k] << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? UINT32_C(0x04c11db7) : 0);
    }
    return crc;
}

bool gdb_do_crc(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    uint64_t address, length, done = 0;
    uint32_t crc = UINT32_MAX;
    uint8_t buf[PAGE];
    size_t n = 0;

    (void)size;
    if (!take_range(&rest, &address, &length)) {
        g_string_assign(reply, "E16");
        return true;
    }
    for (; done < length && (n = read_some(s, address + done, buf, MIN(length - done, PAGE))) != 0;
         done += n)
        crc = crc32_of(crc, buf, n);
    if (done < length)
        g_string_assign(reply, "E0e");
    else
        g_string_printf(reply, "C%x", crc);
    return true;
}
