/*
 * The terminal on standard input: as it was found, or raw while a machine runs. A process has one,
 * and signal handlers must find it: this is the state that is not in a struct of its user.
 */
#pragma once

#include <stdbool.h>

/* Is standard input a terminal? Then its modes are kept. */
bool terminal_open(void);

/* On: every key goes to us as it is. Off: as it was found. Nothing happens where standard input is
 * no terminal, or one on which another process group is in the foreground. */
void terminal_raw(bool on);

/* On: a line editor gives it modes of its own. Off: as it was found, whatever the editor left. */
void terminal_edited(bool on);

/* For signal handlers: as it was found, and again raw or as the editor had it. */
void terminal_suspend(void);
void terminal_resume(void);
