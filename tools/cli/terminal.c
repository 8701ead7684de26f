#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static struct {
    volatile sig_atomic_t raw;    /* is to be */
    volatile sig_atomic_t edited; /* or is a line editor's */
    struct termios found, raw_modes, editor_modes;
} terminal;

bool terminal_open(void)
{
    terminal.raw = 0;
    terminal.edited = 0;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal.found) != 0)
        return false;
    terminal.raw_modes = terminal.found;
    cfmakeraw(&terminal.raw_modes);
    terminal.raw_modes.c_oflag |= OPOST;
    return true;
}

/* tcsetattr() would stop a process in the background, and the modes are another one's there. No
 * group at all: it is not our controlling terminal, which knows no background. */
static void set_modes(const struct termios *modes)
{
    int saved = errno;
    pid_t foreground = tcgetpgrp(STDIN_FILENO);

    if (foreground <= 0 || foreground == getpgrp())
        while (tcsetattr(STDIN_FILENO, TCSANOW, modes) != 0 && errno == EINTR)
            continue;
    errno = saved;
}

/* A signal between the two steps finds the terminal to be restored once too often,
 * not too rarely. */
void terminal_raw(bool on)
{
    if (on) {
        terminal.raw = 1;
        set_modes(&terminal.raw_modes);
    } else if (terminal.raw) {
        set_modes(&terminal.found);
        terminal.raw = 0;
    }
}

void terminal_edited(bool on)
{
    if (!on && terminal.edited)
        set_modes(&terminal.found);
    terminal.edited = on;
}

void terminal_suspend(void)
{
    if (terminal.edited)
        tcgetattr(STDIN_FILENO, &terminal.editor_modes);
    if (terminal.raw || terminal.edited)
        set_modes(&terminal.found);
}

void terminal_resume(void)
{
    if (terminal.edited)
        set_modes(&terminal.editor_modes);
    else if (terminal.raw)
        set_modes(&terminal.raw_modes);
}
