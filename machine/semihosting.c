/*
 * Semihosting ("Semihosting for AArch32 and AArch64", 2.0): HLT #0xF000 with the operation in w0
 * and its argument in x1, for nearly all a block of 64-bit fields. The console's handles are the
 * machine's console; files are those of one directory, or none.
 *
 * A CPU whose call takes longer is halted meanwhile, as in Debug state, and the run loop comes back
 * to it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/semihosting_call.h"

#define ADP_STOPPED_APPLICATIONEXIT UINT64_C(0x20026)

#define NAME_LEN 4096 /* longest file name, with its directories */

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_CS UINT64_C(10000000)

/* A name of @size characters at @va; a NUL among them ends it too. Longer ones are cut to NAME_LEN
 * characters, which no file has. */
static bool load_name(const struct semi *c, uint64_t va, uint64_t size, char name[NAME_LEN + 1])
{
    uint64_t n = 0;

    for (uint64_t byte; n < size && n < NAME_LEN; n++) {
        if (!semi_load(c, va + n, 1, &byte))
            return false;
        name[n] = (char)byte;
        if (byte == 0)
            return true;
    }
    name[n] = '\0';
    return true;
}

/* ---- operations, by number ---- */

/* The handle of a name that is no file's, or a negative errno; 0: it is a file's. */
static int open_special(const struct semi *c, const char *name, uint64_t mode)
{
    if (mode > 11)
        return -EINVAL;
    if (!strcmp(name, ":tt"))
        return semi_handle_new(
            c->s, (struct semi_handle){.kind = mode < 4 ? SEMI_CONSOLE_IN : SEMI_CONSOLE_OUT});
    if (!strcmp(name, ":semihosting-features"))
        return mode > 1 ? -EACCES
                        : semi_handle_new(c->s, (struct semi_handle){.kind = SEMI_FEATURES});
    return 0;
}

static void say_no_directory(const struct semi *c, const char *name)
{
    if (c->s->dir >= 0 || c->s->refused_file)
        return;
    c->s->refused_file = true;
    LOG(&c->m->log, MACHINE, WARN,
        "semihosting: the guest asks for file \"%.64s\": refused, no directory was given for it "
        "(--semihosting-dir)",
        name);
}

static enum semi_result sys_open(const struct semi *c)
{
    char name[NAME_LEN + 1];

    if (!load_name(c, c->arg[0], c->arg[2], name))
        return SEMI_FAULT;
    int handle = open_special(c, name, c->arg[1]);
    if (handle == 0) {
        say_no_directory(c, name);
        handle = semi_file_open(c->s, name, (unsigned)c->arg[1]);
    }
    return semi_answer_or_fail(c, handle);
}

static enum semi_result sys_close(const struct semi *c)
{
    struct semi_handle *h = semi_handle(c->s, c->arg[0]);

    if (!h)
        return semi_fail(c, EBADF);
    semi_handle_close(h);
    return semi_answer(c, 0);
}

static enum semi_result sys_iserror(const struct semi *c)
{
    return semi_answer(c, c->arg[0] >> 63);
}

static enum semi_result sys_istty(const struct semi *c)
{
    const struct semi_handle *h = semi_handle(c->s, c->arg[0]);

    if (!h)
        return semi_fail(c, EBADF);
    return semi_answer(c, h->kind == SEMI_CONSOLE_IN || h->kind == SEMI_CONSOLE_OUT);
}

/* Bytes in @h, or a negative errno. A console has none, and that is no error: C libraries ask. */
static int64_t length(const struct semi_handle *h)
{
    struct stat st;

    if (!h)
        return -EBADF;
    if (h->kind == SEMI_FILE)
        return fstat(h->fd, &st) < 0 ? -errno : st.st_size;
    return h->kind == SEMI_FEATURES ? SEMI_FEATURES_BYTES : 0;
}

static enum semi_result sys_seek(const struct semi *c)
{
    struct semi_handle *h = semi_handle(c->s, c->arg[0]);
    uint64_t last = h && h->kind == SEMI_FILE ? INT64_MAX : SEMI_FEATURES_BYTES;

    if (!h)
        return semi_fail(c, EBADF);
    if (h->kind == SEMI_CONSOLE_IN || h->kind == SEMI_CONSOLE_OUT)
        return semi_fail(c, ESPIPE);
    if (c->arg[1] > last)
        return semi_fail(c, EINVAL);
    h->pos = c->arg[1];
    return semi_answer(c, 0);
}

static enum semi_result sys_flen(const struct semi *c)
{
    return semi_answer_or_fail(c, length(semi_handle(c->s, c->arg[0])));
}

/* A file has the name if the guest has made it before; nobody else does. */
static enum semi_result sys_tmpnam(const struct semi *c)
{
    char name[32];
    int n = snprintf(name, sizeof(name), "semihosting-%02x.tmp", (unsigned)(uint8_t)c->arg[1]);

    if (c->s->dir < 0)
        return semi_fail(c, EACCES);
    if (c->arg[1] > 255 || c->arg[2] <= (uint64_t)n)
        return semi_fail(c, EINVAL);
    return semi_store_bytes(c, c->arg[0], name, (size_t)n + 1) ? semi_answer(c, 0) : SEMI_FAULT;
}

static enum semi_result sys_remove(const struct semi *c)
{
    char name[NAME_LEN + 1];

    if (!load_name(c, c->arg[0], c->arg[1], name))
        return SEMI_FAULT;
    say_no_directory(c, name);
    return semi_answer_or_fail(c, semi_file_remove(c->s, name));
}

static enum semi_result sys_rename(const struct semi *c)
{
    char from[NAME_LEN + 1], to[NAME_LEN + 1];

    if (!load_name(c, c->arg[0], c->arg[1], from) || !load_name(c, c->arg[2], c->arg[3], to))
        return SEMI_FAULT;
    say_no_directory(c, from);
    return semi_answer_or_fail(c, semi_file_rename(c->s, from, to));
}

/* Time is virtual time, and that of day what the board's RTC shows. */
static enum semi_result sys_clock(const struct semi *c)
{
    return semi_answer(c, clock_now_ns(&c->m->clock) / NS_PER_CS);
}

static enum semi_result sys_time(const struct semi *c)
{
    return semi_answer(c, device_read(&c->m->board.rtc.dev, 0, 4)); /* RTCDR */
}

static enum semi_result sys_elapsed(const struct semi *c)
{
    return semi_store(c, c->cpu->x[1], 8, clock_now_ns(&c->m->clock)) ? semi_answer(c, 0)
                                                                      : SEMI_FAULT;
}

static enum semi_result sys_tickfreq(const struct semi *c)
{
    return semi_answer(c, NS_PER_S);
}

/* The host runs no commands for a guest. */
static enum semi_result sys_system(const struct semi *c)
{
    return semi_fail(c, EPERM);
}

static enum semi_result sys_errno(const struct semi *c)
{
    return semi_answer(c, (uint64_t)c->s->error);
}

static enum semi_result sys_get_cmdline(const struct semi *c)
{
    size_t n = strlen(c->s->cmdline);

    if (c->arg[1] <= n)
        return semi_fail(c, E2BIG);
    return semi_store_bytes(c, c->arg[0], c->s->cmdline, n + 1) &&
                   semi_store(c, c->cpu->x[1] + 8, 8, n)
               ? semi_answer(c, 0)
               : SEMI_FAULT;
}

/* The heap grows up and the stack down in the largest part of RAM that nothing was loaded to. */
static enum semi_result sys_heapinfo(const struct semi *c)
{
    const struct boot_state *boot = &c->m->boot;
    uint64_t base = align_up(boot->free_base, 16), limit = boot->free_base + boot->free_size;
    const uint64_t block[] = {base, limit, limit, base}; /* heap, its end, stack, its end */

    for (unsigned k = 0; k < ARRAY_SIZE(block); k++)
        if (!semi_store(c, c->arg[0] + 8 * k, 8, block[k]))
            return SEMI_FAULT;
    return semi_answer(c, 0);
}

/* A reason and, if the program has ended by itself, its exit code. */
static enum semi_result sys_exit(const struct semi *c)
{
    c->m->exit_code = c->arg[0] == ADP_STOPPED_APPLICATIONEXIT ? (int)(c->arg[1] & 0xff) : 1;
    machine_stop(c->m, ARM_STOP_EXIT);
    return SEMI_DONE;
}

/* Number; fields of the parameter block that are read; what does it. */
static const struct operation {
    uint32_t number;
    unsigned args;
    enum semi_result (*fn)(const struct semi *c);
} operations[] = {
    {0x01, 3, sys_open},        {0x02, 1, sys_close},    {0x03, 0, semi_writec},
    {0x04, 0, semi_write0},     {0x05, 3, semi_write},   {0x06, 3, semi_read},
    {0x07, 0, semi_readc},      {0x08, 1, sys_iserror},  {0x09, 1, sys_istty},
    {0x0a, 2, sys_seek},        {0x0c, 1, sys_flen},     {0x0d, 3, sys_tmpnam},
    {0x0e, 2, sys_remove},      {0x0f, 4, sys_rename},   {0x10, 0, sys_clock},
    {0x11, 0, sys_time},        {0x12, 2, sys_system},   {0x13, 0, sys_errno},
    {0x15, 2, sys_get_cmdline}, {0x16, 1, sys_heapinfo}, {0x18, 2, sys_exit},
    {0x20, 2, sys_exit},        {0x30, 0, sys_elapsed},  {0x31, 0, sys_tickfreq},
};

static const struct operation *find_operation(uint32_t number)
{
    for (size_t k = 0; k < ARRAY_SIZE(operations); k++)
        if (operations[k].number == number)
            return &operations[k];
    return NULL;
}

/* Said once a number below 0x100, which are Arm's. */
static void say_not_offered(struct arm_machine *m, uint32_t number)
{
    uint64_t *said = &m->semi.refused[number / 64 % 4];

    if (number < 0x100 && bit(*said, number % 64))
        return;
    *said |= number < 0x100 ? BIT(number % 64) : 0;
    LOG(&m->log, MACHINE, WARN, "semihosting: operation %#x is not offered", number);
}

/* The call begins: its parameter block is read. */
static bool begin(const struct semi *c, const struct operation *op, uint32_t number)
{
    *c->call = (struct semi_call){.number = number};
    for (unsigned k = 0; op && k < op->args; k++)
        if (!semi_load(c, c->cpu->x[1] + 8 * k, 8, &c->call->arg[k]))
            return false;
    return true;
}

bool semihosting_call(struct arm_machine *m, struct cpu *cpu, const struct insn *i)
{
    struct semi_call *call = &m->semi.call[cpu->index];
    const struct semi c = {m, &m->semi, cpu, i, call, call->arg};
    uint32_t number = cpu->halt_resumed ? call->number : (uint32_t)cpu->x[0];
    const struct operation *op = find_operation(number);
    enum semi_result r = SEMI_DONE;

    call->wants_input = false;
    if (!cpu->halt_resumed && !begin(&c, op, number))
        return false;
    if (!op) {
        say_not_offered(m, number);
        semi_fail(&c, ENOSYS);
    } else {
        r = op->fn(&c);
    }
    if (r == SEMI_MORE || r == SEMI_WAIT) {
        cpu->pc = insn_pc(cpu, i);
        cpu->power = CPU_HALTED;
    }
    return r == SEMI_DONE;
}

/* ---- a machine's ---- */

static char *default_cmdline(const struct arm_config *c)
{
    const char *kernel = c->kernel ? c->kernel : "", *append = c->append ? c->append : "";
    char *text = NULL;

    return asprintf(&text, "%s%s%s", kernel, *kernel && *append ? " " : "", append) < 0 ? NULL
                                                                                        : text;
}

int semihosting_init(struct semihosting *s, const struct arm_config *c, struct arm_error *err)
{
    s->cmdline = c->semihosting_cmdline ? strdup(c->semihosting_cmdline) : default_cmdline(c);
    if (!s->cmdline)
        return error_set(err, ARM_ENOMEM, "no memory for a command line");
    if (!c->semihosting_dir)
        return 0;
    s->dir = open(c->semihosting_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0)
        return error_set(err, ARM_EIO, "%s: %s: expected a directory for semihosting",
                         c->semihosting_dir, strerror(errno));
    return 0;
}

void semihosting_reset(struct semihosting *s)
{
    for (unsigned k = 0; k < SEMI_HANDLES; k++)
        semi_handle_close(&s->handle[k]);
    memset(s->call, 0, sizeof(s->call));
    s->error = 0;
    s->input_count = 0;
}

void semihosting_destroy(struct semihosting *s)
{
    semihosting_reset(s);
    if (s->dir >= 0)
        close(s->dir);
    free(s->cmdline);
}
