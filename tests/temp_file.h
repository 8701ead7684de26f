/* One temporary file of a test group, which each test fills anew: temp_setup and temp_teardown are
 * the group's. */
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

static char temp_path[64];

/* The path of the file, with @text in it. */
static const char *temp_file(const char *text)
{
    FILE *f = fopen(temp_path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
    return temp_path;
}

static int temp_setup(void **state)
{
    (void)state;
    strcpy(temp_path, "/tmp/armillary-test-XXXXXX");
    int fd = mkstemp(temp_path);
    return fd < 0 ? -1 : close(fd);
}

static int temp_teardown(void **state)
{
    (void)state;
    return unlink(temp_path);
}
