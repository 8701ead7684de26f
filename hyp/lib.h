/* What C needs of a library, and printing. Freestanding: there is no other. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __aarch64__
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
#endif

/* %s %c %d %u %x %% with l and a width, zero-padded with 0; no others. Truncates; always ends with
 * a NUL (size > 0). Returns what it wrote without the NUL. */
size_t format(char *out, size_t size, const char *text, ...) __attribute__((format(printf, 3, 4)));
size_t vformat(char *out, size_t size, const char *text, va_list args);

/* A line or part of one on the console, from the hypervisor itself. */
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* Decimal or 0x hexadecimal, with K, M or G; *end, if not NULL, is what follows. */
uint64_t parse_number(const char *text, const char **end);
