#include "call.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "parse.h"

#define RAM       UINT64_C(0x40000000)
#define RAM_SIZE  (UINT64_C(128) << 20)
#define TABLES    RAM
#define VECTORS   (RAM + 0x1000)
#define BACK      (RAM + 0x2000) /* where the call returns to */
#define STACK     (RAM + 0x100000)
#define STACK_TOP (RAM + 0x200000)
#define PROGRAM   (RAM + 0x400000)
#define BUFFERS   (RAM + 0x4000000)
#define PAGE      UINT64_C(4096)

#define PSTATE_DAIF UINT64_C(0x3c0)
#define HCR_E2H     ARM_BIT(34)

bool call_on_stack(uint64_t address)
{
    return address >= STACK && address < STACK_TOP;
}

void call_place(const struct call *c, uint64_t address, char *buf, size_t size)
{
    for (unsigned k = 0; k < c->buffer_count; k++) {
        const struct call_buffer *b = &c->buffers[k];
        if (address - b->address < b->size) {
            g_snprintf(buf, (gulong)size, "arg%u+%#" PRIx64, b->argument, address - b->address);
            return;
        }
    }
    if (call_on_stack(address))
        g_snprintf(buf, (gulong)size, "stack-%#" PRIx64, STACK_TOP - address);
    else
        program_name(c->program, address, buf, size);
}

/* ---- the machine ---- */

static int write_register(struct call *c, const char *name, uint64_t value, struct arm_error *err)
{
    if (arm_reg_write(c->m, 0, name, value))
        return 0;
    return program_fail(err, ARM_EINVAL, "there is no register %s that can be set on this CPU",
                        name);
}

/* NAME=VALUE: the name, until the next call, and the value. */
static int parse_pair(const char *option, const char *text, char **name, uint64_t *value,
                      struct arm_error *err)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text || !parse_number(equals + 1, 0, UINT64_MAX, value))
        return program_fail(err, ARM_EINVAL, "--%s %s: NAME=NUMBER is expected", option, text);
    *name = g_strndup(text, (gsize)(equals - text));
    return 0;
}

static int set_registers(struct call *c, struct arm_error *err)
{
    uint64_t value = 0;
    int rc = 0;

    for (char **pre = c->o->pre; rc == 0 && pre && *pre; pre++) {
        g_autofree char *name = NULL;
        rc = parse_pair("pre", *pre, &name, &value, err);
        if (rc == 0)
            rc = write_register(c, name, value, err);
    }
    return rc;
}

static int set_variables(struct call *c, struct arm_error *err)
{
    uint64_t value = 0;

    for (char **set = c->o->set; set && *set; set++) {
        g_autofree char *name = NULL;
        int rc = parse_pair("set", *set, &name, &value, err);
        if (rc < 0)
            return rc;
        const struct program_symbol *s = program_lookup(c->program, name);
        if (!s || s->size == 0 || s->size > 8)
            return program_fail(err, ARM_EINVAL,
                                "--set %s: there is no variable of 1 to 8 bytes of this name",
                                *set);
        value = GUINT64_TO_LE(value);
        arm_mem_write(c->m, s->address, &value, s->size);
    }
    return 0;
}

/* A block of 1 GiB of Normal memory at its own address; all else faults, address 0 above all. */
static int map_memory(struct call *c, struct arm_error *err)
{
    uint64_t block = GUINT64_TO_LE(RAM | 0x701), hcr = 0,
             sctlr = 0; /* AF, inner shareable, AttrIndx 0 */
    bool vhe, el2 = c->o->el == 2;
    int rc;

    arm_reg_read(c->m, 0, "HCR_EL2", &hcr);
    vhe = el2 && hcr & HCR_E2H;
    arm_mem_write(c->m, TABLES + (RAM >> 30) * 8, &block, sizeof(block));
    rc = write_register(c, el2 ? "MAIR_EL2" : "MAIR_EL1", 0xff, err);
    if (rc == 0)
        rc = write_register(c, el2 ? "TTBR0_EL2" : "TTBR0_EL1", TABLES, err);
    /* T0SZ 25, write-back, inner shareable; EL2's own layout has RES1 and PS where EL1's has EPD1
     * and IPS. */
    if (rc == 0)
        rc = write_register(c, el2 ? "TCR_EL2" : "TCR_EL1",
                            el2 && !vhe ? UINT64_C(0x80823519) : UINT64_C(0x200803519), err);
    arm_reg_read(c->m, 0, el2 ? "SCTLR_EL2" : "SCTLR_EL1", &sctlr);
    return rc ? rc
              : write_register(c, el2 ? "SCTLR_EL2" : "SCTLR_EL1", sctlr | 0x1005,
                               err); /* M, C, I */
}

static int set_up(struct call *c, struct arm_error *err)
{
    static const uint8_t loop[] = {0, 0, 0, 0x14}; /* B . */
    uint64_t hcr = 0;
    bool el2 = c->o->el == 2;
    int rc = set_registers(c, err);

    for (uint64_t at = VECTORS; at <= BACK; at += 4)
        arm_mem_write(c->m, at, loop, sizeof(loop));
    arm_mem_write(c->m, c->program->base, c->program->image->data, c->program->image->len);
    arm_reg_read(c->m, 0, "HCR_EL2", &hcr);
    if (rc == 0 && !c->o->mmu_off)
        rc = map_memory(c, err);
    if (rc == 0)
        rc = write_register(c, "VBAR_EL2", VECTORS, err);
    if (rc == 0)
        rc = write_register(c, "VBAR_EL1", VECTORS, err);
    if (rc == 0)
        rc = write_register(c, "CPACR_EL1", UINT64_C(3) << 20, err); /* FPEN */
    if (rc == 0 && el2 && hcr & HCR_E2H)
        rc = write_register(c, "CPTR_EL2", UINT64_C(3) << 20, err);
    if (rc == 0)
        rc = write_register(c, "ICC_SRE_EL2", 0xf, err); /* ICC_SRE_EL1, ICH registers */
    if (rc == 0)
        rc = set_registers(c, err); /* what was asked for wins */
    return rc ? rc : set_variables(c, err);
}

/* ---- arguments ---- */

static int add_buffer(struct call *c, unsigned argument, const char *text, struct arm_error *err)
{
    g_autofree char *bytes = NULL;
    uint64_t size;
    gsize length;

    if (!parse_size(text, 1, &size)) {
        g_autoptr(GError) error = NULL;
        if (!g_file_get_contents(text, &bytes, &length, &error))
            return program_fail(err, ARM_EINVAL, "@%s: neither a size nor a file: %s", text,
                                error->message);
        size = length;
    }
    if (size == 0 || size > RAM + RAM_SIZE - c->next_buffer)
        return program_fail(err, ARM_EINVAL, "@%s: a buffer has 1 to %" PRIu64 " bytes", text,
                            RAM + RAM_SIZE - c->next_buffer);
    struct call_buffer b = {argument, c->next_buffer, size};
    c->buffers[c->buffer_count++] = b;
    c->arguments[argument] = b.address;
    c->next_buffer += ((size + PAGE - 1) & ~(PAGE - 1)) + PAGE;
    if (bytes)
        arm_mem_write(c->m, b.address, bytes, size);
    return 0;
}

static int add_argument(struct call *c, unsigned k, const char *text, struct arm_error *err)
{
    bool negative = text[0] == '-';
    uint64_t value;

    if (text[0] == '@')
        return add_buffer(c, k, text + 1, err);
    if (text[0] == '&') {
        const struct program_symbol *s = program_lookup(c->program, text + 1);
        if (!s)
            return program_fail(err, ARM_EINVAL, "%s: there is no such symbol", text);
        c->arguments[k] = s->address;
        return 0;
    }
    if (!parse_number(text + negative, 0, UINT64_MAX, &value))
        return program_fail(err, ARM_EINVAL, "%s: an argument is a number, @SIZE, @FILE or &SYMBOL",
                            text);
    c->arguments[k] = negative ? -value : value;
    return 0;
}

static int add_arguments(struct call *c, struct arm_error *err)
{
    char **text = c->o->arguments;
    unsigned k = 0;
    int rc = 0;

    for (; rc == 0 && text && text[k]; k++)
        rc = k < CALL_ARGUMENTS ? add_argument(c, k, text[k], err)
                                : program_fail(err, ARM_EINVAL, "%s: at most %u arguments", text[k],
                                               CALL_ARGUMENTS);
    return rc;
}

/* ---- what happens ---- */

static void add_memory(struct call *c, const struct arm_event *event)
{
    const struct arm_event_mem *mem = &event->mem;
    struct call_event e = {.kind = mem->kind & ARM_MEM_WRITE ? CALL_STORE : CALL_LOAD,
                           .pc = event->pc,
                           .address = mem->va,
                           .size = mem->size,
                           .reg = mem->reg,
                           .fp = mem->kind & ARM_MEM_FP,
                           .value = {mem->value[0], mem->value[1]}};

    g_array_append_val(c->events, e);
}

static void add_exception(struct call *c, const struct arm_event *event)
{
    char place[128], text[128];

    call_place(c, event->pc, place, sizeof(place));
    if (event->exception.esr)
        arm_text_esr(event->exception.esr, text, sizeof(text));
    else
        g_snprintf(text, sizeof(text), "an interrupt");
    if (event->exception.far_written)
        g_snprintf(c->ended, sizeof(c->ended), "exception at %s to EL%u: %s, address %#" PRIx64,
                   place, event->exception.target_el, text, event->exception.far);
    else
        g_snprintf(c->ended, sizeof(c->ended), "exception at %s to EL%u: %s", place,
                   event->exception.target_el, text);
    c->trapped = true;
    arm_stop(c->m);
}

static void add_other(struct call *c, const struct arm_event *event)
{
    struct call_event e = {.pc = event->pc};

    if (event->kind == ARM_EVENT_SYSREG_READ) {
        e.kind = CALL_READ;
        e.number = event->sysreg_read.sr;
        e.name = event->sysreg_read.name;
        e.value[0] = event->sysreg_read.value;
        e.reg = event->sysreg_read.reg;
    } else if (event->kind == ARM_EVENT_SYSREG_WRITE) {
        e.kind = CALL_WRITE;
        e.number = event->sysreg_write.sr;
        e.name = event->sysreg_write.name;
        e.value[0] = event->sysreg_write.value;
        e.reg = event->sysreg_write.reg;
    } else if (event->kind == ARM_EVENT_BARRIER) {
        e.kind = CALL_BARRIER;
        e.number = event->barrier.kind;
    } else {
        bool tlbi = event->kind == ARM_EVENT_TLBI;
        e.kind = CALL_OPERATION;
        e.number = tlbi ? event->tlbi.op : event->cache.op;
        e.value[0] = tlbi ? event->tlbi.operand : event->cache.operand;
    }
    g_array_append_val(c->events, e);
}

static void happened(void *ctx, const struct arm_event *event)
{
    struct call *c = ctx;

    if (c->trapped)
        return;
    if (event->kind == ARM_EVENT_MEM)
        add_memory(c, event);
    else if (event->kind == ARM_EVENT_EXCEPTION)
        add_exception(c, event);
    else
        add_other(c, event);
}

/* ---- running ---- */

static uint64_t read_register(struct call *c, uint32_t number)
{
    uint64_t value[2] = {0};

    arm_reg_get(c->m, 0, number, value);
    return value[0];
}

static void put_register(struct call *c, uint32_t number, uint64_t v)
{
    uint64_t value[2] = {v, 0};

    arm_reg_set(c->m, 0, number, value);
}

static void prepare(struct call *c, uint64_t address)
{
    put_register(c, ARM_PSTATE, PSTATE_DAIF | (uint64_t)c->o->el << 2 | 1);
    for (unsigned k = 0; k < CALL_ARGUMENTS; k++)
        put_register(c, ARM_X(k), c->arguments[k]);
    put_register(c, ARM_X(30), BACK);
    put_register(c, ARM_SP, STACK_TOP);
    put_register(c, ARM_PC, address);
    g_array_set_size(c->events, 0);
    c->trapped = false;
    c->ended[0] = '\0';
}

static uint64_t stub_result(const struct call *c, const char *name)
{
    size_t length = strlen(name);
    uint64_t value = 0;

    for (char **stub = c->o->stubs; stub && *stub; stub++)
        if (!strncmp(*stub, name, length) && (*stub)[length] == '=')
            parse_number(*stub + length + 1, 0, UINT64_MAX, &value);
    return value;
}

static void call_stub(struct call *c, const struct program_symbol *s)
{
    struct call_event e = {
        .kind = CALL_STUB, .pc = read_register(c, ARM_X(30)) - 4, .address = s->address};

    for (unsigned k = 0; k < CALL_ARGUMENTS; k++)
        e.x[k] = read_register(c, ARM_X(k));
    e.value[0] = stub_result(c, s->name);
    g_array_append_val(c->events, e);
    put_register(c, ARM_X(0), e.value[0]);
    put_register(c, ARM_PC, e.pc + 4);
}

static enum call_end give_up(struct call *c, const char *why)
{
    char place[128];

    call_place(c, read_register(c, ARM_PC), place, sizeof(place));
    g_snprintf(c->ended, sizeof(c->ended), "at %s: %s", place, why);
    return CALL_LIMIT;
}

static enum call_end run(struct call *c, GArray *pcs)
{
    uint64_t start = arm_retired(c->m);
    struct arm_until until = {
        .size = sizeof(until), .pcs = (const uint64_t *)(void *)pcs->data, .pc_count = pcs->len};
    const struct program_symbol *stub;
    unsigned stubs = 0;

    while ((c->insns = arm_retired(c->m) - start) < c->o->max_insns && stubs < c->o->max_insns) {
        if ((stub = program_stub_at(c->program, read_register(c, ARM_PC))) != NULL) {
            call_stub(c, stub);
            stubs++;
        }
        if (read_register(c, ARM_PC) == BACK)
            return CALL_RETURNED;
        until.max_insns = c->o->max_insns - c->insns;
        int why = arm_run_until(c->m, &until, NULL);
        c->insns = arm_retired(c->m) - start;
        if (c->trapped)
            return CALL_EXCEPTION;
        if (why == ARM_STOP_IDLE)
            return give_up(c, "waits, and nothing will wake it");
        if (why != ARM_STOP_UNTIL && why != ARM_STOP_LIMIT)
            return give_up(c, "the machine was stopped");
    }
    return give_up(c, "the instructions of --max-insns ran out");
}

enum call_end call_run(struct call *c, uint64_t address)
{
    g_autoptr(GArray) pcs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    uint64_t back = BACK;

    g_array_append_val(pcs, back);
    for (unsigned k = 0; k < c->program->symbols->len; k++) {
        const struct program_symbol *s =
            &g_array_index(c->program->symbols, struct program_symbol, k);
        if (s->stub)
            g_array_append_val(pcs, s->address);
    }
    prepare(c, address);
    return run(c, pcs);
}

/* ---- opening ---- */

static int check_stubs(const struct call *c, struct arm_error *err)
{
    uint64_t value;

    for (char **stub = c->o->stubs; stub && *stub; stub++) {
        g_autofree char *name = NULL;
        int rc = parse_pair("stub", *stub, &name, &value, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int observe(struct call *c, struct arm_error *err)
{
    struct arm_filter filter = {.size = sizeof(filter)};

    filter.events = ARM_BIT(ARM_EVENT_MEM) | ARM_BIT(ARM_EVENT_EXCEPTION) |
                    ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE) |
                    ARM_BIT(ARM_EVENT_BARRIER) | ARM_BIT(ARM_EVENT_TLBI) | ARM_BIT(ARM_EVENT_CACHE);
    return arm_subscribe(c->m, &filter, happened, c)
               ? 0
               : program_fail(err, ARM_EINVAL, "cannot observe");
}

int call_open(struct call *c, const struct call_options *o, struct arm_error *err)
{
    const char *roots[] = {o->symbol, o->restore, NULL};
    struct arm_config config = {.size = sizeof(config),
                                .cpu = o->cpu,
                                .cpus = 1,
                                .ram_size = RAM_SIZE,
                                .el2 = true,
                                .start_el = o->el,
                                .keep_going = true};
    int rc;

    memset(c, 0, sizeof(*c));
    c->o = o;
    c->next_buffer = BUFFERS;
    c->events = g_array_new(FALSE, FALSE, sizeof(struct call_event));
    c->program = program_load(o->file, roots, PROGRAM, err);
    if (!c->program)
        return -err->code;
    for (const char **root = roots; *root; root++)
        if (!program_lookup(c->program, *root))
            return program_fail(err, ARM_EINVAL, "%s: no symbol \"%s\"", o->file, *root);
    c->m = arm_machine_new(&config, err);
    if (!c->m)
        return -err->code;
    rc = check_stubs(c, err);
    if (rc == 0)
        rc = set_up(c, err);
    if (rc == 0)
        rc = add_arguments(c, err);
    return rc ? rc : observe(c, err);
}

void call_close(struct call *c)
{
    arm_machine_free(c->m);
    program_free(c->program);
    g_array_free(c->events, TRUE);
}
