/* Where this program is, and what has been built or installed with it. */
#pragma once

/* Its absolute path, without symbolic links; the working directory must still be that of the start.
 * NULL: not known, errno says why. The caller frees it (g_free). /proc is not needed. */
char *installed_program(void);

/* The folder of hypervisor images that has @file in it: beside the program as built, or as
 * installed. NULL: neither. The caller frees it (g_free). */
char *installed_images(const char *file);
