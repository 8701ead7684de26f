/* The one line that a guest prints, and the end of the run. */
#pragma once

#include "guest.h"

/* Of printf(): %s %u %lu %x %lx (with 0x before them) %%. Both print and power off; the first CPU
 * that reports is the one that is heard. */
void report_ok(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void report_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Fails with "cpu N: WHAT: expected E, got G" if they differ. */
void expect(const char *what, uint64_t got, uint64_t expected);

/* Fails with the text if @ok is false. */
#define require(ok, ...)                                                                           \
    do {                                                                                           \
        if (!(ok))                                                                                 \
            report_fail(__VA_ARGS__);                                                              \
    } while (0)

/* True once, on the first CPU that asks, if break= names the guest's sabotage @n. If nobody does,
 * since this machine lacks what it is about, the line ends in "unbroken". */
bool sabotage(unsigned n);

/* Is it worth waiting on, since that time? patience=MS of the command line; or that so many times:
 * who waits for a CPU that waits itself lets that one report. */
bool patient(uint64_t since);
bool patient_for(uint64_t since, unsigned times);

/* break=list, break=WHAT and patience=MS of the command line. */
void report_options(void);

/* Send one character early (a guest that makes its UART interrupt); the line goes on behind it. */
void report_first_character(void);
