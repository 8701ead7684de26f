#include "lockstep.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "signals.h"

#define STRIDE     (UINT64_C(1) << 20) /* instructions between two comparisons of registers */
#define RAM_EVERY  64                  /* of them for one of RAM */
#define CHUNK      65536               /* bytes of RAM at a time */
#define ROOM       1024                /* registers of a CPU */
#define RAM_BASE   UINT64_C(0x40000000)
#define SHOWN_MOST 32

struct pair {
    struct arm_machine *m[2];
    FILE *f;
    enum arm_stop_reason why[2];
};

static const char *const names[2] = {"jit", "interp"};

static void run(struct pair *p, uint64_t insns)
{
    for (unsigned k = 0; k < 2; k++)
        p->why[k] = arm_run(p->m[k], insns);
}

/* ---- comparing ---- */

static void tell_register(const struct pair *p, unsigned cpu, const struct arm_register *r,
                          uint64_t v[2][2])
{
    fprintf(p->f, "cpu%u: %-16s", cpu, r->name);
    for (unsigned k = 0; k < 2; k++) {
        fprintf(p->f, "  %s ", names[k]);
        if (r->width > 64)
            fprintf(p->f, "%016" PRIx64 "_", v[k][1]);
        fprintf(p->f, "%016" PRIx64, v[k][0]);
    }
    fprintf(p->f, "\n");
}

/* How many registers of @cpu differ; with @tell they are printed. */
static unsigned differing(const struct pair *p, unsigned cpu, bool tell)
{
    struct arm_register *list = g_new(struct arm_register, ROOM);
    size_t count = MIN(arm_reg_list(p->m[0], cpu, list, ROOM), ROOM);
    unsigned n = 0;

    for (size_t k = 0; k < count; k++) {
        uint64_t v[2][2] = {{0}};
        if (list[k].alias)
            continue;
        for (unsigned m = 0; m < 2; m++)
            arm_reg_get(p->m[m], cpu, list[k].number, v[m]);
        if (memcmp(v[0], v[1], sizeof(v[0])) == 0)
            continue;
        if (tell && n < SHOWN_MOST)
            tell_register(p, cpu, &list[k], v);
        n++;
    }
    g_free(list);
    return n;
}

static bool same_place(const struct pair *p)
{
    return p->why[0] == p->why[1] && arm_retired(p->m[0]) == arm_retired(p->m[1]) &&
           arm_time_ns(p->m[0]) == arm_time_ns(p->m[1]);
}

static bool same_registers(const struct pair *p)
{
    for (unsigned cpu = 0; cpu < arm_cpu_count(p->m[0]); cpu++)
        if (arm_cpu_state(p->m[0], cpu) != arm_cpu_state(p->m[1], cpu) || differing(p, cpu, false))
            return false;
    return true;
}

/* The first byte of RAM that differs. */
static bool same_ram(const struct pair *p, uint64_t *at)
{
    uint8_t *bytes[2] = {g_malloc(CHUNK), g_malloc(CHUNK)};
    bool same = true;

    for (*at = RAM_BASE; same && arm_mem_read(p->m[0], *at, bytes[0], CHUNK) &&
                         arm_mem_read(p->m[1], *at, bytes[1], CHUNK);
         *at += CHUNK) {
        same = memcmp(bytes[0], bytes[1], CHUNK) == 0;
        for (unsigned k = 0; !same && bytes[0][k] == bytes[1][k]; k++)
            ++*at;
        if (!same)
            break;
    }
    g_free(bytes[0]);
    g_free(bytes[1]);
    return same;
}

/* ---- what is told ---- */

static void tell_state(const struct pair *p)
{
    for (unsigned k = 0; k < 2; k++) {
        struct arm_end end;
        arm_last_end(p->m[k], &end);
        fprintf(p->f, "%s: %" PRIu64 " instructions, %" PRIu64 " ns, cpu%u at EL%u, %#" PRIx64 "\n",
                names[k], arm_retired(p->m[k]), arm_time_ns(p->m[k]), end.cpu, end.el, end.pc);
    }
    for (unsigned cpu = 0; cpu < arm_cpu_count(p->m[0]); cpu++)
        differing(p, cpu, true);
}

static void tell_insn(const struct pair *p)
{
    struct arm_end end;
    uint32_t word = 0;

    arm_last_end(p->m[1], &end);
    if (arm_virt_read(p->m[1], end.cpu, end.el, end.pc, &word, sizeof(word)))
        fprintf(p->f, "armillary: by the instruction at %#" PRIx64 ": %08x %s\n", end.pc, word,
                arm_insn_name(word));
}

/* ---- finding the instruction ---- */

struct point {
    struct arm_snapshot *s[2];
};

static void forget(struct point *point)
{
    for (unsigned k = 0; k < 2; k++)
        arm_snapshot_free(point->s[k]);
    *point = (struct point){{NULL, NULL}};
}

/* Both machines as they are. False: the host or a device lets us not. */
static bool take(const struct pair *p, struct point *point)
{
    struct arm_error err = {0};

    forget(point);
    for (unsigned k = 0; k < 2; k++)
        if (!(point->s[k] = arm_snapshot_take(p->m[k], &err))) {
            fprintf(p->f, "armillary: --engine=lockstep: %s\n", err.text);
            return false;
        }
    return true;
}

static bool go_to(struct pair *p, const struct point *from, uint64_t insns)
{
    struct arm_error err;

    for (unsigned k = 0; k < 2; k++)
        if (arm_snapshot_restore(p->m[k], from->s[k], &err) != 0)
            return false;
    p->why[0] = p->why[1] = ARM_STOP_LIMIT;
    if (insns)
        run(p, insns);
    return true;
}

static bool same(const struct pair *p)
{
    return same_place(p) && same_registers(p);
}

/* They are the same at @from, and @insns instructions on they are not: where they first differ. */
static void find(struct pair *p, const struct point *from, uint64_t insns)
{
    uint64_t lo = 0, hi = insns;

    if (!go_to(p, from, hi) || same(p)) {
        fprintf(p->f,
                "armillary: not so in a second run: it depends on what had been translated\n");
        return;
    }
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (!go_to(p, from, mid))
            return;
        if (same(p))
            lo = mid;
        else
            hi = mid;
    }
    if (!go_to(p, from, lo))
        return;
    tell_insn(p);
    run(p, 1);
    fprintf(p->f, "armillary: the first difference:\n");
    tell_state(p);
}

struct lockstep_end lockstep_pair(struct arm_machine *a, struct arm_machine *b, uint64_t max_insns,
                                  FILE *f)
{
    struct pair p = {.m = {a, b}, .f = f};
    struct lockstep_end end = {0};
    struct point from = {{NULL, NULL}};
    uint64_t start = arm_retired(a), at = 0;

    for (unsigned n = 1;; n++) {
        uint64_t done = arm_retired(a) - start;
        uint64_t insns = max_insns && max_insns - done < STRIDE ? max_insns - done : STRIDE;
        end.failed = !take(&p, &from);
        if (end.failed)
            break;
        run(&p, insns);
        bool over = p.why[0] != ARM_STOP_LIMIT || arm_retired(a) - start == max_insns;
        end.why = p.why[0];
        if (signals_seen())
            break;
        end.differ = !same(&p);
        if (!end.differ && (over || n % RAM_EVERY == 0) && !same_ram(&p, &at)) {
            end.differ = true;
            fprintf(f, "armillary: --engine=lockstep: RAM differs at %#" PRIx64 "\n", at);
            tell_state(&p);
        } else if (end.differ) {
            fprintf(f, "armillary: --engine=lockstep: the engines differ\n");
            tell_state(&p);
            find(&p, &from, insns);
        }
        if (over || end.differ)
            break;
    }
    forget(&from);
    return end;
}
