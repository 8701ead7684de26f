/* A disk made of a directory: one partition with a FAT16 file system that holds its files. */
#pragma once

/* The image, in memory: a file descriptor to close; the same for the same files. -1: a message was
 * printed. */
int fat_from_directory(const char *path);
