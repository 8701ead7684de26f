/*
 * Lines typed at a terminal, with editing, history and completion, by libedit. What is typed comes
 * from its user, who may have read it already.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct line_editor;

struct line_editor_host {
    const char *prompt;
    /* The next byte; false: no more comes. */
    bool (*read)(void *read_ctx, uint8_t *byte);
    void *read_ctx;
    /* Add to @words, copies, what the last word of @line, which may be empty, could become. */
    void (*complete)(void *complete_ctx, const char *line, GPtrArray *words);
    void *complete_ctx;
};

/* At standard input and output. NULL: there is no libedit, or no memory. */
struct line_editor *line_editor_new(void);
void line_editor_free(struct line_editor *e); /* @e: may be NULL */

/* A line without its end, freed by the caller with g_free(); NULL: no more comes. The terminal is
 * as it was found before and afterwards. */
char *line_editor_read(struct line_editor *e, const struct line_editor_host *host);
