/* A folder of the host by 9P2000.L: messages as a client sends them, and the folder as the host
 * sees it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/le.h"
#include "devices/p9_internal.h"
#include "tests/devices/fixture.h"

enum { ROOT = 1, A = 2, B = 3 };
enum {
    T_LOPEN = 12,
    T_LCREATE = 14,
    T_SYMLINK = 16,
    T_READLINK = 22,
    T_GETATTR = 24,
    T_SETATTR = 26,
    T_READDIR = 40,
    T_MKDIR = 72,
    T_RENAMEAT = 74,
    T_UNLINKAT = 76,
    T_VERSION = 100,
    T_ATTACH = 104,
    T_WALK = 110,
    T_READ = 116,
    T_WRITE = 118,
    T_CLUNK = 120,
};

struct bench {
    struct p9 p9;
    char dir[64];        /* what is around the shared folder: */
    char outside[80];    /* a file that must not be reached */
    char inside[80];     /* the folder */
    size_t n;            /* of the request being made, or of the last answer */
    const uint8_t *body; /* of the answer */
};

static void text_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct bench *begin(enum folder_security security, bool readonly)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct folder folder;
    char link[128];

    assert_non_null(b);
    snprintf(b->dir, sizeof(b->dir), "%s/p9-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->outside, sizeof(b->outside), "%s/secret", b->dir);
    snprintf(b->inside, sizeof(b->inside), "%s/shared", b->dir);
    text_file(b->outside, "secret");
    assert_int_equal(mkdir(b->inside, 0700), 0);
    snprintf(link, sizeof(link), "%s/out", b->inside);
    assert_int_equal(symlink("..", link), 0);
    assert_int_equal(folder_open(&folder, b->inside, security, readonly, NULL), 0);
    p9_init(&b->p9, &folder);
    return b;
}

static void end(struct bench *b)
{
    char command[128];

    p9_destroy(&b->p9);
    snprintf(command, sizeof(command), "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
    free(b);
}

static void put(struct bench *b, unsigned bytes, uint64_t v)
{
    le_put(b->p9.in + b->n, bytes, v);
    b->n += bytes;
}

static void put_text(struct bench *b, const char *text)
{
    put(b, 2, strlen(text));
    memcpy(b->p9.in + b->n, text, strlen(text));
    b->n += strlen(text);
}

static void request(struct bench *b, uint8_t type)
{
    b->n = 4;
    put(b, 1, type);
    put(b, 2, 77);
}

/* Send it: 0, or the error that is answered. */
static int answer(struct bench *b)
{
    uint8_t type = b->p9.in[4];

    le_put(b->p9.in, 4, b->n);
    b->n = p9_serve(&b->p9, b->n, sizeof(b->p9.out));
    assert_true(b->n >= 7);
    assert_int_equal(le_get(b->p9.out, 4), b->n);
    assert_int_equal(le_get(b->p9.out + 5, 2), 77);
    b->body = b->p9.out + 7;
    if (b->p9.out[4] == 7)
        return (int)le_get(b->body, 4);
    assert_int_equal(b->p9.out[4], type + 1);
    return 0;
}

static void mount(struct bench *b)
{
    request(b, T_VERSION);
    put(b, 4, 8192);
    put_text(b, "9P2000.L");
    assert_int_equal(answer(b), 0);
    assert_int_equal(le_get(b->body, 4), 8192);
    request(b, T_ATTACH);
    put(b, 4, ROOT);
    put(b, 4, UINT32_MAX);
    put_text(b, "user");
    put_text(b, "");
    put(b, 4, 1000);
    assert_int_equal(answer(b), 0);
}

/* From the root to @to by up to two names. */
static int walk(struct bench *b, unsigned to, const char *first, const char *second)
{
    request(b, T_WALK);
    put(b, 4, ROOT);
    put(b, 4, to);
    put(b, 2, !!first + !!second);
    if (first)
        put_text(b, first);
    if (second)
        put_text(b, second);
    return answer(b);
}

static int clunk(struct bench *b, unsigned fid)
{
    request(b, T_CLUNK);
    put(b, 4, fid);
    return answer(b);
}

static int lopen(struct bench *b, unsigned fid, unsigned flags)
{
    request(b, T_LOPEN);
    put(b, 4, fid);
    put(b, 4, flags);
    return answer(b);
}

static int create(struct bench *b, unsigned fid, const char *name, unsigned mode)
{
    request(b, T_LCREATE);
    put(b, 4, fid);
    put_text(b, name);
    put(b, 4, 2); /* to read and write */
    put(b, 4, mode);
    put(b, 4, getgid());
    return answer(b);
}

static void test_a_file_is_made_written_read_and_renamed(void **state)
{
    struct bench *b = begin(FOLDER_NONE, false);
    char path[128], text[16] = "";
    FILE *f;

    (void)state;
    mount(b);
    assert_int_equal(walk(b, A, NULL, NULL), 0);
    assert_int_equal(create(b, A, "file", 0640), 0);
    request(b, T_WRITE);
    put(b, 4, A);
    put(b, 8, 3);
    put(b, 4, 5);
    memcpy(b->p9.in + b->n, "hello", 5);
    b->n += 5;
    assert_int_equal(answer(b), 0);
    assert_int_equal(le_get(b->body, 4), 5);
    request(b, T_RENAMEAT);
    put(b, 4, ROOT);
    put_text(b, "file");
    put(b, 4, ROOT);
    put_text(b, "other");
    assert_int_equal(answer(b), 0);
    request(b, T_READ);
    put(b, 4, A);
    put(b, 8, 0);
    put(b, 4, 100);
    assert_int_equal(answer(b), 0);
    assert_int_equal(le_get(b->body, 4), 8);
    assert_memory_equal(b->body + 4, "\0\0\0hello", 8);
    request(b, T_GETATTR); /* its fid has gone along */
    put(b, 4, A);
    put(b, 8, 0x7ff);
    assert_int_equal(answer(b), 0);
    assert_int_equal(le_get(b->body + 8 + 13, 4), S_IFREG | 0640);
    snprintf(path, sizeof(path), "%s/other", b->inside);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof(text), f), 8);
    fclose(f);
    assert_string_equal(text + 3, "hello");
    end(b);
}

/* The root's parent is the root, and a link is the guest's to resolve. */
static void test_no_name_and_no_link_leads_out(void **state)
{
    static const char *const names[] = {"../secret", "/etc/passwd", "", "a/b", "out/secret"};
    struct bench *b = begin(FOLDER_NONE, false);

    (void)state;
    mount(b);
    assert_int_equal(walk(b, A, "..", "secret"), 0);
    assert_int_equal(le_get(b->body, 2), 1); /* as far as the root */
    assert_int_equal(walk(b, A, "out", "secret"), 0);
    assert_int_equal(le_get(b->body, 2), 1);
    for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
        assert_int_equal(walk(b, A, names[k], NULL), ENOENT);
        assert_int_equal(walk(b, B, NULL, NULL), 0);
        assert_int_not_equal(create(b, B, names[k], 0600), 0);
        assert_int_equal(clunk(b, B), 0);
    }
    assert_int_equal(walk(b, A, "out", NULL), 0);
    assert_int_equal(lopen(b, A, 0), ENXIO);
    assert_int_not_equal(create(b, A, "secret2", 0600), 0);
    request(b, T_READLINK);
    put(b, 4, A);
    assert_int_equal(answer(b), 0);
    assert_memory_equal(b->body, "\2\0..", 4);
    request(b, T_UNLINKAT);
    put(b, 4, A);
    put_text(b, "secret");
    put(b, 4, 0);
    assert_int_not_equal(answer(b), 0);
    assert_int_equal(access(b->outside, F_OK), 0);
    end(b);
}

/* The host puts a link where the guest has walked to a folder. */
static void test_a_folder_that_becomes_a_link_is_not_followed(void **state)
{
    struct bench *b = begin(FOLDER_NONE, false);
    char path[128];

    (void)state;
    mount(b);
    request(b, T_MKDIR);
    put(b, 4, ROOT);
    put_text(b, "d");
    put(b, 4, 0755);
    put(b, 4, getgid());
    assert_int_equal(answer(b), 0);
    assert_int_equal(walk(b, A, "d", NULL), 0);
    snprintf(path, sizeof(path), "%s/d", b->inside);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("..", path), 0);
    assert_int_not_equal(create(b, A, "new", 0600), 0);
    assert_int_equal(lopen(b, A, 0), ENXIO);
    end(b);
}

static void test_nothing_changes_what_is_to_be_read_only(void **state)
{
    struct bench *b = begin(FOLDER_NONE, true);
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/file", b->inside);
    text_file(path, "text");
    mount(b);
    assert_int_equal(walk(b, A, NULL, NULL), 0);
    assert_int_equal(create(b, A, "new", 0600), EROFS);
    assert_int_equal(walk(b, B, "file", NULL), 0);
    assert_int_equal(lopen(b, B, 1), EROFS);
    request(b, T_SETATTR);
    put(b, 4, B);
    put(b, 4, 8); /* the size */
    for (unsigned i = 0; i < 3 * 4 + 5 * 8; i++)
        put(b, 1, 0);
    assert_int_equal(answer(b), EROFS);
    request(b, T_UNLINKAT);
    put(b, 4, ROOT);
    put_text(b, "file");
    put(b, 4, 0);
    assert_int_equal(answer(b), EROFS);
    assert_int_equal(lopen(b, B, 0), 0);
    end(b);
}

static void test_entries_come_in_the_order_of_their_names(void **state)
{
    static const char *const sorted[] = {".", "..", "a", "b", "c", "out"};
    struct bench *b = begin(FOLDER_NONE, false);
    unsigned n = 0;
    uint64_t offset = 0;

    (void)state;
    mount(b);
    for (unsigned k = 3; k-- > 0;) {
        assert_int_equal(walk(b, A, NULL, NULL), 0);
        assert_int_equal(create(b, A, sorted[2 + k], 0600), 0);
        assert_int_equal(clunk(b, A), 0);
    }
    assert_int_equal(walk(b, A, NULL, NULL), 0);
    assert_int_equal(lopen(b, A, 0200000), 0);
    for (;;) {
        request(b, T_READDIR);
        put(b, 4, A);
        put(b, 8, offset);
        put(b, 4, 60); /* two of them at a time, at most */
        assert_int_equal(answer(b), 0);
        const uint8_t *at = b->body + 4, *last = at + le_get(b->body, 4);
        if (at == last)
            break;
        while (at < last) {
            size_t length = le_get(at + 22, 2);
            assert_true(n < ARRAY_SIZE(sorted));
            assert_int_equal(length, strlen(sorted[n]));
            assert_memory_equal(at + 24, sorted[n], length);
            offset = le_get(at + 13, 8);
            at += 24 + length;
            n++;
        }
    }
    assert_int_equal(n, ARRAY_SIZE(sorted));
    end(b);
}

/* Owner, mode and links are as the guest wants them; the host has plain files of its own. */
static void test_mapped_attributes_are_the_guests_only(void **state)
{
    struct bench *b = begin(FOLDER_MAPPED, false);
    char path[128];
    struct stat st;

    (void)state;
    mount(b);
    assert_int_equal(walk(b, A, NULL, NULL), 0);
    if (create(b, A, "file", 04755) == EOPNOTSUPP) { /* a host without user attributes */
        end(b);
        skip();
    }
    request(b, T_GETATTR);
    put(b, 4, A);
    put(b, 8, 0x7ff);
    assert_int_equal(answer(b), 0);
    assert_int_equal(le_get(b->body + 8 + 13, 4), S_IFREG | 04755);
    assert_int_equal(le_get(b->body + 8 + 17, 4), 1000);
    snprintf(path, sizeof(path), "%s/file", b->inside);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    request(b, T_SYMLINK);
    put(b, 4, ROOT);
    put_text(b, "link");
    put_text(b, "/etc/passwd");
    put(b, 4, 0);
    assert_int_equal(answer(b), 0);
    assert_int_equal(walk(b, B, "link", NULL), 0);
    request(b, T_READLINK);
    put(b, 4, B);
    assert_int_equal(answer(b), 0);
    assert_memory_equal(b->body + 2, "/etc/passwd", 11);
    snprintf(path, sizeof(path), "%s/link", b->inside);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    end(b);
}

/* The arguments of a request, all zeros and empty texts; fids are those of the root. */
static void put_arguments(struct bench *b, const char *kinds)
{
    for (; *kinds; kinds++)
        if (*kinds == 's' || *kinds == 'p')
            put_text(b, "");
        else if (*kinds == 'f' || *kinds == 'o' || *kinds == 'c')
            put(b, 4, ROOT);
        else
            put(b, (unsigned)(*kinds - '0'), 0);
}

static size_t count(const char *kinds, const char *of)
{
    size_t n = 0;

    for (; *kinds; kinds++)
        n += strchr(of, *kinds) != NULL;
    return n;
}

static void test_a_request_without_all_of_its_arguments_does_nothing(void **state)
{
    static const struct {
        uint8_t type;
        const char *kinds;
    } rows[] = {
#define P9(type, name, arguments) {type, arguments},
#include "devices/p9_messages.def"
#undef P9
    };
    const struct p9_args *a = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bench *b = begin(FOLDER_NONE, false);

        assert_true(i == 0 || rows[i - 1].type < rows[i].type);
        assert_true(count(rows[i].kinds, "foc") <= ARRAY_SIZE(a->fid));
        assert_true(count(rows[i].kinds, "sp") <= ARRAY_SIZE(a->text));
        assert_true(count(rows[i].kinds, "1248") <= ARRAY_SIZE(a->n));
        assert_int_equal(count(rows[i].kinds, "focsp1248"), strlen(rows[i].kinds));
        mount(b);
        request(b, rows[i].type);
        put_arguments(b, rows[i].kinds);
        b->n--;
        assert_int_equal(answer(b), EINVAL);
        assert_int_equal(walk(b, A, NULL, NULL), 0); /* and ROOT is still there */
        end(b);
    }
}

static void test_only_an_open_fid_is_read_and_only_a_closed_one_opened(void **state)
{
    struct bench *b = begin(FOLDER_NONE, false);

    (void)state;
    mount(b);
    for (unsigned pass = 0; pass < 2; pass++) {
        request(b, T_READDIR);
        put(b, 4, ROOT);
        put(b, 8, 0);
        put(b, 4, 1000);
        assert_int_equal(answer(b), pass == 0 ? EBADF : 0);
        request(b, T_LOPEN);
        put(b, 4, ROOT);
        put(b, 4, 0);
        assert_int_equal(answer(b), pass == 0 ? 0 : EBADF);
    }
    end(b);
}

/* Any bytes in place of a message's; for the sanitizers. */
static void test_malformed_requests_are_answered(void **state)
{
    struct bench *b = begin(FOLDER_NONE, true);
    uint64_t rng = test_seed(1);

    (void)state;
    mount(b);
    for (unsigned k = 0; k < 100000; k++) {
        size_t n = random_next(&rng) % 80;
        for (size_t i = 0; i < n; i++)
            b->p9.in[i] =
                (uint8_t)(random_next(&rng) % 4 ? random_next(&rng) % 4 : random_next(&rng));
        le_put(b->p9.in, 4, random_next(&rng) % 16 ? n : random_next(&rng));
        b->p9.in[4] = (uint8_t)(random_next(&rng) % 64 * 2);
        size_t room = random_next(&rng) % 200;
        assert_true(p9_serve(&b->p9, n, room) <= room);
    }
    request(b, 99);
    assert_int_equal(answer(b), EOPNOTSUPP);
    mount(b);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_made_written_read_and_renamed),
        cmocka_unit_test(test_no_name_and_no_link_leads_out),
        cmocka_unit_test(test_a_folder_that_becomes_a_link_is_not_followed),
        cmocka_unit_test(test_nothing_changes_what_is_to_be_read_only),
        cmocka_unit_test(test_entries_come_in_the_order_of_their_names),
        cmocka_unit_test(test_mapped_attributes_are_the_guests_only),
        cmocka_unit_test(test_a_request_without_all_of_its_arguments_does_nothing),
        cmocka_unit_test(test_only_an_open_fid_is_read_and_only_a_closed_one_opened),
        cmocka_unit_test(test_malformed_requests_are_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
