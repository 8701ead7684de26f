/*
 * Command lines that people use with QEMU's virt board (command-lines.tsv), each with files made
 * here: code that switches the machine off, an empty disk, our own device tree. Prints what blocks
 * the lines that are not taken; fails if a line that was taken is not any more, or too few are.
 */
#include <ctype.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "process.h"
#include "tests/random.h"

#define AT_LEAST_PERCENT 91 /* without tap devices, and swtpm */
#ifdef ARMILLARY_ASAN
#define SHARE 3 /* every third line, by ARMILLARY_SEED */
#else
#define SHARE 1
#endif
#define WORDS_MAX 120

static const char *table; /* argv[2]: command-lines.tsv */
static char dir[] = "/tmp/armillary-test-XXXXXX";

/* PSCI SYSTEM_OFF: by HVC at EL1, by SMC at EL2. At EL3 there is none, but the Secure world's GPIO
 * that switches off. */
static const uint32_t off[] = {
    0x52800100, 0x72b08000, /* mov w0,#8; movk w0,#0x8400,lsl #16 */
    0xd5384241, 0x37180041, /* mrs x1,CurrentEL; tbnz x1,#3,1f */
    0xd4000002,             /* hvc #0 */
    0x37100061,             /* 1: tbnz x1,#2,2f */
    0xd4000003, 0x14000000, /* smc #0; b . */
    0xd2a12162, 0x52800023, /* 2: movz x2,#0x90b,lsl #16; mov w3,#1 */
    0xb9040043, 0xb9000443, /* str w3,[x2,#0x400]; str w3,[x2,#4] */
    0x14000000,             /* b . */
};

/* ELF-64, little-endian, AArch64, executable: one segment of this file's first
 * KiB at 0x40080000. */
#define ELF_CODE 0x100
static const struct {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    uint32_t p_type, p_flags;
    uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
} elf = {{0x7f, 'E', 'L', 'F', 2, 1, 1},
         2,
         183,
         1,
         0x40080000 + ELF_CODE,
         64,
         0,
         0,
         64,
         56,
         1,
         0,
         0,
         0,
         1,
         5,
         0,
         0x40080000,
         0x40080000,
         1024,
         1024,
         4096};

/* What stands for each @name: @size bytes with @code at @at. */
static const struct {
    const char *name;
    long size, at;
    bool code;
} files[] = {
    {"Image", 4096, 0, true},      {"elf", 4096, ELF_CODE, true}, {"bin", 4096, 0, true},
    {"xen", 4096, 0, true},        {"bios", 65536, 0, true},      {"code", 64L << 20, 0, true},
    {"vars", 64L << 20, 0, false}, {"initrd", 65536, 0, false},   {"raw", 1L << 20, 0, false},
    {"raw2", 1L << 20, 0, false},  {"iso", 1L << 20, 0, false},
};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

/* Pipes that lines name themselves. */
static const char *const pipes[] = {"serial", "qmp"};

static void path_of(char *path, const char *name, size_t length)
{
    snprintf(path, 128, "%s/%.*s", dir, (int)length, name);
}

static void make_file(size_t k)
{
    char path[128];

    path_of(path, files[k].name, strlen(files[k].name));
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), files[k].size), 0);
    if (!strcmp(files[k].name, "elf"))
        assert_int_equal(fwrite(&elf, 1, sizeof(elf), f), sizeof(elf));
    fseek(f, files[k].at, SEEK_SET);
    if (files[k].code)
        assert_int_equal(fwrite(off, 1, sizeof(off), f), sizeof(off));
    assert_int_equal(fclose(f), 0);
}

/* Where lines have the control channel of swtpm; each ends with its user, or after ten minutes. */
static const char *const tpms[] = {"swtpm-sock", "tpm", "tpmsock"};

static void start_tpms(void)
{
    char command[512];

    for (size_t k = 0; k < sizeof(tpms) / sizeof(tpms[0]); k++) {
        snprintf(command, sizeof(command),
                 "mkdir %s.state; timeout 600 swtpm socket --tpm2 --terminate "
                 "--tpmstate dir=%s.state --ctrl type=unixio,path=%s >%s.log 2>&1 & "
                 "for n in $(seq 100); do test -S %s && break; sleep 0.1; done",
                 tpms[k], tpms[k], tpms[k], tpms[k], tpms[k]);
        assert_int_equal(system(command), 0);
    }
}

static bool has_swtpm(void)
{
    return system("swtpm --version >/dev/null 2>&1") == 0;
}

static int make_files(void **state)
{
    char option[256], command[256], path[128];

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0); /* files that a line names itself are made here */
    for (size_t k = 0; k < FILE_COUNT; k++)
        make_file(k);
    path_of(path, "dir", 3);
    assert_int_equal(mkdir(path, 0777), 0);
    for (size_t k = 0; k < sizeof(pipes) / sizeof(pipes[0]); k++)
        assert_int_equal(mkfifo(pipes[k], 0666), 0); /* in dir, too */
    snprintf(option, sizeof(option), "virt,gic-version=3,dumpdtb=%s/dtb", dir);
    assert_int_equal(RUN("qemu", "-M", option, "-cpu", "max")->code, 0);
    snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 %s/qcow2 1M", dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "gzip -nc %s/Image >%s/gz", dir, dir);
    assert_int_equal(system(command), 0);
    if (has_swtpm())
        start_tpms();
    return 0;
}

static int remove_files(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return chdir("/") || system(command);
}

/* Cut @text at blanks that are not in quotes, and put paths for @names. */
static unsigned split(const char *text, const char **words, char *room)
{
    unsigned count = 0;

    while (*text == ' ')
        text++;
    while (*text && count < WORDS_MAX) {
        char quote = 0;
        for (words[count++] = room; *text && (quote || *text != ' '); text++) {
            if (quote ? *text == quote : *text == '"' || *text == '\'') {
                quote = quote ? 0 : *text;
            } else if (*text == '@' && isalpha((unsigned char)text[1])) {
                size_t length = strspn(text + 1, "abcdefghijklmnopqrstuvwxyzI0123456789");
                path_of(room, text + 1, length);
                room += strlen(room);
                text += length;
            } else {
                *room++ = *text;
            }
        }
        *room++ = '\0';
        while (*text == ' ')
            text++;
    }
    return count;
}

/* What blocks lines, and how many. */
struct blocker {
    char word[96];
    unsigned lines;
};
static struct blocker blockers[256];
static unsigned blocker_count;

static void count_blocker(const char *word, size_t length)
{
    unsigned k = 0;

    if (length >= sizeof(blockers[0].word))
        length = sizeof(blockers[0].word) - 1;
    while (k < blocker_count &&
           (strncmp(blockers[k].word, word, length) || blockers[k].word[length]))
        k++;
    if (k == blocker_count && blocker_count < sizeof(blockers) / sizeof(blockers[0]))
        snprintf(blockers[blocker_count++].word, sizeof(blockers[0].word), "%.*s", (int)length,
                 word);
    if (k < blocker_count)
        blockers[k].lines++;
}

/* The word of each refusal: what stands before its explanation. */
static void count_blockers(const char *err)
{
    static const char prefix[] = "armillary qemu: ";

    for (const char *line = err; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *word =
            strncmp(line, prefix, sizeof(prefix) - 1) ? line : line + sizeof(prefix) - 1;
        size_t length = strcspn(word, "\n");
        const char *end = strstr(word, " is not offered");

        if (!strncmp(word, "warning: ", 9))
            continue;
        if (end && end < word + length)
            length = (size_t)(end - word);
        count_blocker(word, length);
    }
}

static int by_lines(const void *a, const void *b)
{
    const struct blocker *x = a, *y = b;

    return x->lines != y->lines ? (x->lines < y->lines) - (x->lines > y->lines)
                                : strcmp(x->word, y->word);
}

/* A field of the line, cut at its tab. */
static char *field(char **line)
{
    char *start = *line;

    *line += strcspn(*line, "\t\n");
    if (**line)
        *(*line)++ = '\0';
    return start;
}

/* "telnet::4444,server" waits for its client. */
static const char *without_waiting(const char *word)
{
    static char room[256];
    size_t length = strlen(word);

    if (length < 7 || strcmp(word + length - 7, ",server") != 0 || !strchr(word, ':'))
        return word;
    snprintf(room, sizeof(room), "%s,nowait", word);
    return room;
}

static bool is_taken(const char *options)
{
    static char room[16384];
    const char *words[WORDS_MAX + 4] = {"qemu"};
    unsigned count = 1 + split(options, words + 1, room);

    unsigned kept = 1; /* nobody connects: what waits for gdb or a monitor does not */
    for (unsigned k = 1; k < count; k++)
        if (strcmp(words[k], "-S") != 0)
            words[kept++] = without_waiting(words[k]);
    count = kept;
    words[count++] = "--timeout";
    words[count++] = "30";
    const struct result *r = run_args("", words);
    if (r->code)
        count_blockers(r->err);
    return r->code == 0;
}

/* Does this host let us have what the line needs beside us? */
static bool host_has(const char *what)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd;
    bool good;

    if (!strcmp(what, "swtpm"))
        return has_swtpm();
    if (strcmp(what, "tap") != 0)
        return !strcmp(what, "yes");
    fd = open("/dev/net/tun", O_RDWR);
    good = fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static void test_command_lines_of_others_are_taken_or_refused_by_name(void **state)
{
    char line[4096];
    unsigned lines = 0, taken = 0, worse = 0, number = 0;
    const uint64_t seed = test_option("ARMILLARY_SEED", 1);
    FILE *f = fopen(table, "r");

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *rest = line;
        if (*line == '#' || (number++ + seed) % SHARE)
            continue;
        const char *id = field(&rest), *source = field(&rest), *purpose = field(&rest);
        const char *options = field(&rest), *expected = field(&rest);
        bool now = is_taken(options), before = host_has(expected);

        lines++;
        taken += now;
        worse += before && !now;
        if (now != before)
            printf("line %s (%s, %s) is %s: %s\n", id, source, purpose,
                   now ? "taken now" : "NOT TAKEN ANY MORE", options);
    }
    fclose(f);
    qsort(blockers, blocker_count, sizeof(blockers[0]), by_lines);
    printf("%u of %u lines are taken, %u %%; what blocks the others:\n", taken, lines,
           100 * taken / lines);
    for (unsigned k = 0; k < blocker_count; k++)
        printf("%5u  %s\n", blockers[k].lines, blockers[k].word);
    assert_int_equal(worse, 0);
    assert_true(SHARE > 1 || 100 * taken >= AT_LEAST_PERCENT * lines);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_lines_of_others_are_taken_or_refused_by_name),
    };

    if (argc != 3) {
        fprintf(stderr, "usage: %s ARMILLARY TABLE\n", argv[0]);
        return 2;
    }
    program = realpath(argv[1], NULL);
    table = realpath(argv[2], NULL);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
