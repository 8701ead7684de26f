/* `armillary merge`: one report of what several runs of `armillary check` have found. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "command.h"

static int usage(void)
{
    fprintf(stderr, "usage: armillary merge [--report FORMAT=FILE]... FILE...\n"
                    "FILEs are what `armillary check --report parts=FILE` wrote; FORMAT is json, "
                    "junit, sarif or "
                    "parts\n");
    return EXIT_USAGE;
}

static int merge_all(const struct check_request *check, char **files)
{
    struct arm_merge *merge = arm_merge_new();
    struct arm_error err;

    for (char **file = files; *file; file++)
        if (arm_merge_load(merge, *file, &err) < 0) {
            fprintf(stderr, "armillary merge: %s\n", err.text);
            arm_merge_free(merge);
            return EXIT_USAGE;
        }
    return check_end_merge(check, merge, stdout, 0);
}

int cmd_merge(int argc, char **argv)
{
    g_autoptr(GPtrArray) reports = g_ptr_array_new();
    struct check_request check = {0};
    int k = 1;

    for (; k < argc && !strncmp(argv[k], "--", 2); k++) {
        if (!strncmp(argv[k], "--report=", 9))
            g_ptr_array_add(reports, argv[k] + 9);
        else if (!strcmp(argv[k], "--report") && k + 1 < argc)
            g_ptr_array_add(reports, argv[++k]);
        else
            return usage();
    }
    g_ptr_array_add(reports, NULL);
    if (k == argc || !check_parse(&check, (char **)reports->pdata))
        return usage();
    return merge_all(&check, argv + k);
}
