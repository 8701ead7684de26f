#include "signals.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "armillary.h"
#include "command.h"
#include "terminal.h"

/* After the first signal a timer goes on: a system call that was just about to wait when the signal
 * came is interrupted by the next tick. */
#define TICK_MS 20

typedef void handler_fn(int number);

static handler_fn on_end, on_crash, on_suspend, on_continue;

/* Whatever would end or stop the process. What ends it by an error of our own is not stopped. */
static const struct {
    int number;
    handler_fn *handler;
} rows[] = {
    {SIGALRM, on_end},      {SIGHUP, on_end},   {SIGINT, on_end},    {SIGQUIT, on_end},
    {SIGPIPE, on_end},      {SIGTERM, on_end},  {SIGUSR1, on_end},   {SIGUSR2, on_end},
    {SIGVTALRM, on_end},    {SIGPROF, on_end},  {SIGXCPU, on_end},   {SIGXFSZ, SIG_IGN},
    {SIGABRT, on_crash},    {SIGBUS, on_crash}, {SIGFPE, on_crash},  {SIGILL, on_crash},
    {SIGSEGV, on_crash},    {SIGSYS, on_crash}, {SIGTRAP, on_crash}, {SIGTSTP, on_suspend},
    {SIGCONT, on_continue},
};

/* What a handler may touch. */
static struct {
    struct arm_machine *volatile machine; /* NULL: nothing runs yet */
    volatile sig_atomic_t seen;
    volatile sig_atomic_t ticks;
    timer_t timer;
    char time_is_up[64]; /* the message */
    struct sigaction before[G_N_ELEMENTS(rows)];
} state;

static void set_timer(long first_ns, time_t first_s, long interval_ns)
{
    const struct itimerspec spec = {.it_value = {first_s, first_ns},
                                    .it_interval = {0, interval_ns}};

    timer_settime(state.timer, 0, &spec, NULL);
}

static void install(int number, handler_fn *handler)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    sigfillset(&sa.sa_mask);
    if (handler == on_suspend || handler == on_continue)
        sa.sa_flags |= SA_RESTART;
    sigaction(number, &sa, NULL);
}

/* Do what @number does to a program that does not catch it. */
static void take_default(int number)
{
    sigset_t only;

    signal(number, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}

/* The message goes only where it does not wait. */
static void end_now(void)
{
    struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
    int number = state.seen;

    terminal_suspend();
    if (number != SIGALRM) {
        take_default(number);
    } else if (poll(&err, 1, 0) == 1 && (err.revents & POLLOUT)) {
        ssize_t n = write(STDERR_FILENO, state.time_is_up, strlen(state.time_is_up));
        (void)n;
    }
    _exit(EXIT_LIMIT);
}

/* Two broken pipes are no second request: what else there is to write is still written. */
static void on_end(int number)
{
    int saved = errno;

    if (!state.seen) {
        state.seen = number;
        if (!state.machine)
            end_now();
        arm_stop(state.machine);
        set_timer(TICK_MS * 1000000L, 0, TICK_MS * 1000000L);
    } else if (number == SIGALRM) {
        state.ticks = state.ticks + 1;
        if (state.ticks >= SIGNALS_GRACE_MS / TICK_MS)
            end_now();
    } else if (number != SIGPIPE) {
        state.seen = number;
        end_now();
    }
    errno = saved;
}

/* Once more, without us: a debugger, a sanitizer or the kernel has the rest. */
static void on_crash(int number)
{
    terminal_suspend();
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
        if (rows[k].number == number)
            sigaction(number, &state.before[k], NULL);
    raise(number);
}

static void on_suspend(int number)
{
    int saved = errno;

    terminal_suspend();
    take_default(number);
    install(number, on_suspend); /* it goes on here */
    terminal_resume();
    errno = saved;
}

static void on_continue(int number)
{
    (void)number;
    terminal_resume();
}

bool signals_catch(double timeout_s)
{
    struct sigevent by_alarm = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    time_t s = (time_t)timeout_s;
    long ns = (long)((timeout_s - (double)s) * 1e9);

    state.machine = NULL;
    state.seen = state.ticks = 0;
    snprintf(state.time_is_up, sizeof(state.time_is_up),
             "armillary: stopped after %g s (--timeout)\n", timeout_s);
    if (timer_create(CLOCK_MONOTONIC, &by_alarm, &state.timer) != 0) {
        fprintf(stderr, "armillary: no timer of the host: %s\n", strerror(errno));
        return false;
    }
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
        sigaction(rows[k].number, NULL, &state.before[k]);
        if (state.before[k].sa_handler != SIG_IGN || rows[k].number == SIGALRM)
            install(rows[k].number, rows[k].handler);
    }
    if (timeout_s > 0)
        set_timer(s == 0 && ns == 0 ? 1 : ns, s, 0);
    return true;
}

void signals_stop(struct arm_machine *m)
{
    state.machine = m;
}

int signals_seen(void)
{
    return state.seen;
}

void signals_release(void)
{
    timer_delete(state.timer);
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
        sigaction(rows[k].number, &state.before[k], NULL);
}
