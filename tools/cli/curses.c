#include "curses.h"

#include <glib.h>
#include <stddef.h>
#include <stdio.h>

#include "trace/library.h"

#define LIBRARY "libncursesw.so.6"

static bool load(struct curses *c)
{
    static const struct library_call calls[] = {
#define X(name) {#name, offsetof(struct curses, name)},
        CURSES_CALLS(X)
#undef X
    };

    if (library_load(LIBRARY, calls, G_N_ELEMENTS(calls), c) == LIBRARY_COMPLETE)
        return true;
    fprintf(stderr, "armillary: a screen needs " LIBRARY " (libncursesw6)\n");
    return false;
}

bool curses_open(struct curses *c)
{
    if (!load(c) || !(c->window = c->initscr()))
        return false;
    c->cbreak();
    c->noecho();
    c->keypad(c->window, TRUE);
    c->set_escdelay(50);
    c->curs_set(0);
    return true;
}

void curses_close(const struct curses *c)
{
    c->endwin();
}

void curses_erase(struct curses *c)
{
    c->lines = c->getmaxy(c->window);
    c->cols = c->getmaxx(c->window);
    c->werase(c->window);
}

void curses_put(const struct curses *c, int y, int x, int width, const char *text)
{
    if (y >= 0 && y < c->lines && x < c->cols && width > 0 && c->wmove(c->window, y, x) == OK)
        c->waddnstr(c->window, text, MIN(width, c->cols - x));
}

void curses_on(const struct curses *c, attr_t how)
{
    c->wattr_on(c->window, how, NULL);
}

void curses_off(const struct curses *c, attr_t how)
{
    c->wattr_off(c->window, how, NULL);
}

void curses_bar(const struct curses *c, int y)
{
    curses_on(c, A_REVERSE);
    if (c->wmove(c->window, y, 0) == OK)
        c->whline(c->window, ' ', c->cols);
}

void curses_last_line(const struct curses *c, const char *text)
{
    c->wmove(c->window, c->lines - 1, 0);
    c->wclrtoeol(c->window);
    c->waddnstr(c->window, text, -1);
    c->wrefresh(c->window);
}
