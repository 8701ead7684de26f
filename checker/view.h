/*
 * Where the true value of each register of each world has been, at any time of the run: what the
 * ownership automaton (checker/own.h) says, written down whenever it changes. Who goes back over a
 * run asks here, and the checker need not go back with him.
 */
#pragma once

#include "checker/checker.h"

struct view;

struct view *view_new(struct arm_checker *c);
void view_free(struct view *v); /* @v: may be NULL */

/* @p is what is going on. What is noted from now on is true behind it. */
void view_begin(struct arm_checker *c, const struct arm_event *p);

/* Without a history these do nothing. Look at what @world (an index; below 0: nobody's) has in
 * @reg. */
void view_note(struct arm_checker *c, int world, unsigned reg);

/* EL2's instruction on @cpu writes general registers, a bit each. */
void view_note_general(struct arm_checker *c, unsigned cpu, uint32_t written);

/* @w has been entered on @cpu, or has left it: look at all that it has. */
void view_crossing(struct arm_checker *c, unsigned cpu, const struct world *w, bool enter);
