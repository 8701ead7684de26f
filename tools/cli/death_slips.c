/* Slips whose exception says something else than what was meant: a stack that was never set, a null
 * function, a return to itself, an EL0 that nobody wanted, a value that never comes. */
#include <inttypes.h>
#include <string.h>

#include "death_trace.h"

#define RET   UINT32_C(0xd65f03c0)
#define ERET  UINT32_C(0xd69f03e0)
#define SLACK UINT64_C(0x10000) /* how far below an SP of 0 one may have pushed */

/* BLR Xn, whatever it authenticates. */
static bool is_indirect_call(uint32_t word)
{
    return (word & 0xfefff000) == 0xd63f0000;
}

/* A load or store whose base is register 31: bits 9:5 of the class of loads and stores. */
static bool is_by_sp(uint32_t word)
{
    return (word & 0x0a000000) == 0x08000000 && (word >> 5 & 31) == 31;
}

bool death_explain_no_stack(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    uint32_t word;

    if (f->far + SLACK > 2 * SLACK ||
        (death_ec(f) != ESR_EC_DABT_CUR && death_ec(f) != ESR_EC_DABT_LOW) ||
        !death_insn(c, f->cpu, f->from, f->elr, &word) || !is_by_sp(word))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, f->elr);
    g_string_printf(v->cause,
                    "the stack of EL%u was never set: SP is 0 or just below, and at %s something "
                    "is pushed",
                    f->from, at);
    g_string_printf(
        v->evidence, "the access is to %#" PRIx64 ", by SP_EL%u%s", f->far,
        f->spsr & 1 ? f->from : 0,
        f->spsr & 1 || !f->from ? "" : " (PSTATE.SP is 0; with SPSel 1 each EL has its own)");
    g_string_assign(v->next, "give SP the end of some memory, a multiple of 16, before the first "
                             "call; each CPU and each EL has its own");
    return true;
}

bool death_explain_null_call(const struct corpse *c, const struct death_fault *f, struct verdict *v)
{
    uint64_t lr = death_reg(c, f->cpu, "x30");
    uint32_t word;

    if (f->elr >= 4096 || !death_insn(c, f->cpu, f->from, lr - 4, &word) || !is_indirect_call(word))
        return false;
    g_autofree char *at = death_place(c, f->cpu, f->from, lr - 4);
    g_string_printf(v->cause, "a call of a null function: BLR X%u at %s went to %#" PRIx64,
                    (unsigned)word >> 5 & 31, at, f->elr);
    if (death_add_origin(c, f, word >> 5 & 31, v->evidence))
        g_string_append(v->evidence, ": not initialised, or .data and .bss not loaded, or a table "
                                     "without that entry");
    else
        g_string_assign(v->evidence, "the pointer was never set: .bss or .data not loaded or "
                                     "cleared later, or a table without that entry");
    g_string_assign(v->next, "find who should have set it: `watch` of gdb and reverse-continue");
    return true;
}

bool death_add_why_el0(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_return *r = c->history ? &c->history->entered[f->cpu] : NULL;

    if (f->from != 0 || !r || !r->valid || r->to != 0)
        return false;
    g_autofree char *at = death_place(c, f->cpu, r->from, r->pc);
    g_string_printf(out,
                    "it is at EL0 since the ERET at %s, whose SPSR_EL%u was %#" PRIx64
                    ": M[3:0] is 0, EL0t",
                    at, r->from, r->spsr);
    return true;
}

/* BL, and BLR: C4.1.93 "Unconditional branch". */
static bool is_call(uint32_t word)
{
    return (word & 0xfc000000) == 0x94000000 || is_indirect_call(word);
}

#define BACK_INSNS 64 /* in so many it comes round again */

/* A function that was interrupted returns to behind a call in the handler, which has left that in
 * X30; the ERET there leads to the function again. */
static bool explain_handlers_x30(const struct corpse *c, struct verdict *v)
{
    uint64_t x30 = death_reg(c, c->cpu, "x30");
    const struct arm_event *p, *behind = NULL, *ret = NULL, *eret = NULL;
    unsigned el = death_el(c, c->cpu);
    uint32_t word;

    for (unsigned n = 0; n < BACK_INSNS && (p = death_trace_back(c->trace, n)); n++) {
        if (p->kind != ARM_EVENT_INSN)
            continue;
        if (p->insn.word == ERET)
            eret = p;
        if (p->insn.word == RET && behind && behind->pc == x30)
            ret = p;
        behind = p;
    }
    if (!ret || !eret || !death_insn(c, c->cpu, el, x30 - 4, &word) || !is_call(word))
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, ret->pc);
    g_autofree char *call = death_place(c, c->cpu, el, x30 - 4);
    g_autofree char *back = death_place(c, c->cpu, el, eret->pc);
    g_string_printf(v->cause,
                    "the RET at %s goes into a handler, to behind its call at %s, and the ERET at "
                    "%s back, for ever: the handler has lost X30",
                    at, call, back);
    g_string_assign(v->evidence, "that call has written X30, in which the function that was "
                                 "interrupted had its return address");
    g_string_assign(v->next, "a handler that calls functions saves X0 to X18 and X30 before, and "
                             "loads them before ERET");
    return true;
}

bool death_explain_return_to_itself(const struct corpse *c, struct verdict *v)
{
    uint64_t pc = death_reg(c, c->cpu, "pc");
    unsigned el = death_el(c, c->cpu);
    uint32_t word;

    if (!death_insn(c, c->cpu, el, pc, &word))
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, pc);
    if (word == ERET && death_reg_el(c, c->cpu, "ELR", el) == pc) {
        g_string_printf(v->cause,
                        "the ERET at %s returns to itself for ever: ELR_EL%u is its own address",
                        at, el);
        g_string_printf(v->evidence,
                        "an exception that EL%u took within its own handler has overwritten "
                        "ELR_EL%u and SPSR_EL%u (SPSR_EL%u is %#" PRIx64 ")",
                        el, el, el, el, death_reg_el(c, c->cpu, "SPSR", el));
        g_string_assign(v->next, "save ELR_ELx and SPSR_ELx at the handler's beginning, before "
                                 "anything that may take an exception; restore them before ERET");
        return true;
    }
    if (word != RET || death_reg(c, c->cpu, "x30") != pc)
        return c->kind == DEATH_SPIN && explain_handlers_x30(c, v);
    g_string_printf(v->cause, "the RET at %s returns to itself for ever: X30 is its own address",
                    at);
    g_string_assign(v->evidence, "a function that calls another one has not saved X30 before");
    g_string_assign(v->next, "stp x29, x30, [sp, #-16]! at its beginning, and ldp before RET");
    return true;
}

/* ---- what gives up by itself ---- */

/* Functions that programs end in when they have found an error, and why. */
static const struct {
    const char *name, *what;
} ends[] = {
    {"__stack_chk_fail", "a function's stack canary was overwritten: an array of its caller's "
                         "frame was written beyond its end"},
    {"panic", "a panic"},
    {"rust_begin_unwind", "a panic of Rust"},
    {"abort", "abort()"},
    {"__cxa_pure_virtual", "a pure virtual function was called: of an object that is not yet "
                           "constructed, or no longer"},
    {"assert_fail", "an assertion has failed"},
    {"__assert_fail", "an assertion has failed"},
    {"__assert_func", "an assertion has failed"},
    {"bug", "BUG()"},
};

/* "0x40080010 (panic+0x10)": is that its name? */
static bool is_in(const char *place, const char *name)
{
    const char *symbol = strchr(place, '(');
    size_t n = strlen(name);

    return symbol && strncmp(symbol + 1, name, n) == 0 && symbol[1 + n] == '+';
}

/* Which of the frames of c->cpu is in one; G_N_ELEMENTS(ends): none. */
static size_t find_end(const struct corpse *c, unsigned *el, uint64_t pcs[DEATH_FRAMES],
                       unsigned *count, unsigned *frame)
{
    *count = death_frames(c, el, pcs);
    for (*frame = 0; *frame < *count; (*frame)++) {
        /* What was called may be the last instruction of its function. */
        g_autofree char *at = death_place(c, c->cpu, *el, pcs[*frame] - (*frame ? 4 : 0));
        for (size_t k = 0; k < G_N_ELEMENTS(ends); k++)
            if (is_in(at, ends[k].name))
                return k;
    }
    return G_N_ELEMENTS(ends);
}

bool death_find_given_up(const struct corpse *c, unsigned *cpu)
{
    struct corpse one = *c;
    uint64_t pcs[DEATH_FRAMES];
    unsigned el, count, frame;

    for (one.cpu = 0; one.cpu < arm_cpu_count(c->m); one.cpu++)
        if (arm_cpu_state(c->m, one.cpu) != ARM_CPU_OFF &&
            find_end(&one, &el, pcs, &count, &frame) < G_N_ELEMENTS(ends)) {
            *cpu = one.cpu;
            return true;
        }
    return false;
}

bool death_explain_given_up(const struct corpse *c, struct verdict *v)
{
    uint64_t pcs[DEATH_FRAMES];
    unsigned el, count, frame;
    size_t k = find_end(c, &el, pcs, &count, &frame);

    if (k == G_N_ELEMENTS(ends))
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, pcs[frame]);
    g_string_printf(v->cause, "the program has given up: cpu%u %s %s", c->cpu,
                    frame ? "is in" : "stands at", at);
    /* X30 may be of a call of its own: then its frame has it. */
    while (++frame < count) {
        g_autofree char *by = death_place(c, c->cpu, el, pcs[frame] - 4);
        if (is_in(by, ends[k].name))
            continue;
        g_string_append_printf(v->cause, ", called at %s", by);
        break;
    }
    g_string_assign(v->evidence, ends[k].what);
    bool unheard = death_add_last_words(c, v->evidence);
    g_string_assign(v->next, "the backtrace below has who called it; `break` of gdb there, and "
                             "reverse-continue");
    if (unheard)
        g_string_prepend(v->next, "console=ttyAMA0 and earlycon in --append show what it says; ");
    return true;
}

/* ---- a loop that asks for a value ---- */

#define ROUND_INSNS 4 /* of a loop that asks, at most */

/* What a loop reads, and decides by. */
struct asked {
    uint64_t loop; /* its first instruction */
    uint64_t address, value;
    unsigned bytes;
    bool exclusive; /* as a lock's word is read */
};

/* C4.1.94 "Loads and Stores": LDR of a general register with an unsigned offset, and LDAR, LDXR,
 * LDAXR of one: the address by the registers as they are. False: another instruction. */
static bool is_load(const struct corpse *c, uint32_t word, unsigned *target, struct asked *a)
{
    bool offset = (word & 0x3fc00000) == 0x39400000,
         ordered = (word & 0x3f600000) == 0x08400000 || (word & 0x3fe00000) == 0x08c00000;
    unsigned base = word >> 5 & 31;
    char name[8];

    *target = word & 31;
    if ((!offset && !ordered) || base == 31 || base == *target)
        return false;
    g_snprintf(name, sizeof(name), "x%u", base);
    a->address = death_reg(c, c->cpu, name);
    if (offset)
        a->address += (uint64_t)(word >> 10 & 0xfff) << (word >> 30);
    g_snprintf(name, sizeof(name), "x%u", *target);
    a->value = *target < 31 ? death_reg(c, c->cpu, name) : 0;
    a->bytes = 1u << (word >> 30);
    a->exclusive = (word & 0x3fe00000) == 0x08400000;
    return true;
}

/* CBZ, CBNZ, TBZ, TBNZ of register @target, back to @first at @pc. */
static bool asks_again(uint32_t word, unsigned target, uint64_t pc, uint64_t first)
{
    bool compare = (word & 0x7e000000) == 0x34000000, test = (word & 0x7e000000) == 0x36000000;
    uint32_t words = compare ? word >> 5 & 0x7ffff : word >> 5 & 0x3fff;
    uint32_t sign = compare ? 0x40000 : 0x2000;
    int64_t offset = ((int64_t)(words ^ sign) - (int64_t)sign) * 4;

    return (compare || test) && (word & 31) == target && pc + (uint64_t)offset == first;
}

/* A loop of few instructions that begins with a load, is left by its value, and has @pc in it. */
static bool find_asked(const struct corpse *c, unsigned el, uint64_t pc, struct asked *a)
{
    uint32_t word;
    unsigned target;

    for (uint64_t first = pc - 4 * (ROUND_INSNS - 1); first <= pc; first += 4) {
        if (!death_insn(c, c->cpu, el, first, &word) || !is_load(c, word, &target, a))
            continue;
        for (uint64_t at = first + 4; at < first + 4 * ROUND_INSNS; at += 4)
            if (at >= pc && death_insn(c, c->cpu, el, at, &word) &&
                asks_again(word, target, at, first)) {
                a->loop = first;
                return true;
            }
    }
    return false;
}

bool death_explain_asking(const struct corpse *c, struct verdict *v)
{
    uint64_t pc = death_reg(c, c->cpu, "pc");
    unsigned el = death_el(c, c->cpu), others = 0;
    struct arm_translation t;
    struct asked a;
    uint64_t now = 0;

    if (c->kind != DEATH_SPIN || !find_asked(c, el, pc, &a))
        return false;
    for (unsigned k = 0; k < arm_cpu_count(c->m); k++)
        others += k != c->cpu && arm_cpu_state(c->m, k) != ARM_CPU_OFF;
    bool ram = arm_translate(c->m, c->cpu, el, a.address, ARM_ACCESS_READ, &t) &&
               arm_mem_read(c->m, t.pa, &now, a.bytes);
    g_autofree char *at = death_place(c, c->cpu, el, a.loop);
    g_string_printf(v->cause,
                    "it asks again and again for %s at %#" PRIx64 ", which stays %#" PRIx64
                    ": in the loop at %s",
                    !ram          ? "a device's register"
                    : a.exclusive ? "a lock"
                                  : "a value",
                    a.address, a.value, at);
    if (!ram && !death_add_other_board(c, a.address, v->evidence))
        g_string_assign(v->evidence, "the device has no reason to change it");
    else if (!ram)
        g_string_append(v->evidence, "; nothing is here");
    else
        g_string_printf(v->evidence, "%u other CPU(s) are on, and nothing has written it", others);
    if (ram && now != a.value && !others) {
        g_string_printf(v->evidence,
                        "the tables lead to PA %#" PRIx64 " now, where there is %#" PRIx64
                        ": the CPU has an old translation, and a TLBI is missing",
                        t.pa, now);
        g_string_assign(v->next, "where a descriptor that was valid becomes another: write 0, DSB, "
                                 "TLBI of the address, DSB, then the new one (break-before-make)");
        return true;
    }
    g_string_assign(
        v->next, !ram          ? "is it this register and bit, and is the device enabled?"
                 : a.exclusive ? "who holds it? `watch` of gdb and reverse-continue say who took it"
                               : "who should write it? `watch` of gdb and reverse-continue say "
                                 "who did last");
    return true;
}
