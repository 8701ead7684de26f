/* The places that `armillary dis` and `armillary sysreg` print, against the sources: a row's line
 * is one of its own, a function's line has its name, or is the macro that makes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/place.h"
#include "machine/place.h"

#define LINE_BYTES 1024

/* Line @p of the sources; empty if there is none. */
static void read_line(struct place p, char *text)
{
    char path[LINE_BYTES];
    FILE *f = NULL;

    text[0] = '\0';
    if (p.file) {
        snprintf(path, sizeof(path), "%s/%s", ARMILLARY_SOURCES, p.file);
        f = fopen(path, "r");
    }
    for (unsigned n = 0; f && n < p.line; n++)
        if (!fgets(text, LINE_BYTES, f))
            text[0] = '\0';
    if (f)
        fclose(f);
}

static unsigned check_row(struct place p, const char *macro, const char *name)
{
    char text[LINE_BYTES], expected[128];

    do
        read_line(p, text);
    while (text[0] == ' ' && --p.line); /* it goes on from the line before */
    snprintf(expected, sizeof(expected), "%s(%s,", macro, name);
    if (strncmp(text, expected, strlen(expected)) == 0)
        return 0;
    print_error("%s: %s:%u has %s", name, p.file ? p.file : "?", p.line, text);
    return 1;
}

static void test_rows_are_where_they_say(void **state)
{
    unsigned bad = 0;

    (void)state;
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++)
        bad += check_row(a64_row_place(op), "A64", a64_rows[op].name);
    for (enum sysreg sr = 0; sr < SR_COUNT; sr++)
        bad += check_row(sysreg_row_place(sr), "SYSREG", sysreg_rows[sr].name);
    for (enum trap_group g = TRAP_NONE + 1; g < TRAP_GROUP_COUNT; g++)
        bad += check_row(trap_group_place(g), "TRAP_GROUP", trap_groups[g].name);
    assert_int_equal(bad, 0);
}

/* MACRO(...) at the start of a line. */
static bool is_macro_use(const char *text)
{
    const size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return n && text[n] == '(';
}

static unsigned check_function(struct place p, const char *function)
{
    char text[LINE_BYTES], call[256];

    read_line(p, text);
    snprintf(call, sizeof(call), "%s(", function);
    if (strstr(text, call) || is_macro_use(text))
        return 0;
    print_error("%s: %s:%u has %s\n", function, p.file ? p.file : "?", p.line, text);
    return 1;
}

static void test_every_row_of_a64_is_executed_where_it_says(void **state)
{
    unsigned bad = 0;

    (void)state;
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++) {
        char name[128];
        snprintf(name, sizeof(name), "exec_%s", a64_rows[op].name);
        bad += check_function(exec_place(op), name);
    }
    assert_int_equal(bad, 0);
}

/* The object files of a library know which of them has a function, by macro or not. */
static void test_every_row_of_a64_is_in_the_file_that_defines_it(void **state)
{
    char line[LINE_BYTES], object[LINE_BYTES] = "", name[LINE_BYTES];
    FILE *nm = popen("nm --defined-only " ARMILLARY_LIBARM_CPU, "r");
    unsigned bad = 0, checked = 0;

    (void)state;
    assert_non_null(nm);
    while (fgets(line, sizeof(line), nm)) {
        if (sscanf(line, "%[^:\n ]:", name) == 1 && strstr(line, ".o:\n"))
            snprintf(object, sizeof(object), "%.*s", (int)(strlen(name) - strlen(".o")), name);
        if (sscanf(line, "%*x T %s", name) != 1 || strncmp(name, "exec_", 5) != 0 ||
            !strcmp(object, "interp_plain.c")) /* it executes no row by itself */
            continue;
        const struct place p = function_place(name);
        const char *file = p.file ? strrchr(p.file, '/') + 1 : "nowhere";
        if (strcmp(file, object) != 0) {
            print_error("%s: in %s, not %s\n", name, object, file);
            bad++;
        }
        checked++;
    }
    assert_int_equal(pclose(nm), 0);
    assert_int_equal(bad, 0);
    assert_true(checked >= A64_UNALLOCATED);
}

static void test_accessors_are_where_they_say(void **state)
{
    unsigned bad = 0, checked = 0;

    (void)state;
    for (enum sysreg sr = 0; sr < SR_COUNT; sr++) {
        const char *const functions[] = {sysreg_reader(sr), sysreg_writer(sr), sysreg_executor(sr)};
        for (unsigned k = 0; k < 3; k++)
            if (functions[k]) {
                bad += check_function(accessor_place(functions[k]), functions[k]);
                checked++;
            }
    }
    assert_int_equal(bad, 0);
    assert_true(checked > 200);
}

static void test_an_unknown_function_has_no_place(void **state)
{
    (void)state;
    assert_null(function_place("exec_NOTHING").file);
    assert_null(function_place("").file);
    assert_null(a64_row_place(A64_UNALLOCATED).file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_where_they_say),
        cmocka_unit_test(test_every_row_of_a64_is_executed_where_it_says),
        cmocka_unit_test(test_every_row_of_a64_is_in_the_file_that_defines_it),
        cmocka_unit_test(test_accessors_are_where_they_say),
        cmocka_unit_test(test_an_unknown_function_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
