#include "machine/input.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

#define HEADER "armillary-input 1"

size_t input_deliver(struct arm_machine *m, int device, int port, const uint8_t *data, size_t size)
{
    if (port == INPUT_HID)
        return host_input_give_bytes(&m->board.host_input, data, size) ? size : 0;
    if (port >= 0)
        return virt_board_port_input(&m->board, (unsigned)device, (unsigned)port, data, size);
    if (semihosting_takes_input(m))
        return semihosting_input(m, data, size);
    size_t room = pl011_can_receive(&m->board.uart);

    if (size > room)
        size = room;
    if (size)
        pl011_receive(&m->board.uart, data, size);
    return size;
}

/* Recording. */

static void begin_line(struct arm_machine *m, const char *word)
{
    fprintf(m->input.out, "%s %" PRIu64 " %" PRIu64 " ", word, m->spent, clock_now_ns(&m->clock));
}

void input_record_eof(struct arm_machine *m)
{
    m->input.next++;
    if (!m->input.out)
        return;
    begin_line(m, "input");
    fputs("uart end\n", m->input.out);
    fflush(m->input.out);
}

void input_record(struct arm_machine *m, int device, int port, const uint8_t *data, size_t size)
{
    FILE *out = m->input.out;

    if (size)
        m->input.next++;
    if (!out || !size)
        return;
    begin_line(m, "input");
    if (port < 0)
        fputs(port == INPUT_HID ? "hid " : "uart ", out);
    else
        fprintf(out, "%d.%d ", device, port);
    for (size_t k = 0; k < size; k++)
        fprintf(out, "%02x", data[k]);
    fputc('\n', out);
    fflush(out); /* a session that crashes is the one to look at */
}

void input_record_irq(struct arm_machine *m, unsigned cpu, unsigned intid, bool level)
{
    m->input.next++;
    if (!m->input.out)
        return;
    begin_line(m, "input");
    fprintf(m->input.out, "irq%u.%u %02x\n", intid, cpu, level);
    fflush(m->input.out);
}

void input_record_serror(struct arm_machine *m, unsigned cpu, uint32_t syndrome)
{
    if (!m->input.out)
        return;
    begin_line(m, "input");
    fprintf(m->input.out, "serror%u %08" PRIx32 "\n", cpu, syndrome);
    fflush(m->input.out);
}

int arm_record(struct arm_machine *m, const char *path, struct arm_error *err)
{
    struct input_log *log = &m->input;

    if (m->parallel)
        return error_set(err, ARM_ENOTSUP, "%s: a run of parallel CPUs cannot be repeated", path);
    if (log->out || log->replays)
        return error_set(err, ARM_EINVAL, "%s: input is recorded or replayed already", path);
    log->out = fopen(path, "we");
    if (!log->out)
        return error_set(err, ARM_EIO, "%s: cannot write: %s", path, strerror(errno));
    log->path = strdup(path);
    fprintf(log->out, HEADER "\n");
    return 0;
}

int arm_record_end(struct arm_machine *m, struct arm_error *err)
{
    struct input_log *log = &m->input;
    bool failed = false;

    if (!log->out)
        return 0;
    fprintf(log->out, "end %" PRIu64 " %" PRIu64 "\n", m->spent, clock_now_ns(&m->clock));
    failed |= ferror(log->out) != 0;
    failed |= fclose(log->out) != 0;
    log->out = NULL;
    return failed ? error_set(err, ARM_EIO, "%s: cannot write: %s", log->path, strerror(errno)) : 0;
}

/* Replaying. */

static bool parse_u64(const char *word, uint64_t *out)
{
    return g_ascii_string_to_unsigned(word, 10, 0, UINT64_MAX, out, NULL);
}

/* "A.B", both below their limits. */
static bool parse_pair(const char *word, guint64 limit_a, guint64 limit_b, guint64 *a, guint64 *b)
{
    char *end;

    if (!g_ascii_isdigit(*word))
        return false;
    *a = g_ascii_strtoull(word, &end, 10);
    if (*end != '.' || !g_ascii_isdigit(end[1]))
        return false;
    *b = g_ascii_strtoull(end + 1, &end, 10);
    return *end == '\0' && *a < limit_a && *b < limit_b;
}

/* serrorC */
static bool parse_serror(const char *word, struct input *in)
{
    guint64 cpu;

    in->serror = g_ascii_string_to_unsigned(word, 10, 0, ARM_CPUS_MAX - 1, &cpu, NULL);
    in->cpu = in->serror ? (unsigned)cpu : 0;
    return in->serror;
}

static bool parse_device(const char *word, struct input *in)
{
    bool irq = !strncmp(word, "irq", 3);
    guint64 a, b;

    in->device = in->port = INPUT_UART;
    if (!strcmp(word, "uart"))
        return true;
    if (!strcmp(word, "hid")) {
        in->port = INPUT_HID;
        return true;
    }
    if (!strncmp(word, "serror", 6))
        return parse_serror(word + 6, in);
    if (irq ? !parse_pair(word + 3, UINT_MAX, ARM_CPUS_MAX, &a, &b)
            : !parse_pair(word, ARM_DEVICES_MAX, ARM_PORTS_MAX, &a, &b))
        return false;
    if (irq) {
        in->intid = (unsigned)a;
        in->cpu = (unsigned)b;
        return a != 0;
    }
    in->device = (int)a;
    in->port = (int)b;
    return true;
}

static bool parse_hex(const char *word, struct input *in)
{
    size_t length = strlen(word);

    if (!strcmp(word, "end"))
        return in->port == INPUT_UART && !in->intid && !in->serror;
    if (in->serror && length != 8)
        return false;
    if (in->intid && strcmp(word, "00") != 0 && strcmp(word, "01") != 0)
        return false;
    if (length == 0 || length % 2)
        return false;
    in->bytes = malloc(length / 2);
    in->size = length / 2;
    for (size_t k = 0; in->bytes && k < in->size; k++) {
        int hi = g_ascii_xdigit_value(word[2 * k]), lo = g_ascii_xdigit_value(word[2 * k + 1]);
        if (hi < 0 || lo < 0)
            return false;
        in->bytes[k] = (uint8_t)(hi << 4 | lo);
    }
    return in->bytes;
}

static bool parse_input(char **words, struct input *in)
{
    return g_strv_length(words) == 5 && parse_u64(words[1], &in->insns) &&
           parse_u64(words[2], &in->time_ns) && parse_device(words[3], in) &&
           parse_hex(words[4], in);
}

static bool parse_line(struct input_log *log, char **words, unsigned line)
{
    if (!strcmp(words[0], "end")) {
        log->has_end = true;
        return g_strv_length(words) == 3 && parse_u64(words[1], &log->end_insns) &&
               parse_u64(words[2], &log->end_time_ns);
    }
    if (strcmp(words[0], "input") != 0 || log->has_end)
        return false;
    log->inputs = g_renew(struct input, log->inputs, log->count + 1);
    struct input *in = &log->inputs[log->count++];
    *in = (struct input){.line = line};
    return parse_input(words, in) && (log->count == 1 || in->insns >= in[-1].insns);
}

int arm_replay(struct arm_machine *m, const char *path, struct arm_error *err)
{
    struct input_log *log = &m->input;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (m->parallel)
        return error_set(err, ARM_ENOTSUP, "%s: a run of parallel CPUs cannot be repeated", path);
    if (log->out || log->replays)
        return error_set(err, ARM_EINVAL, "%s: input is recorded or replayed already", path);
    if (!g_file_get_contents(path, &text, NULL, &error))
        return error_set(err, ARM_EIO, "%s: cannot read: %s", path, error->message);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    if (!lines[0] || strcmp(lines[0], HEADER) != 0)
        return error_set(err, ARM_EFORMAT, "%s: line 1: expected \"" HEADER "\"", path);
    for (unsigned k = 1; lines[k]; k++) {
        g_auto(GStrv) words = g_strsplit(lines[k], " ", -1);
        if (!words[0] || *lines[k] == '\0' || *lines[k] == '#')
            continue;
        if (!parse_line(log, words, k + 1))
            return error_set(err, ARM_EFORMAT,
                             "%s: line %u: expected \"input INSNS NS uart|hid|V.P|irqN.C|serrorC "
                             "HEX|end\" in order of "
                             "INSNS, or \"end INSNS NS\" as the last",
                             path, k + 1);
    }
    log->path = strdup(path);
    log->replays = true;
    return 0;
}

static int diverged(struct arm_machine *m, const char *what, unsigned line)
{
    LOG(&m->log, MACHINE, ERROR,
        "%s: line %u: %s at %" PRIu64 " instructions, %" PRIu64
        " ns: not the run that was recorded",
        m->input.path, line, what, m->spent, clock_now_ns(&m->clock));
    return -ARM_EFORMAT;
}

/* False: nobody takes it. */
static bool deliver(struct arm_machine *m, const struct input *in)
{
    const uint8_t *b = in->bytes;

    if (in->size == 0)
        semihosting_end_input(m);
    else if (in->serror)
        return machine_raise_serror(m, in->cpu,
                                    (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
    else if (in->intid)
        return machine_set_irq(m, in->cpu, in->intid, b[0]);
    else
        return input_deliver(m, in->device, in->port, b, in->size) == in->size;
    return true;
}

int input_replay(struct arm_machine *m, uint64_t *until, bool *ends)
{
    struct input_log *log = &m->input;
    uint64_t now = clock_now_ns(&m->clock);

    *until = UINT64_MAX;
    *ends = false;
    for (; log->next < log->count; log->next++) {
        const struct input *in = &log->inputs[log->next];
        if (in->insns > m->spent || (in->insns == m->spent && in->time_ns > now)) {
            if (in->insns > m->spent)
                *until = in->insns - m->spent;
            return 0;
        }
        if (in->insns < m->spent || in->time_ns < now)
            return diverged(m, "input was missed", in->line);
        if (!deliver(m, in))
            return diverged(m, "the device does not take the input", in->line);
    }
    if (log->has_end && log->end_insns > m->spent)
        *until = log->end_insns - m->spent;
    *ends = log->has_end && log->end_insns == m->spent && log->end_time_ns <= now;
    return 0;
}

void input_log_free(struct input_log *log)
{
    if (log->out)
        fclose(log->out);
    for (unsigned k = 0; k < log->count; k++)
        free(log->inputs[k].bytes);
    g_free(log->inputs);
    free((char *)log->path);
}
