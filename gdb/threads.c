/* CPUs as threads. */
#include <string.h>

#include "gdb/state.h"

#define THREADS_A_PACKET 1024

/* A thread number: 0 is any, -1 all. False: there is no such CPU. */
static bool take_thread(const struct gdb_server *s, const char **rest, int *cpu)
{
    uint64_t number;

    *cpu = -1;
    if (!strncmp(*rest, "-1", 2)) {
        *rest += 2;
        return true;
    }
    if (!gdb_take_hex(rest, &number) || number > arm_cpu_count(gdb_machine(s)))
        return false;
    *cpu = (int)number - 1;
    return true;
}

static bool list_threads(struct gdb_server *s, GString *reply)
{
    unsigned count = arm_cpu_count(gdb_machine(s)), n = 0;

    g_string_append_c(reply, s->listed < count ? 'm' : 'l');
    for (; s->listed < count && n < THREADS_A_PACKET; n++)
        g_string_append_printf(reply, "%s%x", n ? "," : "", ++s->listed);
    return true;
}

bool gdb_do_threads(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    s->listed = 0;
    return list_threads(s, reply);
}

bool gdb_do_threads_on(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    return list_threads(s, reply);
}

/* Below EL2 with stage 2 on there is a guest. */
static void append_world(struct arm_machine *m, unsigned cpu, unsigned el, GString *out)
{
    uint64_t hcr = 0, vttbr = 0;
    bool tge, vm;

    if (!arm_reg_read(m, cpu, "HCR_EL2", &hcr) || !arm_reg_read(m, cpu, "VTTBR_EL2", &vttbr))
        return;
    tge = hcr >> 27 & 1;
    vm = hcr & 1;
    if (el < 2 && vm && !(tge && el == 0))
        g_string_append_printf(out, ", guest of VMID %u", (unsigned)(vttbr >> 48));
    else
        g_string_append(out, ", host");
}

bool gdb_do_thread_text(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    static const char *const states[] = {[ARM_CPU_RUNNING] = "running",
                                         [ARM_CPU_WFI] = "WFI",
                                         [ARM_CPU_WFE] = "WFE",
                                         [ARM_CPU_OFF] = "off",
                                         [ARM_CPU_SUSPENDED] = "suspended",
                                         [ARM_CPU_HALTED] = "halted"};
    struct arm_machine *m = gdb_machine(s);
    g_autoptr(GString) text = g_string_new(NULL);
    int cpu;

    (void)size;
    if (!take_thread(s, &rest, &cpu) || cpu < 0) {
        g_string_assign(reply, "E16");
        return true;
    }
    unsigned el = gdb_current_el(m, (unsigned)cpu);
    g_string_printf(text, "CPU %d: EL%u", cpu, el);
    append_world(m, (unsigned)cpu, el, text);
    g_string_append_printf(text, " [%s]", states[arm_cpu_state(m, (unsigned)cpu)]);
    gdb_append_hex(reply, (const uint8_t *)text->str, text->len);
    return true;
}

bool gdb_do_current(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    g_string_printf(reply, "QC%x", s->cpu + 1);
    return true;
}

bool gdb_do_alive(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    int cpu;

    (void)size;
    g_string_assign(reply, take_thread(s, &rest, &cpu) && cpu >= 0 ? "OK" : "E16");
    return true;
}

bool gdb_do_select(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    char what = *rest;
    int cpu;

    if (size < 2 || !take_thread(s, (rest++, &rest), &cpu) || (what != 'g' && what != 'c')) {
        g_string_assign(reply, "E16");
        return true;
    }
    if (cpu >= 0 && what == 'g')
        s->cpu = (unsigned)cpu;
    else if (cpu >= 0)
        s->cpu_goes = (unsigned)cpu;
    g_string_assign(reply, "OK");
    return true;
}

/* ---- going on ---- */

static bool order(struct gdb_server *s, enum gdb_order what, unsigned cpu)
{
    s->request = (struct gdb_request){.order = what, .cpu = cpu};
    return false;
}

bool gdb_do_can_continue(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)s, (void)rest, (void)size;
    g_string_assign(reply, "vCont;c;C;s;S;r");
    return true;
}

/* One action "c", "s", "Csig", "Ssig" or "rSTART,END", with ":THREAD" if it is not for all. */
static bool take_action(const struct gdb_server *s, const char **rest, struct gdb_request *r,
                        bool *one)
{
    uint64_t ignored;
    char what = *(*rest)++;
    int cpu = -1;

    *r = (struct gdb_request){.order = GDB_CONTINUE, .cpu = s->cpu_goes};
    if (what == 's' || what == 'S')
        r->order = GDB_STEP;
    else if (what == 'r')
        r->order = GDB_RANGE;
    else if (what != 'c' && what != 'C')
        return false;
    if ((what == 'C' || what == 'S') && !gdb_take_hex(rest, &ignored))
        return false;
    if (what == 'r' &&
        (!gdb_take_hex(rest, &r->start) || *(*rest)++ != ',' || !gdb_take_hex(rest, &r->end)))
        return false;
    *one = **rest == ':';
    if (*one && ((*rest)++, !take_thread(s, rest, &cpu)))
        return false;
    if (cpu >= 0)
        r->cpu = (unsigned)cpu;
    return **rest == ';' || **rest == '\0';
}

/* The leftmost action for a CPU is its own. All run; who is to step decides how far. */
bool gdb_do_v_continue(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    struct gdb_request r, chosen = {0};
    bool one;

    (void)size;
    while (*rest == ';') {
        rest++;
        if (!take_action(s, &rest, &r, &one)) {
            g_string_assign(reply, "E16");
            return true;
        }
        if (chosen.order == GDB_NOTHING || (chosen.order == GDB_CONTINUE && one))
            chosen = r;
    }
    if (*rest || chosen.order == GDB_NOTHING) {
        g_string_assign(reply, "E16");
        return true;
    }
    s->request = chosen;
    return false;
}

/* "c", "s" and with an address. */
static bool go(struct gdb_server *s, enum gdb_order what, const char *rest, GString *reply)
{
    uint64_t pc[2] = {0, 0};

    if (gdb_take_hex(&rest, &pc[0])) {
        if (!gdb_may_change(s, reply))
            return true;
        arm_reg_set(gdb_machine(s), s->cpu_goes, ARM_PC, pc);
    }
    return order(s, what, s->cpu_goes);
}

bool gdb_do_go(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)size;
    return go(s, GDB_CONTINUE, rest, reply);
}

bool gdb_do_step(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)size;
    return go(s, GDB_STEP, rest, reply);
}

static const char *behind_signal(const char *rest)
{
    uint64_t ignored;

    gdb_take_hex(&rest, &ignored);
    return *rest == ';' ? rest + 1 : rest;
}

bool gdb_do_go_signal(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)size;
    return go(s, GDB_CONTINUE, behind_signal(rest), reply);
}

bool gdb_do_step_signal(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)size;
    return go(s, GDB_STEP, behind_signal(rest), reply);
}

bool gdb_do_reverse(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size, (void)reply;
    return order(s, GDB_REVERSE, s->cpu_goes);
}

bool gdb_do_back(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size, (void)reply;
    return order(s, GDB_BACK, s->cpu_goes);
}

bool gdb_do_detach(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    order(s, GDB_DETACH, 0);
    g_string_assign(reply, "OK");
    return true;
}

/* LLDB waits for an answer, gdb does not. */
bool gdb_do_kill(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    order(s, GDB_KILL, 0);
    g_string_assign(reply, "X09");
    return true;
}

bool gdb_do_v_kill(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    order(s, GDB_KILL, 0);
    g_string_assign(reply, "OK");
    return true;
}

bool gdb_do_restart(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size, (void)reply;
    return order(s, GDB_RESET, 0);
}

/* ---- stop replies ---- */

bool gdb_do_why(struct gdb_server *s, const char *rest, size_t size, GString *reply)
{
    (void)rest, (void)size;
    gdb_append_stop(s, &s->last, reply);
    return true;
}

static void append_reason(const struct gdb_server *s, const struct gdb_stop *stop, GString *reply)
{
    static const char *const watches[] = {
        [GDB_STOP_WATCH] = "watch", [GDB_STOP_RWATCH] = "rwatch", [GDB_STOP_AWATCH] = "awatch"};

    switch (stop->kind) {
    case GDB_STOP_BREAK:
        if (s->tells_breaks)
            g_string_append(reply, "hwbreak:;");
        break;
    case GDB_STOP_WATCH:
    case GDB_STOP_RWATCH:
    case GDB_STOP_AWATCH:
        g_string_append_printf(reply, "%s:%" G_GINT64_MODIFIER "x;", watches[stop->kind],
                               stop->address);
        break;
    case GDB_STOP_BEGIN:
        g_string_append(reply, "replaylog:begin;");
        break;
    case GDB_STOP_END:
        g_string_append(reply, "replaylog:end;");
        break;
    default:
        break;
    }
}

void gdb_append_stop(struct gdb_server *s, const struct gdb_stop *stop, GString *reply)
{
    if (stop->kind == GDB_STOP_EXITED) {
        g_string_printf(reply, "W%02x", stop->signal);
        return;
    }
    g_string_printf(reply, "T%02x", stop->kind == GDB_STOP_PLAIN ? stop->signal : GDB_SIGNAL_TRAP);
    for (unsigned k = GDB_REG_SP; k <= GDB_REG_PC; k++) {
        g_string_append_printf(reply, "%02x:", k);
        gdb_append_register(s, stop->cpu, k, reply);
        g_string_append_c(reply, ';');
    }
    g_string_append_printf(reply, "thread:%x;core:%x;", stop->cpu + 1, stop->cpu);
    append_reason(s, stop, reply);
}
