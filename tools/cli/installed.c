#include "installed.h"

#include <glib.h>
#include <stdlib.h>
#include <sys/auxv.h>

static const char *const places[] = {"hyp", "../" ARMILLARY_SHARE "/hyp"};

char *installed_program(void)
{
    char *path = realpath((const char *)getauxval(AT_EXECFN), NULL); /* NULL: EINVAL */
    char *owned = g_strdup(path);

    free(path);
    return owned;
}

char *installed_images(const char *file)
{
    g_autofree char *program = installed_program();
    if (!program)
        return NULL;
    g_autofree char *folder = g_path_get_dirname(program);

    for (size_t k = 0; k < G_N_ELEMENTS(places); k++) {
        g_autofree char *images = g_build_filename(folder, places[k], NULL);
        g_autofree char *image = g_build_filename(images, file, NULL);
        if (g_file_test(image, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&images);
    }
    return NULL;
}
