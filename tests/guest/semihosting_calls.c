/* Runs on: a57 max; el2 el1. */
/* Semihosting as a C library's start-up code uses it: the console's handles, the features file,
 * what the host says of itself, and the answers to bad handles. */
#include "guest.h"

#define ERROR UINT64_MAX

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_ISERROR = 0x08,
    SYS_ISTTY = 0x09,
    SYS_SEEK = 0x0a,
    SYS_FLEN = 0x0c,
    SYS_REMOVE = 0x0e,
    SYS_RENAME = 0x0f,
    SYS_CLOCK = 0x10,
    SYS_TIME = 0x11,
    SYS_ERRNO = 0x13,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO = 0x16,
    SYS_ELAPSED = 0x30,
    SYS_TICKFREQ = 0x31,
};

enum { ENOENT = 2, E2BIG = 7, EBADF = 9, EACCES = 13, EINVAL = 22 };

#define RTCDR  UINT64_C(0x09010000)
#define RAM    UINT64_C(0x40000000)
#define NOBODY 60 /* a handle that nobody opened */

extern char __data[];
static uint64_t block[4];
static char text[128];

static uint64_t hlt(uint64_t operation, const void *argument)
{
    register uint64_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = argument;

    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

static uint64_t call(uint64_t operation, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    block[0] = a;
    block[1] = b;
    block[2] = c;
    block[3] = d;
    return hlt(operation, block);
}

static uint64_t length_of(const char *s)
{
    uint64_t n = 0;

    while (s[n])
        n++;
    return n;
}

static uint64_t open(const char *name, uint64_t mode)
{
    return call(SYS_OPEN, (uint64_t)name, mode, length_of(name), 0);
}

static void check_error(uint64_t got, uint64_t error, const char *what)
{
    check_equal(got, ERROR, what);
    check_equal(hlt(SYS_ERRNO, 0), error, "its SYS_ERRNO");
}

static void console_handles(void)
{
    uint64_t out = open(":tt", 4), in = open(":tt", 0), err = open(":tt", 8);

    check(out != ERROR && out != 0, "SYS_OPEN of :tt for writing");
    check(in != ERROR && in != 0 && in != out, "for reading");
    check(err != ERROR && err != 0 && err != out, "for appending");
    for (uint64_t mode = 0; mode < 12; mode++)
        check(call(SYS_CLOSE, open(":tt", mode), 0, 0, 0) == 0, "each mode opens, and closes");
    check_error(open(":tt", 12), EINVAL, "there is no mode 12");
    check_equal(call(SYS_WRITE, out, (uint64_t) "said\n", 5, 0), 0, "SYS_WRITE: all is written");
    check_equal(call(SYS_WRITE, err, (uint64_t) "said\n", 5, 0), 0, "to the error output too");
    check_equal(call(SYS_WRITE, in, (uint64_t) "said\n", 5, 0), 5, "nothing to the input");
    check_equal(call(SYS_READ, in, (uint64_t)text, 8, 0), 8, "SYS_READ at the end of input");
    check_equal(call(SYS_CLOSE, in, 0, 0, 0), 0, "SYS_CLOSE");
    check_error(call(SYS_CLOSE, in, 0, 0, 0), EBADF, "only once");
}

static void features(void)
{
    static const char name[] = ":semihosting-features";
    uint64_t file = open(name, 0);

    check(file != ERROR && file != 0, "SYS_OPEN of :semihosting-features");
    check_equal(call(SYS_ISTTY, file, 0, 0, 0), 0, "SYS_ISTTY: no");
    check_equal(call(SYS_FLEN, file, 0, 0, 0), 5, "SYS_FLEN");
    check_equal(call(SYS_READ, file, (uint64_t)text, 8, 0), 3, "SYS_READ: 3 of 8 were not there");
    check_equal(text[0] | text[1] << 8 | text[2] << 16 | text[3] << 24, 0x42464853, "SHFB");
    check_equal((uint64_t)text[4], 3, "SYS_EXIT_EXTENDED, output and error output");
    check_equal(call(SYS_READ, file, (uint64_t)text, 8, 0), 8, "the end");
    check_equal(call(SYS_SEEK, file, 4, 0, 0), 0, "SYS_SEEK");
    check_equal(call(SYS_READ, file, (uint64_t)text, 1, 0), 0, "SYS_READ behind it");
    check_equal((uint64_t)text[0], 3, "the byte there");
    check_error(call(SYS_SEEK, file, 99, 0, 0), EINVAL, "SYS_SEEK beyond the end");
    check_equal(call(SYS_WRITE, file, (uint64_t) "x", 1, 0), 1, "SYS_WRITE: not written");
    check_equal(call(SYS_CLOSE, file, 0, 0, 0), 0, "SYS_CLOSE");
    check(open(name, 1) != ERROR, "mode rb");
    for (uint64_t mode = 2; mode < 12; mode++)
        check_error(open(name, mode), EACCES, "no other mode");
}

static void bad_handles(void)
{
    check_equal(call(SYS_WRITE, NOBODY, (uint64_t) "x", 1, 0), 1, "SYS_WRITE: not written");
    check_equal(call(SYS_READ, NOBODY, (uint64_t)text, 1, 0), 1, "SYS_READ: not read");
    for (uint64_t handle = NOBODY; handle; handle = handle == NOBODY ? ERROR : 0) {
        check_error(call(SYS_CLOSE, handle, 0, 0, 0), EBADF, "SYS_CLOSE of no handle");
        check_error(call(SYS_ISTTY, handle, 0, 0, 0), EBADF, "SYS_ISTTY");
        check_error(call(SYS_SEEK, handle, 0, 0, 0), EBADF, "SYS_SEEK");
        check_error(call(SYS_FLEN, handle, 0, 0, 0), EBADF, "SYS_FLEN");
    }
    check_equal(call(SYS_ISERROR, 0, 0, 0, 0), 0, "SYS_ISERROR of 0");
    check_equal(call(SYS_ISERROR, 5, 0, 0, 0), 0, "of 5");
    check(call(SYS_ISERROR, ERROR, 0, 0, 0) != 0, "of -1");
}

static void no_files(void)
{
    static const char name[] = "no-such-file";

    check_equal(open(name, 0), ERROR, "SYS_OPEN of no file");
    check(hlt(SYS_ERRNO, 0) != 0, "its SYS_ERRNO");
    check(call(SYS_REMOVE, (uint64_t)name, 12, 0, 0) != 0, "SYS_REMOVE of no file");
    check(call(SYS_RENAME, (uint64_t)name, 12, (uint64_t)name, 12) != 0, "SYS_RENAME of no file");
}

static void time(void)
{
    uint64_t rtc = *(volatile uint32_t *)RTCDR, t = hlt(SYS_TIME, 0), first, second;

    check(t - rtc + 2 <= 4, "SYS_TIME is what the RTC shows");
    check(hlt(SYS_CLOCK, 0) < 360000, "SYS_CLOCK is not the time of day");
    check(hlt(SYS_TICKFREQ, 0) >= 1000, "SYS_TICKFREQ");
    check_equal(call(SYS_ELAPSED, 0, 0, 0, 0), 0, "SYS_ELAPSED");
    first = block[0];
    check_equal(call(SYS_ELAPSED, 0, 0, 0, 0), 0, "and again");
    second = block[0];
    check(first && second > first, "ticks go on");
}

static void host(void)
{
    uint64_t n, heap[4];

    check_equal(call(SYS_GET_CMDLINE, (uint64_t)text, sizeof(text), 0, 0), 0, "SYS_GET_CMDLINE");
    n = block[1];
    check(n >= 4 && n < sizeof(text) && text[n] == 0 && text[n - 4] == '.' && text[n - 1] == 'f',
          "the image's name");
    check_error(call(SYS_GET_CMDLINE, (uint64_t)text, n, 0, 0), E2BIG, "no room for its end");
    check_equal(call(SYS_GET_CMDLINE, (uint64_t)text, n + 1, 0, 0), 0, "just room");
    check_equal(call(SYS_HEAPINFO, (uint64_t)heap, 0, 0, 0), 0, "SYS_HEAPINFO");
    check(heap[0] > (uint64_t)__data && heap[0] < heap[1], "the heap is behind the program");
    check_equal(heap[1], RAM + (UINT64_C(512) << 20), "up to the end of RAM");
    check_equal(heap[2], heap[1], "the stack is at its end");
    check(heap[3] >= heap[0] && heap[3] < heap[2], "and may grow down");
}

static uint64_t from_el0(uint64_t operation)
{
    return hlt(operation, 0);
}

int main(void)
{
    console_handles();
    features();
    bad_handles();
    no_files();
    time();
    host();
    taken_clear();
    call_el(0, from_el0, SYS_ERRNO);
    check_equal(taken.count, 1, "at EL0 it is UNDEFINED");
    check_equal(EC(taken.esr), EC_UNKNOWN, "by its EC");
    return (int)failures;
}
