/*
 * ACPI Machine Language (ACPI 6.4, chapter 20), as far as a board describes its devices in it. What
 * is opened is closed by aml_close(), the innermost first; its length is written then. Names have
 * up to four characters, with a backslash before them from the root.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#define AML_DEPTH_MAX 8

struct aml {
    GByteArray *to;               /* not owned */
    unsigned open[AML_DEPTH_MAX]; /* where the length of each belongs */
    unsigned depth;
};

/* Objects without operands, 20.2.6 */
enum { AML_ARG0 = 0x68, AML_ARG1, AML_ARG2, AML_ARG3 };

/* Operators, 20.2.5.4 */
enum {
    AML_STORE = 0x70,
    AML_AND = 0x7b,
    AML_OR = 0x7d,
    AML_NOTIFY = 0x86,
    AML_DWORD_FIELD = 0x8a,
    AML_NOT = 0x92,
    AML_EQUAL = 0x93,
    AML_RETURN = 0xa4,
};

void aml_op(struct aml *a, uint8_t op);
void aml_name(struct aml *a, const char *name); /* a reference to it, or what an operator names */
void aml_integer(struct aml *a, uint64_t value);
void aml_buffer(struct aml *a, const uint8_t *bytes, unsigned count);

/* Name(name, ...): the object follows, or is the one given. */
void aml_named(struct aml *a, const char *name);
void aml_named_integer(struct aml *a, const char *name, uint64_t value);
void aml_named_string(struct aml *a, const char *name, const char *text);

void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned arguments);
void aml_package(struct aml *a, unsigned elements); /* which follow */
void aml_if(struct aml *a);                         /* a predicate follows */
void aml_else(struct aml *a);
void aml_close(struct aml *a);

/* Name(name, ResourceTemplate() {...}) of descriptors (6.4) that the next functions collect.
 * @resources: emptied. */
void aml_resources(struct aml *a, const char *name, GByteArray *resources);

void aml_memory32(GByteArray *to, uint64_t base, uint64_t size);
void aml_interrupt(GByteArray *to, uint32_t gsi); /* level, active high */

/* Ranges that a bridge produces; @translation is added to what is on its bus. */
enum aml_range { AML_RANGE_MEMORY, AML_RANGE_IO, AML_RANGE_BUS };
void aml_range(GByteArray *to, enum aml_range kind, unsigned bytes, uint64_t base, uint64_t size,
               uint64_t translation);

/* An interrupt on the rising edge of line @pin of the controller of that name. */
void aml_gpio_interrupt(GByteArray *to, const char *controller, uint16_t pin);
