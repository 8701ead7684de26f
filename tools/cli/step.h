/* A session of `armillary step`: a timeline, a checker that knows the worlds, and commands of a
 * line each that are answered in a few lines. The terminal's keys give the same commands. */
#pragma once

#include <glib.h>

#include "armillary.h"
#include "timeline.h"

struct check_request;
struct run_request;
struct why;

enum step_break_kind { BREAK_PC, BREAK_WORLD, BREAK_EVENT };

struct step_break {
    enum step_break_kind kind;
    uint64_t pc;
    uint64_t events;
    char *text;  /* as it was given */
    char *world; /* of BREAK_WORLD: "enter", "exit", or a name */
    struct stepper *s;
};

struct stepper {
    const struct run_request *req;
    struct timeline *t;
    struct arm_checker *checker;
    struct trace_disasm *disasm;
    struct arm_config *machine; /* what the timeline makes machines of */
    unsigned cpu;               /* the one that is looked at */
    uint64_t limit;             /* instructions; 0: none */
    GPtrArray *breaks;          /* struct step_break */
    GString *console;           /* what the guest has printed */
    GString *last;              /* the last answer */
    uint64_t work;              /* timeline_work() of the last answer */
    struct why *why;            /* the last one, which `why more` goes on with; NULL: none */
    bool failed;                /* an expectation was not met */
    bool quit;
    /* Registers of the CPU that is looked at: as they were before the last movement, and are. */
    struct arm_register *regs;
    size_t reg_count;
    uint64_t (*was)[2], (*now)[2];
};

enum step_verdict {
    STEP_OK,
    STEP_UNMET, /* an expectation was not met */
    STEP_WRONG, /* no such command, or not so */
    STEP_HOST,  /* an error of the host */
};

/* Summary of the command's help. */
extern const char step_summary[];

/* NULL: a message was printed. @req and @check live as long. */
struct stepper *step_open(const struct run_request *req, const struct check_request *check);
void step_close(struct stepper *s);

/* Do what @line says; @out gets the answer, whole lines. */
enum step_verdict step_execute(struct stepper *s, const char *line, GString *out);

/* Return: an exit code. @script: a file, "-" for standard input; NULL: the terminal, or standard
 * input if it is none. */
int step_run(const struct run_request *req, const struct check_request *check, const char *script);

/* The terminal program. */
int step_screen(struct stepper *s);

/* ---- what commands share ---- */

typedef enum step_verdict step_fn(struct stepper *s, char **words, GString *out);

#define STEP(name, ...) step_fn do_##name;
#include "tools/cli/step.def"
#undef STEP

static inline struct arm_machine *step_machine(const struct stepper *s)
{
    return timeline_machine(s->t);
}

/* 0 if there is no such register. */
uint64_t step_reg(const struct stepper *s, uint32_t number);
unsigned step_el(const struct stepper *s);

/* "name+0x10", or "": a guest is not what the symbols are of. */
const char *step_symbol(const struct stepper *s, uint64_t address, char *buf, size_t size);
const char *step_symbol_of(const struct stepper *s, unsigned cpu, unsigned el, const char *world,
                           uint64_t address, char *buf, size_t size);

/* The instruction at @pc, as text; false: it cannot be read. */
bool step_insn(const struct stepper *s, uint64_t pc, uint32_t *word, char *text, size_t size);
void step_disassemble(const struct stepper *s, uint64_t pc, uint32_t word, char *text, size_t size);

/* The world that runs on @cpu here, or at @at; NULL: none. */
const char *step_world(const struct stepper *s, unsigned cpu);
const char *step_world_at(const struct stepper *s, unsigned cpu, struct arm_position at);

/* Who has the list registers of this CPU, or the one of @number; who has the tables that VTTBR_EL2
 * names. */
bool step_is_list_register(uint32_t number);
void step_list_registers(struct stepper *s, uint32_t number, GString *out);
void step_stage2(const struct stepper *s, GString *out);

/* The line that says where this is. */
void step_where(const struct stepper *s, GString *out);

/* A number, 0x... or decimal, or a symbol's address. */
bool step_number(const struct stepper *s, const char *text, uint64_t *value);

/* An address of 8 bytes that a command names: pa:ADDR, or a VA at the current EL; as
 * guest-physical. */
bool step_memory(const struct stepper *s, const char *text, uint64_t *pa);

/* A quest for the next write of register @number on this CPU, or of the 8 bytes at @pa (@number is
 * ARM_NO_REGISTER). @target is its context and lives as long. */
struct step_target {
    struct stepper *s;
    uint32_t number;
    uint64_t pa;
    unsigned cpu;   /* whose register */
    bool changes;   /* of memory: only writes of another value than the one before */
    uint64_t value; /* that is this */
};
struct timeline_quest step_write_quest(struct step_target *target);

/* Does an event of those that step_trace() keeps write @target? */
bool step_writes(const struct step_target *target, const struct arm_event *event);

/* All that a stretch of the run does to registers and memory. */
struct step_event {
    struct arm_event event;
    struct arm_position at; /* before its instruction */
};
struct step_trace {
    struct stepper *s;
    GArray *events;           /* struct step_event */
    struct arm_position from; /* it begins here */
};

/* Fill @trace with the @insns instructions before @to; the timeline is there then. */
enum timeline_result step_trace(struct step_trace *trace, struct arm_position to, uint64_t insns);

/* Registers before a movement, which its answer compares with. */
void step_remember(struct stepper *s);

void step_why_free(struct why *why); /* @why: may be NULL */
