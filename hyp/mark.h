/* Marks of arch/mark.h, in programs. */
#pragma once

#include "arch/mark.h"

#define MARK_TEXT(n)  MARK_TEXT_(n)
#define MARK_TEXT_(n) "hint #" #n

#define mark_begin(key)                                                                            \
    do {                                                                                           \
        register unsigned long key_ __asm__("x0") = (key);                                         \
        __asm__ volatile(MARK_TEXT(MARK_BEGIN) : "+r"(key_)::"memory");                            \
    } while (0)
#define mark_end() __asm__ volatile(MARK_TEXT(MARK_END)::: "memory")
