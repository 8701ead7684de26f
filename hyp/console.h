/*
 * The console: one PL011 for the hypervisor and all guests. Each line is somebody's; with several
 * guests it begins with the name. Input goes to one guest at a time; Ctrl-B then 1..9  to that
 * guest        s  what runs where        Ctrl-B  itself
 */
#pragma once

#include <stdint.h>

struct vm;

void console_init(uint64_t base);
void console_listen(void); /* enable input */
void console_irq(uint32_t intid);

/* A byte that a guest prints; buffered until its line ends or another speaks. */
void console_guest(struct vm *vm, char c);

/* From the hypervisor; in a panic without locks. */
void console_write(const char *text);
void console_panicking(void);
