/*
 * The report that a person reads, as one HTML file: checker/html.c is the page, html_<part>.c its
 * parts, checker/report/ the style sheet and the script. All that comes from the run (names, the
 * command) goes through html_text() or html_json(): it may be hostile.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "armillary.h"

struct arm_checker;

/* As an element's text or an attribute's in double quotes. Bytes that are no UTF-8, and control
 * characters, become U+FFFD. */
void html_text(GString *out, const char *text);

/* As a JSON string in a script element, which nothing in it can end. */
void html_json(GString *out, const char *text);

/* With a comma every three digits. */
void html_number(GString *out, uint64_t value);

/* A mean, with a digit behind the point if it is not whole. */
void html_mean(GString *out, uint64_t sum, uint64_t count);

/* <section id=@id><h2>@title; </section>. */
void html_section(GString *out, const char *id, const char *title);
void html_section_end(GString *out);

/* A command that can be copied. @label: what the button says to who does not see it. */
void html_command(GString *out, const char *label, const char *command);

/* The sections, in the order of the page. */
void html_findings(const struct arm_checker *c, GString *out);
void html_timeline(const struct arm_checker *c, GString *out);
void html_cost(const struct arm_checker *c, GString *out);
void html_moves(const struct arm_checker *c, GString *out);

/* What the script draws the timeline from: an object. */
void html_timeline_data(const struct arm_checker *c, GString *out);
