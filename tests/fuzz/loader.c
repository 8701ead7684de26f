/*
 * Files to start from. The first byte says what the rest is: a kernel (Image, gzip, zboot, ELF),
 * one that is packed here so that mutations are behind the compression or behind the checksums of a
 * U-Boot image, an initrd, a blob, a module of each kind.
 */
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "loader/loader.h"
#include "tests/fuzz/input.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(128) << 20)

enum part {
    KERNEL,
    GZIP,
    ZBOOT_GZIP,
    ZBOOT_ZSTD,
    XZ,
    UIMAGE, /* the fields of the header are the first bytes */
    INITRD,
    BLOB,
    RAW_BLOB,
    MODULE,
    PARTS
};

#define ZBOOT_HEADER  64
#define UIMAGE_HEADER 64
#define UIMAGE_FIELDS 12 /* load address, entry point, and four bytes */

static size_t pack_gzip(uint8_t *out, size_t room, const uint8_t *data, size_t size)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};

    if (deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    return z.total_out;
}

static void put_be32(uint8_t *to, uint64_t v)
{
    le_put(to, 4, __builtin_bswap32((uint32_t)v));
}

static struct memfile pack_uimage(const uint8_t *data, size_t size)
{
    size_t fields = size < UIMAGE_FIELDS ? size : UIMAGE_FIELDS;
    uint8_t *buf = calloc(1, UIMAGE_HEADER + size);

    if (!buf)
        abort();
    put_be32(buf, 0x27051956);
    put_be32(buf + 12, size - fields);
    memcpy(buf + 16, data, fields < 8 ? fields : 8);
    put_be32(buf + 24, crc32(0, data + fields, (uInt)(size - fields)));
    if (fields > 8)
        memcpy(buf + 28, data + 8, fields - 8);
    memcpy(buf + UIMAGE_HEADER, data + fields, size - fields);
    put_be32(buf + 4, crc32(0, buf, UIMAGE_HEADER));
    struct memfile f = memfile_open(buf, UIMAGE_HEADER + size - fields);
    free(buf);
    return f;
}

static struct memfile pack_xz(const uint8_t *data, size_t size)
{
    size_t room = lzma_stream_buffer_bound(size), packed = 0;
    uint8_t *buf = malloc(room);

    if (!buf || lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, data, size, buf, &packed,
                                        room) != LZMA_OK)
        abort();
    struct memfile f = memfile_open(buf, packed);
    free(buf);
    return f;
}

/* @data packed as @part says. */
static struct memfile pack(enum part part, const uint8_t *data, size_t size)
{
    size_t room = ZBOOT_HEADER + ZSTD_compressBound(size) + compressBound(size) + 64, packed;
    size_t header = part == GZIP ? 0 : ZBOOT_HEADER;
    uint8_t *buf = calloc(1, room);

    if (!buf)
        abort();
    if (part == ZBOOT_ZSTD)
        packed = ZSTD_compress(buf + header, room - header, data, size, 1);
    else
        packed = pack_gzip(buf + header, room - header, data, size);
    if (header) {
        memcpy(buf, "MZ\0\0zimg", 8);
        le_put(buf + 8, 4, header);
        le_put(buf + 12, 4, packed);
        strcpy((char *)buf + 24, part == ZBOOT_ZSTD ? "zstd" : "gzip");
    }
    struct memfile f = memfile_open(buf, header + packed);
    free(buf);
    return f;
}

static int small_tree(struct dt *dt)
{
    dt_create(dt);
    dt_begin(dt, "");
    dt_cells(dt, "#address-cells", (const uint32_t[]){2}, 1);
    dt_cells(dt, "#size-cells", (const uint32_t[]){2}, 1);
    dt_begin(dt, "chosen");
    dt_end(dt);
    dt_end(dt);
    return dt_finish(dt, NULL);
}

static void load(enum part part, const char *path)
{
    struct physmem mem = {0};
    const struct arm_log log = fuzz_log();
    struct load_blob blob = {
        .file = path, .addr = RAM_BASE + 0x80000, .force_raw = part == RAW_BLOB};
    struct load_module modules[] = {
        {.kind = MODULE_KERNEL, .file = path, .args = "quiet"},
        {.kind = MODULE_RAMDISK, .file = path},
        {.kind = MODULE_DTB, .file = path},
    };
    struct load_request req = {.ram_base = RAM_BASE, .ram_size = RAM_SIZE, .append = "quiet"};
    struct arm_error err = {0};
    struct boot_state boot;
    struct dt dt;

    if (part < INITRD)
        req.kernel = path;
    else if (part == INITRD)
        req.kernel = req.initrd = path;
    else if (part == MODULE)
        req.kernel = path, req.modules = (struct load_modules){.modules = modules, .count = 3};
    else
        req.blobs = &blob, req.blob_count = 1;
    if (physmem_add_ram(&mem, pa(RAM_BASE), RAM_SIZE, NULL) != 0 || small_tree(&dt) != 0)
        abort();
    if (loader_load(&mem, &log, &req, &dt, &boot, &err) == 0)
        CHECK(boot.dtb_size == 0 || physmem_ram(&mem, pa(boot.dtb_base), boot.dtb_size));
    else
        CHECK(err.code != 0 && err.text[0] != 0);
    dt_free(&dt);
    physmem_destroy(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum part part = data[0] % PARTS;
    bool packed = part == GZIP || part == ZBOOT_GZIP || part == ZBOOT_ZSTD;
    struct memfile file = packed           ? pack(part, data + 1, size - 1)
                          : part == XZ     ? pack_xz(data + 1, size - 1)
                          : part == UIMAGE ? pack_uimage(data + 1, size - 1)
                                           : memfile_open(data + 1, size - 1);

    load(part, file.path);
    memfile_close(&file);
    return 0;
}
