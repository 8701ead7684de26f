/*
 * Who has what EL2 fills for a world and no world owns: list registers, and the tables of stage 2.
 * By what the machine has now, who crossed last on this CPU, and what EL2 has done since.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "step.h"

#define LR0 "ICH_LR0_EL2"

static uint64_t value_of(const struct stepper *s, const char *name)
{
    uint64_t value = 0;

    arm_reg_read(step_machine(s), s->cpu, name, &value);
    return value;
}

/* ---- list registers ---- */

#define LRS_MOST 16

/* Since the last crossing on this CPU; a position of insns 0: not. */
struct lr_use {
    struct arm_position read[LRS_MOST], written[LRS_MOST];
    struct stepper *s;
};

static bool collect(void *ctx, const struct arm_event *p)
{
    bool write = p->kind == ARM_EVENT_SYSREG_WRITE;
    uint32_t n = (write ? p->sysreg_write.sr : p->sysreg_read.sr) - arm_reg_number(LR0);
    struct lr_use *use = ctx;

    if (n < LRS_MOST)
        *(write ? &use->written[n] : &use->read[n]) = arm_machine_position(step_machine(use->s));
    return false;
}

/* What EL2 has done to them from @from to here. */
static struct lr_use use_since(struct stepper *s, struct arm_position from)
{
    struct arm_position here = timeline_here(s->t);
    struct lr_use use = {.s = s};
    struct timeline_quest all = {
        .filter = {.size = sizeof(struct arm_filter),
                   .events = ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE),
                   .els = ARM_BIT(2)},
        .match = collect,
        .ctx = &use};

    all.filter.cpus[s->cpu / 64] = ARM_BIT(s->cpu % 64);
    if (here.insns > from.insns && timeline_goto(s->t, from) == TIMELINE_THERE)
        timeline_next(s->t, &all, 1, here.insns, NULL);
    timeline_goto(s->t, here);
    return use;
}

/* As arm_checker_owner() has letters: L while it is as a world has it, B when EL2 has read it since
 * the world left, M when EL2 has written it since. */
static void add_lr(const struct stepper *s, unsigned n, const struct arm_crossing *last,
                   const struct lr_use *use, GString *out)
{
    static const char *const states[] = {"invalid", "pending", "active", "pending and active"};
    g_autofree char *name = g_strdup_printf("ICH_LR%u_EL2", n);
    uint64_t v = value_of(s, name);
    char letter = use->written[n].insns ? 'M' : use->read[n].insns ? 'B' : 'L';

    g_string_append_printf(out, "%s: %s", name, states[v >> 62]);
    if (v >> 62)
        g_string_append_printf(out, " interrupt %u%s", (unsigned)v,
                               v >> 61 & 1 ? ", hardware" : "");
    if (letter == 'M')
        g_string_append_printf(out, "; EL2 M, behind %s, since %" PRIu64 "\n", last->world,
                               use->written[n].insns);
    else
        g_string_append_printf(out, "; %s %c since %" PRIu64 "\n", last->world, letter,
                               letter == 'B' ? use->read[n].insns : last->at.insns);
}

bool step_is_list_register(uint32_t number)
{
    return number - arm_reg_number(LR0) < LRS_MOST;
}

void step_list_registers(struct stepper *s, uint32_t number, GString *out)
{
    unsigned count = (unsigned)(value_of(s, "ICH_VTR_EL2") & 31) + 1;
    struct arm_crossing last = {0};

    if (!arm_checker_crossing(s->checker, s->cpu, timeline_here(s->t), false, &last)) {
        g_string_append(out, "list registers: no world has been seen on this CPU\n");
        return;
    }
    struct lr_use use = last.enter ? (struct lr_use){.s = s} : use_since(s, last.at);
    for (unsigned n = 0; n < count && n < LRS_MOST; n++)
        if (number == ARM_NO_REGISTER || number == arm_reg_number(LR0) + n)
            add_lr(s, n, &last, &use, out);
}

/* ---- stage 2 ---- */

struct tables {
    uint64_t root;
    GString *names; /* of the worlds that have these */
};

static void compare_world(void *ctx, const char *line)
{
    struct tables *t = ctx;
    uint64_t root;
    char name[64];

    if (sscanf(line, "world %63s VTTBR 0x%" SCNx64, name, &root) == 2 && root == t->root)
        g_string_append_printf(t->names, " %s", name);
}

void step_stage2(const struct stepper *s, GString *out)
{
    uint64_t vttbr = value_of(s, "VTTBR_EL2"), hcr = value_of(s, "HCR_EL2");
    struct tables t = {vttbr & 0xfffffffffffe, g_string_new(NULL)};
    const char *world = step_world(s, s->cpu);

    arm_checker_worlds(s->checker, compare_world, &t);
    g_string_append_printf(out, "stage 2: %s, tables %#" PRIx64 " VMID %" PRIu64 " of%s",
                           hcr & 1 ? "on" : "off", t.root, vttbr >> 48,
                           t.names->len ? t.names->str : " nobody seen");
    g_string_append_printf(out, "; %s%s\n", world ? "in use by " : "nobody below EL2 runs",
                           world ? world : "");
    g_string_free(t.names, TRUE);
}
