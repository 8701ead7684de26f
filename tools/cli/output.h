/*
 * What a run writes to the host: console, ports, traces, the program's own words. A reader that
 * takes nothing must not hold the run against a limit or a signal, and an error of writing must not
 * go unnoticed: so nothing here waits in write().
 *
 * What the host does not take at once waits in a queue. When that is full the guest waits for the
 * reader, unless the run has a limit of instructions, which it would then never reach: there the
 * queue is large, and what does not fit into it while the reader stalls is lost, and counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct output;

struct outputs {
    struct output *first;
    struct output *words; /* standard error */
    FILE *say;            /* its stream: where the program's own words go */
    bool waiting;         /* one has something in its queue */
    bool never_wait;      /* the run has a limit of instructions */
    bool over;            /* it is to end: ending() has said so */
    /* Is the run to end now? Asked again and again while the guest waits. */
    bool (*ending)(void *ctx);
    void *ctx;
};

/* With standard error. False: no memory. */
bool outputs_open(struct outputs *all, bool (*ending)(void *ctx), void *ctx);
void outputs_free(struct outputs *all);

/* A descriptor that we were started with. NULL: no memory. */
struct output *output_inherited(struct outputs *all, int fd, const char *name);

/**
 * output_file() - create or truncate @path, output_append() create it or go on behind its end;
 * several outputs to one file are one.
 * @what: for messages: what is to be written there.
 *
 * Return: NULL, and a message was printed. Belongs to @all.
 */
struct output *output_file(struct outputs *all, const char *path, const char *what);
struct output *output_append(struct outputs *all, const char *path, const char *what);

void output_write(struct output *o, const void *data, size_t size);

/* The same, but a little may wait until outputs_offer(), the next write to any of the outputs, or
 * their end: for what comes byte by byte. */
void output_write_soon(struct output *o, const void *data, size_t size);

/* A stream that ends there; a line at a time or in large pieces. NULL: no memory. */
FILE *output_stream(struct output *o, bool lines);

/* Offer the host what waits. */
void outputs_offer(struct outputs *all);

/* How long an ending run still waits for its readers. */
struct patience {
    double left_s;
    bool while_taken; /* time in which something is taken does not count */
    bool endless;     /* until outputs.ending(), and then OUTPUT_ENDING_S */
};

#define OUTPUT_ENDING_S 0.05

/* Write what waits and close: everything but the program's own words, then those. What is not taken
 * in time is lost, and counted. */
void outputs_finish(struct outputs *all, struct patience *patience);
void outputs_finish_words(struct outputs *all, struct patience *patience);

/* A line on outputs.say for each that lost something. */
void outputs_report_lost(struct outputs *all);

/* Could something not be written? A message has said so, if there was a place for it. */
bool outputs_failed(const struct outputs *all);
