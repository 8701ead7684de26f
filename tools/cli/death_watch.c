/* Looking at a run now and then, and closer where it takes very many exceptions. */
#include <inttypes.h>
#include <string.h>

#include "armillary.h"
#include "death_diagnose.h"
#include "death_halt.h"
#include "death_report.h"
#include "death_trace.h"
#include "death_watch_state.h"

#define POLL_SKIP   4 /* turns between two looks */
#define NEAR_BYTES  2048
#define STORM_INSNS 20000 /* an exception in so many instructions or fewer is many, */
#define CLOSE_LOOKS 32    /* how long all exceptions are looked at then, and */
#define CLOSE_PAUSE 1024  /* how long not again */
#define HALT_LOOKS  64 /* at the same instruction, before it is asked whether it ever leaves it */

bool death_parse_policy(const char *text, enum death_policy *policy)
{
    static const char *const names[] = {
        [DEATH_REPORT] = "report", [DEATH_STOP] = "stop", [DEATH_IGNORE] = "ignore"};

    for (size_t k = 0; k < G_N_ELEMENTS(names); k++)
        if (!strcmp(names[k], text)) {
            *policy = (enum death_policy)k;
            return true;
        }
    return false;
}

struct death_watch *death_watch_new(const struct run_request *req, FILE *say)
{
    struct death_watch *d = g_new0(struct death_watch, 1);

    d->req = req;
    d->say = say;
    d->records = g_array_new(FALSE, FALSE, sizeof(struct death_record));
    g_array_set_clear_func(d->records, death_record_clear);
    return d;
}

void death_watch_free(struct death_watch *d)
{
    if (!d)
        return;
    g_array_unref(d->records);
    death_panic_free(&d->panic);
    g_free(d);
}

static void look_at_call(void *ctx, const struct arm_event *p)
{
    struct death_watch *d = ctx;

    death_resets_event(&d->resets, d->m, p);
}

void death_watch_machine(struct death_watch *d, struct arm_machine *m)
{
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = ARM_BIT(ARM_EVENT_FIRMWARE)};

    d->m = m;
    if (d->req->on_death != DEATH_IGNORE)
        arm_subscribe(m, &filter, look_at_call, d);
}

enum death_kind death_watch_stopped(const struct death_watch *d)
{
    return d ? d->stopped : DEATH_NONE;
}

/* ---- who has halted ---- */

static bool has_halted(const struct death_watch *d, unsigned cpu)
{
    return d->cpu[cpu].still >= HALT_LOOKS && death_stands(d->m, cpu);
}

/* Is there another CPU that could do anything? */
static bool others_run(const struct death_watch *d, unsigned cpu)
{
    for (unsigned k = 0; k < arm_cpu_count(d->m); k++)
        if (k != cpu && arm_cpu_state(d->m, k) != ARM_CPU_OFF &&
            (k >= CPUS_LOOKED_AT || !has_halted(d, k)))
            return true;
    return false;
}

/* ---- saying it ---- */

static void print_lines(FILE *f, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **l = lines; *l; l++)
        if (**l)
            fprintf(f, "armillary:   %s\n", *l);
}

struct arm_checker *death_watch_symbols(const struct death_watch *d)
{
    const char *const files[] = {d->req->config.kernel, NULL};
    const struct arm_check_config config = {
        .size = sizeof(config),
        .rules = "none",
        .symbols = files[0] && check_has_symbols(files[0]) ? files : NULL};

    return arm_checker_new(d->m, &config, NULL);
}

static void print_verdict(const struct death_watch *d, const struct corpse *c,
                          const struct verdict *v)
{
    fprintf(d->say, "armillary: cpu%u: %s\n", c->cpu, v->cause->str);
    if (v->evidence->len)
        fprintf(d->say, "armillary:   %s\n", v->evidence->str);
    if (v->next->len)
        fprintf(d->say, "armillary:   try: %s\n", v->next->str);
}

static void record(struct death_watch *d, const struct corpse *c, const struct verdict *v,
                   const char *details, bool ended)
{
    struct death_record r = {.kind = c->kind,
                             .cpu = c->cpu,
                             .ended = ended,
                             .insns = arm_retired(d->m),
                             .cause = g_strdup(v->cause->str),
                             .evidence = g_strdup(v->evidence->str),
                             .next = g_strdup(v->next->str),
                             .details = g_strdup(details)};

    g_array_append_val(d->records, r);
}

const struct run_request *death_watch_again(const struct death_watch *d)
{
    return d->heard ? NULL : d->req;
}

bool death_watch_report(struct death_watch *d, enum death_kind kind, unsigned cpu,
                        enum ending ended)
{
    struct corpse c = {.m = d->m,
                       .req = d->req,
                       .config = &d->req->config,
                       .kind = kind,
                       .ended = ended != GOES_ON || (kind == DEATH_SPIN && !others_run(d, cpu)),
                       .cpu = cpu,
                       .panic = &d->panic,
                       .resets = &d->resets};
    struct verdict v = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};

    if (kind != DEATH_PANIC && kind != DEATH_RESETS)
        c.history = death_history_new(d->m, death_watch_again(d), ended == ENDED_BY_IT);
    c.symbols = death_watch_symbols(d);
    if (kind == DEATH_PANIC)
        death_find_given_up(&c, &c.cpu);
    death_find_fault(&c);
    if (kind == DEATH_RETURNS && d->close[cpu].last.el > d->close[cpu].last.from)
        c.loop = d->close[cpu].last; /* the CPU may be where it returns to */
    c.stacked = kind == DEATH_STORM && death_close_stacked(&d->close[cpu]);
    if (c.history)
        c.trace = c.fault.count && kind != DEATH_STORM &&
                          ((kind != DEATH_SPIN && kind != DEATH_IDLE) || death_is_error(&c.fault))
                      ? death_trace_new(&c, c.fault.cpu, c.fault.count)
                      : death_trace_new(&c, cpu, arm_cpu_position(d->m, cpu).insns);
    else if (kind == DEATH_SPIN)
        c.trace = death_trace_ahead(&c, cpu);
    /* Who only stands at a vector as the run ends may have come there for an interrupt. */
    bool alive = kind == DEATH_LOOP && ended == ENDED && c.history &&
                 !(c.fault.valid && death_is_error(&c.fault));
    bool said = !alive && death_diagnose(&c, &v);
    if (said) {
        if (kind != DEATH_RESETS)
            death_add_guest(&c, &v);
        print_verdict(d, &c, &v);
        g_autoptr(GString) details = g_string_new(NULL);
        if (kind != DEATH_RESETS) /* it has begun anew */
            death_add_details(&c, details);
        print_lines(d->say, details->str);
        record(d, &c, &v, details->str, ended != GOES_ON);
    }
    d->said[kind] = true;
    death_history_free(c.history);
    g_free(c.trace);
    arm_checker_free(c.symbols);
    g_string_free(v.cause, TRUE);
    g_string_free(v.evidence, TRUE);
    g_string_free(v.next, TRUE);
    return said;
}

/* Not certain: said once, or the run's end. */
static void suspect(struct death_watch *d, enum death_kind kind, unsigned cpu)
{
    if (d->req->on_death == DEATH_STOP && d->stopped == DEATH_NONE) {
        d->stopped = kind;
        d->stopped_cpu = cpu;
        arm_stop(d->m);
    } else if (d->req->on_death == DEATH_REPORT && !d->said[kind]) {
        death_watch_report(d, kind, cpu, GOES_ON);
    }
}

/* ---- the console ---- */

/* The run goes on, and its state says nothing of it. */
static void report_panic(struct death_watch *d, const char *what)
{
    struct death_record r = {
        .kind = DEATH_PANIC,
        .insns = arm_retired(d->m),
        .cause = g_strdup_printf("the guest says that it %s: %s", what, d->panic.text),
        .evidence = g_strdup(d->panic.meaning->str),
        .next = g_strdup(d->panic.next),
        .details = g_strdup("")};

    fprintf(d->say, "armillary: %s\n", r.cause);
    if (*r.evidence)
        fprintf(d->say, "armillary:   %s\n", r.evidence);
    if (*r.next)
        fprintf(d->say, "armillary:   try: %s\n", r.next);
    g_array_append_val(d->records, r);
}

/* It says more of it, and then the run ends; whose next word is a reset says no more. */
static void stop_for_panic(struct death_watch *d)
{
    if (d->stopped != DEATH_NONE)
        return;
    d->stopped = DEATH_PANIC;
    d->listens = !d->panic.legitimate;
    if (!d->listens)
        arm_stop(d->m);
}

void death_watch_console(struct death_watch *d, const uint8_t *data, size_t size)
{
    if (!d || !d->m || d->req->on_death == DEATH_IGNORE)
        return;
    for (size_t k = 0; k < size; k++) {
        if (!death_panic_hears(&d->panic, data[k], arm_retired(d->m),
                               d->req->on_death == DEATH_STOP))
            continue;
        if (d->req->on_death == DEATH_STOP)
            stop_for_panic(d);
        else
            report_panic(d, "has died");
    }
}

/* ---- exceptions, one by one ---- */

static void look_at_event(void *ctx, const struct arm_event *p)
{
    struct death_watch *d = ctx;

    if (p->cpu >= CPUS_LOOKED_AT)
        return;
    death_close_event(&d->close[p->cpu], d->m, p);
}

static void look_closely(struct death_watch *d)
{
    const struct arm_filter filter = {
        .size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET)};

    memset(d->close, 0, sizeof(d->close));
    d->handle = arm_subscribe(d->m, &filter, look_at_event, d);
    d->close_left = CLOSE_LOOKS;
}

/* Is whoever takes very many exceptions known by now? Looking costs more than what is looked at. */
static bool seen_enough(const struct death_watch *d, unsigned cpus)
{
    bool enough = false;

    for (unsigned k = 0; k < cpus; k++) {
        if (death_close_alike(&d->close[k]))
            return false;
        if (death_close_enough(&d->close[k]))
            enough = true;
        else if (d->cpu[k].storms >= STORM_LOOKS)
            return false;
    }
    return enough;
}

/* The close look goes on, or is over. */
static void judge(struct death_watch *d)
{
    unsigned cpus = MIN(arm_cpu_count(d->m), CPUS_LOOKED_AT);
    bool alike = false;

    for (unsigned k = 0; k < cpus && d->handle; k++) {
        enum death_kind kind = death_close_verdict(&d->close[k]);
        alike |= kind == DEATH_NONE && death_close_alike(&d->close[k]);
        if (kind == DEATH_NONE)
            continue;
        d->close_left = 1;
        suspect(d, kind, k);
    }
    d->close_left -= !alike && d->close_left;
    if (d->close_left && !seen_enough(d, cpus))
        return;
    arm_unsubscribe(d->m, d->handle);
    d->handle = 0;
    d->pause = CLOSE_PAUSE;
}

/* ---- now and then ---- */

/* Return: it takes very many exceptions. */
static bool look(struct looked *l, struct arm_machine *m, unsigned cpu)
{
    struct arm_position now = arm_cpu_position(m, cpu);
    uint64_t pc[2] = {0, 0}, insns = now.insns - l->at.insns,
             taken = now.exceptions - l->at.exceptions;

    arm_reg_get(m, cpu, ARM_PC, pc);
    l->still = l->count && pc[0] == l->pcs[(l->count - 1) % PCS] && !taken ? l->still + 1 : 0;
    uint64_t away = l->count ? pc[0] - l->pcs[(l->count - 1) % PCS] : 0;
    l->near = away + NEAR_BYTES < 2 * NEAR_BYTES ? l->near + 1 : l->near / 2;
    l->pcs[l->count++ % PCS] = pc[0];
    l->storms = taken > 4 && taken * STORM_INSNS > insns ? l->storms + 1 : 0;
    l->quiet = taken ? 0 : l->quiet + 1;
    l->at = now;
    return l->storms >= STORM_LOOKS;
}

/* ---- a CPU that has halted ---- */

static void look_for_halt(struct death_watch *d, unsigned cpu)
{
    if (d->halt_asked || d->said[DEATH_SPIN] || !has_halted(d, cpu))
        return;
    bool alone = !others_run(d, cpu),
         fault = death_halts_for_fault(d->m, d->req, cpu, alone && !d->heard);
    d->halt_asked = fault || alone;
    if (fault)
        suspect(d, DEATH_SPIN, cpu);
}

void death_watch_heard(struct death_watch *d)
{
    if (!d)
        return;
    d->heard = true;
    d->resets.times = 0;
}

void death_watch_poll(struct death_watch *d)
{
    bool storm = false;

    if (!d || d->req->on_death == DEATH_IGNORE || d->skip++ < POLL_SKIP)
        return;
    d->skip = 0;
    if (d->listens && death_panic_is_over(&d->panic, arm_retired(d->m))) {
        d->listens = false;
        arm_stop(d->m);
    }
    for (unsigned k = 0; k < MIN(arm_cpu_count(d->m), CPUS_LOOKED_AT); k++) {
        storm |= look(&d->cpu[k], d->m, k);
        look_for_halt(d, k);
    }
    if (death_resets_endless(&d->resets))
        suspect(d, DEATH_RESETS, d->resets.cpu);
    if (d->handle)
        judge(d);
    else if (d->pause)
        d->pause--;
    else if (storm)
        look_closely(d);
}

/* Where another board has its UART this one has the window of PCI, in which nobody answers. */
static bool add_lost_words(const struct death_watch *d, const struct corpse *c, GString *out)
{
    struct death_history *h = death_history_new(d->m, death_watch_again(d), false);
    uint64_t pa;
    bool lost = h && sscanf(h->refusal, "device: PCIe: %*s of address %" SCNx64, &pa) == 1;

    death_history_free(h);
    if (lost)
        g_string_printf(out, "what it writes to %#" PRIx64 " is lost: ", pa);
    return lost && death_add_other_board(c, pa, out);
}

/* A kernel that has said nothing at all: it has died of something before, or says it elsewhere. */
static void report_silence(struct death_watch *d)
{
    const struct corpse c = {.m = d->m, .config = &d->req->config};
    g_autoptr(GString) console = g_string_new(NULL);

    if (d->panic.spoken || !c.config->kernel)
        return;
    for (unsigned k = 0; k < c.config->device_count; k++)
        if (c.config->devices[k].kind == ARM_VIRTIO_CONSOLE ||
            c.config->devices[k].kind == ARM_PCI_SERIAL) /* nobody has listened to these */
            return;
    if (death_panic_unheard(&d->panic, &c)) {
        report_panic(d, "has died, in its log, which no console has shown");
        return;
    }
    if (death_add_console(c.config, console))
        fprintf(d->say,
                "armillary: the guest has said nothing: %s\n"
                "armillary:   try: console=ttyAMA0, and earlycon\n",
                console->str);
    else if (add_lost_words(d, &c, console))
        fprintf(d->say,
                "armillary: the guest has said nothing: %s\n"
                "armillary:   try: a driver for the PL011; the device tree has its address\n",
                console->str);
}

/* The run did not end by itself. */
static void report_last(struct death_watch *d)
{
    const guint known = d->records->len;

    if (death_panic_waits(&d->panic))
        report_panic(d, d->panic.waits ? "waits" : "has died");
    else
        death_watch_idlers(d);
    if (d->records->len == known)
        report_silence(d);
}

static void say_end(struct death_watch *d, enum arm_stop_reason why)
{
    struct arm_end end;

    arm_last_end(d->m, &end);
    if (d->stopped != DEATH_NONE)
        death_watch_report(d, d->stopped, d->stopped_cpu, ENDED);
    else if (why == ARM_STOP_FAULT_LOOP)
        death_watch_report(d, DEATH_LOOP, end.cpu, ENDED_BY_IT);
    else if (why == ARM_STOP_IDLE)
        death_watch_report(d, DEATH_IDLE, end.cpu, ENDED_BY_IT);
    else if ((why == ARM_STOP_LIMIT || why == ARM_STOP_REQUEST) && !d->said[DEATH_RECURSION] &&
             !d->said[DEATH_RETURNS] && !d->said[DEATH_STORM] && !d->said[DEATH_SPIN])
        report_last(d);
}

bool death_watch_end(struct death_watch *d, enum arm_stop_reason why)
{
    if (!d || !d->m)
        return true;
    if (d->req->on_death != DEATH_IGNORE)
        say_end(d, why);
    return death_report_write(d->req->death_reports, d->records, d->say);
}
