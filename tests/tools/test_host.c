/* The host's side of a run: descriptors it was started without, readers that stall, errors of
 * writing, signals, the terminal. */
#include <sys/socket.h>
#include <sys/stat.h>

#include "process.h"
#include "tests/guests.h"

#define LOAD_AT "@0x40080000"

static char dir[] = "/tmp/armillary-test-XXXXXX";

#define GUESTS(X) X(alphabet) X(chatter) X(book) X(echo) X(loop) X(idle) X(exit42)

#define GUEST(name) static char name##_path[64], name##_load[80];
GUESTS(GUEST)
#undef GUEST

static void write_guest(const char *name, const uint32_t *words, size_t size, char *path,
                        char *load)
{
    snprintf(path, 64, "%s/%s", dir, name);
    snprintf(load, 80, "%s%s", path, LOAD_AT);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(words, 1, size, f), size);
    fclose(f);
}

static int make_guests(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
#define GUEST(name)                                                                                \
    write_guest(#name, guest_##name, sizeof(guest_##name), name##_path, name##_load);
    GUESTS(GUEST)
#undef GUEST
    return 0;
}

static int remove_guests(void **state)
{
    (void)state;
#define GUEST(name) unlink(name##_path);
    GUESTS(GUEST)
#undef GUEST
    return rmdir(dir);
}

/* dir/@name, in one of a few buffers. */
static const char *in_dir(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, 96, "%s/%s", dir, name);
    return path;
}

/* An option and its argument in one, in one of a few buffers. */
static const char *joined(const char *a, const char *b, const char *c)
{
    static char texts[8][160];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, 160, "%s%s%s", a, b, c);
    return text;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void read_whole(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    slurp(fd, text, size);
}

/* ---- descriptors 0 to 2 ---- */

static void fill(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        fputc('d', f);
    assert_int_equal(fclose(f), 0);
}

static void assert_filled(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        if (fgetc(f) != 'd')
            fail_msg("%s: byte %zu has changed", path, k);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

#define DISK_BYTES  4096
#define FLASH_BYTES (64 << 20)

static void test_no_file_takes_the_place_of_a_closed_standard_stream(void **state)
{
    (void)state;
    const char *disk = in_dir("disk"), *flash = in_dir("flash"), *trace = in_dir("trace"),
               *serial = in_dir("serial");
    const char *const *const lines[] = {
        ARGS("run", joined("--drive=", disk, ",writable"), "--trace=call", "--load", alphabet_load),
        ARGS("run", joined("--drive=", disk, ",writable"), joined("--trace=call:", trace, ""),
             joined("--serial=file:", serial, ""), "--virtio-console=stdio", "--load",
             alphabet_load),
        ARGS("qemu", "-M", "virt,gic-version=3,virtualization=on", "-cpu", "max", "-drive",
             joined("if=pflash,format=raw,unit=1,file=", flash, ""), "-device",
             joined("loader,addr=0x40080000,cpu-num=0,force-raw=on,file=", alphabet_path, "")),
    };
    char text[4096];

    fill(disk, DISK_BYTES);
    fill(flash, FLASH_BYTES);
    for (unsigned closed = 1; closed < 8; closed++)
        for (unsigned k = 0; k < 3; k++) {
            int fd[3];
            for (unsigned n = 0; n < 3; n++)
                fd[n] = closed & (1U << n) ? CLOSED : scratch("");
            assert_int_equal(wait_program(start_program(fd, lines[k]), 20), 0);
            for (unsigned n = 0; n < 3; n++)
                if (fd[n] != CLOSED)
                    close(fd[n]);
            assert_filled(disk, DISK_BYTES);
            if (k == 1) {
                read_whole(serial, text, sizeof(text));
                assert_string_equal(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
                read_whole(trace, text, sizeof(text));
                assert_contains(text, "smc #0 x0=0x84000008\n");
                assert_int_equal(strchr(text, '\n')[1], '\0');
            }
        }
    assert_filled(flash, FLASH_BYTES);
    unlink(disk);
    unlink(flash);
    unlink(trace);
    unlink(serial);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file_takes_the_place_of_a_closed_standard_stream),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
