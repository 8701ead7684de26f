/* What the loader's tests share: a machine's RAM, temporary files, and small files
 * of each format. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>
#include <libfdt.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"
#include "loader/loader.h"

#define RAM_BASE UINT64_C(0x40000000)
#define MIB      (UINT64_C(1) << 20)

struct bytes {
    uint8_t *data;
    size_t size;
};

static inline void put_le(uint8_t *to, unsigned n, uint64_t v)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

static inline struct bytes bytes_new(size_t size, uint8_t fill)
{
    struct bytes b = {malloc(size ? size : 1), size};

    assert_non_null(b.data);
    memset(b.data, fill, size ? size : 1);
    return b;
}

/* An arm64 Image of @size bytes: a header, then a pattern. */
static inline struct bytes make_image(size_t size, uint64_t text_offset, uint64_t image_size)
{
    struct bytes b = bytes_new(size, 0);

    for (size_t i = 64; i < size; i++)
        b.data[i] = (uint8_t)(i * 7 + (i >> 8));
    put_le(b.data + 8, 8, text_offset);
    put_le(b.data + 16, 8, image_size);
    memcpy(b.data + 56, "ARM\x64", 4);
    return b;
}

#define ELF_VADDR   UINT64_C(0xffff000000000000)
#define ELF_PADDR   UINT64_C(0x40200000)
#define ELF_SEGMENT 0x1000 /* bytes of each of the two segments in file and memory */
#define ELF_BSS     0x800  /* and behind the second one, memory only */

/* Two segments; the entry point is at offset 0x10 of the first one. */
static inline struct bytes make_elf(void)
{
    struct bytes b = bytes_new(0x1000 + 2 * ELF_SEGMENT, 0);
    Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_AARCH64,
        .e_version = EV_CURRENT,
        .e_entry = ELF_VADDR + 0x10,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    memcpy(b.data, &eh, sizeof(eh));
    for (unsigned i = 0; i < 2; i++) {
        Elf64_Phdr ph = {
            .p_type = PT_LOAD,
            .p_flags = PF_R | PF_X,
            .p_offset = 0x1000 + i * ELF_SEGMENT,
            .p_vaddr = ELF_VADDR + i * 0x10000,
            .p_paddr = ELF_PADDR + i * 0x10000,
            .p_filesz = ELF_SEGMENT,
            .p_memsz = ELF_SEGMENT + i * ELF_BSS,
        };
        memcpy(b.data + sizeof(eh) + i * sizeof(ph), &ph, sizeof(ph));
        memset(b.data + ph.p_offset, (int)(0xa0 + i), ELF_SEGMENT);
    }
    return b;
}

static inline struct bytes make_gzip(struct bytes in)
{
    z_stream z = {.next_in = in.data, .avail_in = (uInt)in.size};
    struct bytes out = bytes_new(in.size + 1000, 0);

    z.next_out = out.data;
    z.avail_out = (uInt)out.size;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    free(in.data);
    return out;
}

static inline struct bytes make_zstd(struct bytes in)
{
    struct bytes out = bytes_new(ZSTD_compressBound(in.size), 0);

    out.size = ZSTD_compress(out.data, out.size, in.data, in.size, 3);
    assert_false(ZSTD_isError(out.size));
    free(in.data);
    return out;
}

static inline struct bytes make_lz(struct bytes in, bool alone)
{
    struct bytes out = bytes_new(lzma_stream_buffer_bound(in.size), 0);
    lzma_stream l = LZMA_STREAM_INIT;
    lzma_options_lzma options;

    assert_false(lzma_lzma_preset(&options, 6));
    assert_int_equal(alone ? lzma_alone_encoder(&l, &options)
                           : lzma_easy_encoder(&l, 6, LZMA_CHECK_CRC32),
                     LZMA_OK);
    l.next_in = in.data;
    l.avail_in = in.size;
    l.next_out = out.data;
    l.avail_out = out.size;
    assert_int_equal(lzma_code(&l, LZMA_FINISH), LZMA_STREAM_END);
    out.size = l.total_out;
    lzma_end(&l);
    free(in.data);
    return out;
}

static inline struct bytes make_xz(struct bytes in)
{
    return make_lz(in, false);
}

static inline struct bytes make_lzma(struct bytes in)
{
    return make_lz(in, true);
}

/* The header of a U-Boot legacy image; numbers as in U-Boot's include/image.h. */
struct uimage {
    uint32_t load, entry;
    uint8_t os, arch, type, compression;
};

static const struct uimage linux_uimage = {0x40080000, 0x40080000, 5, 22, 2, 0};

static inline void put_be32(uint8_t *to, uint64_t v)
{
    put_le(to, 4, __builtin_bswap32((uint32_t)v));
}

static inline struct bytes make_uimage(struct bytes in, const struct uimage *h)
{
    struct bytes b = bytes_new(64 + in.size, 0);

    put_be32(b.data, 0x27051956);
    put_be32(b.data + 12, in.size);
    put_be32(b.data + 16, h->load);
    put_be32(b.data + 20, h->entry);
    put_be32(b.data + 24, crc32(0, in.data, (uInt)in.size));
    b.data[28] = h->os;
    b.data[29] = h->arch;
    b.data[30] = h->type;
    b.data[31] = h->compression;
    strcpy((char *)b.data + 32, "a test");
    memcpy(b.data + 64, in.data, in.size);
    put_be32(b.data + 4, crc32(0, b.data, 64));
    free(in.data);
    return b;
}

#define ZBOOT_PAYLOAD 0x200

static inline struct bytes make_zboot(struct bytes payload, const char *compression)
{
    struct bytes b = bytes_new(ZBOOT_PAYLOAD + payload.size + 4, 0); /* 4: the length behind it */

    memcpy(b.data, "MZ\0\0zimg", 8);
    put_le(b.data + 8, 4, ZBOOT_PAYLOAD);
    put_le(b.data + 12, 4, payload.size);
    strcpy((char *)b.data + 24, compression);
    memcpy(b.data + ZBOOT_PAYLOAD, payload.data, payload.size);
    free(payload.data);
    return b;
}

static inline void make_dt(struct dt *dt)
{
    dt_create(dt);
    dt_begin(dt, "");
    DT_CELLS(dt, "#address-cells", 2);
    DT_CELLS(dt, "#size-cells", 2);
    dt_end(dt);
    assert_int_equal(dt_finish(dt, NULL), 0);
}

static inline struct bytes make_dtb(void)
{
    struct bytes b;
    struct dt dt;

    make_dt(&dt);
    b = bytes_new(dt_size(&dt), 0);
    memcpy(b.data, dt.blob, b.size);
    dt_free(&dt);
    return b;
}

/* Write @b to a new file, free it, and return the path (to be unlinked and freed). */
static inline char *temp_file(struct bytes b)
{
    char *path = malloc(100);
    int fd;

    snprintf(path, 100, "%s/loader_XXXXXX", P_tmpdir);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.data, b.size), b.size);
    close(fd);
    free(b.data);
    return path;
}

static inline void remove_file(char *path)
{
    unlink(path);
    free(path);
}

/* RAM and a log that counts warnings. */
struct fixture {
    struct physmem mem;
    struct arm_log log;
    unsigned warnings;
    struct load_request req;
    struct boot_state boot;
    struct arm_error err;
    struct dt dt;
};

static inline void count_warning(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                                 const char *line)
{
    (void)cat, (void)line;
    if (level == ARM_LOG_WARN)
        ((struct fixture *)ctx)->warnings++;
}

static inline void fixture_start(struct fixture *f, uint64_t ram_size)
{
    *f = (struct fixture){.req = {.ram_base = RAM_BASE, .ram_size = ram_size}};
    f->log = (struct arm_log){.sink = count_warning, .ctx = f};
    for (unsigned i = 0; i < ARM_LOG_CATEGORY_COUNT; i++)
        f->log.level[i] = ARM_LOG_DEBUG;
    assert_int_equal(physmem_add_ram(&f->mem, pa(RAM_BASE), ram_size, NULL), 0);
    make_dt(&f->dt);
}

static inline int fixture_load(struct fixture *f)
{
    return loader_load(&f->mem, &f->log, &f->req, &f->dt, &f->boot, &f->err);
}

static inline void fixture_end(struct fixture *f)
{
    dt_free(&f->dt);
    physmem_destroy(&f->mem);
}

static inline void assert_ram_is(struct fixture *f, uint64_t addr, const void *data, size_t size)
{
    const uint8_t *host = physmem_ram(&f->mem, pa(addr), size);

    assert_non_null(host);
    assert_memory_equal(host, data, size);
}

static inline uint64_t chosen_cell(const struct fixture *f, const char *name)
{
    int size, node = fdt_path_offset(f->dt.blob, "/chosen");
    const void *p = fdt_getprop(f->dt.blob, node, name, &size);

    return p && size == 4 ? fdt32_ld(p) : UINT64_MAX;
}

/* The copy in guest RAM is the tree that was completed. */
static inline void assert_dtb_at(struct fixture *f, uint64_t addr)
{
    assert_int_equal(f->boot.dtb_base, addr);
    assert_int_equal(f->boot.dtb_size, dt_size(&f->dt));
    assert_ram_is(f, addr, f->dt.blob, dt_size(&f->dt));
}

static inline uint8_t ram_byte(struct fixture *f, uint64_t addr)
{
    return *physmem_ram(&f->mem, pa(addr), 1);
}
