#define _GNU_SOURCE /* memmem() */
/* What a guest shows, as files: --screenshot, and screendump of the monitors. */
#include <sys/socket.h>
#include <sys/un.h>

#include "base/le.h"
#include "qemu_fixture.h"

#define CODE   0x40200000
#define PIXELS 0x40201000
#define SIDE   16

static char code[128], pixels[128]; /* options of -device */

static void put_be(uint8_t *to, unsigned n, uint64_t v)
{
    while (n--) {
        to[n] = (uint8_t)v;
        v >>= 8;
    }
}

/* A guest that writes etc/ramfb by DMA of fw_cfg and waits, and its picture. */
static int make_guest(void **state)
{
    static const uint32_t words[] = {0x580000c0, 0x100000e1, /* ldr x0; adr x1 */
                                     0xdac00c21, 0xf9000001, /* rev x1, x1; str x1, [x0] */
                                     0x14000000, 0,          0x09020010, 0};
    uint8_t guest[sizeof(words) + 16 + 28], *request = guest + sizeof(words), *file = request + 16;
    uint8_t picture[SIDE * SIDE * 4];

    if (make_files(state) != 0)
        return -1;
    memcpy(guest, words, sizeof(words));
    put_be(request, 4, 0x20 << 16 | 8 | 16); /* select the first file, and write */
    put_be(request + 4, 4, 28);
    put_be(request + 8, 8, CODE + sizeof(words) + 16);
    put_be(file, 8, PIXELS);
    put_be(file + 8, 4, 0x34325258); /* XR24 */
    put_be(file + 12, 4, 0);
    put_be(file + 16, 4, SIDE);
    put_be(file + 20, 4, SIDE);
    put_be(file + 24, 4, SIDE * 4);
    for (unsigned i = 0; i < SIDE * SIDE; i++)
        le_put(picture + 4 * i, 4, i << 16 | (255 - i) << 8 | i / 2);
    snprintf(code, sizeof(code), "loader,file=%s,addr=%#x,cpu-num=0,force-raw=on",
             write_file("code", guest, sizeof(guest)), CODE);
    snprintf(pixels, sizeof(pixels), "loader,file=%s,addr=%#x,force-raw=on",
             write_file("pixels", picture, sizeof(picture)), PIXELS);
    return 0;
}

#define SHOW MINIMAL, "-device", "ramfb", "-device", code, "-device", pixels, "-serial", "null"

static void expect_picture(const char *path)
{
    static const char header[] = "P6\n16 16\n255\n";
    static char text[FILE_MAX];
    size_t size = read_file(path, text);

    assert_int_equal(size, strlen(header) + SIDE * SIDE * 3);
    assert_memory_equal(text, header, strlen(header));
    for (unsigned i = 0; i < SIDE * SIDE; i++) {
        const uint8_t rgb[3] = {(uint8_t)i, (uint8_t)(255 - i), (uint8_t)(i / 2)};
        assert_memory_equal(text + strlen(header) + 3 * i, rgb, 3);
    }
}

static const char *at(const char *path, const char *when)
{
    static char specs[4][160];
    static unsigned next;
    char *spec = specs[next++ % 4];

    snprintf(spec, sizeof(specs[0]), "%s@%s", path, when);
    return spec;
}

static void test_a_screenshot_has_the_guests_pixels(void **state)
{
    (void)state;
    const char *ppm = in_dir("a.ppm"), *png = in_dir("a.png");
    static char text[FILE_MAX];
    struct result *r = RUN(SHOW, "--max-insns", "2000", "--screenshot", at(ppm, "1000"),
                           "--screenshot", at(png, "1us"));

    assert_int_equal(r->code, 3); /* the limit */
    assert_null(strstr(r->err, "not written"));
    expect_picture(ppm);
    size_t size = read_file(png, text);
    assert_true(size > 33);
    assert_memory_equal(text, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02", 26);
}

static void test_no_picture_is_said_and_ends_the_run(void **state)
{
    (void)state;
    const char *png = in_dir("none.png");
    struct result *r = RUN(SHOW, "--max-insns", "2000", "--screenshot", at(png, "2"));

    assert_contains(r->err, "none.png: not written: the guest shows no picture");
    assert_int_equal(r->code, 2);
    assert_int_not_equal(access(png, F_OK), 0);
    r = RUN(SHOW, "--max-insns", "2000", "--screenshot", at("/nowhere/a.png", "1000"));
    assert_contains(r->err, "/nowhere/a.png: cannot write");
    assert_int_equal(r->code, 2);
}

static void test_snapshots_and_pictures_come_in_one_order(void **state)
{
    (void)state;
    const char *ppm = in_dir("b.ppm"), *snapshot = in_dir("b.snapshot");
    struct result *r = RUN(SHOW, "--max-insns", "2000", "--save", at(snapshot, "1500"),
                           "--screenshot", at(ppm, "1000"));

    assert_int_equal(r->code, 3);
    expect_picture(ppm);
    assert_int_equal(access(snapshot, F_OK), 0);
    r = RUN(SHOW, "--max-insns", "2000", "--save", at(snapshot, "1us"), "--screenshot",
            at(ppm, "1000"));
    assert_int_equal(r->code, 2);
    assert_contains(r->err, "--screenshot");
    /* The picture is in a snapshot: what is shown is seen at once. */
    unlink(ppm);
    r = RUN(SHOW, "--restore", snapshot, "--max-insns", "2000", "--screenshot", at(ppm, "1600"));
    expect_picture(ppm);
}

/* An answer of QMP. */
static void ask(int fd, const char *request, char *answer, size_t size)
{
    ssize_t n = 0;

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while (n == 0 || answer[n - 1] != '\n') {
        ssize_t more = read(fd, answer + n, size - 1 - (size_t)n);
        assert_true(more > 0);
        n += more;
    }
    answer[n] = '\0';
}

static int meet(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    for (unsigned tries = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)); tries++) {
        assert_true(tries < 3000);
        usleep(10000);
    }
    return fd;
}

static void test_qmp_dumps_the_screen(void **state)
{
    (void)state;
    const char *ppm = in_dir("c.ppm"), *path = in_dir("socket");
    static char answer[4096], request[512], where[256];
    int fds[] = {scratch(""), scratch(""), scratch("")};

    snprintf(where, sizeof(where), "unix:%s,server=on,wait=off", path);
    pid_t pid = start_program(fds, (const char *const[]){SHOW, "-qmp", where, NULL});
    int fd = meet(path);
    snprintf(request, sizeof(request),
             "{\"execute\": \"screendump\", \"arguments\": {\"filename\": \"%s\"}}\n", ppm);
    ask(fd, "", answer, sizeof(answer));
    ask(fd, "{\"execute\": \"qmp_capabilities\"}\n", answer, sizeof(answer));
    do
        ask(fd, request, answer, sizeof(answer));
    while (strstr(answer, "shows no picture")); /* not yet */
    assert_contains(answer, "\"return\": {}");
    expect_picture(ppm);
    unlink(ppm);
    snprintf(request, sizeof(request),
             "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
             "\"screendump %s\"}}\n",
             ppm);
    ask(fd, request, answer, sizeof(answer));
    expect_picture(ppm);
    ask(fd, "{\"execute\": \"screendump\"}\n", answer, sizeof(answer));
    assert_contains(answer, "'filename' is missing");
    ask(fd, "{\"execute\": \"quit\"}\n", answer, sizeof(answer));
    close(fd);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status_code(status), 0);
    for (unsigned k = 0; k < 3; k++)
        close(fds[k]);
}

#define WINDOW SHOW, "-display", "sdl", "--max-insns", "2000"

static void test_a_window_that_cannot_be_is_said_and_the_run_goes_on(void **state)
{
    (void)state;
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    unsetenv("SDL_VIDEODRIVER");
    struct result *r = RUN(WINDOW);
    assert_contains(r->err, "armillary: no window: ");
    assert_int_equal(r->code, 3);
    r = RUN(MINIMAL, "-device", code, "-display", "sdl", "--max-insns", "2000");
    assert_contains(r->err, "no window: no device shows a picture");
    assert_int_equal(r->code, 3);
}

static void test_a_window_changes_nothing_of_the_run(void **state)
{
    (void)state;
    const char *ppm = in_dir("d.ppm");

    setenv("SDL_VIDEODRIVER", "dummy", 1); /* SDL's, which shows it to nobody */
    struct result *r = RUN(WINDOW, "--screenshot", at(ppm, "1000"));
    unsetenv("SDL_VIDEODRIVER");
    if (strstr(r->err, "built without SDL2"))
        skip();
    assert_null(strstr(r->err, "no window"));
    assert_int_equal(r->code, 3);
    expect_picture(ppm);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_screenshot_has_the_guests_pixels),
        cmocka_unit_test(test_no_picture_is_said_and_ends_the_run),
        cmocka_unit_test(test_snapshots_and_pictures_come_in_one_order),
        cmocka_unit_test(test_qmp_dumps_the_screen),
        cmocka_unit_test(test_a_window_that_cannot_be_is_said_and_the_run_goes_on),
        cmocka_unit_test(test_a_window_changes_nothing_of_the_run),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guest, remove_files);
}
