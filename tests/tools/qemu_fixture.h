/* Guests in a directory for tests of `armillary qemu`, and where a board has its devices. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "process.h"
#include "tests/guests.h"

#define VIRT     "virt,gic-version=3"
#define MINIMAL  "qemu", "-M", VIRT, "-cpu", "cortex-a57"
#define FILE_MAX 65536

static char dir[] = "/tmp/armillary-test-XXXXXX";

static inline const char *in_dir(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static inline const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = in_dir(name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline size_t read_file(const char *path, char text[FILE_MAX])
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    size_t n = fread(text, 1, FILE_MAX - 1, f);
    text[n] = '\0';
    fclose(f);
    return n;
}

static inline bool has_bytes(const char *text, size_t size, const char *part)
{
    return memmem(text, size, part, strlen(part)) != NULL;
}

static inline int make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
#define GUEST(name) write_file(#name, guest_##name, sizeof(guest_##name));
    GUEST(exit42)
    GUEST(off)
    GUEST(loop)
    GUEST(reset)
    GUEST(echo)
#undef GUEST
    return 0;
}

static inline int remove_files(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

/* A guest whose exit code is the low byte of the word at @addr, or the byte there. */
static inline const char *peek(uint32_t addr)
{
    const uint32_t words[] = {
        0xd2a00001 | addr >> 16 << 5,      /* movz x1,#hi,lsl #16 */
        0xd2800002 | (addr & 0xffff) << 5, /* movz x2,#lo */
        addr % 4 ? 0x38626823 : 0xb8626823,
        0x100000a1,
        0xf9000423, /* ldr(b) w3,[x1,x2]; adr x1,args; str x3,[x1,#8] */
        0x52800300,
        0xd45e0000,
        0x14000000, /* mov w0,#0x18; hlt #0xf000; b . */
        0x00020026,
        0,
        0,
        0, /* args */
    };

    return write_file("peek", words, sizeof(words));
}
#define PEEK(addr, ...) RUN(MINIMAL, "-semihosting", "-kernel", peek(addr), __VA_ARGS__)->code

#define SLOT(n)   (0x0a000000u + (n)*0x200u)
#define ID(n)     (SLOT(n) + 8)
#define BLOCKS(n) (SLOT(n) + 0x100) /* of a block device: its size */
#define MAC(n)    (SLOT(n) + 0x100) /* of a network device */
/* What is at device N of PCI, by its configuration space: a virtio device's kind, or 0xff. */
#define PCI_CONFIG(n, offset) (0x3f000000u + (n)*0x8000u + (offset))
#define PCI_ID(n)             PCI_CONFIG(n, 0x2e)
#define ID_NET                1
#define ID_INPUT              18
#define PCI_CLASS(n)          PCI_CONFIG(n, 0x0a) /* the sub-class */
#define ID_BLOCK              2
#define ID_CONS               3
#define ID_RNG                4
#define ID_BALLOON            5

static inline unsigned lines_of(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}
