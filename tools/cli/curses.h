/* A screen by ncurses, which is loaded when one is wanted. */
#pragma once

#define NCURSES_NOMACROS 1
#include <ncurses.h>
#include <stdbool.h>

#define CURSES_CALLS(X)                                                                            \
    X(initscr)                                                                                     \
    X(endwin)                                                                                      \
    X(cbreak)                                                                                      \
    X(noecho)                                                                                      \
    X(keypad)                                                                                      \
    X(set_escdelay)                                                                                \
    X(curs_set)                                                                                    \
    X(getmaxx)                                                                                     \
    X(getmaxy)                                                                                     \
    X(wgetch)                                                                                      \
    X(wrefresh)                                                                                    \
    X(werase)                                                                                      \
    X(wclrtoeol)                                                                                   \
    X(wmove)                                                                                       \
    X(waddnstr)                                                                                    \
    X(whline)                                                                                      \
    X(wattr_on)                                                                                    \
    X(wattr_off)

struct curses {
#define X(name) __typeof__(name) *name;
    CURSES_CALLS(X)
#undef X
    WINDOW *window; /* the whole terminal, of so many characters */
    int lines, cols;
};

/* Keys are read one by one, and nothing is echoed. False: that cannot be; a message has said why if
 * ncurses is not there. */
bool curses_open(struct curses *c);
void curses_close(const struct curses *c);

/* Empty, of the terminal's size of now. */
void curses_erase(struct curses *c);

/* @text, cut to @width columns; nothing, if (@x, @y) is not on the screen. */
void curses_put(const struct curses *c, int y, int x, int width, const char *text);

/* What is put from now on is shown in this way, too; no longer. */
void curses_on(const struct curses *c, attr_t how);
void curses_off(const struct curses *c, attr_t how);

/* An empty line, in reverse, and so is what is put there until curses_off(). */
void curses_bar(const struct curses *c, int y);

/* @text alone in the last line. */
void curses_last_line(const struct curses *c, const char *text);
