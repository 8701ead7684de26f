/*
 * A call of one function on a machine that has nothing else: RAM with the program, a stack and
 * buffers, mapped to itself; exceptions end it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "armillary.h"
#include "program.h"

struct call_options {
    const char *file, *symbol, *restore; /* restore NULL: none */
    char **arguments;                    /* NULL-ended */
    const char *cpu;                     /* NULL: max */
    unsigned el;                         /* 1 or 2 */
    bool mmu_off;
    char **pre, **set, **stubs; /* NAME=VALUE each, NULL-ended; NULL: none */
    uint64_t max_insns;
};

#define CALL_ARGUMENTS 8

enum call_access {
    CALL_READ,
    CALL_WRITE,
    CALL_LOAD,
    CALL_STORE,
    CALL_BARRIER,
    CALL_OPERATION,
    CALL_STUB
};

struct call_event {
    enum call_access kind;
    uint64_t pc;
    uint32_t number;   /* register; of an operation its number; of a barrier ARM_BARRIER_xxx */
    uint32_t name;     /* the register as it was named */
    uint64_t value[2]; /* read, written, loaded, stored; of an operation its operand */
    uint64_t address;  /* of memory; of a stub its page */
    uint8_t size;      /* bytes */
    uint8_t reg;       /* X, or V with fp; ARM_NO_REG: of none */
    bool fp;
    uint64_t x[CALL_ARGUMENTS]; /* of a stub */
};

struct call_buffer {
    unsigned argument;
    uint64_t address, size;
};

enum call_end { CALL_RETURNED, CALL_LIMIT, CALL_EXCEPTION };

struct call {
    const struct call_options *o;
    struct arm_machine *m;
    struct program *program;
    GArray *events; /* struct call_event of the last run */
    struct call_buffer buffers[CALL_ARGUMENTS];
    unsigned buffer_count;
    uint64_t arguments[CALL_ARGUMENTS];
    uint64_t next_buffer;
    bool trapped;
    uint64_t insns;  /* of the last run */
    char ended[256]; /* why it did not return */
};

/* Return: 0 or -ARM_Exxx and a sentence. Close in both cases. */
int call_open(struct call *c, const struct call_options *o, struct arm_error *err);
void call_close(struct call *c);

/* Call the function at @address with the arguments. */
enum call_end call_run(struct call *c, uint64_t address);

/* "arg0+0x10", "stack+...", "name+0x8" or a number. */
void call_place(const struct call *c, uint64_t address, char *buf, size_t size);
bool call_on_stack(uint64_t address);

/* ---- call_print.c: text about the last run ---- */

void call_print_events(const struct call *c, FILE *f);
void call_print_memory(const struct call *c, FILE *f);

/* ---- call_registers.c: all registers that can be set, but those of the call itself ---- */

struct call_register {
    uint32_t number;
    const char *name;
    uint64_t value[2];
};

struct call_registers {
    unsigned count;
    struct call_register list[];
};

struct call_registers *call_registers_read(struct call *c);
void call_registers_free(struct call_registers *r);
void call_registers_print_changed(struct call *c, const struct call_registers *before, FILE *f);

/* ---- call_pair.c ---- */

/* Do @save and @restore move the same registers by the same slots? Return: an exit code. */
int call_check_pair(struct call *c, uint64_t save, uint64_t restore, FILE *f);
