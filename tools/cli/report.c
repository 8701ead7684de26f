#include "report.h"

#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "armillary.h"
#include "command.h"
#include "registers.h"
#include "runner.h"
#include "signals.h"

/* The CPU that ran last in full. */
static void print_registers(FILE *f, struct arm_machine *m)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct arm_end end;

    arm_last_end(m, &end);
    registers_add_current(out, m, end.cpu);
    for (unsigned k = 0; k < arm_cpu_count(m); k++)
        if (k != end.cpu)
            registers_add_brief(out, m, k);
    fputs(out->str, f);
}

/* Time passes while exceptions are taken and nothing retires; it counts towards the limit. */
static void print_limit(FILE *f, const struct arm_machine *m, uint64_t max_insns)
{
    uint64_t retired = arm_retired(m);

    if (retired >= max_insns)
        fprintf(f, "armillary: stopped after %" PRIu64 " instructions (--max-insns)\n", retired);
    else
        fprintf(f,
                "armillary: stopped after the time of %" PRIu64 " instructions (--max-insns), of "
                "which %" PRIu64 " retired: exceptions that retire nothing took the rest\n",
                max_insns, retired);
}

static void print_error(FILE *f, const struct arm_machine *m)
{
    struct arm_error err;

    arm_last_error(m, &err);
    fprintf(f, "armillary: stopped, the host failed: %s\n", err.text);
}

/* Return: is it of interest where the machine stands? */
static bool print_reason(FILE *f, const struct arm_machine *m, enum arm_stop_reason why,
                         const struct run_request *req)
{
    int number = signals_seen();

    switch (why) {
    case ARM_STOP_POWEROFF:
    case ARM_STOP_EXIT:
        return false;
    case ARM_STOP_RESET:
        fprintf(f, "armillary: the guest reset the machine\n");
        return false;
    case ARM_STOP_IDLE:
        fprintf(f, "armillary: every CPU waits and no timer is set: nothing will ever happen\n");
        return true;
    case ARM_STOP_LIMIT:
        print_limit(f, m, req->max_insns);
        return true;
    case ARM_STOP_FAULT_LOOP:
        fprintf(f, "armillary: a fault loop that nothing can end; --keep-going goes on\n");
        return true;
    case ARM_STOP_DIVERGED:
        return true; /* the log has said it */
    case ARM_STOP_ERROR:
        print_error(f, m);
        return true;
    case ARM_STOP_REQUEST:
    case ARM_STOP_UNTIL:
        break;
    }
    if (number == SIGALRM)
        fprintf(f, "armillary: stopped after %g s (--timeout)\n", req->timeout_s);
    else if (number && number != SIGPIPE)
        fprintf(f, "armillary: stopped by a signal: %s\n", strsignal(number));
    return number && number != SIGPIPE;
}

void report_end(FILE *f, struct arm_machine *m, enum arm_stop_reason why,
                const struct run_request *req)
{
    if (print_reason(f, m, why, req))
        print_registers(f, m);
}

int report_exit_code(const struct arm_machine *m, enum arm_stop_reason why,
                     const struct run_request *req)
{
    switch (why) {
    case ARM_STOP_POWEROFF:
        return EXIT_POWEROFF;
    case ARM_STOP_EXIT:
        return arm_exit_code(m);
    case ARM_STOP_RESET:
        return req->qemu_codes ? 0 : EXIT_RESET;
    case ARM_STOP_FAULT_LOOP:
        return EXIT_FAULT_LOOP;
    case ARM_STOP_DIVERGED:
    case ARM_STOP_ERROR:
        return EXIT_USAGE;
    case ARM_STOP_REQUEST:
        return !signals_seen() && req->qemu_codes ? 0 : EXIT_LIMIT;
    case ARM_STOP_IDLE:
    case ARM_STOP_LIMIT:
    case ARM_STOP_UNTIL:
        break;
    }
    return EXIT_LIMIT;
}

void report_stats(FILE *f, const struct arm_machine *m, double took)
{
    fprintf(f,
            "armillary: %" PRIu64 " instructions retired, %.3f s virtual time; "
            "%.2f s on the host, %.1f MIPS\n",
            arm_retired(m), (double)arm_time_ns(m) * 1e-9, took,
            (double)arm_retired(m) / took * 1e-6);
}
