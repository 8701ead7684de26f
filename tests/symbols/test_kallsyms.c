/* The symbol tables that kernels have in themselves: made here in each layout, read, and spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "symbols/kallsyms.h"
#include "tests/random.h"

#define SYMBOLS 700 /* three groups of 256 */
#define SPACING 64  /* bytes of each function */

struct layout {
    const char *name;
    unsigned align;
    bool behind;        /* offsets and base stand behind the index */
    bool addresses;     /* doublewords, no base */
    bool order;         /* three bytes a name before the tokens */
    bool spoilt_tokens; /* bytes before the tokens that are no zeros */
    bool long_name;
    bool ends;      /* the last symbol is the image's end */
    bool as_a_file; /* the base has not been relocated yet */
};

static const struct layout layouts[] = {
    {.name = "Linux 5", .align = 8},
    {.name = "old Linux", .align = 256},
    {.name = "Linux 6.1", .align = 8, .order = true, .spoilt_tokens = true, .long_name = true},
    {.name = "Linux 6.6", .align = 8, .behind = true, .ends = true, .long_name = true},
    {.name = "Linux 6.6, a file", .align = 8, .behind = true, .as_a_file = true},
    {.name = "Xen", .align = 256, .addresses = true},
};

static void align(GByteArray *out, unsigned to)
{
    static const uint8_t zero;

    while (out->len % to)
        g_byte_array_append(out, &zero, 1);
}

static void put(GByteArray *out, uint64_t value, unsigned bytes)
{
    for (unsigned k = 0; k < bytes; k++) {
        uint8_t byte = k < 8 ? (uint8_t)(value >> 8 * k) : 0;
        g_byte_array_append(out, &byte, 1);
    }
}

/* Function @k, with the type before it: "Tfn_12", of which "fn_" is one token; the last of them is
 * long. */
static char *symbol(const struct layout *l, unsigned k)
{
    if (k == 0)
        return g_strdup("T_stext");
    if (l->long_name && k == SYMBOLS - 1) {
        char name[201];
        memset(name, 'x', 200);
        name[200] = '\0';
        return g_strdup_printf("T%s", name);
    }
    return g_strdup_printf("%cfn_%u", k % 7 == 3 ? 'd' : 'T', k);
}

static void put_names(GByteArray *out, const struct layout *l, uint32_t *markers)
{
    size_t start = out->len;

    for (unsigned k = 0; k < SYMBOLS; k++) {
        g_autofree char *name = symbol(l, k);
        g_autoptr(GByteArray) codes = g_byte_array_new();
        if (k % 256 == 0)
            markers[k / 256] = (uint32_t)(out->len - start);
        for (const char *p = name; *p; p++) {
            bool token = !strncmp(p, "fn_", 3);
            uint8_t code = token ? 1 : (uint8_t)*p;
            g_byte_array_append(codes, &code, 1);
            p += token ? 2 : 0;
        }
        if (codes->len > 127) {
            put(out, 0x80 | (codes->len & 0x7f), 1);
            put(out, codes->len >> 7, 1);
        } else {
            put(out, codes->len, 1);
        }
        g_byte_array_append(out, codes->data, codes->len);
    }
    align(out, l->align);
}

static void put_tokens(GByteArray *out, const struct layout *l)
{
    uint16_t starts[256];
    size_t start = out->len;

    for (unsigned k = 0; k < 256; k++) {
        char text[8] = {(char)k, 0};
        if (k == 0)
            strcpy(text, "zero");
        if (k == 1)
            strcpy(text, "fn_");
        if (k > 1 && k < '0')
            strcpy(text, k % 2 ? "" : "ab"); /* not in use */
        starts[k] = (uint16_t)(out->len - start);
        g_byte_array_append(out, (const uint8_t *)text, (guint)strlen(text) + 1);
    }
    align(out, l->align);
    for (unsigned k = 0; k < 256; k++)
        put(out, starts[k], 2);
    align(out, l->align);
}

#define FIRST 0x10000 /* where the first function is in the image */

static void put_offsets(GByteArray *out, const struct layout *l)
{
    for (unsigned k = 0; k < SYMBOLS; k++)
        if (l->addresses)
            put(out, 0x200000 + (uint64_t)k * SPACING, 8);
        else
            put(out, (uint64_t)k * SPACING, 4);
    align(out, l->align);
    if (!l->addresses)
        put(out, l->as_a_file ? 0 : UINT64_C(0xffff812345600000) + FIRST, 8);
    align(out, l->align);
}

static GByteArray *image(const struct layout *l)
{
    GByteArray *out = g_byte_array_new();
    uint32_t markers[SYMBOLS / 256 + 1];

    g_byte_array_set_size(out, 0x20000);
    memset(out->data, 0, out->len);
    /* Something that begins as the tokens do. */
    for (unsigned k = '0'; k <= '9'; k++)
        out->data[0x100 + 2 * k] = (uint8_t)k;
    if (!l->behind)
        put_offsets(out, l);
    put(out, SYMBOLS, 4);
    align(out, l->align);
    put_names(out, l, markers);
    for (unsigned k = 0; k < G_N_ELEMENTS(markers); k++)
        put(out, markers[k], 4);
    align(out, l->align);
    for (unsigned k = 0; l->order && k < SYMBOLS; k++)
        put(out, 0x30201 + k, 3);
    while (l->spoilt_tokens && out->len % 8)
        put(out, 0x77, 1);
    align(out, l->align);
    put_tokens(out, l);
    if (l->behind)
        put_offsets(out, l);
    put(out, 0, 4000);
    if (l->ends) /* the last offset, before the base and the zeros */
        memcpy(out->data + out->len - 4000 - 8 - (SYMBOLS % 2 ? 8 : 4), &out->len, 4);
    return out;
}

static void test_every_layout_is_read(void **state)
{
    (void)state;
    for (unsigned n = 0; n < G_N_ELEMENTS(layouts); n++) {
        const struct layout *l = &layouts[n];
        g_autoptr(GByteArray) bytes = image(l);
        struct symbols *s = kallsyms_read(bytes->data, bytes->len);
        print_message("%s\n", l->name);
        assert_non_null(s);
        for (unsigned k = 0; k < SYMBOLS; k++) {
            g_autofree char *name = symbol(l, k), *wanted = NULL;
            char buf[256];
            if (name[0] != 'T' || (l->ends && k == SYMBOLS - 1))
                continue;
            wanted = g_strdup_printf("%s+0x4", name + 1);
            assert_true(symbols_name(s, (l->addresses ? 0 : FIRST) + (uint64_t)k * SPACING + 4, buf,
                                     sizeof(buf)));
            assert_string_equal(buf, wanted);
        }
        symbols_free(s);
    }
}

static void test_an_image_without_a_table_has_none(void **state)
{
    (void)state;
    g_autoptr(GByteArray) bytes = image(&layouts[0]);

    assert_null(kallsyms_read(bytes->data, 0));
    assert_null(kallsyms_read(bytes->data, 16));
    assert_null(kallsyms_read(bytes->data, 0x20000));
    for (size_t size = bytes->len - 5000; size < bytes->len - 4000; size += 7)
        symbols_free(kallsyms_read(bytes->data, size));
}

/* What is in memory is a guest's: a spoilt table is read as something, or not at all. */
static void test_spoilt_tables_do_no_harm(void **state)
{
    (void)state;
    uint64_t r = test_seed(1);

    for (unsigned round = 0; round < 400; round++) {
        g_autoptr(GByteArray) bytes = image(&layouts[round % G_N_ELEMENTS(layouts)]);
        unsigned from = 0x20000, room = bytes->len - from;
        for (unsigned k = 0; k < 1 + round % 20; k++) {
            uint64_t v = random_next(&r);
            bytes->data[from + v % room] = (uint8_t)(v >> 56);
        }
        g_autofree uint8_t *exact = g_memdup2(bytes->data, bytes->len);
        symbols_free(kallsyms_read(exact, bytes->len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layout_is_read),
        cmocka_unit_test(test_an_image_without_a_table_has_none),
        cmocka_unit_test(test_spoilt_tables_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
