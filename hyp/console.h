/* clang-format off */
/*
 * The console: one PL011 for the hypervisor and all guests. Each line is somebody's; with several
 * guests it begins with the name. Input goes to one guest at a time; Ctrl-B then
 *
 *     1..9    to that guest
 *     s       what runs where
 *     Ctrl-B  itself
 */
/* clang-format on */
#pragma once

#include <stdint.h>

#define CONSOLE_LINE 128

struct vcpu;
struct vm;

/* What a guest has printed of a line that is not shown yet. */
struct console_line {
    const struct vcpu *writer; /* of the last byte */
    unsigned count;
    char text[CONSOLE_LINE];
};

void console_init(uint64_t base);
void console_listen(void); /* enable input */
void console_irq(uint32_t intid);

/*
 * A byte that a guest prints. When lines have names, it is held until the line ends or is full, or
 * who wrote it waits (a prompt): guests that print at the same time on several CPUs do not cut each
 * other's lines. A guest whose WFI is not seen (hyp.wfx=native) has none held.
 */
void console_guest(struct vcpu *v, char c);

/* This virtual CPU waits, or will not run again: what it has printed is shown. */
void console_waits(struct vcpu *v);

/* From the hypervisor; in a panic without locks. */
void console_write(const char *text);
void console_panicking(void);
